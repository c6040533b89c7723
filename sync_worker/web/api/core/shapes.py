"""What stands in bodies: pydantic models, from which the OpenAPI is made, and which name every field that is refused.

Money is a decimal as text, a day is `YYYY-MM-DD`, a moment is UTC. Where two-tier is off, nothing of second partners is in any answer:
those fields are left out, so none is required here.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.deal import Decision, DistributorApproval, Lifecycle, Outcome, Track, VendorApproval
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.web.api.core.codes import Code

T = TypeVar("T")

MOST_COUNT = 2**31 - 1
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"  # no control character but tabs and line ends
LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+$"  # nor these, and nothing that turns the order of letters
Text: TypeAlias = Annotated[str, StringConstraints(max_length=1000, pattern=TEXT)]
Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)]
Reference: TypeAlias = Annotated[
    Name, Field(description="Our id of the company, its CRM id, or its name if no other company has that name.", examples=["Birch Systems"])
]
Count: TypeAlias = Annotated[int, Field(ge=0, le=MOST_COUNT)]


def decimal_text(pattern: str, example: str) -> dict[str, Any]:
    """The schema of a decimal, which goes over HTTP as text."""
    return {"type": "string", "format": "decimal", "pattern": pattern, "examples": [example]}


Money: TypeAlias = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6),
    WithJsonSchema(decimal_text(r"^-?[0-9]{1,18}(\.[0-9]{1,6})?$", "48000.00")),
]
_WHOLE = PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json")  # never 1E+3
ShownMoney: TypeAlias = Annotated[Decimal, _WHOLE, WithJsonSchema(decimal_text(r"^-?[0-9]+(\.[0-9]+)?$", "48000.00"))]
ShownPercent: TypeAlias = Annotated[Decimal, _WHOLE, WithJsonSchema(decimal_text(r"^[0-9]+(\.[0-9]+)?$", "12.50"))]
Attribute: TypeAlias = Text | bool | Count | Annotated[float, Field(allow_inf_nan=False)] | list[Text] | None


class Body(BaseModel):
    """What somebody sends: no field but the named ones."""

    model_config = ConfigDict(extra="forbid")


def _as_answered(schema: dict[str, Any]) -> None:
    """An answer may get new members in a later version, and a member that it leaves out has no default."""
    schema.pop("additionalProperties", None)
    for member in schema.get("properties", {}).values():
        member.pop("default", None)


class View(BaseModel):
    """What we answer. We write no member that has no name here."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_as_answered)


class ListView(View):
    """A page of a list."""

    next: Annotated[str | None, Field(description="The cursor of the next page. It is null on the last page.")]


# ── people and companies ─────────────────────────────────────────────────────────────────────────────────────────────


class UserBody(Body):
    """A user, as the portal describes it."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\x00-\x20\x7f]+@[^\x00-\x20\x7f]+$")]
    name: Name
    role: Role
    primary_company: Reference | None = None
    further_companies: Annotated[list[Reference], Field(max_length=500)] = []
    is_vendor_admin: bool = False
    is_active: bool = True


class UserView(View):
    """A user of the portal. Companies are named by our id."""

    id: str
    email: str
    name: str
    role: Role
    primary_company: str | None
    further_companies: list[str]
    is_vendor_admin: bool
    is_active: bool


class CompanyView(View):
    """A company. `attributes` has the portal's own fields that have a value."""

    id: str
    crm_id: str | None
    name: str
    status: PortalStatus
    account_type: AccountType
    attributes: dict[str, Any]
    is_deleted: bool


class CompanyNameView(View):
    """The id and the name of a company."""

    id: str
    name: str


class ReasonView(View):
    """A reason why two companies may work together: a contract value, a rule or a parent, with the values of each side."""

    source: Literal["contract", "rule", "parent"]
    name: str
    words: str
    since: datetime
    run_id: str
    partner_values: dict[str, list[str]]
    second_partner_values: dict[str, list[str]]


class AssociatedPartnerView(View):
    """A company that may work with the one in the address, with every reason, the oldest first."""

    company: CompanyView
    since: datetime
    reasons: list[ReasonView]


class NotAssociatedView(View):
    """A value or a company that does not lead to an association, and why. `company_id` is null if the value does not name a company."""

    company_id: str | None
    value: str
    code: Code
    why: str


class AssociatedPartnersView(ListView):
    """The companies that may work with this one, and beside them what was excluded, and why."""

    items: list[AssociatedPartnerView]
    excluded: list[NotAssociatedView]
    second_partner_label: str


class OptionsView(ListView):
    """The second partners that a deal of this company may name, by name. If `is_offered` is false, leave the field out of the form."""

    second_partner_label: str
    is_offered: bool
    items: list[CompanyNameView]


class PairView(View):
    """Why two companies may work together, or what is missing."""

    is_associated: bool
    words: str
    code: Annotated[Code, Field(description="Why they may not work together. It is empty if they may.")]
    since: datetime | None
    reasons: list[ReasonView]


# ── deals ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    attributes: Annotated[dict[Name, Attribute], Field(description="The portal's own fields, by name.")] = {}

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


class WarningView(View):
    """Something that a person should look at, although the request was done."""

    code: Code
    field: str
    message: str


class FlagView(View):
    """Something that is wrong with a deal, in words for the user who reads it."""

    code: Code
    field: Annotated[str, Field(description="The field of the deal that it is about. It is empty if it is about the whole deal.")]
    words: str
    since: datetime


class DealView(View):
    """A deal, as it is now."""

    id: str
    version: Annotated[int, Field(description="The version of the deal. Every change raises it, and the ETag is made of it.")]
    created_at: datetime
    updated_at: datetime
    owner_company: str | None
    owner_company_name: str | None
    second_partner: str | None = None
    second_partner_name: str | None = None
    second_partner_label: Annotated[str, Field(description="The word that people use for a second partner in this portal.")] = ""
    name: str | None
    prospect_name: str | None
    contact_first_name: str | None
    contact_last_name: str | None
    contact_email: str | None
    amount: ShownMoney | None
    currency: str | None
    expected_close_on: date | None
    deal_type: str | None
    licence_count: int | None
    term_years: int | None
    billing_cycle: str | None
    stage: str | None
    outcome: Outcome
    vendor_approval: VendorApproval
    vendor_decided_by: Annotated[str | None, Field(description="Who decided so; empty while the track waits.")]
    vendor_decided_on: Annotated[date | None, Field(description="The day of the decision, by the portal's calendar.")]
    vendor_reason: Annotated[str | None, Field(description="Why; also what the vendor typed in the CRM.")]
    distributor_approval: DistributorApproval | None = None
    distributor_decided_by: str | None = None
    distributor_decided_on: date | None = None
    distributor_reason: str | None = None
    lifecycle: Lifecycle
    is_registered: bool
    quote_state: str | None
    expires_on: date | None
    renews_until: date | None
    crm_owner: str | None
    owner_user: str | None
    registered_by: str | None
    attributes: dict[str, Any]
    flags: Annotated[list[FlagView], Field(description="What is wrong with the deal now, the oldest first.")] = []
    moves: Annotated[list[Verb], Field(description="The moves that the user may make now. Some of them need a reason or a value.")] = []
    warnings: Annotated[list[WarningView], Field(description="What a person should look at after a registration.")] = []


class DealsView(ListView):
    """One page of deals, the latest change first."""

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


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PageView(ListView, Generic[T]):
    """One page of a list."""

    items: list[T]
