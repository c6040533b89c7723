"""Decisions and last days as an operator types them, on every CRM: who decided, when and why is printed, and the CRM has it."""

from __future__ import annotations

from typing import Any

from crm_sandbox.remote import Record, Remote
from sync_worker.domain.core.stamp import DISTRIBUTOR, VENDOR
from tests.integration.cli.conftest import Terminal, on_both
from tests.integration.cli.test_traces import loaded, registered
from tests.journey.crms import LocalCrm

__all__ = ["loaded"]


def decides(terminal: Terminal, deal: str, track: str, decision: str, company: str, *more: str, code: int = 0) -> str:
    words = ("--track", track, "--decision", decision, "--actor", "Dora", "--company", company, *more)
    answer = terminal.types("deals", "approve", "acme", deal, *words, code=code)
    return answer.out + answer.err


def fields(terminal: Terminal, deal: str) -> dict[str, Any]:
    found: dict[str, Any] = terminal.types("deals", "show", "acme", deal, "--json").json["fields"]
    return found


def in_crm(crm: LocalCrm, remote: Remote, deal: str) -> Record:
    """The deal's record, names in small letters without the vendor's ending."""
    [record] = crm.deals_with(remote, deal)
    return {name.lower().removesuffix("__c").removeprefix("portal_"): value for name, value in record.items()}


@on_both
def test_decisions_a_last_day_and_a_renewal_are_typed(loaded: Terminal, crm: LocalCrm, remote: Remote) -> None:
    # Given a deal on which both sides have decided, with words
    deal = registered(loaded)
    decides(loaded, deal, "distributor", "approve", "Arrow Electronics", "--reason", "Known to us")
    decides(loaded, deal, "vendor", "approve", "Northwind Software")
    # When its last day is set, and the distributor renews it
    said = loaded.types("deals", "set-last-day", "acme", deal, "2099-06-30", "--reason", "a long tender", "--actor", "Olga").out
    assert "its last day is 2099-06-30" in said
    assert "renewal_not_later" in decides(loaded, deal, "distributor", "renew", "Arrow Electronics", "--expires-on", "2099-06-30", code=2)
    decides(loaded, deal, "distributor", "renew", "Arrow Electronics", "--expires-on", "2099-12-31", "--reason", "It goes on")
    # Then the deal says who decided, when and why, and the vendor's track waits again
    found = fields(loaded, deal)
    assert (found["distributor_decided_by"], found["distributor_reason"]) == ("Dora", "It goes on")
    assert found["distributor_decided_on"]
    assert [found[name] for name in VENDOR] == [None, None, None]
    assert (found["vendor_approval"], found["expires_on"], found["renews_until"]) == ("renewal_pending", "2099-06-30", "2099-12-31")
    assert "distributor_reason" in loaded.types("deals", "show", "acme", deal).out
    history = loaded.types("deals", "show", "acme", deal, "--json").json["history"]
    assert [row["note"] for row in history if row["field"] == "expires_on"] == ["Olga: set last day: a long tender"]
    # and so does the CRM
    loaded.types("push", "acme", code=None)
    record = in_crm(crm, remote, deal)
    assert [record[name] for name in DISTRIBUTOR] == [found[name] for name in DISTRIBUTOR]
    # When the vendor approves the renewal, then the new day counts
    decides(loaded, deal, "vendor", "approve", "Northwind Software", "--reason", "Once more")
    found = fields(loaded, deal)
    assert (found["vendor_reason"], found["expires_on"], found["renews_until"]) == ("Once more", "2099-12-31", None)


@on_both
def test_a_day_that_is_no_day_or_over_is_refused(loaded: Terminal) -> None:
    deal = registered(loaded)
    assert loaded.types("deals", "set-last-day", "acme", deal, "30.6.2099", code=2).err
    assert "last_day_over" in loaded.types("deals", "set-last-day", "acme", deal, "2001-01-31", code=None).err
