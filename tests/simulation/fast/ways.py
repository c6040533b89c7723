"""How two vendors differ, as far as a sync can tell: their stamps, ids, spelling, merges, references; and the record types of a portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sync_worker.mapping.catalog import ASSOCIATION, CatalogField, FieldType

LISTS = ("picklist", "multi_picklist")
DAY_LENGTH = len("2026-06-01")
MIDNIGHT = {False: "T00:00:00.000+0000", True: "T00:00:00Z"}  # as each vendor spells it; True: where every value is text
FIRST_OWNER = "005000000000001AAA"


@dataclass(frozen=True, slots=True)
class Ways:
    """One vendor's ways.

    **Shapes** `types`: record type → its fields. `companies`: the type that references lead to. `handed_on`: the first fields of what a
    lead turns into; `converted`: its type. `limits`: `of_the_day`, `of_the_second` → how long a 429 asks to wait.
    """

    name: str
    companies: str
    types: Mapping[str, Mapping[str, CatalogField]]
    prefixes: Mapping[str, str]
    stamp_step: timedelta
    is_text: bool
    follows_merges: bool
    merge_makes_new_id: bool
    merging: frozenset[str]
    handed_on: Callable[..., dict[str, Any]] = dict
    converted: str = ""
    blanks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def shows_writes(self) -> bool:
        """Whether the answer to a write shows the record as it is then."""
        return self.is_text

    def rounded(self, moment: datetime) -> datetime:
        """As a stamp tells it."""
        if self.stamp_step >= timedelta(seconds=1):
            return moment.replace(microsecond=0)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def id_of(self, native: str, number: int) -> str:
        return f"{self.prefixes[native]}{number:07d}"

    def is_label(self, name: str) -> bool:
        return name.startswith(ASSOCIATION)

    def references(self, native: str) -> Sequence[str]:
        """The fields that are companies."""
        return _references(self, native)

    def refers(self, native: str, name: str) -> bool:
        return self.companies in self.types[native][name].refers_to

    def merges(self, native: str) -> bool:
        return native in self.merging

    def blank(self, native: str) -> Mapping[str, Any]:
        """What the vendor writes into a new record by itself."""
        return self.blanks.get(native, {})

    def stored(self, described: Mapping[str, CatalogField], fields: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the vendor keeps them: one spelling of a number, nothing for an empty text. **Shapes** `described`: by name."""
        return {name: self._kept(described[name].type, value) for name, value in fields.items()}

    def _kept(self, type_: FieldType, value: Any) -> Any:
        if value is None or value == "":
            return False if type_ == "boolean" and not self.is_text else None
        if type_ == "number":
            number = Decimal(str(value))
            return f"{number.normalize():f}" if self.is_text else float(number)
        if type_ in ("date", "datetime") and ("T" in str(value) or len(str(value)) == DAY_LENGTH):
            return _day(str(value), type_, MIDNIGHT[self.is_text])
        if type_ == "text" and isinstance(value, int | float):
            return f"{Decimal(str(value)).normalize():f}"
        if self.is_text:
            return str(value).lower() if isinstance(value, bool) else str(value)
        return value


def _day(text: str, type_: FieldType, midnight: str) -> str:
    """A day where days are kept, a moment where moments are."""
    if type_ == "date":
        return text[:DAY_LENGTH]
    return text if "T" in text else f"{text}{midnight}"


def _references(ways: Ways, native: str) -> Sequence[str]:
    return [name for name, one in ways.types[native].items() if ways.companies in one.refers_to and not ways.is_label(name)]


def fields(*lines: str, companies: str, key: str) -> dict[str, CatalogField]:
    """`number Amount Portal_Licences__c`: a type and its fields; `picklist Status: New, Old`: one field and its list."""
    found = [CatalogField(key, "text", is_unique=True, length=36)]
    for line in lines:
        head, _, listed = line.partition(": ")
        type_, *names = head.split()
        values = tuple(listed.split(", ")) if listed else () if type_ in LISTS else None
        found += [_field(name, type_, values, companies) for name in names]
    return {one.name: one for one in found}


def _field(name: str, type_: str, values: tuple[str, ...] | None, companies: str) -> CatalogField:
    if type_ == "company":
        return CatalogField(name, "reference", refers_to=(companies,))
    kind: Any = type_
    return CatalogField(name, kind, values=values)


# ── Salesforce ───────────────────────────────────────────────────────────────────────────────────────────────────────

_DISTRIBUTORS = "Arrow, Bolt, Cascade, Granite, Summit, Zenith"

_BOTH = (
    "company Portal_Partner__c Portal_Second_Partner__c",
    "reference OwnerId",
    "picklist Portal_Deal_Type__c: New, Renewal, Upsell",
    "picklist Portal_Billing__c: Annual, Monthly, Up front",
    "picklist Portal_Vendor_Approval__c: Pending, Approved, Rejected, Returned, Renewal pending",
    "picklist Portal_Distributor_Approval__c: Not required, Pending, Approved, Rejected, Renewal pending",
    "number Portal_Licences__c Portal_Term_Years__c",
    "text Portal_Vendor_Decided_By__c Portal_Vendor_Reason__c Portal_Distributor_Decided_By__c Portal_Distributor_Reason__c",
    "text Portal_Deal_State__c Portal_Quote_State__c",
    "date Portal_Vendor_Decided_On__c Portal_Distributor_Decided_On__c Portal_Expires__c",
    "boolean Portal_Registered__c",
)

