"""Every answer the CRM can give, met in the middle of the work: what stands afterwards, and that it goes on by itself.

The rows are the vendor's error classes. Each is ordered at the wire, met by the actors' `attempt`, and judged by the end state: the
cursor, the pause and its words, what is open, and how many records the CRM holds.
"""

from __future__ import annotations

from typing import Any, Literal

import pytest

from sync_worker.domain.core.deal import Deal
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.operate.replay import replay
from tests.integration.attempts import ALWAYS, DAILY_S, Answer, Attempts
from tests.integration.steps.world import World

Desk = Attempts[World]


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.later(2000)
    desk.later(2000)
    return desk


LASTING = [
    Answer({"error_code": "INVALID_SESSION_ID", "status": 401}, "auth_failed", 300, "integration user"),
    Answer({"error_code": "INVALID_AUTH_HEADER", "status": 401}, "auth_failed", 300),
    Answer({"error_code": "API_DISABLED_FOR_ORG", "status": 403}, "connection_down", 300, "API_DISABLED_FOR_ORG"),
    Answer({"error_code": "API_CURRENTLY_DISABLED", "status": 403}, "connection_down", 300, "API_CURRENTLY_DISABLED"),
    Answer({"error_code": "TXN_SECURITY_METERING_ERROR", "status": 403}, "connection_down", 300, "TXN_SECURITY"),
    Answer({"error_code": "FORBIDDEN", "status": 403}, "connection_down", 300, "give the integration user back the right"),
    Answer({"error_code": "NOT_FOUND", "status": 404}, "schema_changed", 300, "is there still such a record type"),
    Answer({"error_code": "UNSUPPORTED_API_VERSION", "status": 410}, "connection_down", 300, "version 62.0 of the API"),
]
"""A person must act; the portal looks again after five minutes, then less and less often."""

PASSING = [
    Answer({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}, "rate_limited", DAILY_S, "TotalRequests"),
    Answer({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}, "rate_limited", 5, "Concurrent"),
    Answer({"status": 429, "headers": {"Retry-After": "77"}}, "rate_limited", 77),
    Answer({"error_code": "SERVER_UNAVAILABLE", "status": 503}, "transient_error", 15, "SERVER_UNAVAILABLE"),
    Answer({"error_code": "UNKNOWN_EXCEPTION", "status": 500}, "transient_error", 15, "UNKNOWN_EXCEPTION"),
    Answer({"status": 502, "body": "html"}, "transient_error", 15, "502"),
    Answer({"status": 503, "body": "html"}, "transient_error", 15, "503"),
    Answer({"status": 504, "body": "html"}, "transient_error", 15, "504"),
    Answer({"status": 420}, "transient_error", 15, "420"),
    Answer({"status": 406}, "transient_error", 15, "406"),
    Answer({"status": 200, "body": "html"}, "transient_error", 15, "not JSON"),
    Answer({"status": 200, "body": {"odd": True}}, "transient_error", 15),
    Answer({"drop_connection": True}, "transient_error", 15),
    Answer({"cut_body": True}, "transient_error", 15),
    Answer({"error_code": "UNABLE_TO_LOCK_ROW"}, "transient_error", 15, "UNABLE_TO_LOCK_ROW"),
]
"""May pass later, or does."""

READING = [
    Answer({"error_code": "QUERY_TIMEOUT"}, "too_large", 15, "QUERY_TIMEOUT"),
    Answer({"error_code": "OPERATION_TOO_LARGE"}, "too_large", 15, "OPERATION_TOO_LARGE"),
    Answer({"error_code": "INVALID_QUERY_LOCATOR"}, "transient_error", 15, "starting again"),
    Answer({"error_code": "INVALID_FIELD", "message": "No such column 'Portal_Status__c'"}, "schema_changed", 300, "Portal_Status__c"),
    Answer({"error_code": "INVALID_TYPE"}, "schema_changed", 300, "INVALID_TYPE"),
    Answer({"error_code": "MALFORMED_QUERY"}, "schema_changed", 300, "MALFORMED_QUERY"),
    Answer({"error_code": "QUERY_TOO_COMPLICATED"}, "schema_changed", 300, "QUERY_TOO_COMPLICATED"),
]
"""What only a query is told."""


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("answer", [*LASTING, *PASSING, *READING], ids=str)
def test_a_pull_that_was_stopped_stands_where_it_was_and_goes_on_by_itself(desk: Desk, answer: Answer) -> None:
    # Given a renamed company, and an answer that stays
    world = desk.world
    cedar = world.company("Cedar IT")
    world.remote.edit("Account", str(cedar.crm_id), {"Name": "Cedar Corp"})
    world.forward(30)
    before, rows = desk.position("company")[0], world.rows()
    world.remote.fault("query_all", times=ALWAYS, **answer.order)

    # when it is met, then nothing was read and nothing moved; the portal rests, and says why in words
    assert desk.attempt(Work.PULL, "company") is None
    assert desk.position("company") == (before, "")
    assert {name: value for name, value in world.rows().items() if name != "failures"} == _but_failures(rows)
    assert answer.rest_s - 10 < desk.rest_s() <= answer.rest_s
    assert list(desk.open()) == [answer.code]
    assert answer.words in desk.open()[answer.code]
    assert FollowUp(Work.PULL, "company") not in desk.due()
    if answer.code != "schema_changed":  # which rests the record type alone
        assert desk.due() == set()

    # and when it is over, then the schedule goes on where it was, and nothing stays open
    world.remote.clear_faults()
    desk.later(answer.rest_s + 301)
    assert world.company(cedar.id).name == "Cedar Corp"
    assert (desk.open(), desk.standing().paused_because, desk.paused()) == ({}, None, {})


