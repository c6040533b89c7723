"""Which rows of the table of deals somebody sees: the shares of `domain/people/visibility.py` said in SQL, and the filters of lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true

from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import Lifecycle
from sync_worker.domain.people.visibility import DealShare, Scope
from sync_worker.store.core.columns import AsciiLower
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among
from sync_worker.store.core.tables import companies
from sync_worker.store.deals.orders import SHOWN
from sync_worker.store.deals.tables import deals
from sync_worker.store.people.tables import users


@dataclass(frozen=True, slots=True)
class Bound:
    """Deals of a time. **Shapes** `low`: then or later; `below`: earlier. A deal without this time is not among them."""

    column: str
    low: date | datetime | None = None
    below: date | datetime | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which of the deals somebody sees.

    **Shapes** `equal`: (column, value), all of them; `company`: on either side; `text`: in its name, its prospect or its contact's e-mail;
    `types`: a company of one of these on either side, None = any; `also`: what another one sees as well; `has_second_side`: whether the
    portal has second partners now.
    """

    equal: Sequence[tuple[str, str]] = ()
    company: str = ""
    text: str = ""
    bounds: Sequence[Bound] = ()
    types: frozenset[AccountType] | None = None
    also: Iterable[DealShare] | None = None
    has_second_side: bool = True

    @property
    def is_open(self) -> bool:
        """Whether it shows every deal that the person sees, or all of them that changed since some moment."""
        wants_some = self.equal or self.company or self.text or self.types is not None or self.also is not None
        return not wants_some and all(bound.column == "updated_at" for bound in self.bounds)


WHOLE: Final = Narrowing()


def conditions(tx: Tx, shares: Iterable[DealShare], wanted: Narrowing) -> Iterator[ColumnElement[bool]]:
    """Which rows of the table these are."""
    yield deals.c.portal == tx.portal
    yield _covered_by_any(tx, shares)
    if wanted.also is not None:
        yield _covered_by_any(tx, wanted.also)
    yield from (SHOWN.get(name, deals.c[name]) == value for name, value in wanted.equal)
    yield from _on_either_side(tx, wanted)
    if wanted.text:
        yield or_(*(_holds(column, wanted.text) for column in (deals.c.name, deals.c.prospect_name, deals.c.contact_email)))
    for bound in wanted.bounds:
        yield from _within(bound)


def _holds(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether the text stands in the column, in capitals or not."""
    if text.isascii():
        return AsciiLower(column).contains(text.lower(), autoescape=True)
    return column.icontains(text, autoescape=True)


def _on_either_side(tx: Tx, wanted: Narrowing) -> Iterator[ColumnElement[bool]]:
    sides = (deals.c.owner_company, deals.c.second_partner) if wanted.has_second_side else (deals.c.owner_company,)
    if wanted.company:
        yield or_(*(side == wanted.company for side in sides))
    if wanted.types is not None:
        kinds = sorted(kind.value for kind in wanted.types)
        of_type = select(companies.c.id).where(companies.c.portal == tx.portal, companies.c.account_type.in_(kinds))
        yield or_(*(side.in_(of_type) for side in sides))


def _within(bound: Bound) -> Iterator[ColumnElement[bool]]:
    column = deals.c[bound.column]
    if bound.low is not None:
        yield column >= bound.low
    if bound.below is not None:
        yield column < bound.below


def _covered_by_any(tx: Tx, shares: Iterable[DealShare]) -> ColumnElement[bool]:
    return or_(false(), *[_covered(tx, share) for share in shares])


def _covered(tx: Tx, share: DealShare) -> ColumnElement[bool]:
    """`Share.covers`, said in SQL."""
    side = true() if share.side == "any" else among(tx, deals.c[share.side], share.companies)
    is_own = or_(deals.c.owner_user == share.user_id, deals.c.registered_by == share.user_id)
    higher = exists().where(users.c.portal == deals.c.portal, users.c.id == deals.c.owner_user, users.c.role.in_(sorted(share.hides)))
    reach = {
        Scope.EVERY: true(),
        Scope.SUBMITTED: or_(deals.c.lifecycle.is_(None), deals.c.lifecycle != Lifecycle.DRAFT.value, is_own),
        Scope.BELOW: or_(is_own, ~higher),
        Scope.OWN: is_own,
    }
    return and_(side, reach[share.scope])