_ACCOUNT = fields(
    "text Name Portal_Account_Owner_Email__c Portal_Agreement__c",
    "picklist Portal_Status__c: Active, Inactive, Pending",
    "picklist Portal_Account_Type__c: Vendor, Partner, Distributor, Customer",
    f"multi_picklist Associated_Second_Partner__c: {_DISTRIBUTORS}",
    "boolean Portal_May_Register__c",
    "picklist Portal_Region__c: AMER, APAC, EMEA, LATAM",
    "picklist Portal_Tier__c: Registered, Silver, Gold, Platinum",
    "picklist BillingCountryCode: US, DE, FR, JP",
    "multi_picklist Portal_Product_Lines__c: Cloud, Edge, Security",
    companies="Account",
    key="Portal_Company_Id__c",
)

_LEAD = fields(
    *_BOTH,
    "text Company LastName FirstName Email Portal_Deal_Name__c",
    "picklist LeadSource: Web, Partner Portal",
    "picklist Status: Open - Not Contacted, Working - Contacted, Closed - Converted",
    "number Portal_Amount__c",
    "date Portal_Close_Date__c",
    companies="Account",
    key="Portal_Deal_Key__c",
)

_OPPORTUNITY = fields(
    *_BOTH,
    "text Name Portal_Prospect__c",
    "picklist StageName: Prospecting, Qualification, Closed Won, Closed Lost",
    "number Amount",
    "date CloseDate",
    companies="Account",
    key="Portal_Deal_Key__c",
)

_BY_CONVERSION = {
    "Portal_Deal_Name__c": "Name",
    "Company": "Portal_Prospect__c",
    "Portal_Amount__c": "Amount",
    "Portal_Close_Date__c": "CloseDate",
}
"""Lead field → opportunity field, as the admin mapped them; custom fields of one name go along by themselves."""


def _handed_on(lead: Mapping[str, Any], now: datetime, *, is_mapped: bool, omit: Sequence[str]) -> dict[str, Any]:
    first = {
        "Name": f"{lead.get('Company')}-",
        "StageName": "Prospecting",
        "CloseDate": (now + timedelta(days=90)).date().isoformat(),
        "OwnerId": lead.get("OwnerId"),
    }
    if not is_mapped:
        return first
    handed = {_BY_CONVERSION.get(name, name): value for name, value in lead.items() if value is not None and name not in omit}
    return first | {
        name: value
        for name, value in handed.items()
        if name in _OPPORTUNITY and (name in first or name.startswith("Portal_") or name == "Amount")
    }


SALESFORCE = Ways(
    name="salesforce",
    companies="Account",
    types={"Account": _ACCOUNT, "Lead": _LEAD, "Opportunity": _OPPORTUNITY},
    prefixes={"Account": "001FA000000", "Lead": "00QFA000000", "Opportunity": "006FA000000"},
    stamp_step=timedelta(seconds=1),
    is_text=False,
    follows_merges=False,
    merge_makes_new_id=False,
    merging=frozenset({"Account", "Lead"}),
    handed_on=_handed_on,
    converted="Opportunity",
    blanks={
        "Account": {"Portal_May_Register__c": False},
        "Lead": {"Portal_Registered__c": False, "OwnerId": FIRST_OWNER},
        "Opportunity": {"Portal_Registered__c": False, "OwnerId": FIRST_OWNER},
    },
)

# ── HubSpot ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_COMPANIES = fields(
    "text name portal_account_owner_email portal_agreement",
    "picklist portal_status: active, inactive, pending",
    "picklist portal_account_type: vendor, partner, second_partner, customer, reseller_plus",
    f"multi_picklist associated_second_partner: {_DISTRIBUTORS}",
    "boolean portal_may_register",
    "picklist portal_region: amer, apac, emea, latam",
    "picklist portal_tier: registered, silver, gold, platinum",
    "picklist portal_country: us, de, fr, jp",
    "multi_picklist portal_product_lines: cloud, edge, security",
    companies="companies",
    key="portal_company_id",
)

_DEALS = fields(
    f"company {ASSOCIATION}portal_partner {ASSOCIATION}portal_second_partner",
    "text dealname portal_prospect portal_contact_first_name portal_contact_last_name portal_contact_email",
    "text portal_deal_state portal_quote_state hubspot_owner_id",
    "text portal_vendor_decided_by portal_vendor_reason portal_distributor_decided_by portal_distributor_reason",
    "number amount portal_licences portal_term_years",
    "datetime closedate",
    "date portal_expires portal_vendor_decided_on portal_distributor_decided_on",
    "boolean portal_registered",
    "picklist pipeline: default",
    "picklist dealstage: appointmentscheduled, qualifiedtobuy, closedwon, closedlost",
    "picklist portal_deal_type: new, renewal, upsell",
    "picklist portal_billing: annual, monthly, up_front",
    "picklist portal_vendor_approval: pending, approved, rejected, returned, renewal_pending",
    "picklist portal_distributor_approval: not_required, pending, approved, rejected, renewal_pending",
    companies="companies",
    key="portal_deal_key",
)

HUBSPOT = Ways(
    name="hubspot",
    companies="companies",
    types={"companies": _COMPANIES, "deals": _DEALS},
    prefixes={"companies": "185", "deals": "227"},
    stamp_step=timedelta(milliseconds=1),
    is_text=True,
    follows_merges=True,
    merge_makes_new_id=True,
    merging=frozenset({"companies", "deals"}),
)
