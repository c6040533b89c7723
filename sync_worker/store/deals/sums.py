"""Sums over the deals that somebody sees: how many there are and what they are worth, by one column and currency.

Every sum is worked out from the deals themselves, so it agrees with the list. In PostgreSQL the index `deals_summed` holds all that a sum
over a whole portal needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Integer, Select, Text, and_, cast, func, literal, null, or_, select, union_all

from sync_worker.domain.deals.insights import Cell, Grouping
from sync_worker.domain.people.visibility import DealShare
from sync_worker.store.core.columns import ExactSum, IdText, LocalDay, MonthOf
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.narrowing import Narrowing, conditions
from sync_worker.store.deals.orders import SHOWN
from sync_worker.store.deals.tables import deals

PAGE_COST: Final = 1.1


@dataclass(frozen=True, slots=True)
class GroupsWanted:
    """Which groups. **Shapes** `zone`: whose calendar counts; `after`: the count and the value of the last group seen."""

    grouping: Grouping
    zone: str = "UTC"
    after: tuple[int, str | None] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class CellsFound:
    """**Shapes** `total`: one cell for each currency, of all groups; `page`: the cells of the groups that were asked for, in order."""

    total: list[Cell]
    page: list[Cell]


def sums_of(tx: Tx, shares: Iterable[DealShare], wanted: Narrowing, groups: GroupsWanted) -> CellsFound:
    """A page of groups, and the sum of all. Each deal is counted once. A group without a value comes last among equals."""
    _prefer_the_index(tx)
    cells = _cells(tx, shares, wanted, groups)
    page = _page(cells, groups)
    same = and_(func.coalesce(cells.c.value, "") == func.coalesce(page.c.value, ""), cells.c.value.is_(None) == page.c.value.is_(None))
    of_page = select(literal(1).label("part"), page.c.size, *cells.c).join_from(page, cells, same)
    of_all = select(literal(0), literal(0), cast(null(), Text), cells.c.currency, *_added(cells)).group_by(cells.c.currency)
    both = union_all(of_page, of_all).subquery("both")
    rows = tx.connection.execute(select(both).order_by(both.c.part, *_order(groups, both))).all()
    return CellsFound([Cell(*row[2:]) for row in rows if not row[0]], [Cell(*row[2:]) for row in rows if row[0]])


def _prefer_the_index(tx: Tx) -> None:
    """PostgreSQL takes a page of an index for four times as dear as one of the table, as on a disk that turns, and would read the table."""
    if tx.is_postgresql:
        tx.connection.exec_driver_sql(f"SET LOCAL random_page_cost = {PAGE_COST}")


def _order(groups: GroupsWanted, of: Any) -> list[ColumnElement[Any]]:
    by_size = [] if groups.grouping.is_in_time else [of.c.size.desc()]
    return [*by_size, of.c.value.asc().nulls_last()]


def _cells(tx: Tx, shares: Iterable[DealShare], wanted: Narrowing, groups: GroupsWanted) -> CTE:
    """One row for each value and currency. A month is made of days that are added up already: there are fewer of them than deals."""
    column, shown = _COLUMNS[groups.grouping]
    raw = (
        select(column(groups.zone).label("value"), deals.c.currency, deals.c.amount)
        .where(*conditions(tx, shares, wanted))
        .subquery("seen")
    )  # fmt: skip
    counted = (func.count().label("count"), func.count(raw.c.amount).label("priced"), ExactSum(raw.c.amount).label("amount"))
    by_column = select(raw.c.value, raw.c.currency, *counted).group_by(raw.c.value, raw.c.currency).cte("by_column")
    named = select(shown(by_column.c.value).label("value"), *list(by_column.c)[1:]).subquery("named")
    return select(named.c.value, named.c.currency, *_added(named)).group_by(named.c.value, named.c.currency).cte("cells")


def _added(cells: Any) -> list[ColumnElement[Any]]:
    counts = [cast(func.sum(cells.c[name]), Integer).label(name) for name in ("count", "priced")]
    return [*counts, ExactSum(cells.c.amount).label("amount")]


def _page(cells: CTE, groups: GroupsWanted) -> CTE:
    """The groups of the page, each with its size."""
    sized = select(cells.c.value, cast(func.sum(cells.c.count), Integer).label("size")).group_by(cells.c.value).cte("sized")
    size, value = sized.c.size, sized.c.value
    query: Select[Any] = select(value, size)
    if groups.after:
        last_size, last = groups.after
        follows = value.is_(None) if last is not None else literal(False)
        later = or_(value > last, follows) if last is not None else literal(False)
        query = query.where(later if groups.grouping.is_in_time else or_(size < last_size, and_(size == last_size, later)))
    return query.order_by(*_order(groups, sized)).limit(groups.limit).cte("page")


Shown = Callable[[ColumnElement[Any]], ColumnElement[Any]]


def _as_it_is(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return value


_COLUMNS: Final[Mapping[Grouping, tuple[Callable[[str], ColumnElement[Any]], Shown]]] = {
    Grouping.STAGE: (lambda _: deals.c.stage, _as_it_is),
    Grouping.OUTCOME: (lambda _: SHOWN["outcome"], _as_it_is),
    Grouping.MONTH: (lambda _: deals.c.expected_close_on, MonthOf),
    Grouping.REGISTERED_MONTH: (lambda zone: LocalDay(deals.c.registered_at, zone), MonthOf),
    Grouping.OWNER_COMPANY: (lambda _: deals.c.owner_company, IdText),
    Grouping.SECOND_PARTNER: (lambda _: deals.c.second_partner, IdText),
}
"""Grouping → the column by the zone's calendar, and what becomes of its value."""
