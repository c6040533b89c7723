"""Terms of pairs as kept: each change begins a row, and those before stay as history."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import select

from sync_worker.domain.core.values import plain
from sync_worker.domain.distributors import terms as domain
from sync_worker.domain.distributors.terms import DatedTerms, Pair, Terms
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.distributors import pairs
from sync_worker.store.distributors.tables import terms


def begin(tx: Tx, pair: Pair, agreed: Terms, actor: str) -> None:
    """From now on these terms hold."""
    row = {
        "portal": tx.portal,
        "company_id": pair.company_id,
        "upper_id": pair.upper_id,
        "since_at": tx.now,
        "may_register": agreed.may_register,
        "percents": {name: plain(percent) for name, percent in agreed.percents.items()},
        "actor": actor,
    }
    upsert(tx, terms, [row])


def current(tx: Tx, pairs: Iterable[Pair]) -> dict[Pair, Terms]:
    """By pair: those of the pairs that have terms now."""
    found = {pair: domain.current(history(tx, pair), tx.now) for pair in pairs}
    return {pair: dated.terms for pair, dated in found.items() if dated}


def history(tx: Tx, pair: Pair) -> list[DatedTerms]:
    """The pair's terms, the oldest first."""
    columns = (terms.c.may_register, terms.c.percents, terms.c.since_at, terms.c.actor)
    here = (terms.c.portal == tx.portal, terms.c.company_id == pair.company_id, terms.c.upper_id == pair.upper_id)
    return [
        DatedTerms(Terms(may_register, {name: Decimal(percent) for name, percent in percents.items()}), since_at, actor)
        for may_register, percents, since_at, actor in tx.connection.execute(select(*columns).where(*here).order_by(terms.c.since_at))
    ]


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Terms of a company that lost a merge are the survivor's, unless it has its own with the same partner."""
    pairs.move_company(tx, terms, old_company_id, company_id)
