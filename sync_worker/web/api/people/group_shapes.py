"""What stands in the bodies of dynamic groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints

from sync_worker.web.api.core.conditions import ConditionFieldView, Conditions, ConditionView
from sync_worker.web.api.core.deal_shape import WarningView
from sync_worker.web.api.core.shapes import Body, ListView, Name, View
from sync_worker.web.api.people.user_shapes import UserView

KEY = r"^[a-z0-9][a-z0-9_-]{0,62}$"
GroupKey: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=KEY),
    Field(description="The key of the group, which stays as it is: small letters, digits, - and _.", examples=["gold-partners"]),
]


class GroupEditBody(Body):
    """A group with its name and its conditions as they are to be."""

    name: Annotated[Name, Field(examples=["Gold partners"])]
    conditions: Conditions


class GroupBody(GroupEditBody):
    """A new group."""

    key: GroupKey


class ConditionsBody(Body):
    """Conditions that are tried before a group is made of them."""

    conditions: Conditions


class GroupView(View):
    """A group. While an edit is being evaluated, its members are those of the conditions before."""

    key: str
    name: str
    conditions: Annotated[list[ConditionView], Field(description="The conditions as last written.")]
    is_evaluated: Annotated[bool, Field(description="Whether the members are those of these conditions. If not, they will be in a moment.")]
    changed_by: Annotated[str, Field(description="The token with which the group was last written.")]
    changed_at: datetime


class WrittenGroupView(GroupView):
    """A group after it was written."""

    warnings: Annotated[list[WarningView], Field(description="Whether the group is going to be empty, or to have everybody in it.")]


class GroupSizeView(GroupView):
    """A group, and how many are in it now."""

    company_count: int
    user_count: Annotated[int, Field(description="The number of active users.")]


class GroupsView(ListView):
    """One page of the groups of the portal, by key."""

    items: list[GroupView]


class GroupFieldsView(ListView):
    """One page of the fields that the conditions of a group may name, by name."""

    items: list[ConditionFieldView]


class GroupCompanyView(View):
    """A company that is in a group, or would be."""

    id: str
    name: str


class GroupPreviewView(View):
    """Whom conditions reach now, with the first of the companies and users by id."""

    company_count: int
    user_count: Annotated[int, Field(description="The number of active users.")]
    companies: list[GroupCompanyView]
    users: list[UserView]
    warnings: Annotated[list[WarningView], Field(description="Whether a group with these conditions is empty, or has everybody in it.")]


class UserGroupView(View):
    """A group that a user is in, and through which of the user's companies."""

    key: str
    name: str
    companies: list[GroupCompanyView]


class UserGroupsView(ListView):
    """One page of the groups that a user is in, by key. An inactive user is in no group."""

    items: list[UserGroupView]


class GroupCheckView(View):
    """Whether a user may see content that is restricted to some groups."""

    may_see: Annotated[bool, Field(description="Whether the user is in one of the groups at least.")]
    groups: Annotated[list[str], Field(description="Those of the groups that the user is in.")]
    unknown: Annotated[list[str], Field(description="Keys that no group has. No user is in such a group.")]
    words: Annotated[str, Field(description="Why, for people.")]
