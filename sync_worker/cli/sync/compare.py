"""`compare`: which records are gone or missing, and which fields differ from the CRM's; `--repair` reads them again, as a poll does."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import AsJson, PortalName, WhilePaused, bar, refuse_paused, stopping_gently, tenant_of, work_off
from sync_worker.cli.core.news import news, open_ids, tell
from sync_worker.cli.core.output import Caption, err, out, show, show_json
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.compare import Comparison, Difference, repair
from sync_worker.steps.sync.ingest.compare import compare as compare_portal
from sync_worker.steps.sync.ingest.take_back import take_back


def compare(
    portal: PortalName,
    repairs: Annotated[
        bool, typer.Option("--repair", help="Read again what differs, write what is owed, and mark records that are gone.")
    ] = False,
    was_restored: Annotated[
        bool, typer.Option("--restored", help="Say this after a restore: take back from the CRM what only the portal writes.")
    ] = False,
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Compares every company and deal with its CRM record, and asks the CRM which records are missing here.

    Without an option it changes nothing. On Salesforce it costs two calls for 2,000 records, on HubSpot one for 100 and one more for 200.

    Use --restored after a restore, before the processes start. It takes back from the CRM the approvals and states that the portal wrote
    after the backup. Without it the processes would write the backup's values over them.

    Exit 1 if something differs and was not repaired, or if a failure or problem was opened. A repaired field is shown as it was before.

    Example: sync-worker compare acme --repair
    """
    with stopping_gently() as services, tenant_of(portal, services) as tenant:
        refuse_paused(tenant, while_paused=while_paused)
        before, rows = open_ids(tenant), list[dict[str, Any]]()
        comparison = _watched(tenant)
        left = comparison.differences
        if was_restored and left:
            count = take_back(tenant, comparison)
            err.print(f"{count} deals took back from the CRM what only the portal writes", highlight=False)
            left = _watched(tenant).differences
        if repairs and left:
            rows = work_off(tenant, repair(tenant, comparison).follow_ups)
            left = _watched(tenant).differences
        found = news(tenant, before, runs=[comparison.run_id, *(row["run"] for row in rows)])
    _print(comparison, left, as_json=as_json)
    if left:
        advice = f"sync-worker failures list {portal}" if repairs else f"sync-worker compare {portal} --repair"
        err.print(f"{len(left)} still differ: {advice}" if repairs else f"something differs: {advice}", highlight=False)
    tell(portal, found)
    if left or found.opened:
        raise typer.Exit(1)


def _watched(tenant: Tenant) -> Comparison:
    """A comparison that shows how far it has come."""
    with bar("comparing") as (progress, task):

        def tell(words: str, done: int, total: int | None) -> None:
            progress.update(task, description=words, completed=done, total=total)

        return compare_portal(tenant, on_page=tell)


def _print(comparison: Comparison, left: list[Difference], *, as_json: bool) -> None:
    rows = [_row(one, is_repaired=one not in left) for one in comparison.differences]
    if as_json:
        sums = {"records": comparison.counts.read, "fields": comparison.field_count, "census": comparison.census_count}
        show_json({"run": comparison.run_id, **sums, "left_out": comparison.left_out, "differences": rows})
        return
    show(rows, columns=("record", "crm_id", "field", "portal", "crm", "repaired"), as_json=False, caption=Caption(empty="nothing differs"))
    compared = f"{comparison.counts.read} records, {comparison.field_count} fields compared"
    out.print(f"{compared}; the CRM names {comparison.census_count} records as ours", highlight=False)
    for name in comparison.left_out:
        out.print(f"{name} was left out: the CRM does not show a field that these records need", highlight=False)


def _row(one: Difference, *, is_repaired: bool) -> dict[str, object]:
    sides = {"portal": "missing" if one.is_missing else one.portal, "crm": "gone" if one.is_gone else one.crm}
    place = {"record": one.record, "id": one.id, "crm_id": one.crm_id, "field": one.field or "(the record)"}
    return {**place, **sides, "repaired": is_repaired}
