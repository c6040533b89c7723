"""Calls that wait side by side: the vendor's limits count each of them when it comes, and records that two of them write are locked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import HubspotOptions, serve_thread
from tests.integration.sandbox.hubspot.conftest import NOW, Wire
from tests.integration.sandbox.side_by_side import Flights, landed

Ask = Callable[[], requests.Response]
COMPANIES = "/crm/v3/objects/companies"


def _ask(wire: Wire, method: str, path: str, body: Any = None) -> Ask:
    """A call on a connection of its own."""
    alone = Wire(wire.base_url, wire.token)
    return lambda: alone.ask(method, path, json=body)


def _ids(wire: Wire, count: int) -> list[str]:
    return [one["id"] for one in wire.get(COMPANIES, limit=count).json()["results"]]


def _batch(wire: Wire, *ids: str, name: str = "Renamed") -> Ask:
    return _ask(wire, "POST", f"{COMPANIES}/batch/update", {"inputs": [{"id": one, "properties": {"name": name}} for one in ids]})


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_calls_in_flight_count_for_the_ten_seconds_from_when_they_came(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    # Given three calls a ten seconds, and three calls in flight for two seconds
    remote.set_limits(ten_secondly=3)
    remote.set_latency(2000)
    waiting = [sky.send(_ask(wire, "GET", COMPANIES)) for _ in range(3)]

    # When a fourth comes, it is refused at once
    assert wire.get(COMPANIES).status_code == 429
    remote.advance_clock(2)
    assert [landed(answer).status_code for answer in waiting] == [200] * 3

    # Then there is room ten seconds after they came, not after they were answered
    remote.set_latency(0)
    remote.advance_clock(7.9)
    assert wire.get(COMPANIES).status_code == 429
    remote.advance_clock(0.1)
    assert wire.get(COMPANIES).status_code == 200


def test_five_searches_in_flight_are_all_that_an_account_may_begin_in_a_second(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    # Given two apps that have five searches in flight together
    remote.enforce_limits()
    remote.set_latency(3000)
    other = Wire(wire.base_url, remote.add_token())
    searches = [sky.send(_ask(client, "POST", f"{COMPANIES}/search", {})) for client in (wire, other, wire, other, wire)]

    # When a sixth comes in the same second it is refused; in the next second it is let in, while the five still wait
    assert other.post(f"{COMPANIES}/search", {}).json()["policyName"] == "SECONDLY"
    remote.advance_clock(1)
    sixth = sky.send(_ask(other, "POST", f"{COMPANIES}/search", {}))
    assert remote.calls()["in_flight"] == {"now": 6, "most": 6, "most_by_kind": {"search": 6}}

    remote.advance_clock(3)
    assert [landed(answer).status_code for answer in (*searches, sixth)] == [200] * 6


def test_190_calls_side_by_side_fill_the_ten_seconds(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    remote.enforce_limits()
    remote.set_latency(60_000)
    for _ in range(20):
        sky.send(_ask(wire, "GET", COMPANIES))
    remote.set_latency(0, kinds={"list": 60_000})
    assert [wire.get(f"{COMPANIES}/1").status_code for _ in range(171)] == [404] * 170 + [429]


@pytest.mark.parametrize(("tier", "ten_seconds", "day"), [("free", "100", "250000"), ("enterprise", "190", "1000000")])
def test_the_limits_are_those_of_the_accounts_tier(tier: str, ten_seconds: str, day: str) -> None:
    with serve_thread(HubspotOptions(companies=0, deals=0, tier=tier, enforces_limits=True, now=NOW)) as address:
        told = Wire(address).get(COMPANIES).headers
    assert (told["X-HubSpot-RateLimit-Max"], told["X-HubSpot-RateLimit-Daily"]) == (ten_seconds, day)


# ── locks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_that_another_call_writes_is_locked_for_two_seconds(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    # Given a batch in flight
    first_id, shared = _ids(wire, 2)
    remote.set_latency(0, kinds={"batch_update": 1000})
    first = sky.send(_batch(wire, first_id, shared, name="First"))

    # When another call writes one of its records, it is refused as a whole, at once
    refused = wire.ask("PATCH", f"{COMPANIES}/{shared}", json={"properties": {"name": "Second"}})
    assert (refused.status_code, refused.json()["category"]) == (423, "LOCKED")
    remote.advance_clock(1)
    assert landed(first).status_code == 200

    # Then the record stays locked for two seconds from that on, and tries do not make it longer
    for seconds, status in ((0, 423), (0.9, 423), (0.1, 200)):
        remote.advance_clock(seconds)
        again = wire.ask("PATCH", f"{COMPANIES}/{shared}", json={"properties": {"name": "Third"}})
        assert again.status_code == status, seconds
    assert remote.record("companies", shared)["name"] == "Third"
    assert wire.ask("PATCH", f"{COMPANIES}/{first_id}", json={"properties": {"name": "Other"}}).status_code == 200


def test_batches_of_different_records_are_written_side_by_side(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    one, other = _ids(wire, 2)
    remote.set_latency(1000)
    answers = [sky.send(_batch(wire, one)), sky.send(_batch(wire, other))]
    remote.advance_clock(1)
    assert [landed(answer).status_code for answer in answers] == [200, 200]


def test_writes_one_after_the_other_lock_nothing(wire: Wire, remote: HubspotRemote) -> None:
    [one] = _ids(wire, 1)
    assert [_batch(wire, one, name=name)().status_code for name in ("First", "Second")] == [200, 200]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"{COMPANIES}/{{id}}", {"properties": {"name": "X"}}),
        ("PATCH", f"{COMPANIES}/c-1?idProperty=portal_company_id", {"properties": {"name": "X"}}),
        ("DELETE", f"{COMPANIES}/{{id}}", None),
        ("POST", f"{COMPANIES}/merge", {"primaryObjectId": "{id}", "objectIdToMerge": "1"}),
        ("POST", "/crm/v3/objects/0-2/batch/update", {"inputs": [{"id": "{id}", "properties": {"name": "X"}}]}),
        (
            "POST",
            f"{COMPANIES}/batch/upsert",
            {"inputs": [{"id": "c-1", "idProperty": "portal_company_id", "properties": {"name": "X"}}]},
        ),
        ("POST", f"{COMPANIES}/batch/archive", {"inputs": [{"id": "{id}"}]}),
    ],
)
def test_whatever_writes_the_record_finds_it_locked(
    wire: Wire, remote: HubspotRemote, sky: Flights, method: str, path: str, body: Any
) -> None:
    # Given a record that a batch in flight writes
    [one] = _ids(wire, 1)
    remote.edit("companies", one, {"portal_company_id": "c-1"})
    remote.set_latency(0, kinds={"batch_update": 1000})
    sky.send(_batch(wire, one))

    # When another call writes it, then it is refused
    filled = json.dumps(body).replace("{id}", one)
    answer = wire.ask(method, path.replace("{id}", one), data=filled, headers={"Content-Type": "application/json"})
    assert answer.status_code == 423


def test_a_read_of_a_locked_record_is_answered(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    [one] = _ids(wire, 1)
    remote.set_latency(0, kinds={"batch_update": 1000})
    sky.send(_batch(wire, one))
    assert wire.get(f"{COMPANIES}/{one}").status_code == 200


def test_two_upserts_of_one_new_key_meet(wire: Wire, remote: HubspotRemote, sky: Flights) -> None:
    body = {"inputs": [{"id": "c-new", "idProperty": "portal_company_id", "properties": {"name": "New"}}]}
    remote.set_latency(1000)
    first = sky.send(_ask(wire, "POST", f"{COMPANIES}/batch/upsert", body))
    assert wire.post(f"{COMPANIES}/batch/upsert", body).status_code == 423
    remote.advance_clock(1)
    assert landed(first).json()["results"][0]["new"] is True
