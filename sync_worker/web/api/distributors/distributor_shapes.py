"""What stands in bodies about distributors and their subgroups; see `shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictFloat, StrictInt, StrictStr, WithJsonSchema

from sync_worker.web.api.associations.company_shapes import CompanyNameView, CompanyView
from sync_worker.web.api.core.shapes import Body, ListView, Name, ShownPercent, View, decimal_text
from sync_worker.web.api.people.user_shapes import UserView

Percent: TypeAlias = Annotated[
    StrictStr | StrictInt | StrictFloat,
    WithJsonSchema(decimal_text(r"^[0-9]{1,3}(\.[0-9]{1,2})?$", "12.50")),
]
"""From 0 to 100, with at most two decimals."""


class TermsBody(Body):
    """New terms of two companies: whether the lower one may register deals, and its percent off the list price by deal type."""

    may_register: bool
    percents: Annotated[dict[Name, Percent], Field(max_length=100, default_factory=dict)]


class SubgroupBody(TermsBody):
    """A new subgroup, with its terms."""

    name: Name


class TermsView(View):
    """Terms of two companies, with who set them and when."""

    may_register: bool
    percents: dict[str, ShownPercent]
    since: datetime
    by: str


class TermsHistoryView(View):
    """The terms of two companies: the current ones, and all that were set, the oldest first. `current` is null if none were set."""

    current: TermsView | None
    history: list[TermsView]


class SubgroupNameBody(Body):
    """The new name of a subgroup."""

    name: Name


class SubgroupView(View):
    """A subgroup: a company under its parent. `may_register` and `percents` are the terms that its parent agreed with it."""

    company: CompanyView
    parent: CompanyNameView
    how: Literal["created", "promoted"]
    since: datetime
    by: str
    until: Annotated[datetime | None, Field(description="When it ended. It is null as long as the company is a subgroup.")]
    may_register: bool
    percents: dict[str, ShownPercent]
    flagged: Annotated[
        list[str], Field(description="The ids of the deals that were pending when the subgroup was disassociated.", default_factory=list)
    ]


class SubgroupsView(ListView):
    """The subgroups of a second partner, by name."""

    items: list[SubgroupView]


class CandidatesView(ListView):
    """The companies that the user may make subgroups, by name."""

    items: list[CompanyNameView]


class MembersView(ListView):
    """The members of a subgroup, by name."""

    items: list[UserView]


class AgreementView(View):
    """One version of a signed agreement. Its file is at its own address."""

    id: str
    version: int
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime
    uploaded_by: str


class AgreementsView(ListView):
    """Every version of a signed agreement, the newest first."""

    items: list[AgreementView]
