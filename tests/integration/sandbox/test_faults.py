"""Trouble by order: which call, how often, before or after the work is done."""

from datetime import datetime, timedelta
from typing import Literal

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceRefusedRequest

from crm_sandbox.remote import ControlError, Remote
from tests.integration.sandbox.conftest import Wire
from tests.integration.sandbox.side_by_side import Flights, landed

LEAD = {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "Acme"}


def _leads_with_key(remote: Remote) -> list[str]:
    return [lead["Portal_Deal_Key__c"] for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"]]


def test_the_reply_is_lost_after_the_commit(wire: Wire, remote: Remote) -> None:
    # Given an order that cuts the connection once the write is done
    remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True)
    body = {"records": [{**LEAD, "Portal_Deal_Key__c": "k1"}]}
    # When a client creates a lead by its key
    with pytest.raises(requests.ConnectionError):
        wire.ask("PATCH", "composite/sobjects/Lead/Portal_Deal_Key__c", json=body)
    # Then it is there, and the same call again finds it
    assert _leads_with_key(remote) == ["k1"]
    assert wire.ask("PATCH", "composite/sobjects/Lead/Portal_Deal_Key__c", json=body).json()[0]["created"] is False
    assert _leads_with_key(remote) == ["k1"]


def test_the_connection_is_cut_before_anything_happens(wire: Wire, remote: Remote) -> None:
    remote.fault("collections_write", drop_connection=True)
    with pytest.raises(requests.ConnectionError):
        wire.ask("POST", "composite/sobjects", json={"records": [{**LEAD, "Portal_Deal_Key__c": "k1"}]})
    assert _leads_with_key(remote) == []


