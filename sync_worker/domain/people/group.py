"""A dynamic group: a key that stays, a name, and conditions over account type and company fields. Pure.

Its members are the active users of the companies that match. A company that is inactive or deleted in the CRM matches no group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from sync_worker.domain.core.company import Company, company_values
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.conditions.holds import holds
from sync_worker.domain.core.deal import Refusal
from sync_worker.nearest import did_you_mean

MOST_GROUPS: Final = 200  # of one portal: each company that changes is held against all of them
UserGroups: TypeAlias = Mapping[str, Collection[str]]
"""user → the keys of the groups that the user is in."""


class GroupPart(NamedTuple):
    """A company's part in a group. **Shapes** `no`: of the conditions that it meets."""

    group: str
    no: int


@dataclass(frozen=True, slots=True)
class UserGroup:
    """One group of one portal.

    **Shapes** `conditions` as last written, under the number `no`; those of `stood_no` count, with the companies that were found to meet
    them. 0: none were evaluated yet. The two numbers are equal unless an edit is being evaluated.
    """

    key: str
    name: str
    conditions: tuple[Condition, ...]
    no: int
    stood_no: int
    stood_conditions: tuple[Condition, ...]
    position: str
    changed_by: str
    changed_at: datetime
    stood_at: datetime | None

    @property
    def is_evaluated(self) -> bool:
        """Whether the conditions as last written count."""
        return self.no == self.stood_no

    @property
    def numbered(self) -> dict[int, tuple[Condition, ...]]:
        """The conditions that companies are held against: those that count, and those that will."""
        found = {self.no: self.conditions}
        return {self.stood_no: self.stood_conditions, **found} if self.stood_no else found


class Reach(NamedTuple):
    """Whom conditions reach, of how many. **Shapes** companies that are not inactive; active users that belong to a company."""

    company_count: int
    user_count: int
    companies_of: int
    users_of: int


def matches(conditions: Iterable[Condition], company: Company) -> bool:
    """Whether the company meets all of the conditions and takes part at all."""
    return not company.is_inactive and holds(conditions, company_values(company))


def parts(groups: Collection[UserGroup], company: Company) -> frozenset[GroupPart]:
    """The parts that the company has in these groups: under the conditions that count, and under those that will."""
    if company.is_inactive:
        return frozenset()
    values = company_values(company)
    return frozenset(GroupPart(group.key, no) for group in groups for no, conditions in group.numbered.items() if holds(conditions, values))


def is_news(before: Company | None, after: Company) -> bool:
    """Whether a change of a company can change the groups that it is in."""
    if before is None or before.is_inactive != after.is_inactive:
        return True
    return company_values(before) != company_values(after)


def moves(before: UserGroups, after: UserGroups) -> list[tuple[str, str, Literal["joined", "left"]]]:
    """(user, group, what happened) of everybody who is in another group than before, by user and group."""
    joined = ((user, group, "joined") for user, groups in after.items() for group in set(groups) - set(before.get(user, ())))
    left = ((user, group, "left") for user, groups in before.items() for group in set(groups) - set(after.get(user, ())))
    return sorted((*joined, *left))  # type: ignore[arg-type]  # mypy widens the literals of a generator


def reach_problem(reach: Reach) -> tuple[str, str] | None:
    """(code, words) where a group would be empty, or everybody; None where it makes a difference."""
    if not reach.company_count:
        return "group_empty", f"none of the {reach.companies_of:,} companies that take part meets the conditions, so the group is empty"
    if reach.company_count == reach.companies_of:
        return (
            "group_of_everybody",
            f"all {reach.companies_of:,} companies that take part meet the conditions, so everybody is in the group",
        )
    if not reach.user_count:
        return "group_empty", f"{reach.company_count:,} companies meet the conditions, but they have no active users, so the group is empty"
    if reach.user_count == reach.users_of:
        return "group_of_everybody", f"all {reach.users_of:,} active users belong to a company that meets the conditions"
    return None


def unknown_group(key: str, known: Collection[str]) -> Refusal:
    """There is no such group."""
    near = did_you_mean(key, sorted(known))
    return Refusal("group_unknown", f"there is no group {key!r}{'; ' + near if near else ''}", "a group is made with POST /groups")
