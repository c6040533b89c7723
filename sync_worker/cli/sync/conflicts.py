"""`conflicts`: fields that both sides changed, which of them wait for a person, and that person's decision."""

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

app = typer.Typer(no_args_is_help=True, help="Shows fields that both sides changed, and takes a person's decision.")

COLUMNS = ("id", "deal", "field", "rule", "base", "crm", "portal", "state", "opened")
ConflictId = Annotated[str, typer.Argument(metavar="CONFLICT", help="The conflict's id, or the beginning of it.", show_default=False)]


@app.command(name="list")
def list_(
    portal: PortalName,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists conflicts that wait for a person, the latest first. Neither side is written until a person decides.

    Example: sync-worker conflicts list acme
    """
    with tenant_of(portal) as tenant:
        found, now = disputes(tenant, include_resolved=everything), tenant.services.clock()
    rows = [{**asdict(one), "deal": one.deal_name or one.deal_id, "state": one.state} for one in found]
    shown = rows if as_json else [{**row, "id": row["id"][:8], "opened": row["opened_at"]} for row in rows]
    show(shown, columns=COLUMNS, as_json=as_json, now=now, caption=Caption(f"conflicts of {portal}", empty="none"))


@app.command(name="show")
def show_(portal: PortalName, conflict: ConflictId, as_json: AsJson = False) -> None:
    """Shows one conflict in full: both values, the value on which both sides last agreed, the record, and how it ended.

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
    take: Annotated[Take, typer.Option(help="Which side's value counts.")],
    actor: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the conflict.")] = "",
    as_json: AsJson = False,
) -> None:
    """Decides a conflict: the value of one side counts.

    It counts only if both sides still hold the values that you have seen. The CRM's value is applied at once; the portal's is written with
    the next push. If a person has paused the portal, the decision is kept and applied after `portals resume`.

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
        err.print("kept; it is applied when the record is read next. It could not be read now, or another process is reading")
    elif take == "portal":
        err.print(f"the CRM hears of it with the next push: sync-worker push {portal}", highlight=False)


def _find(tenant: Tenant, reference: str) -> Dispute:
    found = find_dispute(tenant, reference)
    if found is None:
        raise ConfigError(
            f"portal {tenant.name}: {one_of_many('conflict', reference)} — `sync-worker conflicts list {tenant.name} --all` shows the ids"
        )
    return found