def _but_failures(rows: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rows.items() if name != "failures"}


@pytest.mark.parametrize("answer", [*LASTING, *PASSING], ids=str)
def test_a_refresh_that_was_stopped_keeps_its_notices(desk: Desk, answer: Answer) -> None:
    # Given an edit that a poll has to read together with others, and an answer that stays
    world = desk.world
    deal = _at_rest(desk)
    world.edit(deal.id, Portal_Amount__c=5)
    _notice(desk, deal)
    world.remote.fault("retrieve", times=ALWAYS, **answer.order)
    # when it is met, then the notice waits; and when it is over, then the edit travels
    assert desk.attempt(Work.REFRESH, "lead") is None
    assert world.notices() == {"lead": 1}
    assert list(desk.open()) == [answer.code]
    world.remote.clear_faults()
    desk.later(answer.rest_s + 1)
    assert world.notices() == {}
    assert str(world.deal(deal.id).values["amount"]) == "5.00"
    assert desk.open() == {}


def _at_rest(desk: Desk) -> Deal:
    """A deal in the CRM, read back, its echo polled."""
    deal = desk.world.registered()
    desk.later(2000)
    return deal


def _notice(desk: Desk, deal: Deal) -> None:
    from sync_worker.store.sync import notices

    with desk.world.store.side_transaction("acme") as tx:
        notices.add(tx, "lead", [desk.world.link(deal.id).crm_id])


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moment", ["before", "after_commit"])
@pytest.mark.parametrize("answer", [*LASTING, *PASSING], ids=str)
def test_a_first_create_that_was_stopped_is_made_once(desk: Desk, answer: Answer, moment: Literal["before", "after_commit"]) -> None:
    # Given a registered deal and an answer that stays, after the CRM did the work or before
    world = desk.world
    deal = world.submitted()
    world.remote.fault("collections_write", times=ALWAYS, when=moment, **answer.order)
    desk.attempt(Work.PUSH)
    # when it is over and time has passed, then there is one lead with its key and its values, and nothing waits or is open
    world.remote.clear_faults()
    for _ in range(4):
        desk.later(DAILY_S + 1)
    (lead,) = world.records_of(deal.id)
    assert (lead["Id"], lead["Portal_Amount__c"]) == (world.link(deal.id).crm_id, 1200.5)
    assert world.outbox() == []
    assert (desk.open(), world.codes(deal.id)) == ({}, set())


@pytest.mark.parametrize("answer", [*LASTING, *PASSING], ids=str)
def test_an_update_that_was_stopped_is_made_and_loses_no_edit(desk: Desk, answer: Answer) -> None:
    # Given an edit here, one there, and an answer that stays
    world = desk.world
    deal = _at_rest(desk)
    world.change(deal.id, amount="77")
    world.edit(deal.id, Company="Acme Corp")
    world.remote.fault("collections_write", times=ALWAYS, **answer.order)
    desk.attempt(Work.PUSH)
    # when it is over, then both sides hold both
    world.remote.clear_faults()
    for _ in range(4):
        desk.later(DAILY_S + 1)
    record = world.record_of(deal.id)
    assert (record["Portal_Amount__c"], record["Company"]) == (77, "Acme Corp")
    assert world.deal(deal.id).values["prospect_name"] == "Acme Corp"
    assert (world.outbox(), desk.open()) == ([], {})


LATER = ["UNABLE_TO_LOCK_ROW", "ENTITY_IS_LOCKED"]
REFUSED = [
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "INVALID_EMAIL_ADDRESS",
    "FIELD_FILTER_VALIDATION_EXCEPTION",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "DUPLICATE_VALUE",
    "INVALID_CROSS_REFERENCE_KEY",
    "MALFORMED_ID",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "JSON_PARSER_ERROR",
    "NOT_FOUND",
    "ENTITY_IS_DELETED",
]