def test_after_and_times(wire: Wire, remote: Remote) -> None:
    remote.fault("limits", after=1, times=2, status=503)
    assert [wire.ask("GET", "limits").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert remote.faults()[0]["hits"] == 2
    remote.clear_faults()
    assert remote.faults() == []


def test_bodies(wire: Wire, remote: Remote) -> None:
    remote.fault("limits", status=503)
    remote.fault("limits", status=502, body="html")
    remote.fault("limits", error_code="REQUEST_LIMIT_EXCEEDED", message="ConcurrentPerOrgLongTxn Limit exceeded.")
    remote.fault("limits", status=406)
    remote.fault("limits", status=418, body={"tea": True})
    answers = [wire.ask("GET", "limits") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [503, 502, 403, 406, 418]
    assert answers[0].json() == [{"message": "Server too busy", "errorCode": "SERVER_UNAVAILABLE"}]
    assert answers[1].headers["Content-Type"].startswith("text/html")
    assert answers[2].json()[0]["message"] == "ConcurrentPerOrgLongTxn Limit exceeded."
    assert answers[3].content == b""
    assert answers[4].json() == {"tea": True}


def test_kinds_objects_and_paths(wire: Wire, remote: Remote) -> None:
    remote.fault("query", object_name="Lead", status=500)
    remote.fault("/sobjects/User/describe$", status=500)
    assert wire.soql("SELECT Id FROM Account").status_code == 200
    assert wire.soql("SELECT Id FROM Lead").status_code == 500
    assert wire.ask("GET", "sobjects/Account/describe").status_code == 200
    assert wire.ask("GET", "sobjects/User/describe").status_code == 500


def test_any_call_but_the_controls(wire: Wire, remote: Remote) -> None:
    remote.fault(times=3, status=503)
    assert [wire.ask("GET", path).status_code for path in ("limits", "/services/data", "sobjects", "limits")] == [503, 503, 503, 200]


def test_rules_by_pattern_list_and_blank(wire: Wire, remote: Remote) -> None:
    remote.add_validation_rule("Lead", "Company", "matches", "^Test")
    remote.add_validation_rule("Lead", "LeadSource", "in", ["Purchased List"])
    remote.add_validation_rule("Lead", "Email", "is_blank", message="An address, please")
    good = {**LEAD, "Email": "doe@acme.example"}
    records = [good, {**good, "Company": "Test Inc"}, {**good, "LeadSource": "Purchased List"}, LEAD]
    results = wire.ask("POST", "composite/sobjects", json={"records": records}).json()
    assert [result["success"] for result in results] == [True, False, False, False]
    assert results[3]["errors"] == [
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "An address, please", "fields": ["Email"]}
    ]


def test_single_records_of_a_call_fail(wire: Wire, remote: Remote) -> None:
    remote.fault("collections_write", record=True, after=1, times=1, error_code="UNABLE_TO_LOCK_ROW")
    results = wire.ask("POST", "composite/sobjects", json={"records": [LEAD, LEAD, LEAD]}).json()
    assert [result["success"] for result in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_latency_alone_delays_the_true_answer(wire: Wire, remote: Remote) -> None:
    remote.fault("limits", latency_ms=120)
    slow, quick = wire.ask("GET", "limits"), wire.ask("GET", "limits")
    assert (slow.status_code, quick.status_code) == (200, 200)
    assert slow.elapsed.total_seconds() >= 0.12


def test_an_answer_that_is_long_on_its_way_shows_what_there_was_when_the_work_was_done(wire: Wire, remote: Remote, sky: Flights) -> None:
    # Given a read that is done, and whose answer is held back
    [account] = wire.ids("SELECT Id FROM Account ORDER BY Id LIMIT 1")
    remote.edit("Account", account, {"Name": "Old"})
    remote.fault("row_read", when="after_commit", latency_ms=200)
    answer = sky.send(lambda: wire.ask("GET", f"sobjects/Account/{account}"))

    # When a person edits the record meanwhile
    remote.edit("Account", account, {"Name": "New"})

    # Then the answer shows the value of before the edit
    assert landed(answer).json()["Name"] == "Old"


@pytest.mark.parametrize(("when", "names"), [("before", ["Old"]), ("after_commit", ["New"])])
def test_a_call_that_is_held_goes_on_when_the_orders_are_cleared(
    wire: Wire, remote: Remote, sky: Flights, when: Literal["before", "after_commit"], names: list[str]
) -> None:
    # Given a write that is held, whose connection will be cut
    [account] = wire.ids("SELECT Id FROM Account ORDER BY Id LIMIT 1")
    remote.edit("Account", account, {"Name": "Old"})
    remote.fault("row_update", when=when, hold=True, drop_connection=True)
    answer = sky.send(lambda: wire.ask("PATCH", f"sobjects/Account/{account}", json={"Name": "New"}))
    assert not answer.done()
    # When the orders are cleared
    remote.clear_faults()
    # Then it ends as ordered
    with pytest.raises(requests.ConnectionError):
        landed(answer)
    assert [remote.record("Account", account)["Name"]] == names


def test_a_session_lost_between_pages(wire: Wire, remote: Remote) -> None:
    remote.fault("query_more", error_code="INVALID_SESSION_ID")
    records = [LEAD] * 200
    for _ in range(2):
        wire.ask("POST", "composite/sobjects", json={"records": records})
    page = wire.soql("SELECT Id FROM Lead", **{"Sforce-Query-Options": "batchSize=200"}).json()
    assert wire.ask("GET", page["nextRecordsUrl"]).status_code == 401
    assert wire.ask("GET", page["nextRecordsUrl"]).status_code == 200


def test_simple_salesforce_sees_its_own_errors(salesforce: Salesforce, remote: Remote) -> None:
    remote.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        salesforce.query("SELECT Id FROM Account")
    remote.fault("query", error_code="REQUEST_LIMIT_EXCEEDED")
    with pytest.raises(SalesforceRefusedRequest):
        salesforce.query("SELECT Id FROM Account")


def test_calls_are_counted_by_kind(wire: Wire, remote: Remote) -> None:
    wire.soql("SELECT Id FROM Account")
    wire.ask("GET", "queryAll", params={"q": "SELECT Id FROM Account"})
    wire.ask("POST", "composite/sobjects", json={"records": [LEAD]})
    wire.ask("POST", "composite/sobjects/Lead", json={"ids": ["x"], "fields": ["Id"]})
    wire.ask("GET", "sobjects/Lead/describe")
    wire.log_in()
    kinds = {"query": 1, "query_all": 1, "collections_write": 1, "retrieve": 1, "describe": 1, "token": 1}
    assert remote.calls()["kinds"] == kinds
    assert remote.calls()["total"] == 6
    remote.reset_calls()
    assert remote.calls()["kinds"] == {}


def test_a_write_that_is_seen_late(wire: Wire, remote: Remote) -> None:
    remote.write_late(600)
    late = remote.create("Account", {"Name": "Late"})
    prompt = remote.create("Account", {"Name": "Prompt"})
    assert remote.record("Account", late)["SystemModstamp"] == "2026-05-20T11:50:00.000+0000"
    assert remote.record("Account", prompt)["SystemModstamp"] == "2026-05-20T12:00:00.000+0000"


def test_reset_begins_anew_but_old_tokens_stay_dead(wire: Wire, remote: Remote) -> None:
    before = remote.records("Account")
    remote.create("Account", {"Name": "Extra"})
    remote.reset()
    assert remote.records("Account") == before
    assert wire.ask("GET", "limits").status_code == 401
    wire.log_in()
    assert wire.ask("GET", "limits").status_code == 200


def test_a_write_is_committed_late_as_of_its_moment(wire: Wire, remote: Remote) -> None:
    # Given an order that cuts the connection, and does the work a minute later
    remote.freeze()
    began = remote.now()
    remote.fault("collections_write", object_name="Lead", when="late", late_s=60, drop_connection=True)
    with pytest.raises(requests.ConnectionError):
        wire.ask("POST", "composite/sobjects", json={"records": [{**LEAD, "Portal_Deal_Key__c": "k1"}]})
    # When nearly a minute has passed, then nothing has happened
    remote.advance_clock(59)
    assert _leads_with_key(remote) == []
    # When more than that has passed, then the lead is there, with the stamp of its minute
    remote.advance_clock(100)
    [lead] = [lead for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"]]
    assert datetime.fromisoformat(lead["SystemModstamp"]) == (began + timedelta(seconds=60)).replace(microsecond=0)
    assert remote.now() == began + timedelta(seconds=159)


def test_a_late_commit_needs_its_delay_and_an_answer(remote: Remote) -> None:
    for wish in ({"late_s": 60}, {"drop_connection": True}):
        with pytest.raises(ControlError, match="late_s above 0"):
            remote.fault("collections_write", when="late", **wish)
