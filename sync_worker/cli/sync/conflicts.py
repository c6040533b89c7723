"""`conflicts`: fields that both sides changed; which waits for a person, and the person's word."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sync_worker.cli.core.command import AsJson, PortalName, one_of_many, refuse, say_waits, tenant_of
from sync_worker.cli.core.output import Caption, err, out, show, show_json, show_one
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.reconcile import Take
from sync_worker.errors import ConfigError
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.resolve import Dispute, disputes
from sync_worker.steps.operate.resolve import dispute as find_dispute
from sync_worker.steps.operate.resolve import resolve as resolve_conflict

app = typer.Typer(no_args_is_help=True, help="Fields that both sides changed.")

COLUMNS = ("id", "deal", "field", "rule", "base", "crm", "portal", "state", "opened")
ConflictId = Annotated[str, typer.Argument(metavar="CONFLICT", help="Its id, or the beginning of it.", show_default=False)]


@app.command(name="list")
def list_(
    portal: PortalName,
    everything: Annotated[bool, typer.Option("--all", help="Those that are resolved too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Conflicts that wait for a person, the latest first. Neither side is written until somebody decides.

    Example: sync-worker conflicts list acme
    """
    with tenant_of(portal) as tenant:
        found, now = disputes(tenant, include_resolved=everything), tenant.services.clock()
    rows = [{**asdict(one), "deal": one.deal_name or one.deal_id, "state": one.state} for one in found]
    shown = rows if as_json else [{**row, "id": row["id"][:8], "opened": row["opened_at"]} for row in rows]
    show(shown, columns=COLUMNS, as_json=as_json, now=now, caption=Caption(f"conflicts of {portal}", empty="none"))


@app.command(name="show")
def show_(portal: PortalName, conflict: ConflictId, as_json: AsJson = False) -> None:
    """One conflict whole: both values, the one they last agreed on, the record, and how it ended.

    Example: sync-worker conflicts show acme 4f3c2a1b
    """
    with tenant_of(portal) as tenant:
        found, now = _find(tenant, conflict), tenant.services.clock()
    if as_json:
        show_json({**asdict(found), "state": found.state})
        return
    told = {name.replace("_", " "): value for name, value in asdict(found).items() if value not in ("", None)}
    show_one({**told, "state": found.state}, as_json=False, now=now)
    if found.is_open:
        out.print(f"decide: sync-worker conflicts resolve {portal} {found.id[:8]} --take crm --actor NAME", highlight=False)


@app.command()
def resolve(
    portal: PortalName,
    conflict: ConflictId,
    take: Annotated[Take, typer.Option(help="Whose value counts.")],
    actor: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the conflict.")] = "",
    as_json: AsJson = False,
) -> None:
    """Takes one side's value, if both sides still hold what you have seen. The CRM's is applied at once, the portal's with the next push.
    In a portal that a person has paused the decision is kept, and applied when the portal is resumed.

    Example: sync-worker conflicts resolve acme 4f3c2a1b --take portal --actor Olga --reason "the partner confirmed it"
    """
    with tenant_of(portal) as tenant:
        done = resolve_conflict(tenant, conflict, take=take, actor=actor, reason=reason)
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        say_waits(tenant)
    if as_json:
        show_json({**asdict(done.dispute), "is_applied": done.is_applied})
    else:
        out.print(f"{done.dispute.field}: the {take}'s value counts", highlight=False)
    if done.halt:
        return
    if not done.is_applied:
        err.print("kept; it is applied when the record is read the next time: somebody else is reading just now, or it cannot be read")
    elif take == "portal":
        err.print(f"the CRM hears of it with the next push: sync-worker push {portal}", highlight=False)


def _find(tenant: Tenant, reference: str) -> Dispute:
    found = find_dispute(tenant, reference)
    if found is None:
        raise ConfigError(
            f"portal {tenant.name}: {one_of_many('conflict', reference)} — `sync-worker conflicts list {tenant.name} --all` shows the ids"
        )
    return found
