"""`check`, row by row: what each of the required CRM updates looks like when it is missing, and what is said to do about it."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from sync_worker.crm.port import WholeCrm
from sync_worker.crm.salesforce.writing.admin import SalesforceSchema
from sync_worker.steps.operate.setup.check import Finding, Report, check
from tests.integration.steps.world import World

CONTRACTS = "Account.Associated_Second_Partner__c"
KEY = "Portal_Deal_Key__c"
BILLING = "Opportunity.Portal_Billing__c: data"
SEEDED = {f"{CONTRACTS}: options", f"{CONTRACTS}: data", "Account.Portal_Account_Type__c: data", BILLING}  # the cast's own mess


def checked(world: World) -> Report:
    world.forward()
    return check(world.tenant, cast("WholeCrm", world.tenant.crm).schema)


def wrong(world: World) -> dict[str, Finding]:
    """What is not in order, without what never is in the seeded org."""
    return {finding.subject: finding for finding in checked(world).findings if not finding.is_ok and finding.subject not in SEEDED}


# ── fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_org_that_has_everything_is_in_order_but_for_its_data(empty_world: World) -> None:
    report = checked(empty_world)
    assert {finding.subject for finding in report.findings if not finding.is_ok} == SEEDED
    assert [(problem.code, problem.name, problem.value) for problem in report.problems] == [
        ("account_type_blank", "Juniper Works", ""),
        ("account_type_unknown", "Ivy Integrators", "Reseller Plus"),
        ("contract_value_unresolved", "Fir Technologies", "Zenith Supply"),
        ("contract_value_unresolved", "Elm Consulting", "Granite Distribution"),
        ("unlisted_value", "Meridian Bank - Cloud", "Quarterly"),
    ]


@pytest.mark.parametrize(
    ("native", "field", "words"),
    [
        ("Account", "Portal_Status__c", "missing or hidden (portal_status)"),
        ("Account", "Portal_Account_Type__c", "missing or hidden (account_type)"),
        ("Account", "Associated_Second_Partner__c", "missing or hidden (second_partners)"),
        ("Account", "Portal_Company_Id__c", "our key is missing or hidden (portal_id)"),
        ("Lead", "Portal_Deal_Key__c", "our key is missing or hidden"),
        ("Lead", "Portal_Second_Partner__c", "missing or hidden (second_partner)"),
        ("Opportunity", "Portal_Partner__c", "missing or hidden (owner_company)"),
        ("Opportunity", "Portal_Vendor_Approval__c", "missing or hidden (vendor_approval)"),
    ],
)
def test_a_field_that_is_missing_or_hidden_is_provisions_to_make(empty_world: World, native: str, field: str, words: str) -> None:
    empty_world.remote.hide_field(native, field)
    found = wrong(empty_world)[f"{native}.{field}"]
    assert found.words == words
    assert found.remedy == "sync-worker provision acme --apply, or correct the mapping"


@pytest.mark.parametrize(
    ("overrides", "subject", "words", "remedy"),
    [
        (
            {"deal.vendor_approval.values": {"Pending": "pending", "OK": "approved", "No": "rejected"}},
            "Lead.Portal_Vendor_Approval__c",
            "the picklist lacks OK, No (vendor_approval)",
            "sync-worker provision acme --apply",
        ),
        (
            {"company.portal_status.values": {"On": "active", "Off": "inactive"}},
            "Account.Portal_Status__c",
            "the picklist lacks On, Off (portal_status)",
            "sync-worker provision acme --apply",
        ),
        (
            {"deal.second_partner.native": "Wrong__c"},
            "Lead.Wrong__c",
            "leads to Contact, and Account is wanted (second_partner)",
            "name another field under `overrides:`",
        ),
        (
            {"company.second_partners.native": "Portal_Region__c"},
            "Account.Portal_Region__c",
            "is of type picklist, and multi picklist is wanted (second_partners, region)",
            "name another field under `overrides:`",
        ),
        ({"deal.amount.native": {"lead": "Total"}}, "Lead.Total", "missing or hidden (amount)", "Setup → Object Manager → Lead"),
    ],
)
def test_a_field_of_another_making_says_what_is_wanted(
    empty_world: World, overrides: dict[str, Any], subject: str, words: str, remedy: str
) -> None:
    for native in ("Lead", "Opportunity"):
        empty_world.remote.add_field(native, "Wrong__c", "reference", refers_to=["Contact"], relationship="Wrong__r")
    empty_world.configure(overrides=overrides)
    found = wrong(empty_world)[subject]
    assert found.words == words
    assert remedy in found.remedy


def test_a_record_type_that_is_not_shown_is_named_and_the_others_are_looked_at(empty_world: World) -> None:
    empty_world.remote.fault("describe", object_name="Lead", status=404, times=9)
    found = wrong(empty_world)
    assert found["Lead"].remedy == "grant the integration user access to Lead"
    assert any(finding.subject.startswith("Opportunity.") for finding in checked(empty_world).findings)


# ── what a conversion hands on ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("conversion", "is_ok", "words"),
    [
        ({}, True, "the API does not tell; the 1 records converted last lost nothing"),
        ({"copy_mapping": False}, False, "lost by one of the 1 records converted last: Portal_Partner__c → Portal_Partner__c"),
        ({"omit": ["Portal_Partner__c"]}, False, "lost by one of the 1 records converted last: Portal_Partner__c → Portal_Partner__c"),
    ],
)
def test_the_mapping_of_converted_leads_shows_in_what_they_lost(
    empty_world: World, conversion: dict[str, Any], is_ok: bool, words: str
) -> None:
    # Given a lead of ours that was converted by an admin's mapping
    partner = empty_world.remote.named("Account", "Birch Systems")["Id"]
    lead = {"Company": "Harbor", "LastName": "Berg", KEY: "k-1", "Portal_Partner__c": partner}
    empty_world.remote.convert_lead(empty_world.remote.create("Lead", lead), **conversion)

    # Then what it lost is named, with the admin's clicks
    [found] = [finding for finding in checked(empty_world).findings if finding.subject == "Lead → Opportunity: field mapping"]
    assert (found.is_ok, found.words) == (is_ok, words)
    assert is_ok or "Map Lead Fields" in found.remedy


def test_a_mapping_that_the_api_tells_needs_no_lead(empty_world: World) -> None:
    # Given a user who may read metadata, and an admin who mapped one of our fields
    empty_world.remote.tell_lead_mapping({"Portal_Partner__c": "Portal_Partner__c", "Portal_Expires__c": "Portal_Quote_State__c"})
    [found] = [finding for finding in checked(empty_world).findings if finding.subject == "Lead → Opportunity: field mapping"]

    # Then every other field of ours is named, and standard fields are not
    assert not found.is_ok
    assert "Portal_Second_Partner__c → Portal_Second_Partner__c" in found.words
    assert "Portal_Expires__c → Portal_Expires__c" in found.words
    assert "Portal_Partner__c →" not in found.words
    assert "Company" not in found.words


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_options_are_held_against_the_second_partners_there_are(empty_world: World) -> None:
    # Given a new second partner whose name no list can hold, and one that is a partner from now on
    remote = empty_world.remote
    distributor = {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Distributor"}
    remote.create("Account", {"Name": "Rhine; Main", **distributor})
    remote.create("Account", {"Name": "Elbe Supply", **distributor})
    remote.edit("Account", remote.named("Account", "Bolt Distribution")["Id"], {"Portal_Account_Type__c": "Partner"})

    # Then each is said, and the option that names nobody any more
    said = [finding.words for finding in checked(empty_world).findings if finding.subject == f"{CONTRACTS}: options"]
    assert said == [
        "no option for Granite Group, Elbe Supply",
        "no list can hold a name with a semicolon: Rhine; Main",
        "options that name no second partner: Bolt Distribution, Granite Distribution, Zenith Supply",
        "second partners of one name: Summit Partners",
    ]


def test_a_contract_whose_option_is_gone_is_named(empty_world: World) -> None:
    # Given a partner whose contract names a second partner that has no option
    partner = empty_world.remote.named("Account", "Birch Systems")
    empty_world.remote.edit("Account", partner["Id"], {"Associated_Second_Partner__c": "Granite Group"})
    # then that record is to be corrected, or the option brought back
    report = checked(empty_world)
    retired = [problem for problem in report.problems if problem.code == "contract_value_retired"]
    assert [(problem.crm_id, problem.value) for problem in retired] == [(partner["Id"], "Granite Group")]
    (finding,) = [finding for finding in report.findings if "an option that people can no longer choose" in finding.words]
    assert "Activate the option again" in finding.remedy


@pytest.mark.parametrize(("most", "is_said"), [(None, False), (500, False), (8, False), (6, True), (5, True)])
def test_a_list_that_is_nearly_full_is_said(empty_world: World, monkeypatch: pytest.MonkeyPatch, most: int | None, is_said: bool) -> None:
    monkeypatch.setattr(SalesforceSchema, "most_options", most)
    said = [finding for finding in checked(empty_world).findings if "values that the list can hold" in finding.words]
    assert [finding.is_ok for finding in said] == [False] * is_said


def test_a_value_that_is_bound_to_a_company_needs_no_option_of_its_name(empty_world: World) -> None:
    granite = empty_world.remote.named("Account", "Granite Group")["Id"]
    empty_world.configure(associations={"mode": "contracts", "contract_values": {"Granite Distribution": granite}})
    report = checked(empty_world)
    assert not [finding for finding in report.findings if "Granite" in finding.words]
    assert {problem.value for problem in report.problems if problem.code == "contract_value_unresolved"} == {"Zenith Supply"}


def test_the_vendors_type_belongs_to_the_vendor_alone(empty_world: World) -> None:
    birch, vendor = (empty_world.remote.named("Account", name)["Id"] for name in ("Birch Systems", "Northwind Software"))
    empty_world.remote.edit("Account", birch, {"Portal_Account_Type__c": "Vendor"})
    empty_world.configure(vendor_company=vendor)
    found = [(problem.code, problem.name) for problem in checked(empty_world).problems if problem.value == "Vendor"]
    assert found == [("vendor_type_elsewhere", "Birch Systems")]


def test_a_status_that_nobody_mapped_is_a_problem_and_a_blank_one_is_none(empty_world: World) -> None:
    remote = empty_world.remote
    rows = {name: remote.named("Account", name)["Id"] for name in ("Birch Systems", "Cedar IT")}
    empty_world.configure(overrides={"company.portal_status.values": {"Active": "active", "Pending": "pending"}})
    remote.edit("Account", rows["Birch Systems"], {"Portal_Status__c": "Inactive"})
    remote.edit("Account", rows["Cedar IT"], {"Portal_Status__c": None, "Portal_Account_Type__c": None})
    found = {(problem.name, problem.code) for problem in checked(empty_world).problems}
    assert ("Birch Systems", "status_unknown") in found
    assert not [code for name, code in found if name == "Cedar IT"]


def test_with_rules_the_fields_they_use_must_hold_a_listed_value(empty_world: World) -> None:
    # Given rules over two fields, one company that leaves one blank, and one with a value of nobody's list
    remote = empty_world.remote
    for name, fields in (("Birch Systems", {"Portal_Region__c": None}), ("Cedar IT", {"Portal_Tier__c": "Diamond"})):
        remote.edit("Account", remote.named("Account", name)["Id"], fields)
    rule = {"name": "one", "partner": {"region": ["EMEA"], "tier": ["Gold"]}}
    empty_world.configure(associations={"mode": "rules", "rules": [rule]})

    # Then both are found, and options are nobody's business
    report = checked(empty_world)
    found = {(problem.name, problem.code) for problem in report.problems}
    assert {("Birch Systems", "rule_field_blank"), ("Cedar IT", "rule_field_unlisted")} <= found
    assert not [finding for finding in report.findings if "options" in finding.subject]
    assert not [problem for problem in report.problems if problem.code == "contract_value_unresolved"]


def test_a_field_that_rules_use_must_be_there_though_it_is_optional(empty_world: World) -> None:
    # Given an optional field that the CRM lacks
    lacking = {"company.attributes.country": {"native": "Home__c", "rule_field": True, "values": "from_crm", "optional": True}}

    def country(used: str) -> Finding:
        empty_world.configure(associations={"mode": "rules", "rules": [{"name": "home", "match": [used]}]}, overrides=lacking)
        return next(finding for finding in checked(empty_world).findings if "Home__c" in finding.subject)

    # when no rule uses it, then it is in order; when one does, it lacks, and the words say what follows and what to do
    assert country("region").is_ok
    found = country("country")
    assert not found.is_ok
    assert "rules use it (country): these rules match no company" in found.words
    assert "take it out of the rules" in found.remedy


# ── what is missing, held against what is there ───────────────────────────────────────────────────────────────────────────────


def test_a_field_or_value_that_looks_like_one_that_is_there_is_a_question_with_the_place_of_the_name(empty_world: World) -> None:
    # Given a mapping with a slip in a field, one in a key and one in a value
    empty_world.configure(
        overrides={
            "company.agreement_state": {"native": "portal_agreement__c", "direction": "push"},
            "records.lead.key": "Portal_Deal_Kay__c",
            "deal.vendor_approval.values": {"Pending": "pending", "Aproved": "approved", "No": "rejected"},
        }
    )

    # When the CRM is looked at
    found = wrong(empty_world)

    # Then each says what was meant, where it is written, and how to make it all the same
    field = found["Account.portal_agreement__c"]
    assert field.words == "missing or hidden (agreement_state); did you mean 'Portal_Agreement__c', which is there?"
    assert re.match(r"correct it at .*acme\.yaml:\d+:\d+; if it is another one: ", field.remedy)
    assert field.remedy.endswith("sync-worker provision acme --apply --only Account.portal_agreement__c")
    assert "did you mean 'Portal_Deal_Key__c'" in found["Lead.Portal_Deal_Kay__c"].words
    value = found["Lead.Portal_Vendor_Approval__c"]
    assert value.words == "the picklist lacks Aproved, No (vendor_approval); did you mean 'Approved', which is there?"
    assert "--only Lead.Portal_Vendor_Approval__c=Aproved" in value.remedy
    assert value.remedy.endswith("for No: sync-worker provision acme --apply, or correct the mapping")


def test_what_the_mapping_names_itself_is_no_slip_of_another_name(empty_world: World) -> None:
    spelled = {"Pending": "pending", "Approved": "approved", "Approve": "approved", "Reject": "rejected", "Rejected": "rejected"}
    empty_world.configure(overrides={"deal.vendor_approval.values": spelled})
    found = wrong(empty_world)["Lead.Portal_Vendor_Approval__c"]
    assert found.words == "the picklist lacks Reject (vendor_approval)"


def test_values_that_the_mapping_does_not_know_are_counted_with_the_list_and_its_place(empty_world: World) -> None:
    # Given a mapping with spellings of its own, and companies with others
    remote = empty_world.remote
    empty_world.configure(overrides={"company.portal_status.values": {"Actives": "active", "Off": "inactive"}})
    remote.edit("Account", remote.named("Account", "Birch Systems")["Id"], {"Portal_Status__c": "Inactive"})
    count = [native["Portal_Status__c"] for native in remote.records("Account")].count("Active")

    # When the data are looked at
    [finding] = [one for one in checked(empty_world).findings if one.subject == "Account.Portal_Status__c: data"]

    # Then the words come from the mapping, and say how often each value stands there
    assert f"the mapping does not list: 'Active' {count}× (did you mean 'Actives'?), " in finding.words
    assert "'Inactive' " in finding.words
    assert "Allowed: Actives, Off." in finding.remedy
    assert re.search(r"See .*acme\.yaml:\d+:\d+\.$", finding.remedy)


@pytest.mark.parametrize("from_crm", [True, False])
def test_values_of_deals_are_counted_in_every_record_type_that_the_portal_reads(world: World, *, from_crm: bool) -> None:
    # Given a lead of the portal, an opportunity of a partner and one of a company that is not the portal's
    world.configure(deals={"from_crm": from_crm})
    deal, remote = world.registered(), world.remote
    remote.edit("Lead", world.record_of(deal.id)["Id"], {"Portal_Billing__c": "Every Monday"})
    stranger = remote.create("Account", {"Name": "Not in the portal"})
    for owner, value in ((world.id_of("Birch Systems"), "Yearly"), (stranger, "Weekly")):
        fields = {"Name": value, "StageName": "Qualification", "CloseDate": "2027-01-31", "Portal_Partner__c": owner}
        remote.create("Opportunity", {**fields, "Portal_Billing__c": value})
    # When the data are looked at
    found = {one.subject: one.words for one in checked(world).findings if "Portal_Billing__c: data" in one.subject}
    # Then the values of the lead are told, and those of opportunities where deals may begin there; those of other companies are not
    assert "'Every Monday' 1×" in found["Lead.Portal_Billing__c: data"]
    assert ("'Yearly' 1×" in found.get(BILLING, "")) == from_crm
    assert "Weekly" not in found.get(BILLING, "")
