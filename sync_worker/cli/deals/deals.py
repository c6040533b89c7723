"""`deals`: register, decide and look at deals, by the steps that the API calls too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import (
    AsJson,
    PortalName,
    WhilePaused,
    Who,
    one_of_many,
    refuse,
    refuse_paused,
    say_waits,
    tenant_of,
    user,
    work_off,
)
from sync_worker.cli.core.news import news, open_ids, tell
from sync_worker.cli.core.output import Caption, Limit, cut, err, most_of, out, show, show_json
from sync_worker.cli.deals.deal_story import show_story
from sync_worker.cli.deals.deal_words import moves_table, sight_table
from sync_worker.config.source import source_of
from sync_worker.domain.core.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.flags import FlagReader
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.errors import ConfigError
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import approve as approve_deal
from sync_worker.steps.deals.explain import explain as explain_deal
from sync_worker.steps.deals.flag import flags_of
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.move import move as move_deal
from sync_worker.steps.deals.register import register as register_deal
from sync_worker.steps.deals.relink import relink as relink_deal
from sync_worker.steps.operate.erase import forget_contact
from sync_worker.steps.people.users import actor_of
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, links

app = typer.Typer(no_args_is_help=True, help="Registers deals, decides on them and shows them.")

COLUMNS = ("id", "name", "owner_company", "second_partner", "lifecycle", "distributor", "vendor")
BARE = (Verb.SUBMIT, Verb.WITHDRAW, Verb.DISABLE, Verb.ENABLE, Verb.FINALIZE)  # moves that need no more than a reason
DAY = ["%Y-%m-%d"]
DealId = Annotated[str, typer.Argument(metavar="DEAL", help="The deal's id, or the beginning of it.", show_default=False)]


@app.command(name="list")
def list_(portal: PortalName, limit: Limit = None, as_json: AsJson = False) -> None:
    """Lists deals, those that changed last first.

    Example: sync-worker deals list acme
    """
    most = most_of(limit, shown=1000, as_json=as_json)
    with tenant_of(portal) as tenant:
        rows = cut(_rows_of(tenant, limit=most and most + 1), most)
    shown = rows if as_json else [{**row, "id": row["id"][:8]} for row in rows]
    show(shown, columns=COLUMNS, as_json=as_json, caption=Caption(f"deals of {portal}", empty="none yet"))


@app.command(name="show")
def show_(portal: PortalName, deal: DealId, as_json: AsJson = False) -> None:
    """Shows one deal in full: its fields, its CRM record, its history.

    Example: sync-worker deals show acme 4f3c2a1b-…
    """
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        stored = find(tx, deal)
        deal = stored.deal.id
        link = links.current(tx, [deal]).get(deal)
        history = deals.history(tx, deal)
        names = _company_names(tx, [stored])
        now = tx.now
        flags = [flag._asdict() for flag in flags_of(tx, tenant, [deal], FlagReader.OPERATOR)[deal]]
    fields = {name: plain(value) for name, value in stored.deal.values.items()}
    if as_json:
        show_json(
            {"id": deal, "version": stored.version, "crm_record": _crm_record(link), "fields": fields, "flags": flags, "history": history}
        )
        return
    _show_whole(stored, link, history, names, now)
    if flags:
        out.print()
        show(flags, columns=("code", "field", "words", "since"), as_json=False, now=now, caption=Caption("flags"))


@app.command()
def explain(portal: PortalName, deal: DealId, as_json: AsJson = False) -> None:
    """Shows for each field of a deal who set its value, and why.

    It names the side, the person and the run, says whether the CRM has the same value, and lists the values that lost a conflict.

    Example: sync-worker deals explain acme 4f3c2a1b-…
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            stored = find(tx, deal)
            names, now = _company_names(tx, [stored]), tx.now
        story = explain_deal(tenant, stored.deal.id)
    if as_json or story is None:
        show_json(asdict(story) if story else None)
    else:
        show_story(story, names, now)


@app.command()
def register(
    portal: PortalName,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.yaml", help="The fields of the deal; see above.", show_default=False, exists=True, dir_okay=False),
    ],
    actor: Annotated[str, typer.Option(help="Who registers the deal; it is kept in the history.")] = "operator",
    as_json: AsJson = False,
) -> None:
    """Registers a deal from a file. The CRM gets it with the next push.

    The file has one field in each line, by the names of the mapping: `owner_company: Birch Systems`, then for example `second_partner`,
    `prospect_name`, `amount`. You may name a company by our id, its CRM id or its name. If a field is missing, the refusal names it.

    Example: sync-worker deals register acme deal.yaml --actor "Ann Berg"
    """
    written = source_of(file.read_bytes(), file).data  # it may be a pipe: the command waits for it
    with tenant_of(portal) as tenant:
        done = register_deal(tenant, written, actor=Actor(actor, None, "portal"))
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        for warning in done.warnings:
            err.print(f"look: {warning.message} ({warning.code})", markup=False)
        _say(tenant, done.deal, "registered; the CRM hears of it with the next push", as_json=as_json)