@pytest.mark.parametrize("code", LATER)
def test_a_locked_record_is_tried_again_and_the_others_pass(desk: Desk, code: str) -> None:
    world = desk.world
    deals = [world.submitted() for _ in range(3)]
    world.remote.fault("collections_write", record=True, error_code=code, times=1)
    desk.attempt(Work.PUSH)
    assert sum(len(world.records_of(deal.id)) for deal in deals) == 2
    desk.later(120)
    assert [len(world.records_of(deal.id)) for deal in deals] == [1, 1, 1]
    assert (world.outbox(), [world.codes(deal.id) for deal in deals]) == ([], [set()] * 3)


@pytest.mark.parametrize("code", REFUSED)
def test_a_refused_record_waits_for_a_person_and_the_others_pass(desk: Desk, code: str) -> None:
    # Given two deals in the CRM, edited here, and a refusal of one of them
    world = desk.world
    deals = [_at_rest(desk) for _ in range(2)]
    for deal in deals:
        world.change(deal.id, amount="77")
    world.remote.fault("collections_write", record=True, error_code=code, times=1, message="words of the vendor")
    desk.attempt(Work.PUSH)
    # then the one waits with the vendor's code and words, the other is written, and the portal does not rest
    (row,) = world.outbox()
    assert row.state == "parked"
    assert world.codes(row.record_id) == {code}
    assert "words of the vendor" in world.failures(code=code)[0].failure.message
    assert [world.record_of(deal.id)["Portal_Amount__c"] for deal in deals if deal.id != row.record_id] == [77]
    assert desk.rest_s() == 0
    desk.later(2000)
    assert world.record_of(row.record_id)["Portal_Amount__c"] == 1200.5
    # and when a person replays it, then it is written once, and nothing is open
    replay(world.tenant, world.failures(code=code))
    desk.later(1)
    assert world.record_of(row.record_id)["Portal_Amount__c"] == 77
    assert (world.outbox(), world.codes(row.record_id)) == ([], set())
    assert [len(world.records_of(deal.id)) for deal in deals] == [1, 1]


def test_a_create_that_looks_like_another_is_saved_and_says_so(desk: Desk) -> None:
    world = desk.world
    deal = world.submitted()
    world.remote.fault("collections_write", record=True, error_code="DUPLICATES_DETECTED", times=1)
    desk.attempt(Work.PUSH)
    assert len(world.records_of(deal.id)) == 1
    assert world.codes(deal.id) == {"duplicate_in_crm"}


def test_a_key_that_is_taken_is_a_create_of_ours_and_is_adopted(desk: Desk) -> None:
    world = desk.world
    deal = world.submitted()
    world.remote.fault("collections_write", record=True, error_code="DUPLICATE_VALUE", times=1)
    desk.attempt(Work.PUSH)
    desk.later(120)
    assert len(world.records_of(deal.id)) == 1
    assert world.codes(deal.id) == set()


def test_a_record_that_vanished_under_a_write_is_marked_and_nothing_waits(desk: Desk) -> None:
    """Deleted for good between our reading and our write."""
    # Given an edited deal whose lead vanishes as it is written
    world = desk.world
    deal = _at_rest(desk)
    lead_id = world.link(deal.id).crm_id
    world.change(deal.id, amount="77")
    world.remote.fault("collections_write", record=True, error_code="ENTITY_IS_DELETED", times=1)
    desk.attempt(Work.PUSH)
    world.remote.delete("Lead", lead_id)
    world.remote.hard_delete([lead_id])
    # when the worker goes on, then the deal says that its record is gone, and nobody is asked about the write
    desk.later(60)
    assert world.codes(lead_id) == {"gone_from_crm"}
    assert (world.outbox(), world.codes(deal.id)) == ([], set())


# ── the quota ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_days_calls_used_up_between_two_pages_resume_at_the_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a full pull that comes in pages, and a quota that ends after the first
    world = desk.world
    from sync_worker.steps.sync.ingest import pull as pull_step

    before = world.rows()
    for name in ("Cedar IT", "Birch Systems"):
        world.remote.edit("Account", world.id_of(name), {"Name": f"{name} Corp"})
    world.forward(30)
    world.remote.fault("query_all", status=400, error_code="QUERY_TIMEOUT")  # then it is read in pages with a limit
    monkeypatch.setattr("sync_worker.crm.salesforce.reading.reader.FIRST_LIMIT", 1)
    world.remote.fault("query_all", after=1, times=ALWAYS, error_code="REQUEST_LIMIT_EXCEEDED", message="TotalRequests Limit exceeded.")
    assert desk.attempt(Work.PULL, "company") is None
    # then the first page is kept, the cursor stands behind it, and the lease is free
    assert desk.position("company")[1] != ""
    assert desk.rest_s() == DAILY_S
    assert world.rows()["companies"] != before["companies"]
    assert pull_step.SETTLE_S < DAILY_S
    # and when calls are there again, then the rest follows
    world.remote.clear_faults()
    desk.later(DAILY_S)
    assert world.knows("Cedar IT Corp")
    assert world.knows("Birch Systems Corp")
    assert desk.position("company")[1] == ""


