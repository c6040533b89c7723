"""Which company is under which parent, and was: rows begin and end, none is removed. The database holds that no company has two parents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import BindParameter, Select, and_, bindparam, func, insert, or_, select, update

from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.tell.event import COMPANY, By, Event, Subject, difference_event
from sync_worker.store.core import feed
from sync_worker.store.core.columns import Utc
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, among_listed, listing
from sync_worker.store.distributors.tables import subgroups
from sync_worker.telemetry.correlation import run_under_way

MERGE: Final = "CRM"  # who ends what a merge ends
_COLUMNS = [subgroups.c[name] for name in Subgroup.__slots__]


def begin(tx: Tx, subgroup: Subgroup, *, side: str = "portal") -> None:
    """From now on the company is under this parent, and the portal is told. The caller has looked that it is under none.

    **Shapes** `side` "crm": a merge, or a record, says so; `since_by` may be an earlier person.
    """
    values = {name: getattr(subgroup, name) for name in Subgroup.__slots__}
    tx.connection.execute(insert(subgroups).values(portal=tx.portal, **values))
    by = By(side, MERGE if side == "crm" else subgroup.since_by, run_under_way())
    feed.tell_of_companies(tx, [_event("subgroup.added", subgroup.company_id, None, subgroup.parent_id, by)])


def end(tx: Tx, company_id: str, actor: str, *, side: str = "portal") -> bool:
    """From now on the company has no parent, and the portal is told. False: it was so already."""
    here = (subgroups.c.portal == tx.portal, subgroups.c.company_id == company_id, subgroups.c.until_at.is_(None))
    ended = update(subgroups).where(*here).values(until_at=tx.now, until_by=actor).returning(subgroups.c.parent_id)
    parent_id = tx.connection.execute(ended).scalar()
    if parent_id is None:
        return False
    by = By(side, actor, run_under_way())
    feed.tell_of_companies(tx, [_event("subgroup.ended", company_id, parent_id, None, by)])
    return True


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """A company that lost a merge hands its children and its parent to the survivor, who keeps a parent of its own and is never its own."""
    mine, lasts = subgroups.c.portal == tx.portal, subgroups.c.until_at.is_(None)
    known = lasting(tx, [old_company_id, company_id])
    lost, kept = known.get(old_company_id), known.get(company_id)
    if kept and kept.parent_id == old_company_id:
        end(tx, company_id, MERGE, side="crm")
    children = update(subgroups).where(mine, lasts, subgroups.c.parent_id == old_company_id).values(parent_id=company_id)
    moved = sorted(tx.connection.execute(children.returning(subgroups.c.company_id)).scalars())
    by = By("crm", MERGE, run_under_way())
    feed.tell_of_companies(tx, [_event("subgroup.changed", child_id, old_company_id, company_id, by) for child_id in moved])
    if lost is None:
        return
    end(tx, old_company_id, MERGE, side="crm")
    if lost.parent_id != company_id and (kept is None or kept.parent_id == old_company_id):
        begin(tx, replace(lost, company_id=company_id, since_at=tx.now), side="crm")


def lasting(tx: Tx, company_ids: Collection[str]) -> dict[str, Subgroup]:
    """By company: those of the ids that are under a parent now."""
    here = {"portal": tx.portal, "companies": listing(tx, subgroups.c.company_id, set(company_ids))}
    return {row.company_id: Subgroup(*row) for row in tx.connection.execute(_lasting(tx.is_postgresql), here)}


@cache
def _lasting(is_postgresql: bool) -> Select[Any]:
    """Asked for each page, so made once."""
    here = (subgroups.c.portal == bindparam("portal"), among_listed(subgroups.c.company_id, "companies", is_postgresql))
    return select(*_COLUMNS).where(*here, subgroups.c.until_at.is_(None))


def known(tx: Tx, company_ids: Collection[str]) -> set[str]:
    """Those of the ids that are, or were, under a parent."""
    query = select(subgroups.c.company_id).where(subgroups.c.portal == tx.portal, among(tx, subgroups.c.company_id, set(company_ids)))
    return set(tx.connection.execute(query).scalars())


def under(tx: Tx, parent_id: str) -> list[Subgroup]:
    """Those that are under this parent now, the oldest first."""
    query = _mine(tx).where(subgroups.c.parent_id == parent_id, subgroups.c.until_at.is_(None))
    return [Subgroup(*row) for row in tx.connection.execute(query.order_by(subgroups.c.since_at, subgroups.c.company_id))]


def counts(tx: Tx, parent_ids: Collection[str]) -> dict[str, int]:
    """How many are under each of these parents now; those of none are left out."""
    query = select(subgroups.c.parent_id, func.count()).where(
        subgroups.c.portal == tx.portal, among(tx, subgroups.c.parent_id, set(parent_ids)), subgroups.c.until_at.is_(None)
    )
    return {parent_id: count for parent_id, count in tx.connection.execute(query.group_by(subgroups.c.parent_id))}


def involving(tx: Tx, company_id: str, at: datetime) -> list[Subgroup]:
    """Those that were under somebody at that moment, with this company on either side."""
    return [Subgroup(*row) for row in tx.connection.execute(_involving(), {"portal": tx.portal, "company": company_id, "at": at}).all()]


@cache
def _involving() -> Select[Any]:
    """Asked whenever somebody asks whom a company may work with, so made once."""
    company: BindParameter[str] = bindparam("company")
    at = bindparam("at", type_=Utc)
    lasted = and_(subgroups.c.since_at <= at, or_(subgroups.c.until_at.is_(None), subgroups.c.until_at > at))
    sides = or_(subgroups.c.company_id == company, subgroups.c.parent_id == company)
    return select(*_COLUMNS).where(subgroups.c.portal == bindparam("portal"), lasted, sides).order_by(subgroups.c.company_id)


def _event(kind: str, company_id: str, before: str | None, after: str | None, by: By) -> Event | None:
    """What to tell of a company whose parent changed."""
    return difference_event(kind, Subject(COMPANY, company_id), {"parent_id": before}, {"parent_id": after}, by)


def _mine(tx: Tx) -> Select[Any]:
    return select(*_COLUMNS).where(subgroups.c.portal == tx.portal)
