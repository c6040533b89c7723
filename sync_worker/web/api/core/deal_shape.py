"""A deal as it is answered. It stands in `core/` because an answer about a version conflict shows it too."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from sync_worker.domain.core.deal import DistributorApproval, Lifecycle, Outcome, VendorApproval
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.web.api.core.codes import Code
from sync_worker.web.api.core.shapes import ShownMoney, View


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
    registered_at: Annotated[datetime | None, Field(description="When it was registered first. It is null until then.")]
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
    flags: list[FlagView] = Field(default=[], description="What is wrong with the deal now, the oldest first.")
    moves: list[Verb] = Field(default=[], description="The moves that the user may make now. Some of them need a reason or a value.")
    warnings: list[WarningView] = Field(default=[], description="What a person should look at after a registration.")
