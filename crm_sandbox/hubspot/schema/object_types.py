"""The record types of the sandbox portal: the vendor's properties that matter, and the custom ones that a partner portal needs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from crm_sandbox.hubspot.schema.schema import Group, Kind, ObjectType, Option, Property
from crm_sandbox.seed import words

CUSTOM = "portal"  # the group of everything that an admin made
ACCOUNT_TYPES = ("vendor", "partner", "second_partner", "customer", "reseller_plus")
STATUSES = ("active", "inactive", "pending")
DEAL_TYPES = ("new", "renewal", "upsell")
BILLINGS = ("annual", "monthly", "up_front", "quarterly")
CURRENCIES = ("USD", "EUR", "GBP")
TRACKS = ("vendor", "distributor")
INDUSTRIES = (
    *("COMPUTER_SOFTWARE", "ELECTRICAL_ELECTRONIC_MANUFACTURING", "TELECOMMUNICATIONS"),
    *("MANAGEMENT_CONSULTING", "HOSPITAL_HEALTH_CARE", "RETAIL"),
)
REGIONS, TIERS, PRODUCT_LINES, COUNTRIES, VENDOR_APPROVALS, DISTRIBUTOR_APPROVALS = (
    tuple(word.lower().replace(" ", "_") for word in said)
    for said in (words.REGIONS, words.TIERS, words.PRODUCT_LINES, words.COUNTRIES, words.VENDOR_APPROVALS, words.DISTRIBUTOR_APPROVALS)
)


def options_of(values: Sequence[str]) -> tuple[Option, ...]:
    """Options whose labels are their values, tidied up."""
    return tuple(Option(value, _label(value), order) for order, value in enumerate(values))


def _label(value: str) -> str:
    return value.replace("_", " ").capitalize() if value.islower() else value


def vendors_property(
    name: str, kind: Kind = "string", field_type: str = "text", *, read_only: bool = False, options: Sequence[str] = ()
) -> Property:
    """A property that every account has."""
    return Property(
        name,
        kind,
        field_type,
        _label(name),
        options=options_of(options),
        is_read_only=read_only,
        is_vendors=True,
        has_fixed_options=read_only,
    )


def _custom(name: str, kind: Kind = "string", field_type: str = "text", *, options: Sequence[str] = (), unique: bool = False) -> Property:
    return Property(name, kind, field_type, _label(name), CUSTOM, options_of(options), is_unique=unique)


def stamp_properties(modified: str) -> list[Property]:
    """What every record has."""
    return [
        vendors_property("hs_object_id", "number", "number", read_only=True),
        vendors_property("createdate", "datetime", "date", read_only=True),
        vendors_property("hs_createdate", "datetime", "date", read_only=True),
        vendors_property(modified, "datetime", "date", read_only=True),
        vendors_property("hs_merged_object_ids", "enumeration", "checkbox", read_only=True),
        Property("hubspot_owner_id", "enumeration", "select", "Owner", is_vendors=True, is_external=True),
    ]


def _companies(second_partners: Sequence[Option]) -> ObjectType:
    contracts = Property(
        "associated_second_partner", "enumeration", "checkbox", "Associated second partner", CUSTOM, tuple(second_partners)
    )
    found = [
        *stamp_properties("hs_lastmodifieddate"),
        *(
            vendors_property(name)
            for name in ("name", "domain", "website", "phone", "address", "city", "state", "zip", "country", "description")
        ),
        vendors_property("industry", "enumeration", "select", options=INDUSTRIES),
        vendors_property("numberofemployees", "number", "number"),
        vendors_property("annualrevenue", "number", "number"),
        _custom("portal_status", "enumeration", "select", options=STATUSES),
        _custom("portal_account_type", "enumeration", "select", options=ACCOUNT_TYPES),
        contracts,
        _custom("portal_company_id", unique=True),
        _custom("portal_account_owner_email"),
        _custom("portal_may_register", "bool", "booleancheckbox", options=("true", "false")),
        _custom("portal_agreement"),
        _custom("portal_region", "enumeration", "radio", options=REGIONS),
        _custom("portal_tier", "enumeration", "select", options=TIERS),
        _custom("portal_country", "enumeration", "select", options=COUNTRIES),
        _custom("portal_product_lines", "enumeration", "checkbox", options=PRODUCT_LINES),
    ]
    shown = ("domain", "name")
    return object_type(NumberedType("companies", "company", "0-2", 18_500_000_001), "Company", "name", shown, found)


def _deals() -> ObjectType:
    found = [
        *stamp_properties("hs_lastmodifieddate"),
        vendors_property("dealname"),
        replace(vendors_property("pipeline", "enumeration", "select"), has_fixed_options=True),
        replace(vendors_property("dealstage", "enumeration", "radio"), has_fixed_options=True),
        vendors_property("amount", "number", "number"),
        vendors_property("closedate", "datetime", "date"),
        vendors_property("description", "string", "textarea"),
        vendors_property("dealtype", "enumeration", "radio", options=("newbusiness", "existingbusiness")),
        vendors_property("deal_currency_code", "enumeration", "select", options=CURRENCIES),
        *(vendors_property(name, "bool", "booleancheckbox", read_only=True) for name in ("hs_is_closed", "hs_is_closed_won")),
        _custom("portal_deal_key", unique=True),
        *(_custom(name) for name in ("portal_prospect", "portal_contact_first_name", "portal_contact_last_name", "portal_contact_email")),
        _custom("portal_deal_type", "enumeration", "select", options=DEAL_TYPES),
        _custom("portal_licences", "number", "number"),
        _custom("portal_term_years", "number", "number"),
        _custom("portal_billing", "enumeration", "select", options=BILLINGS),
        _custom("portal_vendor_approval", "enumeration", "select", options=VENDOR_APPROVALS),
        _custom("portal_distributor_approval", "enumeration", "select", options=DISTRIBUTOR_APPROVALS),
        *(_custom(name) for name in ("portal_partner", "portal_second_partner")),  # for accounts without association labels
        *(_custom(f"portal_{track}_decided_by") for track in TRACKS),
        *(_custom(f"portal_{track}_decided_on", "date", "date") for track in TRACKS),
        *(_custom(f"portal_{track}_reason", "string", "textarea") for track in TRACKS),
        _custom("portal_deal_state"),
        _custom("portal_registered", "bool", "booleancheckbox", options=("true", "false")),
        _custom("portal_quote_state"),
        _custom("portal_expires", "date", "date"),
    ]
    shown = ("amount", "closedate", "dealname", "dealstage", "pipeline")
    return object_type(NumberedType("deals", "deal", "0-3", 22_700_000_001), "Deal", "dealname", shown, found)


def _contacts() -> ObjectType:
    email = Property("email", label="Email", is_unique=True, is_vendors=True)
    names = ("firstname", "lastname", "phone", "company", "jobtitle")
    found = [*stamp_properties("lastmodifieddate"), email, *(vendors_property(name) for name in names)]
    return object_type(
        NumberedType("contacts", "contact", "0-1", 9_100_000_001), "Contact", "firstname", ("email", "firstname", "lastname"), found
    )


class NumberedType(NamedTuple):
    """How the vendor names a record type and numbers its records."""

    name: str
    singular: str
    type_id: str
    first_id: int


def object_type(kind: NumberedType, label: str, primary: str, shown: tuple[str, ...], found: list[Property]) -> ObjectType:
    """A record type of these properties."""
    stock = f"{kind.singular}information"
    properties = {one.name: one if one.group else one.in_group(stock) for one in found}
    groups = {group.name: group for group in (Group(stock, f"{label} information", 0), Group(CUSTOM, "Portal", 1))}
    modified = "lastmodifieddate" if kind.singular == "contact" else "hs_lastmodifieddate"
    return ObjectType(*kind, label, primary, shown, modified, properties, groups)


def portal_types(second_partners: Sequence[Option]) -> tuple[ObjectType, ...]:
    """Every record type of the portal; the contracts' options depend on the data."""
    return (_companies(second_partners), _deals(), _contacts())


def clean_types() -> tuple[ObjectType, ...]:
    """The same as the vendor delivers them: the account has no property or group of its own yet."""
    found = portal_types(())
    for kind in found:
        kind.properties = {name: prop for name, prop in kind.properties.items() if prop.group != CUSTOM}
        del kind.groups[CUSTOM]
    return found
