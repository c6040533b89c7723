"""What a list of deals can be asked for: filters and an order. The list, its CSV and the insights take the same filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, Query

from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import DistributorApproval, Lifecycle, Outcome, Refusal, VendorApproval
from sync_worker.domain.deals.flags import OF_TWO_TIERS
from sync_worker.domain.people.visibility import DealShare, shares
from sync_worker.nearest import did_you_mean
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import viewer_of
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.narrowing import Bound, Narrowing
from sync_worker.store.deals.orders import ORDERED, ListOrder, order_of
from sync_worker.store.deals.pipeline import SeenDeal
from sync_worker.web.api.associations.company_views import types_shown_as
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import PersonalVisit, Word
from sync_worker.web.api.core.paging import Moment, Paging, Place, moment_of, refused_cursor
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.references import company_of, refuse_of_two_tiers

BIGGEST: Final = 2**63
_HELD: Final = "="  # before a value in a cursor; a place without a value is ""


# ── filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WantedStates:
    """Where the deals stand."""

    lifecycle: Lifecycle | None
    outcome: Outcome | None
    vendor_approval: VendorApproval | None
    distributor_approval: DistributorApproval | None
    stage: str | None


def _states(
    lifecycle: Lifecycle | None = None,
    outcome: Outcome | None = None,
    vendor_approval: VendorApproval | None = None,
    distributor_approval: DistributorApproval | None = None,
    stage: Word = None,
) -> WantedStates:
    return WantedStates(lifecycle, outcome, vendor_approval, distributor_approval, stage)


@dataclass(frozen=True, slots=True)
class WantedSides:
    """Whose deals they are."""

    company: str | None
    owner_company: str | None
    second_partner: str | None
    owner_user: str | None
    label: str | None


def _sides(
    company: Annotated[
        Word,
        Query(
            description="Only deals with this company on either side: our id, its CRM id, or its name if no other company has that name."
        ),
    ] = None,
    owner_company: Word = None,
    second_partner: Word = None,
    owner_user: Word = None,
    label: Annotated[
        Word,
        Query(
            description="Only deals with a company of this account type on either side. It is named by the portal's label or by the type.",
            examples=["Distributor"],
        ),
    ] = None,
) -> WantedSides:
    return WantedSides(company, owner_company, second_partner, owner_user, label)


Day: TypeAlias = Annotated[date | None, Query(description="A day of the portal's calendar. It belongs to the time that is asked for.")]


@dataclass(frozen=True, slots=True)
class DaySpan:
    """From a day to a day, both included. **Shapes** `name`: of the parameters, without `_from` and `_to`."""

    name: str
    column: str
    first: date | None
    last: date | None


def _made(created_from: Day = None, created_to: Day = None, registered_from: Day = None, registered_to: Day = None) -> tuple[DaySpan, ...]:
    return (
        DaySpan("created", "created_at", created_from, created_to),
        DaySpan("registered", "registered_at", registered_from, registered_to),
    )


def _ending(
    expected_close_from: Day = None, expected_close_to: Day = None, expires_from: Day = None, expires_to: Day = None
) -> tuple[DaySpan, ...]:
    closing = DaySpan("expected_close", "expected_close_on", expected_close_from, expected_close_to)
    return closing, DaySpan("expires", "expires_on", expires_from, expires_to)


@dataclass(frozen=True, slots=True)
class DealFilters:
    """Everything that deals can be narrowed by."""

    states: WantedStates
    sides: WantedSides
    spans: tuple[DaySpan, ...]
    text: str | None
    updated_since: datetime | None


def _spans(
    made: Annotated[tuple[DaySpan, ...], Depends(_made)], ending: Annotated[tuple[DaySpan, ...], Depends(_ending)]
) -> tuple[DaySpan, ...]:
    return (*made, *ending)


def _filters(
    states: Annotated[WantedStates, Depends(_states)],
    sides: Annotated[WantedSides, Depends(_sides)],
    spans: Annotated[tuple[DaySpan, ...], Depends(_spans)],
    text: Annotated[
        Word, Query(description="Only deals with this text in their name, their prospect or the e-mail address of their contact.")
    ] = None,
    updated_since: Moment | None = None,
) -> DealFilters:
    return DealFilters(states, sides, spans, text, updated_since)


FiltersOf: TypeAlias = Annotated[DealFilters, Depends(_filters)]
"""How an endpoint that shows several deals is narrowed."""


def sight_of(tx: Tx, visit: PersonalVisit) -> tuple[DealShare, ...]:
    """What the person who looks sees."""
    return shares(viewer_of(tx, visit.tenant, visit.user))


def narrowing_of(tx: Tx, visit: PersonalVisit, wanted: DealFilters) -> Narrowing:
    """The filters as the store takes them, and what another one sees as well. **Raises** Refused as `narrowed`."""
    found = narrowed(tx, visit.tenant, wanted)
    return replace(found, also=shares(viewer_of(tx, visit.tenant, visit.also))) if visit.also else found


def narrowed(tx: Tx, tenant: Tenant, wanted: DealFilters) -> Narrowing:
    """The filters as the store takes them. **Raises** Refused for a value that this portal does not have."""
    sides, states = wanted.sides, wanted.states
    refuse_of_two_tiers(tenant, {"distributor_approval": states.distributor_approval, "second_partner": sides.second_partner})
    named = {"company": sides.company, "owner_company": sides.owner_company, "second_partner": sides.second_partner}
    ids = {name: company_of(tx, tenant, reference, field=name).id for name, reference in named.items() if reference}
    equal = {
        "lifecycle": states.lifecycle,
        "outcome": states.outcome,
        "vendor_approval": states.vendor_approval,
        "distributor_approval": states.distributor_approval,
        "stage": states.stage,
        "owner_company": ids.get("owner_company"),
        "second_partner": ids.get("second_partner"),
        "owner_user": sides.owner_user,
    }
    return Narrowing(
        equal=[(name, str(value)) for name, value in equal.items() if value],
        company=ids.get("company", ""),
        text=wanted.text or "",
        bounds=[*_bounds(tenant, wanted.spans), Bound("updated_at", low=wanted.updated_since)],
        types=_types(tenant, sides.label) if sides.label else None,
        has_second_side=tenant.portal.two_tier,
    )


def _types(tenant: Tenant, label: str) -> frozenset[AccountType] | None:
    """The account types with this label. **Raises** Refused."""
    labels = views.labels_of(tenant)
    folded = label.strip().casefold()
    found = next((kind for kind, shown in labels.items() if folded in (shown.casefold(), kind.value)), None)
    if found is None:
        words = tuple(labels.values())
        who = f"the label of an account type of this portal. {did_you_mean(label, words)}".rstrip()
        raise Refused(Refusal("value_not_listed", f"label: this portal has no account type {label!r}", who, words, "label"))
    return types_shown_as(tenant, found)


def _bounds(tenant: Tenant, spans: tuple[DaySpan, ...]) -> Iterator[Bound]:
    """**Raises** Refused where a period ends before it begins."""
    for span in spans:
        if span.first and span.last and span.last < span.first:
            why = f"{span.name}_to: {span.last} is before {span.name}_from, which is {span.first}"
            raise Refused(Refusal("value_malformed", why, f"{span.first} or a later day", field=f"{span.name}_to"))
        if span.first or span.last:
            yield _bound(tenant, span)


def _bound(tenant: Tenant, span: DaySpan) -> Bound:
    """A deal without such a day is outside of every span, so the first day is always said."""
    first, after = span.first or date.min, span.last + timedelta(days=1) if span.last and span.last < date.max else None
    if span.column.endswith("_on"):
        return Bound(span.column, first, after)
    return Bound(span.column, _midnight(tenant, first), after and _midnight(tenant, after))


def _midnight(tenant: Tenant, day: date) -> datetime:
    """When the day begins, by the portal's calendar."""
    try:
        return datetime.combine(day, time.min, tenant.portal.zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time.min, UTC)


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DealOrder:
    """An order of the list. **Shapes** `word`: as it was asked for."""

    word: str
    order: ListOrder


