"""The command `sync-worker`. An error is one or two lines on stderr; the exit code says what to do next.

app.py         the root: which command stands in which file, and what each error means
core/          what every command needs: arguments, output, mistakes in files
people/        people, tokens
associations/  associations, companies
tell/          feed, mail, journeys
deals/         deals, prices
sync/          pull, push, compare, conflicts
operate/       run, web, schedule, worker, db, status, portals, mappings, check, provision, plan, failures, runs, waits, sandbox

A folder imports only `core/` and itself.
"""

from sync_worker.cli.app import main

__all__ = ["main"]
