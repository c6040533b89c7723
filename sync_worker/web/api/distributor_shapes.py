"""What stands in bodies about distributors and their subgroups; see `shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictFloat, StrictInt, StrictStr, WithJsonSchema

from sync_worker.web.api.shapes import Company, CompanyName, Name, Paged, Said, Shown, ShownPercent, User, decimal_text

Percent: TypeAlias = Annotated[
    StrictStr | StrictInt | StrictFloat,
    WithJsonSchema(decimal_text(r"^[0-9]{1,3}(\.[0-9]{1,2})?$", "12.50")),
]
"""From 0 to 100, with at most two decimals."""


class TermsSaid(Said):
    """What a pair agrees on from now on: whether the lower company may register, and its percent off the list price per deal type."""

    may_register: bool
    percents: Annotated[dict[Name, Percent], Field(max_length=100, default_factory=dict)]


class SubgroupSaid(TermsSaid):
    """A new subgroup, with its terms."""

    name: Name


class AgreedTerms(Shown):
    """Terms, since when they held, and who set them."""

    may_register: bool
    percents: dict[str, ShownPercent]
    since: datetime
    by: str


class TermsHistory(Shown):
    """The terms of a pair: those that hold now, and all that ever held, the oldest first. `current` is null where none were ever set."""

    current: AgreedTerms | None
    history: list[AgreedTerms]


class Subgroup(Shown):
    """A company under its parent. `may_register` and `percents` are what its parent agreed with it."""

    company: Company
    parent: CompanyName
    how: Literal["created", "promoted"]
    since: datetime
    by: str
    until: Annotated[datetime | None, Field(description="Null while it lasts.")]
    may_register: bool
    percents: dict[str, ShownPercent]
    flagged: Annotated[list[str], Field(description="After a disassociation: deals that were pending, by id.", default_factory=list)]


class Subgroups(Paged):
    """A distributor's subgroups, by name."""

    items: list[Subgroup]


class Candidates(Paged):
    """The companies that whoever asks may promote, by name."""

    items: list[CompanyName]


class Members(Paged):
    """The people of a subgroup, by name."""

    items: list[User]


class Agreement(Shown):
    """One version of a signed agreement. Its content is at its own address."""

    id: str
    version: int
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime
    uploaded_by: str


class Agreements(Paged):
    """Every version that was ever uploaded, the newest first."""

    items: list[Agreement]
