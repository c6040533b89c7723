"""Writes: what they cost, how rows are told apart, and what reaches the wire."""

from __future__ import annotations

from datetime import UTC

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.mapping.transforms import WireForm, transform_named
from tests.integration.hubspot.conftest import KEY, PARTNER, SECOND, Lab, written


def test_a_thousand_creates_with_their_companies_cost_at_most_thirteen_calls(lab: Lab, crm: HubspotCrm) -> None:
    """As a push claims them: 400, 400, 200."""
    bolt, arrow = lab.companies("Bolt", "Arrow")
    changes = [
        RecordWrite(str(number), {"dealname": f"New {number}", PARTNER: bolt, SECOND: arrow}, key=f"key-{number}") for number in range(1000)
    ]
    outcomes = [outcome for start in (0, 400, 800) for outcome in written(crm, *changes[start : start + 400])]
    assert {outcome.wrote for outcome in outcomes} == {Wrote.CREATED}
    assert crm.calls == lab.counted() == 13
    assert all(outcome.record and outcome.record.fields[KEY] == f"key-{outcome.ref}" for outcome in outcomes)


def test_a_thousand_updates_are_ten_calls_and_their_answers_the_read_back(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(1000)
    outcomes = written(crm, *(RecordWrite(crm_id, {"dealname": f"Now {crm_id}", "amount": ""}, crm_id=crm_id) for crm_id in created))
    assert lab.counted() == 10
    assert [outcome.crm_id for outcome in outcomes] == created, "answers come in another order than rows are sent"
    assert all(outcome.record and outcome.record.fields["dealname"] == f"Now {outcome.ref}" for outcome in outcomes)


def test_a_record_named_twice_never_stands_twice_in_a_request(lab: Lab, crm: HubspotCrm) -> None:
    [crm_id] = lab.deals(1)
    outcomes = written(crm, *(RecordWrite(str(number), {"dealname": f"Name {number}"}, crm_id=crm_id) for number in range(3)))
    assert {outcome.wrote for outcome in outcomes} == {Wrote.WRITTEN}
    assert lab.remote.record("deals", crm_id)["dealname"] == "Name 2"


def test_keys_that_differ_in_case_alone_are_one_key(lab: Lab, crm: HubspotCrm) -> None:
    first, second = written(crm, RecordWrite("a", {"dealname": "One"}, key="KEY-1"), RecordWrite("b", {"dealname": "Two"}, key="key-1"))
    assert (first.wrote, second.wrote, first.crm_id) == (Wrote.CREATED, Wrote.WRITTEN, second.crm_id)


def test_one_bad_row_among_a_hundred_takes_none_with_it(lab: Lab, crm: HubspotCrm) -> None:
    changes = [
        RecordWrite(str(number), {"dealname": "New", "amount": "ten" if number == 57 else "10"}, key=f"key-{number}")
        for number in range(100)
    ]
    outcomes = written(crm, *changes)
    assert [outcome.ref for outcome in outcomes if outcome.wrote is Wrote.REJECTED] == ["57"]
    assert sum(outcome.wrote is Wrote.CREATED for outcome in outcomes) == 99
    assert lab.counted("batch_upsert") == 1


def test_an_update_by_an_id_that_a_merge_swallowed_writes_the_survivor(lab: Lab, crm: HubspotCrm) -> None:
    winner, loser = lab.companies("Winner", "Loser")
    lab.remote.merge(winner, [loser])
    [outcome] = written(crm, RecordWrite("a", {"name": "Renamed"}, crm_id=loser), native="companies")
    assert outcome.wrote is Wrote.WRITTEN
    assert lab.remote.record("companies", outcome.crm_id or "")["name"] == "Renamed"


def test_empty_text_clears_and_sets_are_written_whole(lab: Lab, crm: HubspotCrm) -> None:
    lines = transform_named("multi_select", wire=WireForm("", "text", "text"), zone=UTC)
    [crm_id] = [lab.remote.create("companies", {"name": "Bolt", "portal_product_lines": "storage;cloud", "phone": "1"})]
    change = {"portal_product_lines": lines.spell(("edge", "cloud")), "phone": ""}
    written(crm, RecordWrite("a", change, crm_id=crm_id), native="companies")
    stored = lab.remote.record("companies", crm_id)
    assert (lines.read(stored["portal_product_lines"]), stored["phone"]) == (("cloud", "edge"), None)


def test_time_that_runs_out_within_a_batch_leaves_the_rest_not_begun(lab: Lab, crm: HubspotCrm) -> None:
    left_s = iter([60.0, 60.0, 0.0, 0.0, 0.0])  # asked before each call and at its start
    changes = [RecordWrite(str(number), {"dealname": "New"}, key=f"key-{number}") for number in range(200)]
    [outcomes] = crm.write("deals", KEY, changes, time_left_s=lambda: next(left_s))
    assert [sum(outcome.wrote is wrote for outcome in outcomes) for wrote in (Wrote.CREATED, Wrote.NOT_BEGUN)] == [100, 100]


def test_an_answer_that_shows_little_is_an_answer(lab: Lab, crm: HubspotCrm) -> None:
    """As recorded: neither stamps nor all properties."""
    rows = [{"id": "512", "new": True, "objectWriteTraceId": "a", "properties": {"dealname": "New"}}]
    error = {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["b"], "ids": ["raw-id"]}}
    lab.remote.fault("batch_upsert", status=207, body={"status": "COMPLETE", "results": rows, "errors": [error]})
    outcomes = written(crm, *(RecordWrite(ref, {"dealname": "New"}, key=ref) for ref in ("a", "b", "c")))
    assert [(outcome.wrote, outcome.crm_id, outcome.record) for outcome in outcomes] == [
        (Wrote.CREATED, "512", None),
        (Wrote.REJECTED, None, None),
        (Wrote.UNCERTAIN, None, None),
    ]