def test_a_days_calls_used_up_within_a_push_release_what_was_not_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given three deals written one a call, and a quota that ends after the first
    world = desk.world
    monkeypatch.setattr("sync_worker.crm.salesforce.writing.writer.BATCH_COUNT", 1)
    deals = [world.submitted() for _ in range(3)]
    world.remote.fault(
        "collections_write", after=1, times=ALWAYS, error_code="REQUEST_LIMIT_EXCEEDED", message="TotalRequests Limit exceeded."
    )
    desk.attempt(Work.PUSH)
    # then the others are ready, not claimed, and nothing counts as an attempt
    assert sum(len(world.records_of(deal.id)) for deal in deals) == 1
    assert [(row.state, row.refused, row.unanswered) for row in world.outbox()] == [("ready", 0, 0)] * 2
    assert desk.rest_s() == DAILY_S
    # and when calls are there again, then each deal has one lead
    world.remote.clear_faults()
    desk.later(DAILY_S)
    assert [len(world.records_of(deal.id)) for deal in deals] == [1, 1, 1]
    assert world.outbox() == []


def test_a_full_quota_is_the_orgs_own_and_recovers(desk: Desk) -> None:
    world = desk.world
    deal = world.submitted()
    world.remote.set_daily_limit(100, used=100)
    desk.attempt(Work.PUSH)
    assert desk.rest_s() == DAILY_S
    desk.later(DAILY_S)
    assert desk.rest_s() == DAILY_S, "nothing came back yet"
    world.remote.set_daily_limit(100_000, used=0)
    desk.later(DAILY_S)
    assert len(world.records_of(deal.id)) == 1
    assert desk.open() == {}


# ── hidden, moved ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("work", [Work.PULL, Work.PUSH])
def test_a_field_that_is_hidden_in_mid_run_is_named_and_heals_when_shown(desk: Desk, work: Work) -> None:
    # Given work, and a field that a person hides while the describe is still remembered
    world = desk.world
    deal = _at_rest(desk)
    world.change(deal.id, amount="77")
    world.remote.edit("Account", world.id_of("Cedar IT"), {"Name": "Cedar Corp"})
    world.forward(30)
    native, field = ("Account", "Portal_Status__c") if work == Work.PULL else ("Lead", "Portal_Amount__c")
    world.remote.hide_field(native, field)
    # when it is met, then its record type rests alone, and the words name the field
    desk.attempt(work, "company" if work == Work.PULL else "")
    assert (desk.standing().paused_until_at, desk.rest_s()) == (None, 300)
    assert field in desk.open()["schema_changed"]
    ((record, pause),) = desk.paused().items()
    assert (record, field in pause.because) == ("company" if work == Work.PULL else "lead", True)
    # and while it stays hidden, it is said again, by the name that `check` uses
    desk.later(300)
    assert any(f"{native}.{field}" in words for words in desk.open().values())
    # and when it is shown, then both go through
    world.remote.hide_field(native, field, hidden=False)
    desk.later(301)
    desk.later(301)
    assert world.record_of(deal.id)["Portal_Amount__c"] == 77
    assert world.knows("Cedar Corp")
    assert desk.open() == {}


def test_an_org_that_moves_is_followed(desk: Desk) -> None:
    world = desk.world
    deal = world.submitted()
    world.remote.move_instance()
    desk.later(301)
    desk.later(301)
    assert len(world.records_of(deal.id)) == 1
    assert (world.outbox(), desk.open()) == ([], {})


def test_refused_credentials_rest_the_portal_without_locking_the_user_out(desk: Desk) -> None:
    world = desk.world
    world.remote.expire_tokens()
    world.remote.fault("token", times=ALWAYS, error_code="invalid_grant", message="user hasn't approved this consumer")
    world.remote.reset_calls()
    for work, record in ((Work.PULL, "company"), (Work.PULL, "lead"), (Work.PUSH, "")):
        desk.attempt(work, record)
    assert world.remote.calls()["kinds"].get("token", 0) == 1
    assert desk.rest_s() == 300
    assert "crm.auth" in desk.open()["auth_failed"]
    world.remote.clear_faults()
    desk.later(301)
    assert desk.open() == {}
