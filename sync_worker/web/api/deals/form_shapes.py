"""Bodies of what a portal's forms need: the portal's own words and choices, and the fields of deals and companies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from sync_worker.config.portal import AssociationMode
from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import Track
from sync_worker.domain.deals.quotes.quote import BillingCycle
from sync_worker.steps.deals.forms import FormKind, Travels
from sync_worker.web.api.core.shapes import View


class AccountTypeLabelView(View):
    """A type of companies, and what people of this portal call it."""

    account_type: AccountType
    label: str


class TermView(View):
    """A term that is sold, and the ways to pay it."""

    years: int
    billing_cycles: list[BillingCycle]


class PortalView(View):
    """A portal: what people call things there, and what is switched on. What two tiers alone have is left out where they are off."""

    portal: str
    time_zone: Annotated[str, Field(description="The zone whose calendar says which day it is.", examples=["Europe/Berlin"])]
    two_tier: Annotated[bool, Field(description="Whether deals can name a second partner.")]
    account_types: list[AccountTypeLabelView]
    tracks: Annotated[list[Track], Field(description="The approvals that a deal needs.")]
    deal_types: Annotated[list[str], Field(description="The types that a deal may have. It is empty if any name is accepted.")]
    terms: list[TermView]
    currencies: Annotated[
        list[str] | None, Field(description="The currencies that the CRM offers. It is null if any currency of ISO 4217 is accepted.")
    ]
    languages: Annotated[list[str], Field(description="The languages in which notices are written.", examples=[["en"]])]
    second_partner_label: str = ""
    association_mode: Annotated[AssociationMode, Field(description="Where it comes from which companies may work together.")] = "contracts"
    has_subgroups: Annotated[bool, Field(description="Whether second partners have subgroups.")] = False
    on_behalf: Annotated[bool, Field(description="Whether a second partner may register a deal on behalf of a partner.")] = False


class FormValueView(View):
    """A value of a list. `value` is what a request writes, `label` is what people of the CRM read."""

    value: str
    label: str


class FormFieldView(View):
    """A field of a form."""

    name: Annotated[str, Field(description="The name in requests and answers.")]
    kind: FormKind
    label: Annotated[str, Field(description="The name in the CRM. It is empty if the CRM has not described the field.")]
    is_attribute: Annotated[bool, Field(description="Whether it stands in `attributes`, as a field of this portal alone.")]
    max_length: Annotated[int | None, Field(description="The largest number of characters of a text. It is null for other kinds.")]
    decimals: Annotated[
        int | None,
        Field(description="The largest number of decimals of a number. It is null for other kinds, and for money its currency says it."),
    ]
    values: Annotated[list[FormValueView] | None, Field(description="The values that are accepted. It is null if any value is accepted.")]
    is_registrable: Annotated[bool, Field(description="Whether it can be set when the record begins in the portal.")]
    is_required: Annotated[bool, Field(description="Whether it must be set then.")]
    is_editable: Annotated[bool, Field(description="Whether it can be changed in the portal later.")]
    direction: Annotated[
        Travels,
        Field(
            description="`pull`: set in the CRM. `push`: set in the portal. `both`: set on either side. `none`: known to the portal alone."
        ),
    ]


class RecordFormView(View):
    """The fields of one record type of the CRM."""

    record: Annotated[str, Field(description="The record type.", examples=["lead"])]
    described_at: Annotated[
        datetime | None,
        Field(
            description="When the CRM described these fields. It is null if the CRM was not asked yet, or is to be asked again. "
            "Then labels, lengths and lists may be missing or old."
        ),
    ]
    fields: list[FormFieldView]


class FieldsView(View):
    """The fields of companies and of deals."""

    company: RecordFormView
    deals: Annotated[
        list[RecordFormView],
        Field(description="One for each record type in which a deal can live. The first one is the record type of a registration."),
    ]
    one_of_required: Annotated[
        list[list[str]],
        Field(description="Of each of these groups of fields, a registration must set one.", examples=[[["name", "prospect_name"]]]),
    ]
