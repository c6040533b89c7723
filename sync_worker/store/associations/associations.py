"""Contract values as read from partners' CRM records, each with the second partner it is bound to. Associations follow from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, literal_column, select, tuple_, update

from sync_worker.domain.associations.association import BY_NAME, Binding, How
from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.names import folded, folded_otherwise
from sync_worker.store.associations.tables import contract_values
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, put, put_columns
from sync_worker.store.core.tables import companies

_COLUMNS = tuple(column.name for column in contract_values.columns)
_IS_BY_PERSON = contract_values.c.how == literal_column("'person'")  # as the index has it: SQLite compares no parameter with that


@dataclass(slots=True)  # not frozen: made 120,000 times in a first load
class ContractRow:
    """One value on one partner's record. **Shapes** `run_id`: the run that last changed it."""

    company_id: str
    binding: Binding
    since_at: datetime
    run_id: str


class ValueUse(NamedTuple):
    """What a contract value stands for, and on how many records. **Shapes** `company_id` None: no company."""

    value: str
    company_id: str | None
    how: How
    record_count: int


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """Which contract values. **Shapes** `text`: a part of the value, whatever its case; `is_unbound`: those that name no company alone."""

    text: str = ""
    is_unbound: bool = False


def values(tx: Tx, wanted: ValueFilter, *, after: str, limit: int) -> list[str]:
    """Values by their text, each once. **Shapes** `after`: the last one seen, "" begins."""
    query = select(contract_values.c.value).where(contract_values.c.portal == tx.portal, contract_values.c.value > after).distinct()
    if wanted.text:
        query = query.where(contract_values.c.value.icontains(wanted.text, autoescape=True))
    if wanted.is_unbound:
        query = query.where(contract_values.c.resolved_id.is_(None))
    return list(tx.connection.execute(query.order_by(contract_values.c.value).limit(limit)).scalars())


def uses(tx: Tx, of_values: Collection[str]) -> list[ValueUse]:
    """What these values stand for, by value, each once for each company and way in which it stands for it."""
    place = (contract_values.c.value, contract_values.c.resolved_id, contract_values.c.how)
    query = select(*place, func.count()).where(contract_values.c.portal == tx.portal, among(tx, contract_values.c.value, of_values))
    found = [ValueUse(*row) for row in tx.connection.execute(query.group_by(*place))]
    return sorted(found, key=lambda one: (one.value, one.company_id or "", one.how))


def counts_by_value(tx: Tx, company_id: str) -> dict[str, int]:
    """On how many records each value stands that means this company."""
    here = (contract_values.c.portal == tx.portal, contract_values.c.resolved_id == company_id)
    query = select(contract_values.c.value, func.count()).where(*here).group_by(contract_values.c.value)
    return dict(sorted((value, count) for value, count in tx.connection.execute(query)))


def bindings(tx: Tx, company_ids: Collection[str]) -> dict[str, dict[str, ContractRow]]:
    """The values on these partners' records: by company id, then by value."""
    query = select(contract_values).where(contract_values.c.portal == tx.portal, among(tx, contract_values.c.company_id, company_ids))
    found: dict[str, dict[str, ContractRow]] = {}
    for row in _rows(tx, query):
        found.setdefault(row.company_id, {})[row.binding.value] = row
    return found


def bound(tx: Tx, company_ids: Collection[str]) -> set[tuple[str, str]]:
    """(partner, second partner) for each value on these partners' records that is bound to one."""
    query = select(contract_values.c.company_id, contract_values.c.resolved_id).where(
        contract_values.c.portal == tx.portal, among(tx, contract_values.c.company_id, company_ids)
    )
    return {(company_id, bound_to) for company_id, bound_to in tx.connection.execute(query) if bound_to}


def involving(tx: Tx, company_id: str) -> list[ContractRow]:
    """Rows on this company's record, and rows bound to it: by company id, then by value.

    One look-up for each side, sorted here: asked for both at once, or in order, SQLite walks every row there is.
    """
    here = select(contract_values).where(contract_values.c.portal == tx.portal)
    sides = (contract_values.c.company_id, contract_values.c.resolved_id)
    rows = [_row(row) for side in sides for row in tx.connection.execute(here.where(side == company_id))]
    found = {(row.company_id, row.binding.value): row for row in rows}
    return [found[key] for key in sorted(found)]


