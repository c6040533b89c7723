"""A refusal that is not the records' fault: of the whole call, of the org, or of too many records at once. No record is parked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from sync_worker.domain.core.deal import Deal
from sync_worker.steps.core.follow_up import Work
from sync_worker.store.core.tables import companies as company_rows
from sync_worker.store.sync import patch_backs
from tests.integration.attempts import ALWAYS
from tests.integration.steps import test_every_answer
from tests.integration.steps.test_every_answer import Desk

WHOLE: list[tuple[dict[str, Any], str, str]] = [
    ({"error_code": "FORBIDDEN", "status": 403}, "connection_down", "give the integration user back the right"),
    ({"error_code": "INSUFFICIENT_ACCESS", "status": 403}, "connection_down", "give the integration user back the right"),
    ({"error_code": "NOT_FOUND", "status": 404}, "schema_changed", "is there still such a record type, and such a field"),
    ({"error_code": "METHOD_NOT_ALLOWED", "status": 405}, "connection_down", "update it"),
    ({"error_code": "UNSUPPORTED_API_VERSION", "status": 410}, "connection_down", "version 62.0 of the API"),
    ({"status": 415, "body": "html"}, "connection_down", "update it"),
]
CREATES = "/composite/sobjects/Lead/"


desk = test_every_answer.desk


def of_writes(desk: Desk) -> dict[str, str]:
    """code → words of what is open about writes."""
    return {row.failure.code: row.failure.message for row in desk.world.failures() if row.failure.stage == "push"}


def made(desk: Desk, deals: Sequence[Deal]) -> list[int]:
    """How many records each of these deals has in the CRM."""
    return [len(desk.world.records_of(deal.id)) for deal in deals]


@pytest.mark.parametrize(("order", "code", "words"), WHOLE, ids=lambda value: str(value)[:40])
def test_a_refusal_of_the_whole_call_parks_no_record(desk: Desk, order: dict[str, Any], code: str, words: str) -> None:
    # Given three deals, and a CRM that refuses every call that writes
    deals = [desk.world.submitted() for _ in range(3)]
    desk.world.remote.fault("collections_write", times=ALWAYS, **order)
    # when they are pushed, then they stay due, the portal rests, and people hear of it once and of what to do
    desk.attempt(Work.PUSH)
    assert {row.state for row in desk.world.outbox()} == {"ready"}
    assert [list(desk.open()), of_writes(desk)] == [[code], {}]
    assert words in desk.open()[code]
    assert desk.rest_s() == 300
    # and when it is over, then each of them is made once, and nothing is open
    desk.world.remote.clear_faults()
    desk.later(301)
    assert (made(desk, deals), desk.world.outbox(), desk.open()) == ([1, 1, 1], [], {})


OUTAGES: list[dict[str, Any]] = [{"error_code": "SERVER_UNAVAILABLE", "status": 503}, {"error_code": "UNABLE_TO_LOCK_ROW", "status": 400}]


@pytest.mark.parametrize("order", OUTAGES, ids=lambda order: str(order["error_code"]))
def test_a_long_outage_parks_no_record(desk: Desk, order: dict[str, Any]) -> None:
    # Given three deals, and a CRM that takes no writes for half a day
    deals = [desk.world.submitted() for _ in range(3)]
    desk.world.remote.fault("collections_write", times=ALWAYS, **order)
    # when they have been pushed again and again
    for _ in range(30):
        desk.later(1500)
    # then they are due as ever, and people hear of it once
    assert ({row.state for row in desk.world.outbox()}, len(desk.world.outbox())) == ({"ready"}, 3)
    assert [list(desk.open()), of_writes(desk)] == [["call_refused"], {}]
    # and when it is over, then each is made once, and nothing is open
    desk.world.remote.clear_faults()
    desk.later(301)
    assert (made(desk, deals), desk.world.outbox(), desk.open()) == ([1, 1, 1], [], {})


def test_portal_ids_wait_while_the_whole_call_is_refused(desk: Desk) -> None:
    # Given a company without its portal id, and a CRM that no longer offers our version
    world = desk.world
    cedar = world.company("Cedar IT")
    with world.store.transaction("acme") as tx:
        tx.connection.execute(update(company_rows).where(company_rows.c.id == cedar.id).values(portal_id_written_at=None))
    world.remote.fault("collections_write", times=ALWAYS, error_code="UNSUPPORTED_API_VERSION", status=410)
    # when its portal id is due, then one error says so, and no company is at fault
    desk.attempt(Work.PUSH)
    assert [list(desk.open()), of_writes(desk)] == [["connection_down"], {}]
    # and when it is over, then the id is written
    world.remote.clear_faults()
    desk.later(301)
    with world.store.reading("acme") as tx:
        assert not patch_backs.is_due(tx)


def test_the_record_that_makes_a_body_unreadable_is_found_and_the_others_pass(desk: Desk) -> None:
    # Given five deals, one of which the CRM cannot read, and with it the whole call
    deals = [desk.world.submitted() for _ in range(5)]
    desk.world.remote.fault("collections_write", times=ALWAYS, holding=deals[3].id, error_code="JSON_PARSER_ERROR")
    # when they are pushed, then that one waits for a person, and the others are there
    desk.attempt(Work.PUSH)
    assert made(desk, deals) == [1, 1, 1, 0, 1]
    assert [(row.record_id, row.state) for row in desk.world.outbox()] == [(deals[3].id, "parked")]
    assert desk.world.codes(deals[3].id) == {"JSON_PARSER_ERROR"}
    assert desk.rest_s() == 0


@pytest.mark.parametrize(
    ("vendor_code", "code", "words"),
    [
        ("STORAGE_LIMIT_EXCEEDED", "no_room_in_crm", "Storage Usage"),
        ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "crm_in_maintenance", "in maintenance"),
    ],
)
def test_an_org_that_takes_no_new_records_is_one_alarm_and_reading_goes_on(desk: Desk, vendor_code: str, code: str, words: str) -> None:
    # Given three deals, and an org that refuses every create
    world = desk.world
    deals = [world.submitted() for _ in range(3)]
    world.remote.fault(CREATES, record=True, times=ALWAYS, error_code=vendor_code)
    # when it has refused them for two hours
    for _ in range(24):
        desk.later(301)
    # then they are due as ever, one problem says what to do, and what people edit there arrives
    assert ({row.state for row in world.outbox()}, len(world.outbox())) == ({"ready"}, 3)
    assert list(of_writes(desk)) == [code]
    assert words in of_writes(desk)[code]
    world.remote.edit("Account", str(world.company("Cedar IT").crm_id), {"Name": "Cedar Corp"})
    desk.later(301)
    assert world.knows("Cedar Corp")
    assert desk.rest_s() == 0
    # and when it is over, then each is made once, and nothing is open
    world.remote.clear_faults()
    desk.later(301)
    assert (made(desk, deals), world.outbox(), of_writes(desk)) == ([1, 1, 1], [], {})


def test_a_trigger_that_cannot_cope_with_many_records_gets_fewer_at_once(desk: Desk) -> None:
    # Given seven deals, and a trigger that runs out of time with more than two
    deals = [desk.world.submitted() for _ in range(7)]
    words = "Trigger: System.LimitException: Apex CPU time limit exceeded"
    for _ in range(20):
        desk.world.remote.fault(
            CREATES, record=True, above=2, times=ALWAYS, error_code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message=words
        )
    # when they are pushed, then all are there, and nobody is told
    desk.attempt(Work.PUSH)
    assert (made(desk, deals), desk.world.outbox(), of_writes(desk)) == ([1] * 7, [], {})


def test_a_record_that_is_too_much_for_a_trigger_alone_waits_for_a_person(desk: Desk) -> None:
    deals = [desk.world.submitted() for _ in range(3)]
    words = "Trigger: System.LimitException: Too many SOQL queries: 101"
    desk.world.remote.fault(
        CREATES, record=True, holding=deals[1].id, times=ALWAYS, error_code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message=words
    )
    desk.attempt(Work.PUSH)
    assert made(desk, deals) == [1, 0, 1]
    assert desk.world.codes(deals[1].id) == {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}
