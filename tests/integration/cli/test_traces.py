"""Nothing is undone in silence, on every CRM: what was put back, what can never travel, what is closed, and whom an erasure reaches."""

from __future__ import annotations

from typing import Any

import pytest

from crm_sandbox.remote import Remote
from sync_worker.cli.core.command import tenant_of
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm

OLGA = Actor("Olga", None, "portal")
APPROVED = {
    "salesforce": {"Portal_Distributor_Approval__c": "Approved"},
    "hubspot": {"portal_distributor_approval": "approved"},
}
EMAIL = {"salesforce": "Email", "hubspot": "portal_contact_email"}


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    return terminal


def registered(terminal: Terminal, **fields: str) -> str:
    """A deal that is not in the CRM yet."""
    return str(terminal.types("deals", "register", "acme", terminal.installation.deal_file(**fields), "--json").json["id"])


def edited(deal: str, **written: Any) -> str:
    """An edit in the portal. Returns the refusal's code and field, "" where it was taken."""
    with tenant_of("acme") as tenant:
        done = change(tenant, deal, written, MoveRequest(OLGA))
    return f"{done.code} {done.field}" if isinstance(done, Refusal) else ""


@on_both
def test_what_only_the_portal_writes_is_put_back_and_leaves_a_trace(loaded: Terminal, crm: LocalCrm, remote: Remote) -> None:
    # Given a deal in the CRM
    deal = registered(loaded)
    for words in (("push", "acme"), ("pull", "acme")):
        loaded.types(*words, code=None)
    [record] = crm.deals_with(remote, deal)
    # When a person in the CRM writes what only the portal writes
    remote.edit(crm.deal, record[crm.id], APPROVED[crm.kind])
    remote.advance_clock(60)
    for words in (("pull", "acme"), ("push", "acme")):
        loaded.types(*words, code=None)
    loaded.types("pull", "acme", "--full", code=None)
    # Then it is put back, and the history and a decided conflict say once what the CRM had said
    [record] = crm.deals_with(remote, deal)
    assert str(record[next(iter(APPROVED[crm.kind]))]).lower() == "pending"
    history = loaded.types("deals", "show", "acme", deal, "--json").json["history"]
    [kept] = [row for row in history if row["field"] == "distributor_approval"]
    assert (kept["side"], kept["old"], kept["new"]) == ("worker", "approved", "pending")
    assert "only the portal writes this field" in kept["note"]
    assert loaded.types("conflicts", "list", "acme", "--json").json == []
    [conflict] = [one for one in loaded.types("conflicts", "list", "acme", "--all", "--json").json if one["deal_id"] == deal]
    assert (conflict["code"], conflict["crm"], conflict["portal"], conflict["taken"]) == ("put_back", "approved", "pending", "portal")
    assert conflict["resolved_at"]
    assert "took the portal's value" in conflict["state"]


@on_both
def test_an_edit_that_the_crm_would_never_hear_of_is_refused(loaded: Terminal, crm: LocalCrm, remote: Remote) -> None:
    # Given a deal whose contact is corrected before the CRM has heard of it
    deal = registered(loaded, contact_last_name="Berg", contact_email="jo@harbor.example")
    assert edited(deal, contact_email="jo.berg@harbor.example") == ""
    loaded.types("push", "acme", code=None)
    [record] = crm.deals_with(remote, deal)
    assert record[EMAIL[crm.kind]] == "jo.berg@harbor.example"
    # When it is edited afterwards, alone or beside what travels
    assert edited(deal, contact_email="bo@harbor.example") == "only_while_registering contact_email"
    assert edited(deal, name="Another name", contact_last_name="Bo") == "only_while_registering contact_last_name"
    # Then neither side has changed, and a form that sends the whole deal again passes
    assert edited(deal, name="Another name", contact_last_name="Berg", contact_email="jo.berg@harbor.example") == ""
    assert loaded.types("deals", "show", "acme", deal, "--json").json["fields"]["contact_email"] == "jo.berg@harbor.example"


@on_both
def test_a_deal_whose_record_was_deleted_says_so(loaded: Terminal, crm: LocalCrm, remote: Remote) -> None:
    # Given a deal in the CRM, whose record a person deletes
    deal = registered(loaded)
    for words in (("push", "acme"), ("pull", "acme")):
        loaded.types(*words, code=None)
    [record] = crm.deals_with(remote, deal)
    assert loaded.types("deals", "show", "acme", deal, "--json").json["flags"] == []
    remote.delete(crm.deal, record[crm.id])
    remote.advance_clock(60)
    loaded.types("pull", "acme", code=None)
    loaded.types("compare", "acme", "--repair", code=None)
    # Then the deal says so, in words without the CRM's ids
    [flag] = loaded.types("deals", "show", "acme", deal, "--json").json["flags"]
    assert flag["code"] in ("deleted_in_crm", "gone_from_crm")
    assert record[crm.id] not in flag["words"]
    assert "The deal stays here" in flag["words"]
    assert "flags" in loaded.types("deals", "show", "acme", deal).out


@on_both
def test_closed_failures_are_listed_with_when_and_how(loaded: Terminal) -> None:
    # Given problems of the first load, one of which an operator has discarded
    rows = loaded.types("failures", "list", "acme", "--json").json
    assert "resolved_at" not in rows[0]
    loaded.types("failures", "discard", rows[0]["id"], "--reason", "known", "--actor", "Olga")
    # When the open ones and all are listed
    still = {row["id"] for row in loaded.types("failures", "list", "acme", "--json").json}
    everything = loaded.types("failures", "list", "acme", "--all", "--json").json
    # Then only the second list has it, with when and how it was closed
    assert rows[0]["id"] not in still
    [closed] = [row for row in everything if row["id"] == rows[0]["id"]]
    assert closed["discarded_at"]
    assert closed["resolution"] == "discarded by Olga: known"
    assert " UTC): " in loaded.types("failures", "list", "acme", "--all", "--limit", "500").out


def test_whom_an_erasure_reaches_is_in_no_table_of_the_database(loaded: Terminal) -> None:
    # Given a user whose id is an address, to whom a deal was given
    who = "cana.ry@birch.example"
    told = ("--email", who, "--name", "Cana Ry", "--role", "manager", "--company", "Birch Systems")
    loaded.types("people", "put", "acme", who, *told)
    deal = registered(loaded)
    loaded.types("deals", "move", "acme", deal, "withdraw", "--user", who, "--reason", f"{who} said so")
    # When the user is erased
    said = loaded.types("people", "erase", "acme", who, "--reason", "ticket 4711", "--actor", "Olga").out
    # Then the database knows neither name nor address, and what is kept of the request is a fingerprint
    assert "people erasures acme" in said
    assert b"cana" not in (loaded.installation.folder / "sync-worker.db").read_bytes().lower()
    [kept] = loaded.types("people", "erasures", "acme", "--json").json
    assert kept["what"].startswith("user sha256:")
    assert "an erased person said so" in str(loaded.types("deals", "show", "acme", deal, "--json").json["history"])
