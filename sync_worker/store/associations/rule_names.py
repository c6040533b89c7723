"""Companies that rules name, bound once to an id: a rename ends nothing. A name that stands for no company yet waits for one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select, tuple_, update

from sync_worker.domain.associations.rule import Side
from sync_worker.store.associations.tables import rule_names
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert

Name = tuple[Side, str]


def listed(tx: Tx) -> dict[Name, str | None]:
    """Every name, with its company."""
    query = select(rule_names.c.side, rule_names.c.name, rule_names.c.company_id).where(rule_names.c.portal == tx.portal)
    return {(side, name): company_id for side, name, company_id in tx.connection.execute(query)}


def save(tx: Tx, names: Mapping[Name, str | None]) -> None:
    """Writes whom each name stands for."""
    rows = [{"portal": tx.portal, "side": side, "name": name, "company_id": id_} for (side, name), id_ in names.items()]
    upsert(tx, rule_names, rows)


def remove(tx: Tx, names: Collection[Name]) -> None:
    """No rule says these names any more."""
    if names:
        gone = tuple_(rule_names.c.side, rule_names.c.name).in_(sorted(names))
        tx.connection.execute(delete(rule_names).where(rule_names.c.portal == tx.portal, gone))


def rebind(tx: Tx, old_company_id: str, company_id: str) -> bool:
    """What stood for a company that lost a merge stands for the survivor. Returns whether anything did."""
    statement = update(rule_names).where(rule_names.c.portal == tx.portal, rule_names.c.company_id == old_company_id)
    return bool(tx.connection.execute(statement.values(company_id=company_id)).rowcount)