def carriers(tx: Tx, company_ids: Collection[str]) -> set[str]:
    """The ids of partners whose records carry a value that is bound to one of these companies, and of those of these that carry any."""
    if not company_ids:
        return set()
    carrier, bound_to = contract_values.c.company_id, contract_values.c.resolved_id
    query = select(carrier).where(contract_values.c.portal == tx.portal)
    return {id_ for side in (carrier, bound_to) for id_ in tx.connection.execute(query.where(among(tx, side, company_ids))).scalars()}


def listed(tx: Tx) -> list[ContractRow]:
    """Every contract value of the portal."""
    return _rows(tx, select(contract_values).where(contract_values.c.portal == tx.portal))


def holding(tx: Tx, value: str) -> list[ContractRow]:
    """Every row of this value; where there is none, those of the one value that looks the same."""
    here = select(contract_values).where(contract_values.c.portal == tx.portal)
    if exact := _rows(tx, here.where(contract_values.c.value == value)):
        return exact
    alike = [row for condition in _alike(tx, [value]) for row in _rows(tx, here.where(condition))]
    return alike if len({row.binding.value for row in alike}) == 1 else []


def by_person(tx: Tx, values: Collection[str]) -> dict[str, Binding]:
    """Those of the values that a person has bound, on any record, and values that look the same; by value as it was bound."""
    query = select(contract_values).where(contract_values.c.portal == tx.portal, _IS_BY_PERSON)
    found = [row.binding for alike in _alike(tx, values) for row in _rows(tx, query.where(alike))]
    return {binding.value: binding for binding in found}


