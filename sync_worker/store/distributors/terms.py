"""Terms of pairs as kept: each change begins a row, and those before stay as history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from sync_worker.domain.core.moments import written
from sync_worker.domain.core.values import Plain, plain
from sync_worker.domain.distributors import terms as domain
from sync_worker.domain.distributors.terms import DatedTerms, Pair, Terms
from sync_worker.domain.tell.event import TERMS, By, Event, Subject, difference_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.distributors import pairs
from sync_worker.store.distributors.tables import terms
from sync_worker.telemetry.correlation import run_under_way


def begin(tx: Tx, pair: Pair, agreed: Terms, actor: str) -> None:
    """From now on these terms hold, and the portal is told. Now is what all processes share: else a machine whose clock is behind would
    set terms that those before them outlive.
    """
    known = history(tx, pair)
    since_at = max([tx.shared_now, *(dated.since_at for dated in known[-1:])])
    before = domain.current(known, since_at) if tx.events else None
    row = {
        "portal": tx.portal,
        "company_id": pair.company_id,
        "upper_id": pair.upper_id,
        "since_at": since_at,
        "may_register": agreed.may_register,
        "percents": {name: plain(percent) for name, percent in agreed.percents.items()},
        "actor": actor,
    }
    upsert(tx, terms, [row])
    feed.tell(tx, [_event(pair, before, DatedTerms(agreed, since_at, actor), By("portal", actor, run_under_way()))])


def current(tx: Tx, pairs: Iterable[Pair]) -> dict[Pair, Terms]:
    """By pair: those of the pairs that have terms now."""
    found = {pair: domain.current(history(tx, pair), tx.shared_now) for pair in pairs}
    return {pair: dated.terms for pair, dated in found.items() if dated}


def history(tx: Tx, pair: Pair) -> list[DatedTerms]:
    """The pair's terms, the oldest first."""
    columns = (terms.c.may_register, terms.c.percents, terms.c.since_at, terms.c.actor)
    here = (terms.c.portal == tx.portal, terms.c.company_id == pair.company_id, terms.c.upper_id == pair.upper_id)
    return [_dated(*row) for row in tx.connection.execute(select(*columns).where(*here).order_by(terms.c.since_at))]


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Terms of a company that lost a merge are the survivor's, unless it has its own with the same partner. The portal is told."""
    moved: dict[Pair, list[DatedTerms]] = {}
    for row in pairs.move_company(tx, terms, old_company_id, company_id):
        dated = _dated(row.may_register, row.percents, row.since_at, row.actor)
        moved.setdefault(Pair(row.company_id, row.upper_id), []).append(dated)
    standing = ((pair, domain.current(found, tx.shared_now)) for pair, found in sorted(moved.items(), key=lambda one: str(one[0])))
    by = By("crm", "CRM", run_under_way())
    feed.tell_of_companies(tx, [_event(pair, None, dated, by) for pair, dated in standing if dated])


def _dated(may_register: bool, percents: Mapping[str, Any], since_at: datetime, actor: str) -> DatedTerms:
    return DatedTerms(Terms(may_register, {name: Decimal(percent) for name, percent in percents.items()}), since_at, actor)


def _event(pair: Pair, before: DatedTerms | None, after: DatedTerms, by: By) -> Event | None:
    """**Shapes** the id of terms names both companies, the lower one first."""
    subject = Subject(TERMS, f"{pair.company_id}/{pair.upper_id}", {"company_id": pair.company_id, "upper_id": pair.upper_id})
    return difference_event("terms.changed", subject, _known(before), _known(after), by)


def _known(dated: DatedTerms | None) -> dict[str, Plain]:
    """What the portal is told of terms."""
    if dated is None:
        return {}
    percents = {f"percents.{name}": plain(percent) for name, percent in dated.terms.percents.items()}
    return {"may_register": dated.terms.may_register, "since": written(dated.since_at), **percents}
