"""Compiled mappings: native → ours, ours → native, and what a catalog changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_worker.config.source import parse_source
from sync_worker.domain.core.values import Value
from sync_worker.errors import InvalidRecord
from sync_worker.mapping.catalog import Catalog, CatalogField, association_field
from sync_worker.mapping.compile import CompiledMapping, RecordMap, compile_mapping
from sync_worker.mapping.examples import default_dialect
from sync_worker.mapping.load import load_mapping, loaded
from sync_worker.mapping.transforms import ValueMistake

MAPPINGS = Path(__file__).parents[3] / "mappings"
FILES = {crm: load_mapping(MAPPINGS / f"{crm}.yaml") for crm in ("salesforce", "hubspot")}


def compiled(crm: str, catalogs: Mapping[str, Catalog] | None = None, **values: str) -> CompiledMapping:
    return compile_mapping(FILES[crm], default_dialect(FILES[crm].grammar, values), catalogs)


def small(fields: str, *, wire: str = "{null: null, boolean: json, number: json}", on_create: str = "{}") -> RecordMap:
    """The company record of a mapping with these attributes."""
    text = f"""
version: 1
crm: salesforce
wire: {wire}
records: {{company: {{native: Account, key: Key__c, on_create: {on_create}}}}}
company:
  name: {{native: Name}}
  portal_status: {{native: Status, values: {{A: active}}}}
  attributes: {{{fields}}}
