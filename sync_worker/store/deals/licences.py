"""Licences as issued: exactly once, because their ids are computed and the database holds one per deal and number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select, select, update

from sync_worker.domain.core.values import Plain, plain
from sync_worker.domain.deals.completion import Licence
from sync_worker.domain.tell.event import LICENCE, By, Event, Subject, difference_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.deals.tables import licences
from sync_worker.telemetry.correlation import run_under_way

ISSUER: Final = "the worker"
_TOLD: Final = ("company_id", "name", "count", "starts_on", "ends_on")
_COLUMNS = [licences.c[name] for name in Licence.__slots__]


def issue(tx: Tx, issued: Sequence[Licence]) -> None:
    """Adds the licences that are not there yet, and tells the portal of them. Those that are there stay as they are."""
    ids = select(licences.c.id).where(licences.c.portal == tx.portal, among(tx, licences.c.id, [one.id for one in issued]))
    known = set(tx.connection.execute(ids).scalars()) if tx.events and issued else set()
    rows = [{"portal": tx.portal, "issued_at": tx.now, **{name: getattr(one, name) for name in Licence.__slots__}} for one in issued]
    upsert(tx, licences, rows, keep=[column.name for column in licences.columns if not column.primary_key])
    by = By("worker", ISSUER, run_under_way())
    feed.tell(tx, [_event("licence.issued", one, {}, _known(one), by) for one in issued if one.id not in known])


def of_deal(tx: Tx, deal_id: str) -> list[Licence]:
    """A deal's licences, by number."""
    return [Licence(*row) for row in tx.connection.execute(_mine(tx).where(licences.c.deal_id == deal_id).order_by(licences.c.number))]


def of_company(tx: Tx, company_id: str) -> list[Licence]:
    """Every licence in this company, those that end last first."""
    query = _mine(tx).where(licences.c.company_id == company_id)
    return [Licence(*row) for row in tx.connection.execute(query.order_by(licences.c.ends_on.desc(), licences.c.id))]


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Licences of a company that lost a merge are the survivor's, and the portal is told."""
    mine = update(licences).where(licences.c.portal == tx.portal, licences.c.company_id == old_company_id)
    rows = tx.connection.execute(mine.values(company_id=company_id).returning(*_COLUMNS))
    moved = sorted((Licence(*row) for row in rows), key=lambda one: one.id)
    before, after, by = {"company_id": old_company_id}, {"company_id": company_id}, By("crm", "CRM", run_under_way())
    feed.tell_of_companies(tx, [_event("licence.changed", one, before, after, by) for one in moved])


def _known(one: Licence) -> dict[str, Plain]:
    """What the portal is told of a new licence."""
    return {name: plain(getattr(one, name)) for name in _TOLD}


def _event(kind: str, one: Licence, before: Mapping[str, Plain], after: Mapping[str, Plain], by: By) -> Event | None:
    return difference_event(kind, Subject(LICENCE, one.id, {"deal_id": one.deal_id}), before, after, by)


def _mine(tx: Tx) -> Select[Any]:
    return select(*_COLUMNS).where(licences.c.portal == tx.portal)
