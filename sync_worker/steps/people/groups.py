"""GROUPS: a group is made, edited or deleted by the portal; and whom conditions would reach, before anybody makes a group of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.conditions.check import ConditionMistake, check
from sync_worker.domain.core.conditions.condition import Condition, ConditionField
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.people.group import MOST_GROUPS, Reach, UserGroup, matches, unknown_group
from sync_worker.mapping.condition_fields import company_fields
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.regroup import NOTHING, known_of, tell_change
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import groups

Finish: TypeAlias = Callable[[Tx, UserGroup], None]


@dataclass(frozen=True, slots=True)
class WantedGroup:
    """A group as a person wants it."""

    key: str
    name: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class GroupPreview:
    """Whom conditions reach now. **Shapes** `first`: of the companies that meet them, as many as were asked for, by id."""

    reach: Reach
    company_ids: Sequence[str]
    first: Sequence[Company]


def fields(tenant: Tenant) -> dict[str, ConditionField]:
    """The fields that the conditions of a group may name."""
    return company_fields(tenant.company_map(), two_tier=tenant.portal.two_tier)


def mistakes(tenant: Tenant, conditions: Sequence[Condition]) -> list[ConditionMistake]:
    """What is wrong with these conditions."""
    return check(conditions, fields(tenant))


def make(tenant: Tenant, wanted: WantedGroup, *, by: str, finish: Finish) -> UserGroup | Refusal:
    """A new group; its companies are evaluated in the background. **Shapes** conditions without a mistake."""
    with tenant.store.transaction(tenant.name) as tx:
        known = groups.listed(tx)
        if wanted.key in {group.key for group in known}:
            why = f"there is a group {wanted.key!r} already"
            return Refusal("group_exists", why, f"PUT /groups/{wanted.key} changes it; or choose another key", field="key")
        if len(known) >= MOST_GROUPS:
            return Refusal(
                "groups_many",
                f"the portal has {len(known)} groups, which is the most that a portal can have",
                "delete one that is not used",
            )
        group = groups.write(tx, wanted.key, name=wanted.name, conditions=wanted.conditions, by=by)
        finish(tx, group)
        return group


def edit(tenant: Tenant, wanted: WantedGroup, *, by: str) -> UserGroup | Refusal:
    """Another name, which counts at once, or other conditions, which count when they are evaluated."""
    with tenant.store.transaction(tenant.name) as tx:
        before = groups.get(tx, wanted.key)
        if before is None:
            return _unknown(tx, wanted.key)
        after = groups.write(tx, wanted.key, name=wanted.name, conditions=wanted.conditions, by=by)
        if after.name != before.name and before.stood_no:
            tell_change(tx, wanted.key, {"name": before.name}, {"name": after.name}, by=by)
        return after


def delete(tenant: Tenant, key: str, *, by: str) -> UserGroup | Refusal:
    """The group is gone at once; returns it as it was."""
    with tenant.store.transaction(tenant.name) as tx:
        before = groups.get(tx, key)
        if before is None:
            return _unknown(tx, key)
        tell_change(tx, key, known_of(tx, before), NOTHING, by=by)
        groups.remove(tx, key)
        return before


def group_named(tx: Tx, key: str) -> UserGroup | Refusal:
    """The group, or that there is none."""
    return groups.get(tx, key) or _unknown(tx, key)


def preview(tx: Tx, conditions: Sequence[Condition], *, first_count: int) -> GroupPreview:
    """Whom these conditions reach now. It looks at every company."""
    found = [company for company in companies.every(tx) if matches(conditions, company)]
    ids = [company.id for company in found]
    return GroupPreview(groups.reach(tx, ids), ids, found[:first_count])


def _unknown(tx: Tx, key: str) -> Refusal:
    return unknown_group(key, {group.key for group in groups.listed(tx)})