"""
    mapping = loaded(parse_source(text, file="small.yaml"), "small.yaml")
    return compile_mapping(mapping, default_dialect(mapping.grammar), None).records["company"]


COMPANY, LEAD, OPPORTUNITY = (compiled("salesforce").records[name] for name in ("company", "lead", "opportunity"))
DEAL = compiled("hubspot").records["deal"]


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_field_is_unset_null_or_a_value() -> None:
    # Given a record with one key absent, one null, one filled
    reading = COMPANY.normalize({"Name": "Arrow", "Portal_Region__c": None})
    # Then absent has no key, null is null, and the rest is its value
    assert reading.values == {"name": "Arrow", "region": None}


def test_spellings_are_kept_for_the_fields_we_write_only() -> None:
    reading = COMPANY.normalize(
        {"Name": "Arrow", "Portal_Status__c": "Active", "Portal_Region__c": "EMEA", "Associated_Second_Partner__c": "B;A"}
    )
    assert reading.spellings == {"name": "Arrow", "portal_status": "Active", "second_partners": "B;A"}
    assert reading.values["second_partners"] == ("A", "B")


def test_one_bad_value_costs_its_field_only() -> None:
    # Given a record whose status is not in the list
    reading = COMPANY.normalize({"Name": "Arrow", "Portal_Status__c": "Aktive", "Portal_Tier__c": " Gold "})
    # Then the others are read, and the mistake names field, native field, value and what is allowed
    assert reading.values == {"name": "Arrow", "tier": "Gold"}
    (mistake,) = reading.mistakes
    assert (mistake.field, mistake.native, mistake.value, mistake.code) == ("portal_status", "Portal_Status__c", "Aktive", "unlisted_value")
    assert mistake.allowed == ("Active", "Inactive", "Pending")


def test_a_mistake_says_the_nearest_value_those_that_are_allowed_and_where_they_are_listed() -> None:
    raw = {"Portal_Status__c": "Aktive", "Portal_Tier__c": "Diamond"}
    status, tier = COMPANY.normalize(raw).mistakes
    lines = (MAPPINGS / "salesforce.yaml").read_text().splitlines()
    for mistake, words in (
        (status, "did you mean 'Active'? allowed: Active, Inactive, Pending"),
        (tier, "allowed: Registered, "),
    ):
        assert mistake.hint.startswith(words)
        file, line, column = mistake.written.rsplit(":", 2)
        assert Path(file) == MAPPINGS / "salesforce.yaml"
        assert lines[int(line) - 1][int(column) - 1 :].startswith(("{Active: active", "[Registered, Silver"))
        assert mistake.hint.endswith(f"see {mistake.written}")


def test_of_a_set_the_member_that_is_wrong_is_compared_and_without_a_list_the_transform_is_named() -> None:
    record = small("lines: {native: L__c, transform: multi_select, values: [Cloud, Edge]}, score: {native: S__c, transform: integer}")
    members, number = record.normalize({"L__c": "Edge;Clod", "S__c": "many"}).mistakes
    assert members.hint.startswith("did you mean 'Cloud'? allowed: Cloud, Edge; see small.yaml:")
    assert number.hint.startswith("see small.yaml:")


def test_a_mistaken_field_keeps_its_spelling_so_that_a_push_can_put_it_back() -> None:
    reading = LEAD.normalize({"Portal_Distributor_Approval__c": "Maybe"})
    assert reading.values == {}
    assert reading.spellings == {"distributor_approval": "Maybe"}


def test_picklist_values_compare_exactly_but_for_spaces_around() -> None:
    assert COMPANY.normalize({"Portal_Status__c": "active"}).mistakes
    assert COMPANY.normalize({"Portal_Status__c": " Active"}).values == {"portal_status": "active"}


def test_a_default_stands_for_blank_and_unlisted() -> None:
    for stage in (None, "", "Negotiation"):
        assert OPPORTUNITY.normalize({"StageName": stage}).values["outcome"] == "open"
    assert OPPORTUNITY.normalize({}).values == {}


def test_a_domain_list_closes_a_field_without_values() -> None:
    # lifecycle has no values in the file: the domain's words are the list
    assert LEAD.fields["lifecycle"].allowed is not None
    assert LEAD.normalize({"Portal_Deal_State__c": "nonsense"}).mistakes[0].code == "unlisted_value"


def test_account_types_are_spelled_as_the_portal_says() -> None:
    record = compiled("salesforce", second_partner="Master Agent").records["company"]
    assert record.normalize({"Portal_Account_Type__c": "Master Agent"}).values == {"account_type": "second_partner"}
    assert record.create({"account_type": "second_partner"}) == {"Portal_Account_Type__c": "Master Agent"}


def test_an_account_type_the_portal_does_not_have_drops_out() -> None:
    class NoVendor:
        account_type_values = {"partner": "P"}  # noqa: RUF012
        zone = UTC

    record = compile_mapping(FILES["salesforce"], NoVendor(), None).records["company"]
    assert record.fields["account_type"].allowed == ("partner",)


def test_a_checkbox_can_be_an_account_type_on_either_wire() -> None:
    fields = "kind: {native: Is_Agent__c, direction: both, values: {true: agent, false: other}}"
    for raw in (True, "true"):
        assert small(fields).normalize({"Is_Agent__c": raw}).values == {"kind": "agent"}
    assert small(fields).update({"kind": "agent"}) == {"Is_Agent__c": True}
    assert small(fields, wire='{null: "", boolean: text, number: text}').update({"kind": "other"}) == {"Is_Agent__c": "false"}


def test_the_first_of_several_native_values_wins_on_the_way_back() -> None:
    record = small("tier: {native: T, direction: both, values: {Gold: gold, Golden: gold}}")
    assert record.normalize({"T": "Golden"}).values == {"tier": "gold"}
    assert record.update({"tier": "gold"}) == {"T": "Gold"}


def test_value_maps_work_for_numbers_flags_and_sets() -> None:
    record = small(
        "term: {native: A, transform: integer, direction: both, values: {One year: 1, Two years: 2}},"
        " ok: {native: B, transform: boolean, direction: both, values: {Yes: true, No: false}},"
        " lines: {native: C, transform: multi_select, direction: both, values: {Cloud: cloud, Edge: edge}}"
    )
    values: dict[str, Value] = {"term": 2, "ok": True, "lines": ("cloud", "edge")}
    native = {"A": "Two years", "B": "Yes", "C": "Cloud;Edge"}
    assert record.normalize(native).values == values
    assert record.update(values) == native
    assert record.normalize({"C": "Cloud;Fog"}).mistakes[0].allowed == ("Cloud", "Edge")


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_native_value_breaks_a_page(raw: Any) -> None:
    for record in (COMPANY, LEAD, OPPORTUNITY, DEAL):
        reading = record.normalize(dict.fromkeys(record.native_fields, raw))
        assert set(reading.values) | {mistake.field for mistake in reading.mistakes} <= set(record.fields)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_create_carries_constants_defaults_and_what_we_have() -> None:
    created = LEAD.create({"name": "Acme", "amount": None, "contact_last_name": ""})
    assert created == {
        "LeadSource": "Partner Portal",
        "Status": "Open - Not Contacted",
        "Portal_Deal_Name__c": "Acme",
        "Company": "Unknown",
        "LastName": "Unknown",
        "Portal_Amount__c": None,
    }


def test_a_create_never_writes_what_is_only_pulled() -> None:
    assert COMPANY.create({"account_owner_email": "ann@vendor.example", "region": "EMEA"}) == {}


def test_an_update_writes_exactly_what_may_change() -> None:
    # contact_email is written at create only, stage never
    updated = LEAD.update({"name": "Acme", "contact_email": "a@b.c", "stage": "Open", "amount": Decimal("1.50"), "unknown": "x"})
    assert updated == {"Portal_Deal_Name__c": "Acme", "Portal_Amount__c": 1.5}


def test_a_default_of_reading_or_creating_never_enters_an_update() -> None:
    assert LEAD.update({"prospect_name": None}) == {"Company": None}


def test_a_field_written_once_is_written_at_create_and_by_the_patch_back() -> None:
    assert COMPANY.create({"portal_id": "u-1"}) == {"Portal_Company_Id__c": "u-1"}
    assert COMPANY.update({"portal_id": "u-1"}) == {"Portal_Company_Id__c": "u-1"}


def test_a_value_without_spelling_is_an_invalid_record() -> None:
    with pytest.raises(InvalidRecord, match="deal_type is 'swap', which is not in the list; allowed: new, renewal, upsell") as caught:
        LEAD.update({"deal_type": "swap"})
    assert (caught.value.code, caught.value.field) == ("unlisted_value", "deal_type")


def test_hubspot_clears_with_empty_text_and_spells_numbers_and_flags_as_text() -> None:
    created = DEAL.create({"amount": Decimal("1200.50"), "is_registered": True, "licence_count": 3, "expires_on": None})
    assert created["amount"] == "1200.50"
    assert created["portal_registered"] == "true"
    assert created["portal_licences"] == "3"
    assert created["portal_expires"] == ""


def test_an_association_stands_beside_the_properties() -> None:
    assert {"association:portal_partner", "association:portal_second_partner"} <= set(DEAL.native_fields)
    assert DEAL.fields["owner_company"].native == "association:portal_partner"
    assert DEAL.normalize({"association:portal_partner": 512}).values == {"owner_company": "512"}
    assert DEAL.create({"owner_company": "512"})["association:portal_partner"] == "512"


@pytest.mark.parametrize("label", ["portal_partner", "Portal partner", "  PORTAL-Partner ", "Portal  Partner:"])
def test_an_association_is_known_by_its_label_however_people_dress_it(label: str) -> None:
    assert association_field(label) == "association:portal_partner"


def test_an_association_the_crm_has_not_is_missing() -> None:
    there = CatalogField("association:portal_partner", "reference")
    catalog = Catalog("deals", {there.name: there})
    deal = compiled("hubspot", {"deals": catalog}).records["deal"]
    missing = {field.native for field in deal.missing}
    assert "association:portal_second_partner" in missing
    assert "association:portal_partner" not in missing


# ── both ways ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

DAYS = st.dates().filter(lambda day: 1800 < day.year < 3999)
BY_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "amount": st.integers(-(10**12), 10**12).map(lambda cents: Decimal(cents).scaleb(-2)),
    "expected_close_on": DAYS,
    "expires_on": DAYS,
    "vendor_decided_on": DAYS,
    "distributor_decided_on": DAYS,
    "licence_count": st.integers(0, 10**6),
    "term_years": st.integers(1, 3),
    "is_registered": st.booleans(),
    "may_register": st.booleans(),
}
TEXTS = st.text(min_size=1, max_size=10).filter(lambda text: not text.isspace())


def values_of(record: RecordMap) -> st.SearchStrategy[dict[str, Value]]:
    """Any values for the fields that a create writes."""
    strategies: dict[str, st.SearchStrategy[Any]] = {}
    for name, one in record.fields.items():
        if one.direction == "pull" or one.write == "update":
            continue
        words: st.SearchStrategy[Any] = TEXTS if one.allowed is None else st.sampled_from(one.allowed)
        single = BY_FIELD.get(name, words.map(lambda word: word.strip()) if one.transform == "company_ref" else words)
        members = words.map(str).map(lambda word: word.replace(";", "").strip()).filter(bool)
        many = st.lists(members, max_size=3).map(lambda found: tuple(sorted(set(found))))
        strategies[name] = many if one.is_set else st.none() | single if one.create_default is None else single
    return st.fixed_dictionaries({}, optional=strategies)


@pytest.mark.parametrize("record", [COMPANY, LEAD, OPPORTUNITY, DEAL, compiled("hubspot").records["company"]], ids=lambda one: one.native)
@settings(deadline=None)
@given(data=st.data())
def test_what_a_create_sends_reads_back_as_the_same_values(record: RecordMap, data: st.DataObject) -> None:
    # Given values for any of the written fields
    values = data.draw(values_of(record))
    # When they are sent and read back
    reading = record.normalize(json.loads(json.dumps(record.create(values))))
    # Then every one of them is there again
    assert reading.mistakes == ()
    assert {name: reading.values[name] for name in values} == values


# ── catalogs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def catalog(*absent: str, **values: tuple[str, ...]) -> dict[str, Catalog]:
    """An Account with every mapped field but the absent ones, picklist values as given."""
    fields = {name: CatalogField(name, "text", values=values.get(name)) for name in COMPANY.native_fields if name not in absent}
    return {"Account": Catalog("Account", fields)}


def test_an_optional_field_the_crm_lacks_is_left_out() -> None:
    record = compiled("salesforce", catalog("BillingCountryCode")).records["company"]
    assert "country" not in record.fields
    assert "BillingCountryCode" not in record.native_fields
    assert record.missing == ()


def test_a_field_the_crm_lacks_is_named_as_missing() -> None:
    record = compiled("salesforce", catalog("Portal_Status__c", "Portal_Company_Id__c")).records["company"]
    assert {one.field for one in record.missing} == {"portal_status", "portal_id"}
    assert record.is_key_missing


def test_an_attribute_the_crm_lacks_rests_unless_a_rule_uses_it() -> None:
    described = catalog("Portal_Region__c")
    record = compiled("salesforce", described).records["company"]
    assert [one.field for one in record.resting] == ["region"]
    assert record.missing == ()
    assert "region" not in record.fields
    assert "Portal_Region__c" not in record.native_fields
    file = FILES["salesforce"]
    used = compile_mapping(file, default_dialect(file.grammar), described, used_by_rules=["region"]).records["company"]
    assert [one.field for one in used.missing] == ["region"]
    assert used.resting == ()


def test_without_a_catalog_nothing_is_missing() -> None:
    assert COMPANY.missing == ()
    assert not COMPANY.is_key_missing
    assert "country" in COMPANY.fields


def test_a_set_of_which_the_mapping_lists_some_keeps_those_and_names_the_others() -> None:
    record = small("lines: {native: Lines__c, transform: multi_select, values: [Cloud, Edge]}")
    reading = record.normalize({"Lines__c": "Edge;Fog;Cloud;Mist"})
    assert reading.values == {"lines": ("Cloud", "Edge")}
    (mistake,) = reading.mistakes
    assert (mistake.code, mistake.value) == ("unlisted_value", "Fog;Mist")


def test_from_crm_offers_the_active_values_and_reads_any() -> None:
    record = compiled("salesforce", catalog(BillingCountryCode=("DE", "FR"), Portal_Product_Lines__c=("Cloud",))).records["company"]
    assert record.fields["country"].allowed == ("DE", "FR")
    reading = record.normalize({"BillingCountryCode": "XX", "Portal_Product_Lines__c": "Cloud;Fog;Mist"})
    assert reading.mistakes == ()
    assert reading.values == {"country": "XX", "product_lines": ("Cloud", "Fog", "Mist")}
    assert [(one.field, one.values) for one in reading.unlisted] == [("country", ("XX",)), ("product_lines", ("Fog", "Mist"))]
    assert record.normalize({"BillingCountryCode": " DE "}).values == {"country": "DE"}
    assert COMPANY.normalize({"BillingCountryCode": "XX"}).values == {"country": "XX"}


def test_a_day_kept_in_a_time_field_is_read_in_the_portals_zone() -> None:
    described = {"Lead": Catalog("Lead", {"Portal_Expires__c": CatalogField("Portal_Expires__c", "datetime")})}
    record = compiled("salesforce", described).records["lead"]
    assert str(record.normalize({"Portal_Expires__c": "2026-05-01T10:00:00Z"}).values["expires_on"]) == "2026-05-01"


def test_a_day_kept_in_a_day_field_is_that_day_in_any_zone() -> None:
    """HubSpot sends a date as a midnight in UTC, which is the day before in New York."""
    described = {"deals": Catalog("deals", {"closedate": CatalogField("closedate", "date")})}
    new_york = replace(default_dialect(FILES["hubspot"].grammar, {}), zone=ZoneInfo("America/New_York"))
    record = compile_mapping(FILES["hubspot"], new_york, described).records["deal"]
    assert str(record.normalize({"closedate": "1798675200000"}).values["expected_close_on"]) == "2026-12-31"
    assert record.update({"expected_close_on": date(2026, 12, 31)}) == {"closedate": "2026-12-31"}


# ── the hash ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_hash_changes_with_what_could_be_read_otherwise() -> None:
    plain = compiled("salesforce").hash
    assert compiled("salesforce").hash == plain
    assert compiled("salesforce", partner="Reseller").hash != plain
    assert compiled("salesforce", catalog(BillingCountryCode=("DE",))).hash != compiled("salesforce", catalog()).hash


def test_the_hash_does_not_change_with_comments_and_examples() -> None:
    text = (MAPPINGS / "salesforce.yaml").read_text()
    shorter = "# a comment\n" + text[: text.index("examples:")]
    mapping = loaded(parse_source(shorter, file="x.yaml"), "x.yaml")
    assert compile_mapping(mapping, default_dialect(mapping.grammar), None).hash == compiled("salesforce").hash


# ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

MONEY = [
    pytest.param(LEAD, "Portal_Amount__c", "CurrencyIsoCode", id="lead"),
    pytest.param(OPPORTUNITY, "Amount", "CurrencyIsoCode", id="opportunity"),
    pytest.param(DEAL, "amount", "deal_currency_code", id="deal"),
]


@pytest.mark.parametrize(("record", "amount", "currency"), MONEY)
@pytest.mark.parametrize(
    ("written", "code", "read"),
    [
        ("10.123", "KWD", "10.123"),
        ("1000", "JPY", "1000"),
        ("1000.5", "JPY", "1001"),
        ("1200.5", "EUR", "1200.50"),
        ("10.125", None, "10.13"),
        ("-0.001", "EUR", "0.00"),
        ("10.125", "DEM", "10.13"),
    ],
)
def test_an_amount_is_read_with_the_decimals_of_its_currency(
    record: RecordMap, amount: str, currency: str, written: str, code: str | None, read: str
) -> None:
    values = record.normalize({amount: written, currency: code}).values
    assert str(values["amount"]) == read


@pytest.mark.parametrize(("record", "amount", "currency"), MONEY)
def test_an_amount_is_sent_as_exact_as_it_is(record: RecordMap, amount: str, currency: str) -> None:
    sent = record.create({"amount": Decimal("10.123"), "currency": "KWD"})
    assert (str(sent[amount]), sent[currency]) == ("10.123", "KWD")
    assert record.fields["amount"].parse("10.123") == Decimal("10.123")
    with pytest.raises(ValueMistake):
        record.fields["amount"].parse("1e999")


def test_only_currencies_that_people_can_choose_in_the_crm_may_be_written() -> None:
    offered = CatalogField("deal_currency_code", "picklist", values=("USD", "KWD", "DEM"), hidden=("DEM",))
    known = {field.native: CatalogField(field.native, "text") for field in DEAL.fields.values()}
    deals = Catalog("deals", {**known, DEAL.key_field: CatalogField(DEAL.key_field, "text"), offered.name: offered})
    field = compiled("hubspot", {"deals": deals}).records["deal"].fields["currency"]
    assert field.allowed == ("USD", "KWD")
    assert field.read("EUR") == "EUR"  # what the CRM holds is read all the same