def _alike(tx: Tx, values: Iterable[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Two conditions, each with an index of its own: rows of these values, and rows of values that look the same."""
    exact = set(values)
    bare = set(map(folded, exact))
    return among(tx, contract_values.c.value, exact | bare), among(tx, contract_values.c.value_folded, bare)


def unbound_values(tx: Tx, values: Iterable[str]) -> list[str]:
    """Those of the values, and of values that look the same, that stand on some partner's record and name no company yet."""
    query = select(contract_values.c.value).where(contract_values.c.portal == tx.portal, contract_values.c.resolved_id.is_(None))
    return sorted({value for alike in _alike(tx, values) for value in tx.connection.execute(query.where(alike)).scalars()})


def unbound(tx: Tx, *, after: tuple[str, str], limit: int) -> list[ContractRow]:
    """Rows that name no company yet. **Shapes** by value and company; `after`: those of the last one seen, ("", "") begins."""
    place = (contract_values.c.value, contract_values.c.company_id)
    query = select(contract_values).where(
        contract_values.c.portal == tx.portal, contract_values.c.resolved_id.is_(None), tuple_(*place) > after
    )
    return [_row(row) for row in tx.connection.execute(query.order_by(*place).limit(limit))]


def bind_everywhere(tx: Tx, bindings: Sequence[Binding], run_id: str) -> None:
    """Binds these values on every record where they named no company."""
    if not bindings:
        return
    statement = (
        update(contract_values)
        .where(
            contract_values.c.portal == tx.portal,
            contract_values.c.value == bindparam("bound_value"),
            contract_values.c.resolved_id.is_(None),
        )
        .values(resolved_id=bindparam("bound_id"), how=bindparam("bound_how"), since_at=tx.now, run_id=run_id)
    )
    rows = [{"bound_value": one.value, "bound_id": one.company_id, "bound_how": one.how} for one in bindings]
    tx.connection.execute(statement, rows)
    feed.tell_associations(tx, {one.company_id for one in bindings if one.company_id})  # the one side that has a bound


def bound_by_name(tx: Tx, company_id: str) -> list[ContractRow]:
    """Rows that were bound to this company because they spelled its name, or one that looks the same."""
    query = select(contract_values).where(
        contract_values.c.portal == tx.portal, contract_values.c.resolved_id == company_id, contract_values.c.how.in_(BY_NAME)
    )
    return _rows(tx, query)


def save(tx: Tx, rows: Sequence[ContractRow]) -> None:
    """Writes the rows as they are now."""
    put(tx, contract_values, _COLUMNS, [_saved(tx, row) for row in rows])
    feed.tell_associations(tx, {row.company_id for row in rows})


def add(tx: Tx, held: Sequence[tuple[str, str]], bindings: Mapping[str, Binding], run_id: str) -> None:
    """Writes these (company id, value) rows of partners of whom there is none yet, as `save` would; each value is bound alike on all."""
    if not held:
        return
    ids, values = zip(*held, strict=True)
    folded_forms = {value: folded_otherwise(value) for value in bindings}
    put_columns(
        tx,
        contract_values,
        {
            "company_id": ids,
            "value": values,
            "resolved_id": [bindings[value].company_id for value in values],
            "how": [bindings[value].how for value in values],
            "since_at": [tx.now] * len(held),
            "run_id": [run_id] * len(held),
            "value_folded": [folded_forms[value] for value in values],
        },
    )
    feed.tell_associations(tx, set(ids))


def remove(tx: Tx, gone: Sequence[tuple[str, str]]) -> None:
    """Removes (company id, value) rows: the contract has ended."""
    if not gone:
        return
    statement = delete(contract_values).where(
        contract_values.c.portal == tx.portal,
        contract_values.c.company_id == bindparam("gone_company"),
        contract_values.c.value == bindparam("gone_value"),
    )
    tx.connection.execute(statement, [{"gone_company": company_id, "gone_value": value} for company_id, value in sorted(gone)])
    feed.tell_associations(tx, {company_id for company_id, _ in gone})


def rebind(tx: Tx, old_company_id: str, company_id: str) -> None:
    """What was bound to a company that lost a merge is bound to the survivor."""
    tx.connection.execute(
        update(contract_values)
        .where(contract_values.c.portal == tx.portal, contract_values.c.resolved_id == old_company_id)
        .values(resolved_id=company_id)
    )
    feed.tell_associations(tx, {old_company_id, company_id})


def pairs(tx: Tx, company_ids: Collection[str]) -> set[tuple[str, str]]:
    """(partner, second partner) of the associations in effect on which one of these companies stands, on either side.

    One look-up for each side: asked for both at once, SQLite walks every row there is.
    """
    if not company_ids:
        return set()
    sides = (contract_values.c.company_id, contract_values.c.resolved_id)
    return {
        (partner, second) for side in sides for partner, second in tx.connection.execute(_in_effect(tx).where(among(tx, side, company_ids)))
    }


def pair_count(tx: Tx, at_most: int | None = None) -> int:
    """How many associations are in effect, counted up to `at_most`."""
    counted = _in_effect(tx).limit(at_most).subquery()
    return int(tx.connection.execute(select(func.count()).select_from(counted)).scalar_one())


def _in_effect(tx: Tx) -> Select[Any]:
    """As `domain.association.exclusion` has it: an active partner and an active second partner, each pair once."""
    query = select(contract_values.c.company_id, contract_values.c.resolved_id).where(contract_values.c.portal == tx.portal).distinct()
    for column, kind in ((contract_values.c.company_id, AccountType.PARTNER), (contract_values.c.resolved_id, AccountType.SECOND_PARTNER)):
        side = companies.alias(kind.value)
        takes_part = and_(side.c.account_type == kind, side.c.status == PortalStatus.ACTIVE, side.c.deleted_at.is_(None))
        query = query.join(side, and_(side.c.portal == contract_values.c.portal, side.c.id == column, takes_part))
    return query


def counts(tx: Tx) -> tuple[int, int]:
    """(bound values, values that name no company)."""
    query = select(func.count(contract_values.c.resolved_id), func.count()).where(contract_values.c.portal == tx.portal)
    bound, total = tx.connection.execute(query).one()
    return bound, total - bound


def _saved(tx: Tx, row: ContractRow) -> tuple[Any, ...]:
    return tx.portal, row.company_id, *row.binding, row.since_at, row.run_id, folded_otherwise(row.binding.value)


def _rows(tx: Tx, query: Select[Any]) -> list[ContractRow]:
    """By company id, then by value. Sorted here: asked for an order, or for distinct rows, SQLite walks every row of the portal."""
    rows = [_row(row) for row in tx.connection.execute(query)]
    return sorted(rows, key=lambda row: (row.company_id, row.binding.value))


def _row(row: Sequence[Any]) -> ContractRow:
    """By position, in the order of the table's columns: a first load reads many."""
    _, company_id, value, resolved_id, how, since_at, run_id, _ = row
    return ContractRow(company_id, Binding(value, resolved_id, how), since_at, run_id)
