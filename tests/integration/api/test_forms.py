"""What a portal's forms need: the portal's words and choices, the fields of deals and companies, never with a call to the CRM."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sync_worker.steps.deals.forms import forms
from sync_worker.store.core import catalogs
from sync_worker.store.core.tables import catalogs as kept
from tests.integration.api.desk import Desk, desk
from tests.integration.hubspot.test_portal import portal_on, settled
from tests.integration.steps.world import PORTAL, Loaded


def fields_of(form: dict[str, Any]) -> dict[str, Any]:
    return {field["name"]: field for field in form["fields"]}


# ── the portal ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_portal_tells_its_words_and_choices_and_nothing_of_its_crm(shared: Desk) -> None:
    # When a token that only reads asks for the portal
    answer = shared.with_token("read").send("GET", "")
    # Then it hears what a form needs
    told = answer.json()
    assert told["account_types"] == [
        {"account_type": "vendor", "label": "Vendor"},
        {"account_type": "partner", "label": "Partner"},
        {"account_type": "second_partner", "label": "Distributor"},
    ]
    assert (told["portal"], told["two_tier"], told["has_subgroups"], told["on_behalf"]) == ("acme", True, True, False)
    assert (told["association_mode"], told["tracks"], told["languages"]) == ("contracts", ["distributor", "vendor"], ["en"])
    assert told["deal_types"] == ["new", "renewal", "upsell"]
    assert told["terms"][0] == {"years": 1, "billing_cycles": ["annual", "monthly"]}
    assert [term["years"] for term in told["terms"]] == [1, 2, 3]
    # and nothing of the connection
    crm = PORTAL["crm"]
    assert not [word for word in (crm["mapping"], "http", "secret", "client_id", crm["auth"]["domain"]) if word in answer.text]


def test_without_two_tiers_there_is_no_word_of_them(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    with desk(tmp_path, sandbox, loaded, {"two_tier": False, "deals": {"record": "lead", "approvals": ["vendor"]}}) as solo:
        told = solo.get("")
        assert [one["account_type"] for one in told["account_types"]] == ["vendor", "partner"]
        assert not told.keys() & {"second_partner_label", "association_mode", "has_subgroups", "on_behalf"}
        names = {field["name"] for form in (solo.get("/fields")["company"], *solo.get("/fields")["deals"]) for field in form["fields"]}
        assert not names & {"second_partner", "second_partners", "may_register", "agreement_state"}


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fields_are_told_as_the_crm_described_them(shared: Desk) -> None:
    told = shared.get("/fields")
    lead, opportunity = told["deals"]
    assert (lead["record"], opportunity["record"], told["one_of_required"]) == ("lead", "opportunity", [["name", "prospect_name"]])
    assert lead["described_at"] is not None
    fields = fields_of(lead)
    # what a registration needs
    assert [name for name, field in fields.items() if field["is_required"]] == ["owner_company"]
    kinds = {name: field["kind"] for name, field in fields.items()}
    assert (kinds["owner_company"], kinds["amount"], kinds["expected_close_on"], kinds["licence_count"]) == (
        *("company", "money", "date", "number"),
    )
    # a list has the values that a request writes
    assert fields["billing_cycle"]["kind"] == "list"
    assert {one["value"]: one["label"] for one in fields["billing_cycle"]["values"]} == {
        "annual": "Annual",
        "monthly": "Monthly",
        "up_front": "Up front",
    }
    assert [one["value"] for one in fields["term_years"]["values"]] == ["1", "2", "3"]
    # a text has the length of the CRM's field, and the label of it
    assert (fields["prospect_name"]["max_length"], fields["prospect_name"]["label"]) == (255, "Company")
    # what can be set only while registering, and what one record type does not have
    assert (fields["contact_email"]["is_editable"], fields["contact_email"]["direction"]) == (False, "push")
    assert (fields["amount"]["is_editable"], fields["amount"]["direction"]) == (True, "both")
    assert "contact_email" not in fields_of(opportunity)
    # a field without a place in this org stays in the portal
    assert (fields["currency"]["direction"], fields["currency"]["is_editable"]) == ("none", True)
    # what has ways of its own is not in a form
    assert not fields.keys() & {"vendor_approval", "stage", "lifecycle", "crm_owner", "expires_on"}


def test_the_fields_of_a_company_are_those_of_the_mapping(shared: Desk) -> None:
    fields = fields_of(shared.get("/fields")["company"])
    assert [one["value"] for one in fields["region"]["values"]] == ["AMER", "APAC", "EMEA", "LATAM"]
    assert (fields["product_lines"]["kind"], fields["region"]["direction"], fields["region"]["is_registrable"]) == ("set", "pull", False)
    assert (fields["region"]["is_attribute"], fields["name"]["is_attribute"], fields["name"]["is_required"]) == (True, False, True)
    assert "portal_id" not in fields or fields["portal_id"]["direction"] == "push"


def test_what_the_form_says_is_what_a_registration_accepts(acme: Desk) -> None:
    # Given the fields, each with a value that they allow
    lead, _ = acme.get("/fields")["deals"]
    samples = {"text": "x", "number": 1, "money": "1.00", "date": "2030-01-01", "boolean": True}
    own = {"owner_company": "Birch Systems", "second_partner": "Arrow Electronics", "contact_email": "x@example.com", "currency": "EUR"}
    body: dict[str, Any] = dict(own)
    attributes: dict[str, Any] = {}
    for field in lead["fields"]:
        value: Any = field["values"][0]["value"] if field["values"] else samples.get(field["kind"])
        if field["is_registrable"] and field["name"] not in own:
            (attributes if field["is_attribute"] else body)[field["name"]] = int(value) if field["kind"] == "number" else value
    # When a deal is registered with all of them, then none is refused
    acme.post("/deals", {**body, "attributes": attributes}, user="rita", status=201)
    # and one character more than the longest text is
    long = {field["name"]: field["max_length"] for field in lead["fields"] if field["max_length"] and field["direction"] != "none"}
    for name in sorted(long.keys() - {"contact_email"}):
        refused = acme.send("POST", "/deals", {**own, "name": "x", name: "x" * (long[name] + 1)}, user="rita")
        assert (refused.status_code, refused.json()["field"]) == (422, name)


def test_the_crm_is_not_asked_and_an_old_description_says_its_age(acme: Desk) -> None:
    # Given a description that is three days old
    before = acme.get("/fields")["deals"][0]
    acme.clock.forward(seconds=timedelta(days=3).total_seconds())
    # When the fields are asked for, then they are as they were
    assert acme.get("/fields")["deals"][0] == before
    # and one that is to be made again has no age, and is shown meanwhile
    with acme.installation.store.side_transaction("acme") as tx:
        catalogs.forget(tx)
    again = acme.get("/fields")["deals"][0]
    assert (again["described_at"], again["fields"]) == (None, before["fields"])


def test_before_the_crm_was_ever_asked_the_mapping_speaks(acme: Desk) -> None:
    # Given a portal whose CRM has described nothing yet
    with acme.installation.store.side_transaction("acme") as tx:
        tx.connection.execute(kept.delete())
    # When the fields are asked for
    lead = acme.get("/fields")["deals"][0]
    # Then they have the lists that the mapping knows, and no words of the CRM
    fields = fields_of(lead)
    assert (lead["described_at"], fields["prospect_name"]["label"], fields["prospect_name"]["max_length"]) == (None, "", 1000)
    assert {one["value"] for one in fields["billing_cycle"]["values"]} == {"annual", "monthly", "up_front"}
    # and the CRM was not asked for it
    with acme.installation.store.reading("acme") as tx:
        assert catalogs.described_at(tx) == {}


def test_hubspot_tells_the_labels_of_its_options(tmp_path: Path) -> None:
    # Given a portal on HubSpot after its first load
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        asked_count = remote.calls()["total"]
        # When its forms are asked for
        found = forms(tenant)
        # Then there is one form of deals, which tells the values that we write and what people of HubSpot read
        (deal,) = found.deals
        fields = {field.name: field for field in deal.fields}
        cycles = {one.value: one.label for one in fields["billing_cycle"].values or ()}
        assert (deal.record, cycles["up_front"]) == ("deal", "Up front")
        assert (fields["owner_company"].kind, fields["expected_close_on"].kind) == ("company", "date")
        regions = {field.name: field for field in found.company.fields}["region"].values or ()
        assert {one.value for one in regions} == {"amer", "apac", "emea", "latam"}
        # and HubSpot was not asked
        assert remote.calls()["total"] == asked_count
