"""`plan`: what a pull and a push would change, on both sides, field by field, and what they would cost; nothing is changed."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_worker.cli.core.command import AsJson, PortalName, WhilePaused, bar, refuse_paused, stopping_gently, tenant_of
from sync_worker.cli.core.output import err, out, show, show_json
from sync_worker.domain.operate.plan import COLUMNS, KINDS, SHOWN_COUNT, Plan, rows_of
from sync_worker.errors import Stopped
from sync_worker.steps.operate.plan import plan as plan_portal
from sync_worker.steps.sync.ingest.backfill import wanted


def plan(
    portal: PortalName,
    full: Annotated[
        bool, typer.Option("--full", help="Read every record, as `pull --full` does. It shows what an edited mapping changes.")
    ] = False,
    backfill: Annotated[
        str | None,
        typer.Option(
            "--backfill", metavar="FIELD", help="Read only this field of all records, as `pull --backfill` does.", show_default=False
        ),
    ] = None,
    no_read: Annotated[bool, typer.Option("--no-read", help="Read nothing from the CRM. Plan with what the database has.")] = False,
    everything: Annotated[bool, typer.Option("--all", help=f"List all of each kind, and not only the first {SHOWN_COUNT}.")] = False,
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Shows what a pull and a push would do: companies, associations, fields on both sides, conflicts, API calls, minutes. Changes nothing.

    After an edit of a portal or mapping file it shows what the edit would do. Reading costs API calls, which it counts.
    Exit 1 when something would need a person: a conflict, the mass-change brake, a record that could not be applied, or a failure or
    problem that would open. A pull would end with 1 as well.

    Example: sync-worker plan acme --backfill attributes.region
    """
    if full + no_read + (backfill is not None) > 1:
        raise typer.BadParameter("--full reads everything, --backfill one field and --no-read nothing: take one of them")
    with stopping_gently() as services, tenant_of(portal, services) as tenant, bar("planning") as (progress, task):

        def tell(record: str, done: int, total: int | None) -> None:
            progress.update(task, description=f"planning: {record}", completed=done, total=total)

        if not no_read:
            refuse_paused(tenant, while_paused=while_paused)
        try:
            only = wanted(tenant, backfill, tenant.readable_records()) if backfill else None
            limit = None if everything else SHOWN_COUNT
            found = plan_portal(tenant, is_full=full, reads=not no_read, only=only, limit=limit, on_page=tell)
        except Stopped:
            raise Stopped("nothing was changed; a plan begins again each time") from None
    if as_json:
        show_json(found.document())
    else:
        _print(found, reading="a backfill" if backfill else "a pull")
    if found.needs_a_person:
        err.print("something here needs a person: look at what is held, at conflicts and at failures before you pull", highlight=False)
        raise typer.Exit(1)


def _print(found: Plan, *, reading: str) -> None:
    for words in found.held:
        out.print(f"the brake would hold this: {words}\n", markup=False, highlight=False)
    for words in found.stays:
        out.print(f"{words}\n", markup=False, highlight=False)
    for kind, words in KINDS.items():
        listing = found.listings[kind]
        if listing.count:
            out.print(f"{words}: {listing.count:,}", highlight=False)
            show(list(rows_of(kind, listing.shown)), columns=COLUMNS[kind], as_json=False)
            more = listing.count - len(listing.shown)
            out.print(f"… and {more:,} more (--all lists them)\n" if more else "", highlight=False)
    if found.is_empty:
        out.print("nothing would change")
    cost = found.cost
    spent = f"API calls: {cost.used:,} to plan this; {reading} and a push would take about {cost.needed:,}"
    out.print(f"{spent}, {cost.minutes:g} minutes", highlight=False)
