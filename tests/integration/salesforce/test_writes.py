"""What is Salesforce's own about writing: assignment rules, duplicate rules, keys that are taken, and the claim's deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite, WriteOutcome, Wrote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.errors import RateLimited, TransientError, WriteRejected
from tests.integration.salesforce.conftest import KEY, Lab, written


def create_of(key: str, company: str = "Meridian", **fields: Any) -> RecordWrite:
    return RecordWrite(key, {"Company": company, "LastName": "Doe", **fields}, key=key)


def countdown(*left_s: float) -> Callable[[], float]:
    """The time left at each asking; the last goes on for ever."""
    answers: Iterator[float] = iter(left_s)
    return lambda: next(answers, left_s[-1])


# ── assignment ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_update_leaves_the_owner_alone(lab: Lab) -> None:
    crm = lab.connect(assigns=True)
    [lead] = lab.leads(1)
    owner = lab.remote.record("Lead", lead)["OwnerId"]
    written(crm, RecordWrite("a", {"Company": "Changed"}, crm_id=lead))
    assert lab.remote.record("Lead", lead)["OwnerId"] == owner


@pytest.mark.parametrize("assigns", [True, False])
def test_a_create_is_assigned_only_where_the_portal_asks(lab: Lab, assigns: bool) -> None:
    [outcome] = written(lab.connect(assigns=assigns), create_of("key-1"))
    lead = lab.remote.record("Lead", outcome.crm_id or "")
    assert (lead["OwnerId"] != lead["CreatedById"]) is assigns


@pytest.mark.parametrize("assigns", [True, False])
def test_a_create_past_a_duplicate_rule_is_assigned_alike(lab: Lab, assigns: bool) -> None:
    lab.leads(1)
    lab.remote.set_duplicate_rule()
    [outcome] = written(lab.connect(assigns=assigns), create_of("key-1", "Prospect 0"))
    lead = lab.remote.record("Lead", outcome.crm_id or "")
    assert (lead["OwnerId"] != lead["CreatedById"]) is assigns


# ── duplicates ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_duplicate_rule_stops_is_saved_with_a_warning(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(1)
    lab.remote.set_duplicate_rule()
    alike, other, third = written(crm, create_of("a", "Prospect 0"), create_of("b", "Other"), create_of("c", "Prospect 0"))
    assert [outcome.wrote for outcome in (alike, other, third)] == [Wrote.CREATED] * 3
    assert [outcome.ref for outcome in (alike, other, third)] == ["a", "b", "c"]
    assert "Use one of these records?" in alike.warning
    assert (alike.error, other.warning) == (None, "")
    assert len(lab.remote.records("Lead")) == 3 + 1 + 3
    assert lab.counted("collections_write") == crm.calls == 2


def test_a_duplicate_that_is_refused_for_another_reason_is_no_warning(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.fault("collections_write", record=True, error_code="DUPLICATES_DETECTED")
    lab.remote.fault("collections_write", record=True, error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="not today")
    [outcome] = written(crm, create_of("a"))
    assert (outcome.wrote, outcome.warning) == (Wrote.REJECTED, "")
    assert "not today" in str(outcome.error)


def test_no_time_for_insisting_leaves_the_stopped_not_begun(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(1)
    lab.remote.set_duplicate_rule()
    changes = [create_of("a", "Prospect 0"), create_of("b", "Other")]
    [outcomes] = crm.write("Lead", KEY, changes, time_left_s=countdown(60, 60, 2))
    assert [outcome.wrote for outcome in outcomes] == [Wrote.NOT_BEGUN, Wrote.CREATED]
    assert lab.counted("collections_write") == 1


def test_a_limit_met_while_insisting_loses_no_outcome(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(1)
    lab.remote.set_duplicate_rule()
    lab.remote.fault("collections_write", after=1, error_code="REQUEST_LIMIT_EXCEEDED")
    stopped, saved = written(crm, create_of("a", "Prospect 0"), create_of("b", "Other"))
    assert (stopped.wrote, saved.wrote) == (Wrote.LATER, Wrote.CREATED)
    assert isinstance(stopped.error, RateLimited)


def test_a_reply_lost_while_insisting_is_uncertain_for_the_stopped_only(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(1)
    lab.remote.set_duplicate_rule()
    lab.remote.fault("collections_write", after=1, when="after_commit", drop_connection=True)
    stopped, saved = written(crm, create_of("a", "Prospect 0"), create_of("b", "Other"))
    assert (stopped.wrote, saved.wrote) == (Wrote.UNCERTAIN, Wrote.CREATED)
    assert len(crm.find_by_key("Lead", KEY, ["a"], fields=())) == 1


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_that_another_create_just_took_is_met_by_the_next_upsert(lab: Lab, crm: SalesforceCrm) -> None:
    words = f"duplicate value found: {KEY} duplicates value on record with id: 00QSb0000000001"
    lab.remote.fault("collections_write", record=True, error_code="DUPLICATE_VALUE", message=words)
    [outcome] = written(crm, create_of("key-1"))
    assert outcome.wrote is Wrote.LATER
    assert isinstance(outcome.error, TransientError)
    [again] = written(crm, create_of("key-1"))
    assert again.wrote is Wrote.CREATED


def test_an_update_to_a_key_that_another_record_has_is_rejected_and_named(lab: Lab, crm: SalesforceCrm) -> None:
    first, second = lab.leads(2)
    written(crm, RecordWrite("a", {KEY: "key-1"}, crm_id=first))
    [outcome] = written(crm, RecordWrite("b", {KEY: "key-1"}, crm_id=second))
    assert outcome.wrote is Wrote.REJECTED
    assert isinstance(outcome.error, WriteRejected)
    assert (outcome.error.code, outcome.error.field) == ("DUPLICATE_VALUE", KEY)
    assert first in str(outcome.error)


def test_ids_of_both_lengths_are_one_record(lab: Lab, crm: SalesforceCrm) -> None:
    [lead] = lab.leads(1)
    changes = [RecordWrite(name, {"Company": name}, crm_id=crm_id) for name, crm_id in (("a", lead), ("b", lead[:15]), ("c", lead.lower()))]
    outcomes = written(crm, *changes)
    assert [(outcome.wrote, outcome.crm_id) for outcome in outcomes] == [(Wrote.WRITTEN, lead)] * 3
    assert lab.remote.record("Lead", lead)["Company"] == "c"


def test_a_field_we_may_not_write_is_one_records_trouble(lab: Lab, crm: SalesforceCrm) -> None:
    [lead] = lab.leads(1)
    lab.remote.hide_field("Lead", "Portal_Amount__c")
    [outcome] = written(crm, RecordWrite("a", {"Portal_Amount__c": 5.0}, crm_id=lead))
    assert isinstance(outcome.error, WriteRejected)
    assert outcome.error.field == "Portal_Amount__c"


# ── the deadline ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_slow_log_in_eats_up_the_time_and_nothing_is_sent(lab: Lab, crm: SalesforceCrm) -> None:
    """The time is asked for again after the log-in, last before the send."""
    [outcomes] = crm.write("Lead", KEY, [create_of("a")], time_left_s=countdown(30, 3))
    assert [outcome.wrote for outcome in outcomes] == [Wrote.NOT_BEGUN]
    assert (lab.counted("token"), lab.counted("collections_write")) == (1, 0)


def test_no_time_means_no_log_in_either(lab: Lab, crm: SalesforceCrm) -> None:
    assert [outcome.wrote for outcome in written(crm, create_of("a"), left_s=3)] == [Wrote.NOT_BEGUN]
    assert lab.remote.calls()["total"] == 0


def test_a_renewal_that_takes_the_rest_of_the_time_is_not_followed_by_a_write(lab: Lab, crm: SalesforceCrm) -> None:
    [lead] = lab.leads(1)
    crm.fetch("Lead", [lead], fields=())
    lab.remote.expire_tokens()
    [outcomes] = crm.write("Lead", KEY, [RecordWrite("a", {"Company": "Late"}, crm_id=lead)], time_left_s=countdown(30, 30, 3))
    assert [outcome.wrote for outcome in outcomes] == [Wrote.NOT_BEGUN]
    assert lab.counted("collections_write") == 1
    assert lab.remote.record("Lead", lead)["Company"] == "Prospect 0"


@pytest.mark.parametrize("left_s", [6.5, 30.0, 119.0, 1e6, float("inf")])
def test_a_call_is_begun_within_the_time_left_and_may_be_answered_for_two_minutes(
    lab: Lab, crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch, left_s: float
) -> None:
    import requests

    waits: list[tuple[float, float]] = []
    send = requests.adapters.HTTPAdapter.send

    def watched(self: Any, request: Any, stream: Any, timeout: Any, *rest: Any) -> requests.Response:
        if request.method == "PATCH":
            waits.append(timeout)
        return send(self, request, stream, timeout, *rest)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", watched)
    outcomes: list[WriteOutcome] = written(crm, create_of("a"), left_s=left_s)
    assert [outcome.wrote for outcome in outcomes] == [Wrote.CREATED]
    [(connect_s, read_s)] = waits
    assert 0 < connect_s < left_s
    assert connect_s + read_s == 120