@app.command()
def approve(
    portal: PortalName,
    deal: DealId,
    track: Annotated[Track, typer.Option(help="Whose approval it is: the second partner's or the vendor's.")],
    decision: Annotated[Decision, typer.Option(help="The decision.")],
    actor: Annotated[str, typer.Option(help="The person who decides.")],
    company: Annotated[str, typer.Option(help="The company of that person: our id, CRM id or name.")],
    reason: Annotated[str, typer.Option(help="Why. A rejection and a return need a reason.")] = "",
    expires_on: Annotated[datetime | None, typer.Option(formats=DAY, help="The new last day, for a renewal.")] = None,
    as_json: AsJson = False,
) -> None:
    """Records a decision of the second partner or of the vendor on a deal. The CRM gets it with the next push.

    Example: sync-worker deals approve acme 4f3c2a1b-… --track distributor --decision approve --actor Dora --company "Arrow Electronics"
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            deal = find(tx, deal).deal.id
        until = expires_on.date() if expires_on else None
        done = approve_deal(
            tenant, deal, track, decision, MoveRequest(Actor(actor, None, "portal"), reason=reason, until=until), company=company
        )
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        state = done[0].values.get(f"{track.value}_approval")
        _say(tenant, done[0], f"{track.value} track: {state}; the CRM hears of it with the next push", as_json=as_json)


@app.command()
def move(
    portal: PortalName,
    deal: DealId,
    verb: Annotated[Verb, typer.Argument(help="submit, withdraw, disable, enable or finalize.", show_default=False)],
    acting_user: Annotated[str, typer.Option("--user", help="The id of the user who makes the move. Without it: an operator.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.")] = "",
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Submits, withdraws, disables, enables or finalizes a deal. The CRM gets it with the next push.

    `sync-worker deals moves` shows who may make which move, and in which state of the deal. For decisions use `deals approve`, for the
    last day `deals set-last-day`.

    Example: sync-worker deals move acme 4f3c2a1b-… withdraw --reason "the prospect went elsewhere"
    """
    if verb not in BARE:
        said = f"`deals move` does not make the move {verb.value}"
        raise ConfigError(
            f"{said} — allowed: {', '.join(BARE)}; decisions: sync-worker deals approve; the last day: sync-worker deals set-last-day"
        )
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            deal = find(tx, deal).deal.id
        mover = actor_of(tenant, acting_user) if acting_user else Actor(actor or user(), None, "portal")
        done = mover if isinstance(mover, Refusal) else move_deal(tenant, deal, verb, MoveRequest(mover, reason=reason))
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        _say(tenant, done.deal, f"{done.deal.lifecycle.value}; the CRM hears of it with the next push", as_json=as_json)


