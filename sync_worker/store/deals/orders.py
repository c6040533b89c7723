"""In which order deals can be listed: by every column of the list, and then by the id, so that no two deals have one place.

A deal without the value comes last, whether the order rises or falls. Amounts are ordered within their currency. Companies are ordered by
their name. Names of companies, deals and prospects are compared without regard to capitals, everything else as the database compares it;
of a text the first hundred characters count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Boolean, ColumnElement, Date, Integer, Select, Text, and_, case, false, func, or_

from sync_worker.domain.core.deal import DistributorApproval, Lifecycle, Outcome, VendorApproval
from sync_worker.store.core.columns import AsNumber, Money, Utc
from sync_worker.store.core.tables import companies
from sync_worker.store.deals.tables import NAME_CHARS, deals

S = TypeVar("S", bound=Select[Any])
_KINDS: Final[Mapping[type, type]] = {
    Utc: datetime,
    Date: date,
    Money: Decimal,
    Integer: int,
    BigInteger: int,
    Boolean: int,
    Text: str,
}
SHOWN: Final[dict[str, ColumnElement[Any]]] = {
    "lifecycle": func.coalesce(deals.c.lifecycle, Lifecycle.SUBMITTED.value),
    "outcome": func.coalesce(deals.c.outcome, Outcome.OPEN.value),
    "vendor_approval": func.coalesce(deals.c.vendor_approval, VendorApproval.PENDING.value),
    "distributor_approval": case(
        (deals.c.distributor_approval.is_not(None), deals.c.distributor_approval),
        (deals.c.second_partner.is_(None), DistributorApproval.NOT_REQUIRED.value),
        else_=DistributorApproval.PENDING.value,
    ),
}
"""What an unset column counts as, as `Deal` has it."""
_SIDES: Final = {side: companies.alias(f"{side}_named") for side in ("owner_company", "second_partner")}


@dataclass(frozen=True, slots=True)
class SortKey:
    """One thing that deals are compared by. **Shapes** `kind`: of its values; `is_given`: every deal has it."""

    column: ColumnElement[Any]
    kind: type
    falls: bool = False
    is_given: bool = False

    @property
    def clause(self) -> ColumnElement[Any]:
        """As `ORDER BY` has it. An index is used only where the order of nulls is not mentioned."""
        ordered = self.column.desc() if self.falls else self.column.asc()
        return ordered if self.is_given else ordered.nulls_last()

    def beyond(self, value: Any) -> ColumnElement[bool]:
        """Behind this value."""
        if value is None:
            return false()
        later = self.column < value if self.falls else self.column > value
        return later if self.is_given else or_(later, self.column.is_(None))

    def same(self, value: Any) -> ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == value


@dataclass(frozen=True, slots=True)
class ListOrder:
    """An order of deals. **Shapes** `side`: whose company's name it needs; "" = none's."""

    keys: tuple[SortKey, ...]
    side: str = ""

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        return [key.column.label(f"key_{number}") for number, key in enumerate(self.keys)]

    @property
    def clauses(self) -> list[ColumnElement[Any]]:
        return [*(key.clause for key in self.keys), deals.c.id]

    def without_index(self) -> ListOrder:
        """The same order, which PostgreSQL reaches by sorting. Along an index it would look at every deal one by one, if few are wanted."""
        return replace(self, keys=tuple(replace(key, is_given=False) for key in self.keys))

    def joined(self, query: S) -> S:
        """With what the keys are read from."""
        if not self.side:
            return query
        named = _SIDES[self.side]
        return query.outerjoin_from(deals, named, and_(named.c.portal == deals.c.portal, named.c.id == deals.c[self.side]))

    def behind(self, place: Sequence[Any], deal_id: str) -> ColumnElement[bool]:
        """The deals that follow the one with this place and id."""
        found: ColumnElement[bool] = deals.c.id > deal_id
        for key, value in reversed(list(zip(self.keys, place, strict=True))):
            found = or_(key.beyond(value), and_(key.same(value), found))
        return and_(found, *self._bounds(place))

    def _bounds(self, place: Sequence[Any]) -> Iterator[ColumnElement[bool]]:
        """What follows from it and lets an index begin at the right place."""
        first, value = self.keys[0], place[0]
        if first.is_given:
            yield first.column <= value if first.falls else first.column >= value


def order_of(name: str, *, falls: bool = False) -> ListOrder:
    """The order by this column. **Raises** KeyError: no deal is ordered by that."""
    if name == "amount":
        return ListOrder((_key("currency"), SortKey(AsNumber(deals.c.amount), Decimal, falls)))
    if name in _SIDES:
        return ListOrder((SortKey(_name(_SIDES[name].c.name), str, falls),), name)
    if name not in ORDERED:
        raise KeyError(name)
    return ListOrder((_key(name, falls),))


def _key(name: str, falls: bool = False) -> SortKey:
    column = deals.c[name]
    return SortKey(_compared(name), _KINDS[type(column.type)], falls, name in SHOWN or not column.nullable)


def _compared(name: str) -> ColumnElement[Any]:
    if name in SHOWN:
        return SHOWN[name]
    column = deals.c[name]
    if name in ("name", "prospect_name"):
        return _name(column)
    if isinstance(column.type, Boolean):
        return case((column, 1), else_=0)
    return func.substr(column, 1, NAME_CHARS, type_=Text()) if isinstance(column.type, Text) else column


def _name(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.lower(func.substr(column, 1, NAME_CHARS, type_=Text()), type_=Text())


_UNORDERED: Final = ("portal", "id", "version", "prospect_key", "contact_key", "attributes")
ORDERED: Final = tuple(sorted(column.name for column in deals.columns if column.name not in _UNORDERED))
"""The columns by which deals can be ordered."""
LATEST: Final = order_of("updated_at", falls=True)
"""The latest change first."""
