"""A person asks what takes long to answer, and a worker answers: once for all who ask, and whatever happens to the worker."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_worker.domain.operate.inquiry import BUG, MOST_TRIES, InquiryKind, InquiryState
from sync_worker.errors import Stopped
from sync_worker.steps.operate import inquire as step
from sync_worker.steps.operate.inquire import inquire, take_up
from sync_worker.store.core import failures
from sync_worker.store.core.failures import EVERY
from sync_worker.store.operate import inquiries
from sync_worker.store.operate.inquiries import InquiryRow
from tests.integration.steps.world import World

CHECK, PLAN, COMPARE = InquiryKind.CHECK, InquiryKind.PLAN, InquiryKind.COMPARE


def asked(world: World, kind: InquiryKind, **more: Any) -> str:
    return inquire(world.tenant, kind, actor="Ann", **more).id


def kept(world: World, inquiry_id: str) -> InquiryRow:
    with world.store.reading("acme") as tx:
        found = inquiries.get(tx, inquiry_id)
    assert found
    return found


def opened(world: World) -> list[str]:
    """The failures of the portal."""
    with world.store.reading("acme") as tx:
        return [row.failure.id for row in failures.listed(tx, EVERY)]


def taken_up(world: World, token: str) -> None:
    """Another worker takes up the check."""
    with world.store.side_transaction("acme") as tx:
        assert inquiries.claim(tx, CHECK, token, tx.shared_now + timedelta(seconds=30))


def test_a_check_says_what_is_missing_and_what_to_do(world: World) -> None:
    # Given a portal whose CRM lacks a field
    world.configure(overrides={"company.attributes.colour": {"native": "Colour__c"}})
    inquiry_id = asked(world, CHECK)
    assert kept(world, inquiry_id).state is InquiryState.WAITS
    # When a worker takes it up
    take_up(world.tenant, "check")
    # Then the answer has the finding, with what to do
    found = kept(world, inquiry_id)
    assert found.state is InquiryState.ANSWERED
    assert found.result["is_ok"] is False
    (missing,) = [one for one in found.result["findings"] if one["subject"] == "Account.Colour__c"]
    assert not missing["ok"]
    assert missing["what_to_do"]


def test_a_plan_shows_both_sides_of_each_field_and_changes_nothing(world: World) -> None:
    # Given a company that was renamed in the CRM
    world.pull()
    birch = world.company("Birch Systems")
    world.remote.edit("Account", birch.crm_id or "", {"Name": "Birch Group"})
    world.forward(60)
    # When a plan is asked for and answered
    inquiry_id = asked(world, PLAN, is_full=True)
    take_up(world.tenant, "plan")
    # Then it shows the name before and after, with its calls, and nothing was changed
    found = kept(world, inquiry_id)
    (entry,) = found.result["companies_changed"]["shown"]
    assert {"field": "name", "before": "Birch Systems", "after": "Birch Group"} in entry["changes"]
    assert found.result["cost"]["needed"] > 0
    assert found.done_count > 0
    assert world.company("Birch Systems").id == birch.id


def test_a_comparison_names_what_differs(world: World) -> None:
    # Given a company whose record says something else than we hold, unnoticed
    world.pull()
    crm_id = world.company("Birch Systems").crm_id or ""
    world.remote.edit("Account", crm_id, {"Name": "Birch Group"})
    # When both sides are compared
    inquiry_id = asked(world, COMPARE)
    take_up(world.tenant, "compare")
    # Then the difference is there, and how many records were looked at
    found = kept(world, inquiry_id).result
    assert [(one["crm_id"], one["field"], one["crm"]) for one in found["differences"]["shown"]] == [(crm_id, "name", "Birch Group")]
    assert found["records"] >= 20


def test_a_second_asker_gets_the_inquiry_that_is_under_way(world: World) -> None:
    # Given a check that a worker is at
    first = asked(world, CHECK)
    taken_up(world, "elsewhere")
    # When another person asks for one, and for a plan
    again, other = inquire(world.tenant, CHECK, actor="Bo"), inquire(world.tenant, PLAN, actor="Bo")
    # Then the check is the same, no second worker takes it up, and the plan is another
    assert (again.id, again.actor, again.state) == (first, "Ann", InquiryState.RUNNING)
    take_up(world.tenant, "check")
    assert kept(world, first).tries == 1
    assert other.id != first


def test_an_inquiry_of_a_killed_worker_is_taken_over(world: World) -> None:
    # Given a worker that took a check up and was killed
    inquiry_id = asked(world, CHECK)
    taken_up(world, "killed")
    # When its claim has run out
    world.forward(31)
    take_up(world.tenant, "check")
    # Then another worker has answered, and what the first one says late does not count
    assert kept(world, inquiry_id).state is InquiryState.ANSWERED
    with world.store.side_transaction("acme") as tx:
        assert not inquiries.finish(tx, inquiry_id, "killed", error="late")
    assert kept(world, inquiry_id).error == ""


def test_an_inquiry_that_ends_its_worker_again_and_again_ends_with_words(world: World) -> None:
    # Given a check at which as many workers ended as may
    inquiry_id = asked(world, CHECK)
    for number in range(MOST_TRIES):
        taken_up(world, f"killed {number}")
        world.forward(31)
    # When the next worker comes
    take_up(world.tenant, "check")
    # Then it is over, with words, and can be asked again
    found = kept(world, inquiry_id)
    assert found.state is InquiryState.FAILED
    assert "ended 3 times" in found.error
    assert asked(world, CHECK) != inquiry_id


def test_what_stops_an_inquiry_ends_it_with_words_and_the_portal_goes_on(world: World) -> None:
    # Given a CRM that lets nobody in
    world.remote.fault(status=401, error_code="INVALID_SESSION_ID", times=99)
    inquiry_id, before = asked(world, CHECK), opened(world)
    # When a worker takes up a check
    take_up(world.process(), "check")
    # Then the inquiry says so, and no failure of the portal does
    found = kept(world, inquiry_id)
    assert found.state is InquiryState.FAILED
    assert "refused" in found.error
    assert opened(world) == before


def _broken(*_: object) -> None:
    raise KeyError("a bug")


def test_a_bug_ends_the_inquiry_and_is_not_swallowed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "check", _broken)
    inquiry_id = asked(world, CHECK)
    with pytest.raises(KeyError):
        take_up(world.tenant, "check")
    assert kept(world, inquiry_id).error == BUG


def test_a_worker_that_is_asked_to_stop_leaves_the_inquiry_to_the_next_one(world: World) -> None:
    # Given a worker that stops in the middle of a comparison
    inquiry_id, stopping = asked(world, COMPARE), world.process()
    stopping.services = replace(world.services, is_stopping=lambda: True)
    with pytest.raises(Stopped):
        take_up(stopping, "compare")
    assert (kept(world, inquiry_id).state, kept(world, inquiry_id).tries) == (InquiryState.WAITS, 0)
    # When the next one comes, at once
    take_up(world.tenant, "compare")
    # Then it is answered
    assert kept(world, inquiry_id).state is InquiryState.ANSWERED
