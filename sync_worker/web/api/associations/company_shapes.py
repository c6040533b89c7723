"""Bodies of companies, and of why they may work together or not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.web.api.core.codes import Code
from sync_worker.web.api.core.shapes import ListView, View


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
