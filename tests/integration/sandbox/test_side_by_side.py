"""Calls that wait side by side: their latency, the rows that they lock, and the limit on calls that last long. The clock stands still."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from crm_sandbox.remote import ControlError, Remote
from tests.integration.sandbox.conftest import Wire
from tests.integration.sandbox.side_by_side import Flights, landed

Ask = Callable[[], requests.Response]
LOCKED = "UNABLE_TO_LOCK_ROW"


def _ask(wire: Wire, method: str, path: str, body: Any = None) -> Ask:
    """A call on a connection of its own."""
    alone = Wire(wire.base_url)
    alone.http.headers.update(wire.http.headers)
    return lambda: alone.ask(method, path, json=body)


def _opportunity(account_id: str, name: str = "Deal", **more: Any) -> dict[str, Any]:
    known = {"Name": name, "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": account_id}
    return {"attributes": {"type": "Opportunity"}, **known, **more}


def _create(wire: Wire, *records: dict[str, Any], **more: Any) -> Ask:
    return _ask(wire, "POST", "composite/sobjects", {"records": list(records), **more})


def _results(answer: requests.Response) -> list[str]:
    """What became of each record: `done` or a code."""
    assert answer.status_code == 200, answer.text
    return ["done" if one["success"] else one["errors"][0]["statusCode"] for one in answer.json()]


def _accounts(wire: Wire, count: int) -> list[str]:
    return wire.ids(f"SELECT Id FROM Account ORDER BY Id LIMIT {count}")


# ── latency ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_calls_wait_for_their_latency_side_by_side(wire: Wire, remote: Remote, sky: Flights) -> None:
    remote.set_latency(1000, kinds={"limits": 3000})

    slow = [sky.send(_ask(wire, "GET", path)) for path in ("recent", "recent", "limits")]
    assert remote.calls()["in_flight"] == {"now": 3, "most": 3, "most_by_kind": {"limits": 1, "other": 2}}

    remote.advance_clock(1)
    assert [landed(answer).status_code for answer in slow[:2]] == [200, 200]
    assert not slow[2].done()
    remote.advance_clock(2)
    assert landed(slow[2]).status_code == 200
    assert remote.calls()["in_flight"] == {"now": 0, "most": 3, "most_by_kind": {"limits": 1, "other": 2}}


@pytest.mark.parametrize(("done_at", "seen"), [(0.0, "Old"), (1.0, "New")])
def test_a_read_may_be_done_long_before_its_answer_arrives(wire: Wire, remote: Remote, sky: Flights, done_at: float, seen: str) -> None:
    # Given a record, and a read of it that takes a second
    [account] = _accounts(wire, 1)
    remote.edit("Account", account, {"Name": "Old"})
    remote.set_latency(1000, done_at=done_at)
    answer = sky.send(_ask(wire, "GET", f"sobjects/Account/{account}"))

    # When a person edits it while the read is in flight
    remote.edit("Account", account, {"Name": "New"})
    remote.advance_clock(1)

    # Then the answer shows what there was when the work was done
    assert landed(answer).json()["Name"] == seen


def test_a_latency_that_is_ended_lets_go_of_what_waits(wire: Wire, remote: Remote, sky: Flights) -> None:
    remote.set_latency(60_000)
    answer = sky.send(_ask(wire, "GET", "recent"))
    remote.set_latency(0)
    assert landed(answer).status_code == 200


def test_with_a_clock_that_runs_the_wait_is_real(wire: Wire, remote: Remote) -> None:
    remote.freeze(frozen=False)
    remote.set_latency(60)
    answer = wire.ask("GET", "recent")
    assert answer.elapsed.total_seconds() >= 0.06


@pytest.mark.parametrize("wish", [{"ms": -1}, {"kinds": {"nonsense": 1}}, {"done_at": 2}, {"seconds": 1}])
def test_a_latency_that_means_nothing(remote: Remote, wish: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refused:
        remote._object("POST", "latency", wish)
    assert refused.value.status == 422


# ── row locks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_write_waits_for_the_parent_account_of_another(wire: Wire, remote: Remote, sky: Flights) -> None:
    # Given a call in flight that writes a deal of one account
    [shared] = _accounts(wire, 1)
    remote.set_latency(2000)
    first = sky.send(_create(wire, _opportunity(shared, "First")))

    # When a second one comes for the same account, a second later
    remote.advance_clock(1)
    second = sky.send(_create(wire, _opportunity(shared, "Second")))

    # Then it begins when the first has ended, and takes its own time after that
    remote.advance_clock(1)
    assert _results(landed(first)) == ["done"]
    remote.advance_clock(1)
    assert not second.done()
    remote.advance_clock(1)
    assert _results(landed(second)) == ["done"]


def test_writes_of_different_accounts_do_not_wait_for_one_another(wire: Wire, remote: Remote, sky: Flights) -> None:
    accounts = _accounts(wire, 2)
    remote.set_latency(2000)
    answers = [sky.send(_create(wire, _opportunity(account))) for account in accounts]
    remote.advance_clock(2)
    assert [_results(landed(answer)) for answer in answers] == [["done"], ["done"]]


def test_after_ten_seconds_the_records_that_need_a_locked_row_are_refused_and_the_others_are_written(
    wire: Wire, remote: Remote, sky: Flights
) -> None:
    # Given an account that a call of half a minute has locked
    shared, other = _accounts(wire, 2)
    remote.set_latency(30_000)
    sky.send(_create(wire, _opportunity(shared)))
    remote.set_latency(0, kinds={"collections_write": 30_000})

    # When a call writes a deal of this account, one of another account, and the locked account itself
    named = {"attributes": {"type": "Account"}, "Id": shared, "Name": "Renamed"}
    mixed = sky.send(_create(wire, _opportunity(shared), _opportunity(other)))
    update = sky.send(_ask(wire, "PATCH", f"sobjects/Account/{shared}", {"Name": "Renamed"}))
    whole = sky.send(_ask(wire, "PATCH", "composite/sobjects", {"records": [named], "allOrNone": True}))
    remote.advance_clock(9.9)
    assert not update.done()
    remote.advance_clock(0.1)

    # Then after ten seconds only those records are refused that need the locked row
    refused = landed(update)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, LOCKED)
    assert refused.json()[0]["message"] == f"unable to obtain exclusive access to this record or 1 records: {shared}"
    remote.set_latency(0)
    assert _results(landed(mixed)) == [LOCKED, "done"]
    assert _results(landed(whole)) == [LOCKED]


def test_two_updates_of_one_record_come_one_after_the_other(wire: Wire, remote: Remote, sky: Flights) -> None:
    [account] = _accounts(wire, 1)
    remote.set_latency(1000, done_at=0)
    first = sky.send(_ask(wire, "PATCH", f"sobjects/Account/{account}", {"Name": "First"}))
    second = sky.send(_ask(wire, "PATCH", f"sobjects/Account/{account}", {"Name": "Second"}))
    assert remote.record("Account", account)["Name"] == "First"

    remote.advance_clock(1)
    assert landed(first).status_code == 204
    remote.advance_clock(1)
    assert landed(second).status_code == 204
    assert remote.record("Account", account)["Name"] == "Second"


@pytest.mark.parametrize(
    ("lookups", "of_new", "of_renamed"), [("changed", LOCKED, "done"), ("always", LOCKED, LOCKED), ("never", "done", "done")]
)
def test_a_lookup_locks_its_account_where_it_changes_or_as_is_ordered(
    wire: Wire, remote: Remote, lookups: Any, of_new: str, of_renamed: str
) -> None:
    # Given a deal whose second partner is an account that somebody holds
    owner, distributor = _accounts(wire, 2)
    deal = _opportunity(owner, Portal_Second_Partner__c=distributor)
    [made] = _create(wire, deal)().json()
    remote.set_row_locks(lookups=lookups, wait_s=0)
    remote.hold_rows([distributor])

    # When one call makes such a deal, and another changes only the name of the one that there is
    renamed = {"attributes": {"type": "Opportunity"}, "Id": made["id"], "Name": "Renamed"}
    answers = [_create(wire, deal)(), wire.ask("PATCH", "composite/sobjects", json={"records": [renamed]})]

    # Then they need the distributor's row or not, as the lookup is configured
    assert [_results(answer) for answer in answers] == [[of_new], [of_renamed]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "sobjects/Account/{id}", {"Name": "X"}),
        ("PATCH", "sobjects/Account/Portal_Company_Id__c/c-1", {"Name": "X"}),
        ("DELETE", "sobjects/Account/{id}", None),
        ("POST", "sobjects/Opportunity", {"Name": "X", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": "{id}"}),
        ("POST", "sobjects/Contact", {"LastName": "X", "Account": {"Portal_Company_Id__c": "c-1"}}),
        ("DELETE", "composite/sobjects?ids={id}", None),
        (
            "PATCH",
            "composite/sobjects/Account/Portal_Company_Id__c",
            {"records": [{"attributes": {"type": "Account"}, "Portal_Company_Id__c": "c-1", "Name": "X"}]},
        ),
        (
            "POST",
            "composite",
            {
                "compositeRequest": [
                    {
                        "method": "PATCH",
                        "url": "/services/data/v60.0/sobjects/Account/{id}",
                        "referenceId": "one",
                        "body": {"Name": "X"},
                    }
                ]
            },
        ),
        (
            "POST",
            "composite/batch",
            {"batchRequests": [{"method": "PATCH", "url": "v60.0/sobjects/Account/{id}", "richInput": {"Name": "X"}}]},
        ),
    ],
)
def test_whatever_writes_the_account_or_a_child_of_it_finds_it_locked(
    wire: Wire, remote: Remote, method: str, path: str, body: Any
) -> None:
    # Given an account that somebody holds for long, and a write that does not wait
    [account] = _accounts(wire, 1)
    remote.edit("Account", account, {"Portal_Company_Id__c": "c-1"})
    remote.set_row_locks(wait_s=0)
    remote.hold_rows([account])

    def filled(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: filled(value) for key, value in found.items()}
        if isinstance(found, list):
            return [filled(value) for value in found]
        return found.replace("{id}", account) if isinstance(found, str) else found

    # When it comes, it is refused; when the account is free again, it is done
    refused = wire.ask(method, filled(path), json=filled(body))
    remote.hold_rows([])
    done = wire.ask(method, filled(path), json=filled(body))

    assert LOCKED in refused.text
    assert done.ok, done.text
    assert LOCKED not in done.text


def test_a_person_and_a_read_do_not_wait_for_locked_rows(wire: Wire, remote: Remote) -> None:
    [account] = _accounts(wire, 1)
    remote.hold_rows([account])
    assert wire.ask("GET", f"sobjects/Account/{account}").status_code == 200
    remote.edit("Account", account, {"Name": "By a person"})


def test_row_locks_that_mean_nothing(remote: Remote) -> None:
    with pytest.raises(ControlError):
        remote._object("POST", "row_locks", {"lookups": "sometimes"})


# ── calls that last long ─────────────────────────────────────────────────────────────────────────────────────────────


def test_beside_as_many_long_calls_as_are_allowed_no_other_begins(wire: Wire, remote: Remote, sky: Flights) -> None:
    # Given a trial org with its five calls in flight, none of them for 20 seconds yet
    remote.set_long_calls(5)
    remote.set_latency(60_000)
    long = [sky.send(_ask(wire, "GET", "recent")) for _ in range(5)]
    remote.advance_clock(19.9)
    remote.set_latency(0, kinds={"other": 60_000})
    assert wire.ask("GET", "limits").status_code == 200

    # When they have lasted 20 seconds, then the next one is refused, and logging in is not
    remote.advance_clock(0.1)
    refused = wire.ask("GET", "limits")
    assert refused.status_code == 403
    assert refused.json() == [
        {"message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    wire.log_in()

    # and when one of them has ended, the next one is let in
    remote.set_latency(0)
    assert [landed(answer).status_code for answer in long] == [200] * 5
    assert wire.ask("GET", "limits").status_code == 200


def test_a_production_org_may_have_25_long_calls(wire: Wire, remote: Remote, sky: Flights) -> None:
    remote.set_latency(0, kinds={"other": 60_000})
    for count in (24, 1):
        for _ in range(count):
            sky.send(_ask(wire, "GET", "recent"))
        remote.advance_clock(20)
        assert wire.ask("GET", "limits").status_code == (200 if count == 24 else 403)


def test_a_reset_lets_go_of_everything(wire: Wire, remote: Remote, sky: Flights) -> None:
    [account] = _accounts(wire, 1)
    remote.hold_rows([account])
    remote.set_latency(60_000)
    waiting = [sky.send(_ask(wire, "PATCH", f"sobjects/Account/{account}", {"Name": "X"})), sky.send(_ask(wire, "GET", "recent"))]

    remote.reset()

    assert [landed(answer).status_code for answer in waiting] == [204, 200]
    assert remote.calls()["in_flight"]["now"] == 0
