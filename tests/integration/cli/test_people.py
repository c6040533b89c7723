"""`people`, `deals move`, `deals relink` and `deals forget-contact` as an operator types them."""

from __future__ import annotations

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal
from tests.journey.crms import LocalCrm

ANN = ("--email", "ann@birch.example", "--name", "Ann Birch", "--role", "manager")


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    """After the first load."""
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    return terminal


def register(terminal: Terminal, **fields: str) -> str:
    """A deal, registered and in the CRM."""
    deal = terminal.types("deals", "register", "acme", terminal.installation.deal_file(**fields), "--json").json["id"]
    terminal.types("push", "acme", code=None)
    return str(deal)


def test_a_user_is_told_of_shown_deactivated_and_erased(loaded: Terminal) -> None:
    told = loaded.types("people", "put", "acme", "ann", *ANN, "--company", "Birch Systems", "--further", "Cedar IT", "--json").json
    assert (told["primary_company"], told["further_companies"], told["is_active"]) == ("Birch Systems", "Cedar IT", True)
    assert "ann@birch.example" in loaded.types("people", "show", "acme", "ann").out
    assert [row["id"] for row in loaded.types("people", "list", "acme", "--json").json] == ["ann"]
    assert loaded.types("people", "deactivate", "acme", "ann", "--json").json["is_active"] is False

    loaded.types("people", "erase", "acme", "ann", "--reason", "ticket 4711", "--actor", "Olga")
    assert loaded.types("people", "list", "acme", "--json").json == []
    [kept] = loaded.types("people", "erasures", "acme", "--json").json
    assert (kept["what"], kept["actor"], kept["reason"]) == ("user ann", "Olga", "ticket 4711")


def test_wrong_words_about_people_say_what_would_be_right(loaded: Terminal) -> None:
    assert "a person who gives it a portal status" in loaded.types("people", "put", "acme", "ann", *ANN, "--company", "Nobody", code=2).err
    assert "sync-worker people list acme" in loaded.types("people", "show", "acme", "ann", code=2).err
    for verb in (("deactivate",), ("erase", "--reason", "x")):
        assert loaded.types("people", verb[0], "acme", "ann", *verb[1:], "--json", code=2).json["refused"] == "user_unknown"


def test_a_deal_is_moved_by_an_operator_and_in_a_users_name(loaded: Terminal) -> None:
    deal = register(loaded)
    loaded.types("people", "put", "acme", "dora", *ANN, "--company", "Arrow Electronics")
    refused = loaded.types("deals", "move", "acme", deal, "withdraw", "--user", "dora", "--json", code=2).json
    assert refused["refused"] == "not_a_party"
    assert "allowed: submit, withdraw" in loaded.types("deals", "move", "acme", deal, "win", code=2).err
    moved = loaded.types("deals", "move", "acme", deal, "withdraw", "--reason", "they went elsewhere", "--actor", "Olga", "--json").json
    assert moved["fields"]["lifecycle"] == "withdrawn"
    assert "they went elsewhere" in str(loaded.types("deals", "show", "acme", deal, "--json").json["history"])


def test_a_contact_is_erased_from_a_deal_and_its_past(loaded: Terminal, crm: LocalCrm, remote: Remote) -> None:
    deal = register(loaded, contact_last_name="Berg", contact_email="jo.berg@harbor.example")
    said = loaded.types("deals", "forget-contact", "acme", deal, "--reason", "ticket 4711", "--actor", "Olga")
    [record] = crm.deals_with(remote, deal)
    assert record[crm.id] in said.err, "the CRM's own record is the vendor's to erase"
    loaded.types("push", "acme", code=None)
    for words in (("deals", "show", "acme", deal, "--json"), ("deals", "explain", "acme", deal, "--json")):
        told = loaded.types(*words).out
        assert "Berg" not in told
        assert "jo.berg" not in told
    assert "Berg" not in (loaded.installation.folder / "sync-worker.db").read_bytes().decode("latin-1")
    [kept] = loaded.types("people", "erasures", "acme", "--json").json
    assert kept["what"] == f"contact of deal {deal}"
    assert (
        "no deal has an id that begins with 'nothing'"
        in loaded.types("deals", "forget-contact", "acme", "nothing", "--reason", "x", code=2).err
    )


def test_a_deal_is_linked_to_another_record_and_never_to_anothers(loaded: Terminal, crm: LocalCrm, remote: Remote) -> None:
    deal, other = register(loaded), register(loaded, prospect_name="Somebody else")
    [taken] = crm.deals_with(remote, other)
    assert loaded.types("deals", "relink", "acme", deal, taken[crm.id], "--json", code=2).json["refused"] == "record_taken"
    assert loaded.types("deals", "relink", "acme", deal, "006000000000000AAA", "--json", code=2).json["refused"] == "record_unknown"
    made = remote.create("Lead", {"LastName": "By hand", "Company": "Harbor Freight Lines"})
    # while its own record is alive the deal has one
    assert loaded.types("deals", "relink", "acme", deal, made, "--json", code=2).json["refused"] == "record_alive"
    [own] = crm.deals_with(remote, deal)
    remote.delete("Lead", own[crm.id])
    loaded.types("deals", "relink", "acme", deal, made, "--actor", "Olga")
    loaded.types("push", "acme", code=None)
    assert made in loaded.types("deals", "show", "acme", deal, "--json").json["crm_record"]
    assert remote.record("Lead", made)["Portal_Deal_Key__c"] == deal


def test_a_link_into_the_console_for_the_vendors_admin_is_for_one_portal(terminal: Terminal) -> None:
    terminal.types("db", "upgrade")
    # Without a portal there is no link, and the refusal says which there are
    refused = terminal.types("console", "link", "--role", "vendor", "--name", "Vera", code=2).err
    assert "--portal" in refused
    assert "acme" in refused
    # With one there is
    made = terminal.types("console", "link", "--role", "vendor", "--name", "Vera", "--portal", "acme", "--json").json
    assert (made["role"], made["portal"]) == ("vendor", "acme")
    assert "/console/enter/acme." in made["address"]
