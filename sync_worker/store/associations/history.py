"""What was: contracts that have ended, and how companies stood before. Written only when something changes; never read by a sync."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.associations.tables import company_pasts, contract_values, past_contracts
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, put

_CONTRACT = tuple(column.name for column in past_contracts.columns)
_COMPANY = tuple(column.name for column in company_pasts.columns)


def end(tx: Tx, rows: Iterable[ContractRow]) -> None:
    """These contracts end now; a value that named no company was not one."""
    ended = [row for row in rows if row.binding.company_id]
    values = [
        (tx.portal, row.company_id, row.binding.value, tx.now, row.binding.company_id, row.binding.how, row.since_at, row.run_id)
        for row in ended
    ]
    put(tx, past_contracts, _CONTRACT, values)


def contracts(tx: Tx, company_id: str, at: datetime) -> list[ContractRow]:
    """Contracts that this company was part of then, on either side."""
    found: dict[tuple[str, str], ContractRow] = {}
    for table in (contract_values, past_contracts):
        here = [table.c.portal == tx.portal, table.c.since_at <= at, table.c.resolved_id.is_not(None)]
        if table is past_contracts:
            here.append(table.c.until_at > at)
        for side in (table.c.company_id, table.c.resolved_id):
            rows = tx.connection.execute(select(table).where(*here, side == company_id)).mappings()
            found |= {(row["company_id"], row["value"]): _contract(row) for row in rows}
    return [found[key] for key in sorted(found)]


def leave(tx: Tx, companies: Sequence[Company]) -> None:
    """Until now these companies stood so."""
    rows = [(tx.portal, one.id, tx.now, one.status.value, one.account_type.value, one.is_deleted) for one in companies]
    put(tx, company_pasts, _COMPANY, rows)


def as_of(tx: Tx, companies: Mapping[str, Company], at: datetime) -> dict[str, Company]:
    """These companies as they stood then, under the names they have now."""
    here = (company_pasts.c.portal == tx.portal, among(tx, company_pasts.c.company_id, companies.keys()), company_pasts.c.until_at > at)
    found = dict(companies)
    for row in tx.connection.execute(select(company_pasts).where(*here).order_by(company_pasts.c.until_at.desc())):
        status, kind = PortalStatus(row.status), AccountType(row.account_type)
        found[row.company_id] = replace(companies[row.company_id], status=status, account_type=kind, is_deleted=row.is_deleted)
    return found


def _contract(row: Mapping[Any, Any]) -> ContractRow:
    return ContractRow(row["company_id"], Binding(row["value"], row["resolved_id"], row["how"]), row["since_at"], row["run_id"])
