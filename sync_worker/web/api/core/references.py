"""How a request names a company, and what it may not ask of a portal without second partners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, TypeAlias

from fastapi import Path

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.people.group import UserGroup
from sync_worker.nearest import MOST_NAMED
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.groups import group_named
from sync_worker.steps.people.naming import company_named
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import groups
from sync_worker.web.api.core.authentication import PRINTABLE
from sync_worker.web.api.core.problems import Refused

CompanyRef: TypeAlias = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        pattern=PRINTABLE,
        description="Our id of the company, its CRM id, or its name if no other company has that name.",
    ),
]


def company_of(tx: Tx, tenant: Tenant, reference: str, *, field: str = "", place: str = "company_id") -> Company:
    """The company in a filter's field, or at this place of an address. **Raises** Refused where none or several fit."""
    found = company_named(tx, tenant, reference, field=field or place)
    if isinstance(found, Refusal):
        raise Refused(found)
    if found is None:
        who = "a person who gives it a portal status in the CRM"
        raise Refused(Refusal("company_unknown", f"company {reference} is not in this portal", who, field=field))
    return found


def group_of(tx: Tx, key: str) -> UserGroup:
    """The group that a filter names. **Raises** Refused, with the nearest group, where there is none."""
    found = group_named(tx, key)
    if isinstance(found, Refusal):
        raise Refused(replace(found, allowed=tuple(group.key for group in groups.listed(tx))[:MOST_NAMED], field="group"))
    return found


def of_two_tiers(tenant: Tenant) -> Tenant:
    """**Raises** Refused: without second partners there is nothing at such an address."""
    if not tenant.portal.two_tier:
        raise Refused(Refusal("address_unknown", "there is nothing at this address", "see /docs"))
    return tenant


def refuse_of_two_tiers(tenant: Tenant, given: Mapping[str, object]) -> None:
    """**Raises** Refused for a filter by what a portal without second partners does not have."""
    for name in sorted(name for name, value in given.items() if value and not tenant.portal.two_tier):
        raise Refused(Refusal("two_tier_off", f"this portal has no second partners, so it cannot list by {name}", "nobody", field=name))
