"""What a CRM's fields must be: the same wishes for every CRM, and what describe must show for them to be met."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.mapping.catalog import CatalogField
from sync_worker.mapping.compile import CompiledMapping, compile_mapping
from sync_worker.mapping.examples import default_dialect
from sync_worker.mapping.load import load_mapping
from sync_worker.mapping.required_schema import FieldWish, Lack, lack_of, wishes

MAPPINGS = Path(__file__).parents[3] / "mappings"


def compiled(crm: str) -> CompiledMapping:
    mapping = load_mapping(MAPPINGS / f"{crm}.yaml")
    return compile_mapping(mapping, default_dialect(mapping.grammar), None)


def wished(crm: str, record: str) -> dict[str, FieldWish]:
    mapping = compiled(crm)
    return {wish.name: wish for wish in wishes(mapping.records[record], company=mapping.records["company"])}


# ── what is wished ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_salesforce_lead_is_told_whole() -> None:
    # Given the shipped mapping, When its lead is asked for
    lead = wished("salesforce", "lead")

    # Then each field is of the kind that its transform and its list say
    assert {name: wish.kind for name, wish in lead.items() if name.endswith("__c")} == {
        "Portal_Deal_Key__c": "key",
        "Portal_Partner__c": "reference",
        "Portal_Second_Partner__c": "reference",
        "Portal_Deal_Name__c": "text",
        "Portal_Amount__c": "decimal",
        "Portal_Close_Date__c": "date",
        "Portal_Deal_Type__c": "picklist",
        "Portal_Licences__c": "integer",
        "Portal_Term_Years__c": "integer",
        "Portal_Billing__c": "picklist",
        "Portal_Vendor_Approval__c": "picklist",
        "Portal_Distributor_Approval__c": "picklist",
        "Portal_Vendor_Decided_By__c": "text",
        "Portal_Vendor_Decided_On__c": "date",
        "Portal_Vendor_Reason__c": "text_area",
        "Portal_Distributor_Decided_By__c": "text",
        "Portal_Distributor_Decided_On__c": "date",
        "Portal_Distributor_Reason__c": "text_area",
        "Portal_Deal_State__c": "picklist",
        "Portal_Registered__c": "boolean",
        "Portal_Quote_State__c": "text",
        "Portal_Expires__c": "date",
    }
    assert lead["Portal_Partner__c"].refers_to == "Account"
    assert lead["Portal_Amount__c"].places == 2
    assert lead["Portal_Vendor_Approval__c"].values == ("Pending", "Approved", "Rejected", "Returned", "Renewal pending")
    assert lead["Portal_Deal_Key__c"].label == "Portal Deal Key"


def test_two_fields_in_one_place_are_one_wish() -> None:
    # Given our key, which is the portal's id as well, and a stage that a create sets and an outcome is read from
    company, opportunity = wished("salesforce", "company"), wished("salesforce", "opportunity")

    # Then the key stays a key, and the stage must hold what both name
    assert (company["Portal_Company_Id__c"].kind, company["Portal_Company_Id__c"].fields) == ("key", ("portal_id",))
    assert opportunity["StageName"].fields == ("stage", "outcome")
    assert opportunity["StageName"].values == ("Closed Won", "Closed Lost", "Qualification")


def test_an_association_is_a_wish_like_any_other() -> None:
    partner = wished("hubspot", "deal")["association:portal_partner"]
    assert (partner.is_association, partner.kind, partner.refers_to, partner.label) == (True, "reference", "companies", "Portal Partner")


def test_the_account_type_has_the_portals_own_words() -> None:
    assert wished("salesforce", "company")["Portal_Account_Type__c"].values == ("Vendor", "Partner", "Distributor")


# ── what is there ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

LISTED = FieldWish("Account", "Tier__c", "picklist", ("tier",), values=("Gold", "Silver"), is_written=True)
CONSTANT = FieldWish("Lead", "LeadSource", "picklist", values=("Partner Portal",), is_written=True)
READ = FieldWish("Account", "Tier__c", "picklist", values=("Gold", "Silver"))
REASON = FieldWish("Lead", "Reason__c", "text_area", is_written=True)
KEY = FieldWish("Account", "Key__c", "key", is_written=True)
LINK = FieldWish("Lead", "Partner__c", "reference", refers_to="Account", is_written=True)


def field(kind: str, **more: object) -> CatalogField:
    return CatalogField("X__c", kind, **more)  # type: ignore[arg-type]  # a test's short hand


@pytest.mark.parametrize(
    ("wish", "described", "lack"),
    [
        (KEY, None, Lack("missing")),
        (FieldWish("Account", "X__c", "text", is_optional=True), None, None),
        (KEY, field("text", is_unique=True), None),
        (KEY, field("text"), Lack("not_unique")),
        (KEY, field("number", is_unique=True), Lack("other_type", "number")),
        (LINK, field("reference", refers_to=("Account",)), None),
        (LINK, field("reference", refers_to=("Contact",)), Lack("other_target", "Contact")),
        (LINK, field("picklist"), Lack("other_type", "picklist")),
        (LISTED, field("picklist", values=("Silver", "Gold"), is_restricted=True), None),
        (LISTED, field("picklist", values=("Silver",), is_restricted=True), Lack("values", values=("Gold",))),
        (LISTED, field("picklist", values=("Silver",)), Lack("values", values=("Gold",))),
        (CONSTANT, field("picklist", values=("Web",)), None),
        (CONSTANT, field("picklist", values=("Web",), is_restricted=True), Lack("values", values=("Partner Portal",))),
        (LISTED, field("picklist", is_createable=False, is_updateable=False), Lack("read_only")),
        (READ, field("picklist", values=("Silver",), is_restricted=True, is_createable=False, is_updateable=False), None),
        (REASON, field("text", length=80), None),
        (REASON, field("picklist"), Lack("other_type", "picklist")),
        (READ, field("picklist", values=("Bronze",)), Lack("values", values=("Gold", "Silver"))),
    ],
)
def test_what_describe_shows_is_held_against_the_wish(wish: FieldWish, described: CatalogField | None, lack: Lack | None) -> None:
    assert lack_of(wish, described) == lack
