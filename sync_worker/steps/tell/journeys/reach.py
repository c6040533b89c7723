"""REACH: how many of a portal's users a journey could tell, if a deal of the right kind came: asked when somebody saves it.

Filters on the deal itself are not asked, since any deal may come; those on companies are asked of every company.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sync_worker.domain.core.company import AccountType, Company, company_values
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.conditions.holds import holds
from sync_worker.domain.core.user import User
from sync_worker.domain.tell.journeys.journey import OWNER_COMPANY, SECOND_PARTNER, Journey, parts_of
from sync_worker.domain.tell.journeys.limits import JourneyReach
from sync_worker.domain.tell.journeys.ruling import SideCompanies, has_role
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import people

BATCH_COUNT: Final = 1000
TYPES: Final = {
    OWNER_COMPANY: frozenset({AccountType.PARTNER, AccountType.SECOND_PARTNER}),
    SECOND_PARTNER: frozenset({AccountType.SECOND_PARTNER}),
}
"""Which companies can stand on each side of a deal."""


def reach_of(tx: Tx, tenant: Tenant, journey: Journey) -> JourneyReach:
    """The number, of all active users."""
    sides = dict.fromkeys(side for side, _ in map(parts_of, journey.recipients))
    fitting = _fitting(tx, {side: _own_filters(journey, side) for side in sides})
    wanted = [(role, fitting[side]) for side, role in map(parts_of, journey.recipients)]
    active = [user for user in _everybody(tx) if user.is_active]
    reached = sum(any(has_role(user, role, at) for role, at in wanted) for user in active)
    return JourneyReach(reached, len(active), tenant.portal.journeys.confirm_percent)


def _fitting(tx: Tx, filters: dict[str, tuple[Condition, ...]]) -> dict[str, SideCompanies]:
    """By side: the companies that can stand there and fulfil its filters."""
    found: dict[str, list[Company]] = {side: [] for side in filters}
    for company in companies.every(tx):
        values = company_values(company)
        for side, conditions in filters.items():
            if company.account_type in TYPES[side] and holds(conditions, {f"{side}.{name}": value for name, value in values.items()}):
                found[side].append(company)
    return {side: _at(some) for side, some in found.items()}


def _at(some: Sequence[Company]) -> SideCompanies:
    addresses = frozenset(email.casefold() for company in some if (email := company.account_owner_email))
    return SideCompanies(frozenset(company.id for company in some), addresses)


def _own_filters(journey: Journey, side: str) -> tuple[Condition, ...]:
    return tuple(one for one in journey.filters if one.field.startswith(f"{side}."))


def _everybody(tx: Tx) -> Iterator[User]:
    after = ""
    while page := people.listed(tx, after=after, limit=BATCH_COUNT):
        yield from page
        after = page[-1].id
