"""Signed agreements of pairs: every version that was ever uploaded. The files themselves are in `files.py`; here is where each one lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select

from sync_worker.domain.core.values import Plain
from sync_worker.domain.distributors.terms import Pair
from sync_worker.domain.tell.event import AGREEMENT, By, Event, Subject, difference_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import pairs
from sync_worker.store.distributors.tables import agreements
from sync_worker.telemetry.correlation import run_under_way


@dataclass(frozen=True, slots=True)
class Agreement:
    """One uploaded agreement. **Shapes** `version` counts from 1 within its pair; `key`: of the file."""

    id: str
    company_id: str
    upper_id: str
    version: int
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    key: str
    uploaded_at: datetime
    uploaded_by: str


_COLUMNS = [agreements.c[name] for name in Agreement.__slots__]


@dataclass(frozen=True, slots=True)
class AgreementFile:
    """The file of a new agreement, as it was kept."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    key: str


def add(tx: Tx, pair: Pair, file: AgreementFile, *, actor: str) -> Agreement:
    """One more version of the pair's agreement. Inside the portal's lock, so that no two get one number. The portal is told."""
    version = tx.connection.execute(select(func.coalesce(func.max(agreements.c.version), 0) + 1).where(*_of(tx, pair))).scalar_one()
    kept = {name: getattr(file, name) for name in AgreementFile.__slots__}
    added = Agreement(company_id=pair.company_id, upper_id=pair.upper_id, version=version, uploaded_at=tx.now, uploaded_by=actor, **kept)
    tx.connection.execute(insert(agreements).values(portal=tx.portal, **{field: getattr(added, field) for field in Agreement.__slots__}))
    known: dict[str, Plain] = {name: getattr(added, name) for name in ("version", "media_type", "size_bytes")}
    feed.tell(tx, [_event("agreement.added", added, {}, known, By("portal", actor, run_under_way()))])
    return added


def versions(tx: Tx, pair: Pair) -> list[Agreement]:
    """The pair's agreements, the newest first."""
    query = _mine(tx).where(*_of(tx, pair)).order_by(agreements.c.version.desc())
    return [Agreement(*row) for row in tx.connection.execute(query)]


def get(tx: Tx, agreement_id: str) -> Agreement | None:
    """One version."""
    row = tx.connection.execute(_mine(tx).where(agreements.c.id == agreement_id)).first()
    return Agreement(*row) if row else None


def is_on_file(tx: Tx, pair: Pair) -> bool:
    """Whether the pair has a signed agreement."""
    return bool(tx.connection.execute(select(select(agreements.c.id).where(*_of(tx, pair)).exists())).scalar_one())


def keys(tx: Tx) -> set[str]:
    """The files that some row names; every other one is an orphan."""
    return set(tx.connection.execute(select(agreements.c.key).where(agreements.c.portal == tx.portal)).scalars())


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Agreements of a company that lost a merge are the survivor's, unless it has its own with the same partner. The portal is told."""
    rows = pairs.move_company(tx, agreements, old_company_id, company_id)
    moved = [Agreement(*(getattr(row, name) for name in Agreement.__slots__)) for row in sorted(rows, key=lambda row: row.id)]
    by = By("crm", "CRM", run_under_way())
    told = [(one, "company_id" if one.company_id == company_id else "upper_id") for one in moved]
    feed.tell_of_companies(tx, [_event("agreement.changed", one, {side: old_company_id}, {side: company_id}, by) for one, side in told])


def _event(kind: str, one: Agreement, before: dict[str, Plain], after: dict[str, Plain], by: By) -> Event | None:
    subject = Subject(AGREEMENT, one.id, {"company_id": one.company_id, "upper_id": one.upper_id})
    return difference_event(kind, subject, before, after, by)


def _mine(tx: Tx) -> Select[Any]:
    return select(*_COLUMNS).where(agreements.c.portal == tx.portal)


def _of(tx: Tx, pair: Pair) -> tuple[Any, ...]:
    return (agreements.c.portal == tx.portal, agreements.c.company_id == pair.company_id, agreements.c.upper_id == pair.upper_id)