@app.command(name="set-last-day")
def set_last_day(
    portal: PortalName,
    deal: DealId,
    expires_on: Annotated[datetime, typer.Argument(metavar="YYYY-MM-DD", formats=DAY, help="Today or later.", show_default=False)],
    acting_user: Annotated[str, typer.Option("--user", help="The id of the user who makes the move. Without it: an operator.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.")] = "",
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Sets the last day of a registration, as the vendor does. An expired registration runs again.

    Example: sync-worker deals set-last-day acme 4f3c2a1b-… 2027-06-30 --reason "the tender was put off"
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            deal = find(tx, deal).deal.id
        mover = actor_of(tenant, acting_user) if acting_user else Actor(actor or user(), None, "portal")
        if isinstance(mover, Refusal):
            refuse(mover, as_json=as_json)
        done = move_deal(tenant, deal, Verb.SET_LAST_DAY, MoveRequest(mover, reason=reason, until=expires_on.date()))
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        _say(tenant, done.deal, f"its last day is {expires_on:%Y-%m-%d}; the CRM hears of it with the next push", as_json=as_json)


@app.command(name="forget-contact")
def forget_contact_(
    portal: PortalName,
    deal: DealId,
    reason: Annotated[str, typer.Option(help="Why. The reason is kept, so do not name the person in it.", show_default=False)],
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Erases the contact person of a deal: on the deal and in its history. The vendor erases the same on the CRM's record.

    Example: sync-worker deals forget-contact acme 4f3c2a1b-… --reason "asked by letter, ticket 4711"
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            deal = find(tx, deal).deal.id
        done = forget_contact(tenant, deal, actor=actor or user(), reason=reason)
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        if done.kept_by_crm:
            err.print(f"the CRM keeps what it was given: erase it there, in {done.kept_by_crm}", highlight=False)
        _say(tenant, done.deal, "its contact is erased", as_json=as_json)


@app.command()
def relink(
    portal: PortalName,
    deal: DealId,
    crm_id: Annotated[
        str, typer.Argument(metavar="CRM_ID", help="The CRM's id of the record that the deal belongs to.", show_default=False)
    ],
    actor: Annotated[str, typer.Option(help="Who does this; it is kept in the history.")] = "operator",
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Links a deal to another CRM record, and merges the two at once. The record of another deal is refused.

    Use it after a conversion that made no record, or after the record was deleted for good. Exit 1 if a failure or problem was opened.

    Example: sync-worker deals relink acme 4f3c2a1b-… 0065g00000AAAAAAA5
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            deal = find(tx, deal).deal.id
        refuse_paused(tenant, while_paused=while_paused)
        done = relink_deal(tenant, deal, crm_id, actor=Actor(actor, None, "portal"))
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        before = open_ids(tenant)
        found = news(tenant, before, runs=[row["run"] for row in work_off(tenant, done.follow_ups)])
        _say(tenant, done.deal, f"is linked to {crm_id}, and both sides were merged", as_json=as_json)
    tell(portal, found)
    if found.opened:
        raise typer.Exit(1)


@app.command()
def moves() -> None:
    """Shows the table of moves (what may be done with a deal, and by whom), and the table of who sees which deals.

    Example: sync-worker deals moves
    """
    out.print(f"{moves_table()}\n{sight_table()}", markup=False, highlight=False, soft_wrap=True)


def find(tx: Tx, reference: str) -> StoredDeal:
    """A deal by its id, or by the beginning of it. **Raises** ConfigError where none or several fit."""
    exact = deals.get(tx, reference)
    found = [exact] if exact else [stored for stored in deals.listed(tx, limit=None) if stored.deal.id.startswith(reference)]
    if len(found) != 1:
        raise ConfigError(f"portal {tx.portal}: {one_of_many('deal', reference)} — `sync-worker deals list {tx.portal}` shows the ids")
    return found[0]


def _rows_of(tenant: Tenant, *, limit: int | None) -> list[dict[str, Any]]:
    """Deals as rows, companies by name."""
    with tenant.store.reading(tenant.name) as tx:
        found = deals.listed(tx, limit=limit)
        current = links.current(tx, [stored.deal.id for stored in found])
        names = _company_names(tx, found)
    return [_row(stored.deal, current.get(stored.deal.id), names) for stored in found]


def _company_names(tx: Tx, found: Iterable[StoredDeal]) -> dict[str, str]:
    """Names of the deals' companies, by id."""
    named = {side for stored in found for side in (stored.deal.owner_company, stored.deal.second_partner) if side}
    return {company.id: company.name for company in companies.by_ids(tx, named).values()}


def _show_whole(stored: StoredDeal, link: Link | None, history: Iterable[Mapping[str, Any]], names: dict[str, str], now: datetime) -> None:
    """One deal for people: companies by name, the history without what a registration brought."""
    fields = [{"field": name, "value": plain(value)} for name, value in stored.deal.values.items() if value is not None]
    rows = [{**row, "value": names.get(str(row["value"]), row["value"])} for row in fields]
    show(
        rows,
        columns=("field", "value"),
        as_json=False,
        caption=Caption(f"deal {stored.deal.id}, version {stored.version}, {_crm_record(link)}"),
    )
    past = [
        {
            "at": change["at"],
            "by": change["actor"],
            "field": change["field"] or "all",
            "old": names.get(str(change["old"]), change["old"]),
            "new": None if isinstance(change["new"], Mapping) else names.get(str(change["new"]), change["new"]),
            "note": change["note"],
        }
        for change in history
    ]
    out.print()
    show(past, columns=("at", "by", "field", "old", "new", "note"), as_json=False, now=now, caption=Caption("history"))


def _row(deal: Deal, link: Link | None, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": deal.id,
        "name": deal.values.get("name"),
        "owner_company": names.get(deal.owner_company or ""),
        "second_partner": names.get(deal.second_partner or ""),
        "lifecycle": deal.lifecycle.value,
        "distributor": deal.distributor_approval.value,
        "vendor": deal.vendor_approval.value,
        "crm_record": _crm_record(link),
        **{
            name: plain(value)
            for name, value in deal.values.items()
            if name not in ("name", "owner_company", "second_partner", "lifecycle")
        },
    }


def _crm_record(link: Link | None) -> str:
    if link is None:
        return "not in the CRM yet"
    return f"{link.object} {link.crm_id}" + (" (deleted there)" if link.deleted_at else "")


def _say(tenant: Tenant, deal: Deal, words: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"id": deal.id, "fields": {name: plain(value) for name, value in deal.values.items()}})
    else:
        out.print(f"{deal.id}  {words} (sync-worker push {tenant.name})", markup=False, highlight=False)
    say_waits(tenant)
