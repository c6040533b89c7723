"""Every answer that HubSpot can give, met in the middle of the work: what stands afterwards, and that it goes on by itself.

The rows are those of `crm/hubspot/connection/faults.py`. Each is ordered at the wire, met by the actors' `attempt`, and judged by the end
state. One portal meets them one after the other: after each of them it is as healthy as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sync_worker.crm.hubspot.connection import faults
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import Moved, MoveRequest
from sync_worker.steps.operate.replay import replay
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow
from tests.integration.attempts import ALWAYS, Answer, Attempts
from tests.integration.hubspot.test_halves import OURS, THEIRS, Office, by_the
from tests.integration.hubspot.test_identity import ANN
from tests.integration.hubspot.test_portal import portal_on, settled
from tests.servers import Clock

A_DAY_S = 90_000
READING = ("search", "batch_read", "associations_read", "list")
WRITING = ("batch_upsert", "batch_update")


class Bureau(Office):
    """The portal, and what a person reads of it."""

    def forward(self, seconds: float) -> None:
        """Time passes here and in HubSpot."""
        self.clock.forward(seconds=seconds)
        self.remote.advance_clock(seconds)

    def outbox(self) -> list[OutboxRow]:
        with self.tenant.store.reading("acme") as tx:
            return outbox.listed(tx)

    def failures(self, record: str) -> list[FailureRow]:
        with self.tenant.store.reading("acme") as tx:
            return failures.listed(tx, FailureFilter(record=record))

    def changes(self, deal_id: str, **written: str) -> None:
        """A person edits a deal in the portal."""
        moved = change(self.tenant, deal_id, written, MoveRequest(ANN))
        assert isinstance(moved, Moved), moved

    def amount(self, deal_id: str) -> float:
        return float(self.remote.record("deals", self.record_id(deal_id))["amount"])


Desk = Attempts[Bureau]


@pytest.fixture
def desk(standing: Desk) -> Iterator[Desk]:
    yield standing
    standing.world.remote.clear_faults()
    if standing.rest_s():  # a test failed in the middle: the next one is not to meet its pause
        standing.later(standing.rest_s() + 1)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    clock = Clock(datetime.now(UTC))
    directory: Path = tmp_path_factory.mktemp("portal")
    with portal_on(directory, "professional", {}, deal_count=0, services=by_the(clock)) as (tenant, remote):
        settled(tenant)
        bureau = Bureau(tenant, remote)
        bureau.clock = clock
        made = Desk(bureau)
        made.later(2000)
        made.later(2000)
        yield made


_numbers = count(1)

LASTING = [
    Answer({"error_code": "INVALID_AUTHENTICATION"}, "auth_failed", 300, "crm.auth"),
    Answer({"error_code": "EXPIRED_AUTHENTICATION"}, "auth_failed", 300, "crm.auth"),
    Answer({"status": 401, "body": "html"}, "auth_failed", 300),
    Answer({"error_code": "MISSING_SCOPES", "message": "crm.objects.deals.read"}, "connection_down", 300, "add to the token"),
    Answer({"status": 403, "body": "html"}, "connection_down", 300, "403"),
    Answer({"status": 410, "body": "html"}, "connection_down", 300, "update sync-worker"),
]
"""A person must act; the portal looks again after five minutes, then less and less often."""

OF_LOG_IN = [
    Answer({"error_code": code, "status": 401}, "auth_failed", 300, "crm.auth")
    for code in ("BAD_REFRESH_TOKEN", "BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "invalid_grant", "invalid_client")
]
"""The same, by other names: a write meets one of them."""

PASSING = [
    Answer({"error_code": "DAILY"}, "rate_limited", A_DAY_S, "the account's midnight"),
    Answer({"error_code": "TEN_SECONDLY_ROLLING"}, "rate_limited", 10, "ten_secondly_rolling"),
    Answer({"error_code": "SECONDLY"}, "rate_limited", 1, "secondly limit"),
    Answer({"error_code": "RATE_LIMITS", "status": 429}, "rate_limited", 10),
    Answer({"error_code": "RATE_LIMIT", "status": 429, "headers": {"retry-after": "77"}}, "rate_limited", 77),
    Answer({"status": 429, "body": "html"}, "rate_limited", 10),
    Answer({"error_code": "MIGRATION_IN_PROGRESS", "headers": {"Retry-After": "7200"}}, "rate_limited", 7200, "moving the account"),
    Answer({"status": 477, "body": "html"}, "rate_limited", 600, "moving the account"),
    Answer({"error_code": "INTERNAL_ERROR", "status": 500}, "transient_error", 15, "INTERNAL_ERROR"),
    Answer({"error_code": "TIMEOUT", "status": 400}, "transient_error", 15, "TIMEOUT"),
    Answer({"status": 200, "body": "html"}, "transient_error", 15),
    Answer({"status": 200, "body": {"odd": True}}, "transient_error", 15),
    Answer({"drop_connection": True}, "transient_error", 15),
    Answer({"cut_body": True}, "transient_error", 15),
]
"""May pass later, or does."""

OF_THE_EDGE = [Answer({"status": status}, "transient_error", 15, str(status)) for status in (502, 503, 504, 521, 523, 524)]
"""The same, by other numbers: a write meets two of them."""

OF_READING = [
    Answer({"error_code": "LOCKED"}, "rate_limited", 2, "LOCKED"),
    Answer({"status": 423, "body": "html"}, "rate_limited", 2),
    Answer({"error_code": "PROPERTY_DOESNT_EXIST", "message": "portal_status"}, "schema_changed", 300, "portal_status"),
    Answer({"error_code": "OBJECT_NOT_FOUND"}, "schema_changed", 300, "is there still such a record type"),
    Answer({"error_code": "VALIDATION_ERROR"}, "schema_changed", 300, "VALIDATION_ERROR"),
    Answer({"status": 413, "body": "html"}, "too_large", 15, "413"),
    Answer({"status": 414, "body": "html"}, "too_large", 15, "414"),
]
"""What means something else to a write."""


READ = [*LASTING, *OF_LOG_IN, *PASSING, *OF_THE_EDGE, *OF_READING]
WRITTEN = [*LASTING, OF_LOG_IN[0], *PASSING, *OF_THE_EDGE[1:3], *OF_READING[:2]]


def test_every_row_of_the_table_is_met_here() -> None:
    met = [answer.order for answer in READ]
    assert faults.CODES.keys() <= {order.get("error_code") for order in met}
    assert faults.STATUSES.keys() <= {order.get("status") for order in met}


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("answer", READ, ids=str)
def test_a_pull_that_was_stopped_stands_where_it_was_and_goes_on_by_itself(desk: Desk, answer: Answer) -> None:
    # Given a renamed company, and an answer that stays
    bureau, name = desk.world, f"Cedar {next(_numbers)}"
    cedar = bureau.remote.records("companies")[0]["id"]
    bureau.remote.edit("companies", cedar, {"name": name})
    bureau.forward(30)
    before = desk.position("company")[0]
    bureau.remote.fault("search", times=ALWAYS, **answer.order)
    # When it is met, then nothing moved; the portal rests, and says why in words
    assert desk.attempt(Work.PULL, "company") is None
    assert desk.position("company") == (before, "")
    assert (0 if answer.rest_s == A_DAY_S else answer.rest_s * 0.8) <= desk.rest_s() <= answer.rest_s
    assert list(desk.open()) == [answer.code]
    assert answer.words in desk.open()[answer.code]
    assert FollowUp(Work.PULL, "company") not in desk.due()
    # And when it is over, then the schedule goes on where it was, and nothing stays open
    bureau.remote.clear_faults()
    desk.later(answer.rest_s + 301)
    assert bureau.company_id(name)
    assert (desk.open(), desk.standing().paused_because, desk.paused()) == ({}, None, {})


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _orders(desk: Desk, answer: Answer, **more: Any) -> None:
    for call in WRITING:
        desk.world.remote.fault(call, times=ALWAYS, **answer.order, **more)


def _over(desk: Desk, answer: Answer) -> None:
    """The trouble ends, and time passes."""
    desk.world.remote.clear_faults()
    for _ in range(2):
        desk.later(max(answer.rest_s, 900) + 1)


@pytest.mark.parametrize(("answer", "moment"), [(answer, ("before", "after_commit")[no % 2]) for no, answer in enumerate(WRITTEN)], ids=str)
def test_a_new_deal_and_an_edit_that_were_stopped_are_written_once(desk: Desk, answer: Answer, moment: str) -> None:
    # Given a deal in HubSpot that is edited on both sides, a new one, and an answer that stays, before HubSpot did the work or after
    bureau = desk.world
    known, new = bureau.registered(name=f"Known {next(_numbers)}"), bureau.submitted(name=f"New {next(_numbers)}").id
    bureau.changes(known, amount="77")
    bureau.remote.edit("deals", bureau.record_id(known), {"portal_prospect": "Acme Corp"})
    _orders(desk, answer, when=moment)
    desk.attempt(Work.PUSH)
    # When it is over, then there is one record of each with its values and its companies, and nothing waits or is open
    _over(desk, answer)
    assert [len(bureau.records_of(deal_id)) for deal_id in (known, new)] == [1, 1]
    assert (bureau.amount(known), bureau.amount(new)) == (77, 1200.5)
    assert bureau.deal(known).values["prospect_name"] == "Acme Corp"
    assert bureau.companies(new) == {OURS: {"Birch Systems"}, THEIRS: {"Arrow Electronics"}}
    assert (bureau.outbox(), desk.open(), bureau.codes(known) | bureau.codes(new)) == ([], {}, set())


REFUSED = [
    {"error_code": "INVALID_OPTION", "message": "portal_deal_type: no such option"},
    {"error_code": "INVALID_INTEGER", "message": "portal_licences: not a number"},
    {"error_code": "READ_ONLY_VALUE", "message": "amount: is calculated"},
    {"error_code": "CONFLICTING_UNIQUE_VALUE", "message": "portal_deal_key: is taken"},
    {"error_code": "VALIDATION_ERROR", "message": "words of the vendor"},
    {"error_code": "CONFLICT", "message": "words of the vendor"},
]


@pytest.mark.parametrize("order", REFUSED, ids=lambda order: order["error_code"])
def test_a_refused_record_waits_for_a_person_and_the_others_pass(desk: Desk, order: dict[str, Any]) -> None:
    # Given two deals in HubSpot, edited here, and a refusal of one of them
    bureau = desk.world
    known = [bureau.registered(name=f"Known {next(_numbers)}") for _ in range(2)]
    for deal_id in known:
        bureau.changes(deal_id, amount="77")
    bureau.remote.fault("batch_update", record=True, times=1, **order)
    desk.attempt(Work.PUSH)
    # Then the one waits with the vendor's words, the other is written, and the portal does not rest
    (row,) = bureau.outbox()
    assert row.state == "parked"
    assert order["message"].partition(": ")[2] in bureau.failures(row.record_id)[0].failure.message
    assert [bureau.amount(deal_id) for deal_id in known if deal_id != row.record_id] == [77]
    assert desk.rest_s() == 0
    desk.later(2000)
    assert bureau.amount(row.record_id) == 1200.5
    # And when a person replays it, then it is written once, and nothing is open
    replay(bureau.tenant, bureau.failures(row.record_id))
    desk.later(1)
    assert bureau.amount(row.record_id) == 77
    assert (bureau.outbox(), bureau.codes(row.record_id)) == ([], set())


def test_a_locked_record_is_tried_again_and_the_others_pass(desk: Desk) -> None:
    bureau = desk.world
    new = [bureau.submitted(name=f"New {next(_numbers)}").id for _ in range(2)]
    bureau.remote.fault("batch_upsert", record=True, error_code="LOCKED", times=1)
    desk.attempt(Work.PUSH)
    assert sum(len(bureau.records_of(deal_id)) for deal_id in new) == 1
    desk.later(120)
    assert [len(bureau.records_of(deal_id)) for deal_id in new] == [1, 1]
    assert (bureau.outbox(), [bureau.codes(deal_id) for deal_id in new]) == ([], [set()] * 2)
