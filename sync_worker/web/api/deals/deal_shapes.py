"""Bodies of deals, of their moves and of their history."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from sync_worker.domain.core.deal import Decision, Track
from sync_worker.web.api.core.codes import Code
from sync_worker.web.api.core.deal_shape import DealView, WarningView
from sync_worker.web.api.core.shapes import Attribute, Body, Count, ListView, Money, Name, Reference, Text, View


class DealFieldsBody(Body):
    """What a partner writes on a deal. Left out = as it is, null = cleared."""

    owner_company: Reference | None = None
    second_partner: Reference | None = None
    name: Text | None = None
    prospect_name: Text | None = None
    contact_first_name: Text | None = None
    contact_last_name: Text | None = None
    contact_email: Text | None = None
    amount: Money | None = None
    currency: Text | None = None
    expected_close_on: date | None = None
    deal_type: Text | None = None
    licence_count: Count | None = None
    term_years: Count | None = None
    billing_cycle: Text | None = None
    attributes: dict[Name, Attribute] = Field(default={}, description="The portal's own fields, by name.")

    def written(self) -> dict[str, Any]:
        """Canonical fields flat with attributes, for the steps; only what was said."""
        said = self.model_dump(mode="json", exclude_unset=True, include=set(DealFieldsBody.model_fields))
        return {**said.pop("attributes", {}), **said}


class EditBody(DealFieldsBody):
    """Changes of a deal. A field that is left out stays as it is, and null clears it."""

    reason: Annotated[
        Text | None, Field(description="The reason. The vendor must give one to take the distributor off the deal of a subgroup.")
    ] = None


class RegistrationBody(DealFieldsBody):
    """A new deal. A field that is left out is empty."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "owner_company": "Birch Systems",
                    "second_partner": "Arrow Electronics",
                    "prospect_name": "Harbor Freight Lines",
                    "contact_last_name": "Berg",
                    "amount": "48000.00",
                    "licence_count": 25,
                }
            ]
        }
    )

    owner_company: Reference
    owner_user: Annotated[
        Name | None, Field(description="The colleague who will own the deal. Without it, the user who registers the deal owns it.")
    ] = None
    draft: Annotated[bool, Field(description="Whether it is a draft. A draft is not sent to the CRM.")] = False


class DealsView(ListView):
    """One page of deals, in the order that was asked for."""

    items: list[DealView]
    second_partner_label: str = ""


class ReasonBody(Body):
    """The reason for a move."""

    reason: Text = ""


class DecisionBody(Body):
    """A decision on an approval track. A rejection and a return need a reason, and a renewal needs a last day."""

    track: Track
    decision: Decision
    reason: Text = ""
    expires_on: Annotated[date | None, Field(description="The new last day, for the decision `renew`.")] = None


class LastDayBody(Body):
    """The last day of a registration, as the vendor sets it."""

    expires_on: Annotated[
        date, Field(description="The last day, which is today or later by the portal's calendar.", examples=["2027-06-30"])
    ]
    reason: Text = ""


class ReassignBody(Body):
    """The new owner of a deal."""

    owner_user: Name


class SettingView(View):
    """What set a value: who, on which side, when and why."""

    side: Literal["crm", "portal", "worker"]
    actor: str
    why: str
    run_id: str
    verb: str
    version: int
    at: datetime


class ReplacedView(View):
    """An earlier value, and what had set it."""

    value: Any
    set_by: SettingView


class LostView(View):
    """A value that was not taken in a conflict, or that waits for a decision."""

    value: Any
    side: Literal["crm", "portal"]
    rule: str
    code: Code
    taken: str
    decided_by: str
    reason: str
    run_id: str
    at: datetime


class FieldStoryView(View):
    """One field of a deal: its value, what set it, and how the CRM has it."""

    field: str
    value: Any
    set_by: SettingView | None
    in_crm: Literal["agreed", "owed", "waits", "read only", "nowhere"]
    crm_spelling: Any
    replaced: list[ReplacedView]
    lost: list[LostView]


class WritingView(View):
    """How the record is written to the CRM."""

    run_id: str | None
    at: datetime | None
    attempt: int | None
    state: str
    due_at: datetime | None
    attempts: Annotated[int, Field(description="The number of tries of what is due now: refused by the CRM, or without an answer.")]
    refused: int
    unanswered: int
    errors: list[WarningView]


class DealStoryView(View):
    """The history of a deal, field by field."""

    id: str
    version: int
    crm_record: Annotated[str, Field(description="The id of the CRM record. It is empty until the deal is in the CRM.")]
    writing: WritingView
    fields: list[FieldStoryView]
