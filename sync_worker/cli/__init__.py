"""The command `sync-worker`: one file per group of commands. An error is one or two lines on stderr; the exit code says what to do next."""

from sync_worker.cli.app import main

__all__ = ["main"]
