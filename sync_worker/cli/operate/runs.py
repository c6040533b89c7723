"""`runs`: what the worker did, with counts that add up."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import AsJson, PortalName, one_of_many, opened, tenant_of
from sync_worker.cli.core.output import Caption, Limit, cut, most_of, show, show_one
from sync_worker.errors import ConfigError
from sync_worker.store.core import runs
from sync_worker.store.core.runs import Run

app = typer.Typer(no_args_is_help=True, help="Shows what the worker did, run by run.")

COLUMNS = ("id", "verb", "object", "started", "state", "read", "applied", "unchanged", "skipped", "failed", "written", "calls")


@app.command(name="list")
def list_(portal: PortalName, limit: Limit = None, as_json: AsJson = False) -> None:
    """Lists runs, the latest first. In each of them read = applied + unchanged + skipped + failed.

    Example: sync-worker runs list acme
    """
    most = most_of(limit, shown=30, as_json=as_json)
    with tenant_of(portal) as tenant, tenant.store.side_transaction(portal) as tx:
        runs.close_left(tx)
        rows = cut([as_row(run) for run in runs.listed(tx, limit=most and most + 1)], most)
        now = tx.now
    shown = [{**row, "id": row["id"][:8], "started": row["started_at"]} for row in rows]
    show(rows if as_json else shown, columns=COLUMNS, as_json=as_json, now=now, caption=Caption(f"runs of {portal}", empty="none yet"))


@app.command(name="show")
def show_(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or the beginning of it.")], as_json: AsJson = False
) -> None:
    """Shows one run in full, with the reasons why records were skipped.

    Example: sync-worker runs show 4f3c2a1b
    """
    with opened() as installation:
        for name in installation.names:
            with installation.store.side_transaction(name) as tx:
                runs.close_left(tx)
                found, now = runs.get(tx, run), tx.now
            if found:
                break
        else:
            what = f"{one_of_many('run', run)}; a run that no history names is deleted after `retention.runs`"
            raise ConfigError(f"{what} — `sync-worker runs list PORTAL` shows the ids")
    show_one(as_row(found), as_json=as_json, now=now)


def as_row(run: Run) -> dict[str, Any]:
    """A run as a row."""
    counts = {name: getattr(run.counts, name) for name in runs.NUMBERS}
    return {
        "id": run.id,
        "verb": run.verb,
        "object": run.object,
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "finished_at": run.finished_at.isoformat(timespec="seconds") if run.finished_at else None,
        "state": run.state,
        "error": run.error,
        **counts,
        "skips": ", ".join(f"{reason} {count}" for reason, count in sorted(run.counts.skips.items())),
    }
