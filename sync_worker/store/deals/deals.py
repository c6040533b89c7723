"""Deals as the portal holds them, and every change of a field: who, when, from which run, what it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, false, func, insert, or_, select, true, update

from sync_worker.domain.core.deal import Deal, Period
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import BEGAN_IN_CRM, CRM_ACTOR, FieldChange, NewDeals, StoredDeal
from sync_worker.domain.deals.prospect import contact_key, prospect_key
from sync_worker.domain.tell.event import DEAL, By, Event, deal_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import add_columns, among, among_listed, listing, put
from sync_worker.store.deals.rows import NAMES, from_row, to_columns, to_row
from sync_worker.store.deals.tables import deal_changes, deals
from sync_worker.telemetry.correlation import run_under_way

MERGED = "its company lost a merge in the CRM"


def by_ids(tx: Tx, ids: Collection[str]) -> dict[str, StoredDeal]:
    """Those of the ids that exist."""
    rows = tx.connection.execute(_by_ids(tx.is_postgresql), {"portal": tx.portal, "ids": listing(tx, deals.c.id, set(ids))})
    return {stored.deal.id: stored for stored in (from_row(*row) for row in rows)}


@cache
def _by_ids(is_postgresql: bool) -> Select[Any]:
    """Asked for each page and each batch, so made once."""
    return select(deals).where(deals.c.portal == bindparam("portal"), among_listed(deals.c.id, "ids", is_postgresql))


def get(tx: Tx, deal_id: str) -> StoredDeal | None:
    """One deal."""
    return by_ids(tx, [deal_id]).get(deal_id)


def listed(tx: Tx, *, limit: int | None = 1000) -> list[StoredDeal]:
    """The latest changed first."""
    query = select(deals).where(deals.c.portal == tx.portal).order_by(deals.c.updated_at.desc(), deals.c.id).limit(limit)
    return _stored(tx, query)


def page(tx: Tx, *, after: str, limit: int) -> list[StoredDeal]:
    """Deals by id, those that follow `after`."""
    return _stored(tx, select(deals).where(deals.c.portal == tx.portal, deals.c.id > after).order_by(deals.c.id).limit(limit))


def naming(tx: Tx, company_id: str) -> list[StoredDeal]:
    """Deals that the company owns or that name it as second partner."""
    query = select(deals).where(deals.c.portal == tx.portal, or_(deals.c.owner_company == company_id, deals.c.second_partner == company_id))
    return _stored(tx, query.order_by(deals.c.id))


def turning(tx: Tx, today: date, period: Period, *, limit: int) -> list[StoredDeal]:
    """Deals that a day may have made expire, or run again: submitted ones past their last day, expired ones before it; and submitted ones
    without a last day to which the period gives one."""
    is_over = and_(deals.c.lifecycle == "submitted", deals.c.expires_on < today)
    runs_again = and_(deals.c.lifecycle == "expired", deals.c.expires_on >= today)
    has_period = true() if period.default else among(tx, deals.c.deal_type, set(period.by_type))
    is_endless = and_(deals.c.lifecycle == "submitted", deals.c.expires_on.is_(None), has_period)
    query = select(deals).where(deals.c.portal == tx.portal, or_(is_over, runs_again, is_endless))
    return _stored(tx, query.order_by(deals.c.id).limit(limit))


def to_remind_of(tx: Tx, *, until: date, after: str, limit: int) -> list[StoredDeal]:
    """Submitted deals whose last day is not after `until`, or that wait for a decision: by id, those that follow `after`."""
    undecided = ["pending", "renewal_pending"]
    waits = or_(deals.c.vendor_approval.in_(undecided), deals.c.distributor_approval.in_(undecided))
    here = (deals.c.portal == tx.portal, deals.c.lifecycle == "submitted", or_(waits, deals.c.expires_on <= until), deals.c.id > after)
    return _stored(tx, select(deals).where(*here).order_by(deals.c.id).limit(limit))


def finalized_at(tx: Tx, deal_id: str) -> datetime | None:
    """When finalize was requested last."""
    here = (deal_changes.c.portal == tx.portal, deal_changes.c.deal_id == deal_id, deal_changes.c.field == "lifecycle")
    query = select(deal_changes.c.at, deal_changes.c.new).where(*here).order_by(deal_changes.c.version.desc())
    return next((at for at, new in tx.connection.execute(query) if new == "finalize_requested"), None)


def waiting_since(tx: Tx, deal_ids: Collection[str]) -> dict[str, datetime]:
    """When each deal was registered, submitted or decided on last: its tracks have waited since then."""
    fields = ["", "lifecycle", "vendor_approval", "distributor_approval"]
    mine = (deal_changes.c.portal == tx.portal, among(tx, deal_changes.c.deal_id, set(deal_ids)), deal_changes.c.field.in_(fields))
    query = select(deal_changes.c.deal_id, func.max(deal_changes.c.at)).where(*mine).group_by(deal_changes.c.deal_id)
    return {deal_id: at for deal_id, at in tx.connection.execute(query)}


def of_prospect(tx: Tx, values: Mapping[str, Value], *, but: Collection[str]) -> list[Deal]:
    """Deals that others registered for the same prospect, by its name or its contact. **Shapes** `but`: lifecycles that do not count."""
    keys = ((deals.c.prospect_key, prospect_key(values)), (deals.c.contact_key, contact_key(values)))
    same = [column == key for column, key in keys if key]
    others = (deals.c.owner_company != values.get("owner_company"), deals.c.lifecycle.not_in(list(but)))
    query = select(deals).where(deals.c.portal == tx.portal, or_(false(), *same), *others)
    return [stored.deal for stored in _stored(tx, query.order_by(deals.c.created_at, deals.c.id))]


def save(tx: Tx, changed: Sequence[StoredDeal]) -> None:
    """Writes the deals as they are now."""
    put(tx, deals, NAMES, [to_row(tx, stored) for stored in changed], keep=("created_at",))


def add(tx: Tx, new: NewDeals, run_id: str) -> None:
    """Writes deals that begin in the CRM, and their first line of history, as `save` and `record_changes` would; the portal is not told."""
    count = len(new.ids)
    wholes = [
        {name: value for name, value in zip(new.values, row, strict=True) if value is not None}
        for row in zip(*new.values.values(), strict=True)
    ]
    add_columns(tx, deals, to_columns(tx, new))
    first = {
        "at": tx.shared_now,
        "side": CRM_ACTOR.side,
        "actor": CRM_ACTOR.name,
        "run_id": run_id,
        "old": None,
        "new": None,
        "note": BEGAN_IN_CRM,
    }
    whole = {name: [value] * count for name, value in {"version": 1, "field": "", **first}.items()}
    add_columns(tx, deal_changes, {"deal_id": new.ids, **whole, "new": wholes})


def record_changes(tx: Tx, changes: Sequence[FieldChange]) -> None:
    """Adds to the history, and tells the portal. The same version of the same field twice is a StatementRefused, a bug.

    Its moment is the shared clock's: another machine compares it with the CRM's (`newest`).
    """
    rows = [
        {
            "portal": tx.portal,
            "deal_id": change.deal_id,
            "version": change.version,
            "field": change.field,
            "at": tx.shared_now,
            "side": change.side,
            "actor": change.actor,
            "run_id": change.run_id,
            "old": change.old,
            "new": change.new,
            "note": change.note,
        }
        for change in changes
    ]
    if rows:
        tx.connection.execute(insert(deal_changes), rows)
        _tell(tx, changes)


def history(tx: Tx, deal_id: str) -> list[Mapping[str, Any]]:
    """Every change, oldest first."""
    query = select(deal_changes).where(deal_changes.c.portal == tx.portal, deal_changes.c.deal_id == deal_id)
    ordered = query.order_by(deal_changes.c.version, deal_changes.c.field)
    return [{str(name): value for name, value in row.items()} for row in tx.connection.execute(ordered).mappings()]


def began_on(tx: Tx, deal_id: str) -> str:
    """The side on which the deal began: portal or crm."""
    first = (deal_changes.c.portal == tx.portal, deal_changes.c.deal_id == deal_id, deal_changes.c.version == 1, deal_changes.c.field == "")
    return str(tx.connection.execute(select(deal_changes.c.side).where(*first)).scalar() or "")


def edited_at(tx: Tx, deal_ids: Iterable[str]) -> dict[str, dict[str, datetime]]:
    """When each field was last changed on the portal's side: by deal id, then by field."""
    query = (
        select(deal_changes.c.deal_id, deal_changes.c.field, func.max(deal_changes.c.at))
        .where(
            deal_changes.c.portal == tx.portal,
            among(tx, deal_changes.c.deal_id, set(deal_ids)),
            deal_changes.c.side == "portal",
        )
        .group_by(deal_changes.c.deal_id, deal_changes.c.field)
    )
    found: dict[str, dict[str, datetime]] = {}
    for deal_id, field, at in tx.connection.execute(query):
        found.setdefault(deal_id, {})[field] = at
    return found


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Deals of a company that lost a merge belong to the survivor; their history says so."""
    for column in (deals.c.owner_company, deals.c.second_partner):
        moved = (
            update(deals)
            .where(deals.c.portal == tx.portal, column == old_company_id)
            .values({column.name: company_id, "version": deals.c.version + 1, "updated_at": tx.now})
            .returning(deals.c.id, deals.c.version)
        )
        record_changes(
            tx,
            [
                FieldChange(deal_id, version, column.name, "crm", "CRM", run_under_way(), old_company_id, company_id, MERGED)
                for deal_id, version in sorted(tx.connection.execute(moved).all())
            ],
        )


def count_by_lifecycle(tx: Tx) -> dict[str, int]:
    """How many deals stand where."""
    query = select(deals.c.lifecycle, func.count()).where(deals.c.portal == tx.portal).group_by(deals.c.lifecycle)
    return {lifecycle: count for lifecycle, count in tx.connection.execute(query)}


def _tell(tx: Tx, changes: Sequence[FieldChange]) -> None:
    """One event for each version; what comes in with a first load is silent."""
    if not tx.events:
        return
    versions: dict[tuple[str, int], list[FieldChange]] = {}
    for change in changes:
        versions.setdefault((change.deal_id, change.version), []).append(change)
    is_silent = feed.is_loading(tx, DEAL)
    feed.tell(tx, [_event(found) for found in versions.values() if not (is_silent and _comes_in(found))])


def _comes_in(found: Sequence[FieldChange]) -> bool:
    return any(change.field == "" and change.side == "crm" for change in found)


def _event(found: Sequence[FieldChange]) -> Event:
    """Who it was is told by the first change that did not just follow from another."""
    first = next((change for change in found if change.side != "worker"), found[0])
    by = By(first.side, first.actor, first.run_id)
    return deal_event(first.deal_id, first.version, {change.field: (change.old, change.new) for change in found}, by)


def _stored(tx: Tx, query: Select[Any]) -> list[StoredDeal]:
    return [from_row(*row) for row in tx.connection.execute(query).all()]