def _order(
    sort: Annotated[
        Word,
        Query(
            description="The column by which the deals are ordered; with `-` before it the order falls. Deals without a value come last. "
            "Deals with the same value are in the order of their ids. Amounts are ordered within their currency, companies by their name. "
            f"One of: {', '.join(ORDERED)}.",
            examples=["-amount"],
        ),
    ] = None,
) -> str:
    return sort or "-updated_at"


SortOf: TypeAlias = Annotated[str, Depends(_order)]


def order_wanted(tenant: Tenant, word: str) -> DealOrder:
    """**Raises** Refused for what this portal's deals are not ordered by."""
    name = word.removeprefix("-")
    known = [one for one in ORDERED if tenant.portal.two_tier or one not in OF_TWO_TIERS]
    if name not in known:
        near = did_you_mean(name, known)
        who = f"a column of the list, with - before it for a falling order. {near}".rstrip()
        raise Refused(Refusal("value_not_listed", f"sort: deals have no column {name!r}", who, tuple(known), "sort"))
    return DealOrder(word, order_of(name, falls=word.startswith("-")))


def place_of(wanted: DealOrder, seen: SeenDeal) -> Place:
    """The place of a deal in a cursor, which counts in this order only."""
    return (wanted.word, seen.stored.deal.id, *("" if value is None else f"{_HELD}{_spelled(value)}" for value in seen.place))


def last_seen(wanted: DealOrder, page: Paging) -> tuple[list[Any], str] | None:
    """Behind which deal the page begins. **Raises** Refused."""
    keys = wanted.order.keys
    place = page.place(2 + len(keys))
    if place is None:
        return None
    word, deal_id, *held = place
    if word != wanted.word:
        raise refused_cursor()
    if any(key.is_given and not text for key, text in zip(keys, held, strict=True)):
        raise refused_cursor()
    return [_value(key.kind, text) for key, text in zip(keys, held, strict=True)], deal_id


def _spelled(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _value(kind: type, text: str) -> Any:
    if not text:
        return None
    if not text.startswith(_HELD):
        raise refused_cursor()
    try:
        return _READERS[kind](text.removeprefix(_HELD))
    except (ValueError, InvalidOperation):
        raise refused_cursor() from None


def _number(text: str) -> int:
    number = int(text)
    if abs(number) >= BIGGEST:
        raise ValueError(text)
    return number


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount.adjusted()) > 1000:
        raise ValueError(text)
    return amount


_READERS: Final[Mapping[type, Any]] = {str: str, int: _number, Decimal: _amount, date: date.fromisoformat, datetime: moment_of}
