"""`portals`: which are installed, and how each stands."""

from __future__ import annotations

from typing import Any

import typer

from sync_worker.cli.output import show, show_json
from sync_worker.cli.work import AsJson, PortalName, opened
from sync_worker.crm.budget import SHARES, Budget
from sync_worker.steps.tenant import Tenant
from sync_worker.store import associations, companies, cursors, deals, failures, interventions, notices, outbox, portals
from sync_worker.store.breakers import resting
from sync_worker.store.due import standings

app = typer.Typer(no_args_is_help=True, help="Portals: which there are, how each stands.")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Every portal file, in short, and which portals rest after an error; `portals show` says why.

    Example: sync-worker portals list
    """
    with opened() as installation:
        with installation.store.reading("") as tx:
            paused = {
                name: row.paused_until_at for name, row in standings(tx).items() if row.paused_until_at and row.paused_until_at > tx.now
            }
        rows = [
            {
                "portal": portal.name,
                "crm": portal.crm.kind,
                "mapping": portal.crm.mapping,
                "two_tier": portal.two_tier,
                "associations": portal.associations.mode,
                "deals": portal.deals.record,
                "pull_every_s": portal.schedule.pull_s,
                "paused_until": paused.get(portal.name),
            }
            for portal in installation.portals
        ]
    show(rows, columns=("portal", "crm", "mapping", "two_tier", "associations", "deals", "pull_every_s", "paused_until"), as_json=as_json)


@app.command(name="show")
def show_(portal: PortalName, as_json: AsJson = False) -> None:
    """One portal: how far it has read, what waits, what is open, and how many calls are left for which work.

    Example: sync-worker portals show acme
    """
    with opened() as installation:
        row = standing(installation.tenant(portal)) | allowance(installation.budget(portal))
    if as_json:
        show_json(row)
    else:
        show([{"what": name, "value": value} for name, value in row.items()], columns=("what", "value"), as_json=False, title=portal)


def standing(tenant: Tenant) -> dict[str, Any]:
    """How the portal stands, as a row."""
    with tenant.store.reading(tenant.name) as tx:
        row = portals.get(tx)
        read_up_to = {name: cursor.high_water_at for name in tenant.readable_records() if (cursor := cursors.get(tx, name))}
        bound, unbound = associations.counts(tx)
        return {
            "association_mode": row.mode if row else tenant.portal.associations.mode,
            "paused_until": row.paused_until_at.isoformat() if row and row.paused_until_at else None,
            "paused_because": row.paused_because if row else None,
            **{f"read_up_to ({name})": at.isoformat() if at else None for name, at in read_up_to.items()},
            **{f"active {kind}": count for kind, count in companies.count_by_type(tx).items()},
            "contract values bound": bound,
            "contract values that name nobody": unbound,
            **{f"deals {lifecycle}": count for lifecycle, count in deals.count_by_lifecycle(tx).items()},
            **{f"outbox {state}": count for state, count in outbox.counts(tx).items()},
            **{f"notices {object_}": count for object_, count in notices.counts(tx).items()},
            **{f"open {kind}s": count for kind, count in failures.counts(tx).items()},
            **{f"resting {cause.code} ({cause.object})": f"until {until_at.isoformat()}" for cause, until_at in resting(tx).items()},
            "replays that are not finished": len(interventions.unfinished(tx)),
        }


def allowance(budget: Budget) -> dict[str, Any]:
    """The day's calls, as a part of the portal's row. **Shapes** None where no limit is known."""
    count, day = budget.standing()
    row: dict[str, Any] = {
        "calls counted": f"the account's day ({count.zone})" if count.zone else "the last 24 hours",
        "calls made": sum(day.used.values()),
        "calls left": day.left,
    }
    for share in SHARES:
        until_at = budget.waits_until(share)
        row |= {
            f"calls {share} made": day.used[share],
            f"calls {share} may make now": day.room(share),
            f"calls {share} waits until": until_at.isoformat() if until_at else None,
        }
    return row
