"""Journeys as they stand in bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from sync_worker.domain.tell.journeys.journey import Trigger
from sync_worker.web.api.core.shapes import TEXT, Body, Count, Name, Text, View

Words: TypeAlias = Annotated[str, StringConstraints(max_length=20_000, pattern=TEXT)]
FilterValue: TypeAlias = Text | bool | int | float


class JourneyFilterBody(Body):
    """A filter: if it does not hold, the journey sends nothing."""

    field: Annotated[Name, Field(examples=["second_partner.region"], description="A field of the deal or of one of its two companies.")]
    operator: Annotated[Name, Field(examples=["one_of"], description="Which operators there are depends on the field.")]
    values: Annotated[list[FilterValue], Field(max_length=200, default_factory=list)]


class JourneyBody(Body):
    """A journey as it is from now on. Each save is a new version."""

    name: Name
    trigger: Trigger
    filters: Annotated[list[JourneyFilterBody], Field(max_length=50, description="All of them must hold.", default_factory=list)]
    recipients: Annotated[
        list[Name], Field(max_length=20, examples=[["second_partner.executive"]], description="Roles on either side of the deal.")
    ]
    subject: Annotated[Text, Field(examples=["{{ deal.name }} was registered"], description="One line, with merge tags.")]
    body: Annotated[Words, Field(description="Plain text with merge tags. An empty line ends a paragraph.")]
    enabled: bool = True
    confirm_users: Annotated[
        Count | None, Field(description="The number of users that you have seen and want, where a journey could reach many.")
    ] = None


class NewJourneyBody(JourneyBody):
    """A new journey."""

    key: Annotated[Name, Field(examples=["welcome-emea"], description="Small letters, digits and hyphens. It does not change.")]


class JourneyPreviewBody(Body):
    """Which deal to try a journey on."""

    deal: Annotated[Name, Field(description="The id of the deal.")]


class HeldMailsBody(Body):
    """What becomes of held mails, and why."""

    reason: Annotated[Text, Field(min_length=1)]


class JourneyFilterView(View):
    """A filter."""

    field: str
    operator: str
    values: list[str]


class JourneyRecipientView(View):
    """A role on one side of the deal."""

    recipient: str
    label: Annotated[str, Field(description="As people say it.", examples=["Distributor Executive"])]


class JourneyView(View):
    """A journey as it stands."""

    key: str
    version: int
    name: str
    trigger: Trigger
    filters: list[JourneyFilterView]
    recipients: list[JourneyRecipientView]
    subject: str
    body: str
    enabled: bool
    managed_by: Annotated[
        Literal["api", "file"], Field(description="`file`: a file of the operator keeps it, and requests cannot change it.")
    ]
    saved_at: datetime
    saved_by: str
    held_mails: Annotated[int, Field(description="Mails that wait, because the journey wrote too many within an hour.")]


class JourneyVersionView(View):
    """One version of a journey."""

    version: int
    name: str
    trigger: Trigger
    filters: list[JourneyFilterView]
    recipients: list[JourneyRecipientView]
    subject: str
    body: str
    saved_at: datetime
    saved_by: str


class PreviewedMailView(View):
    """A mail that somebody would get."""

    user: Annotated[str, Field(description="The portal's id of the user, or an address that the portal knows no user of.")]
    name: str
    email: str
    recipient: str
    subject: str
    body: str


class UntoldPersonView(View):
    """Somebody that the journey means and would not tell."""

    user: str
    name: str
    recipient: str
    why: str


class JourneyPreviewView(View):
    """Who would get what, if the journey's trigger came for this deal now. Nothing is sent."""

    told: list[PreviewedMailView]
    not_told: list[UntoldPersonView]
    reasons: Annotated[list[str], Field(description="Why the journey sends nothing, or nothing to some role.")]


class JourneyLogView(View):
    """What a journey made of one event, for one person or as a whole."""

    at: datetime
    version: int
    event: str
    deal: str
    user: Annotated[str | None, Field(description="Null: the event as a whole.")]
    recipient: str | None
    outcome: Literal["told", "not_told", "held", "discarded"]
    why: str


class HeldMailsView(View):
    """How many mails were released or discarded."""

    count: int
