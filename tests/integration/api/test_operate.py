"""What an operator does over HTTP, told as stories: one failure looked at, previewed, discarded; a replay stopped; a portal paused."""

from __future__ import annotations

import pytest

from sync_worker.errors import HeldForReview
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.intervene import go_on_queued
from sync_worker.steps.sync.ingest.pull import pull
from tests.integration.api.desk import Desk

WHY = {"reason": "to try"}


def first(acme: Desk, code: str) -> str:
    """The id of an open failure of this cause."""
    return str(acme.get(f"/failures?code={code}")["items"][0]["id"])


def test_one_failure_says_what_to_do_and_what_was_done_about_it(acme: Desk) -> None:
    # Given a problem that a program has asked to try again
    id_ = first(acme, "unlisted_value")
    acme.post("/failures/replay", {"code": "unlisted_value", "reason": "the mapping was corrected"}, status=202)
    # When it is looked at
    story = acme.get(f"/failures/{id_}")
    # Then it has the meaning of its code, whether a replay helps, and its history
    assert story["what_to_do"]
    assert (story["is_replayable"], story["replay"]) == (True, "change the CRM or the mapping first")
    assert [(one["verb"], one["reason"], one["outcome"]) for one in story["history"]] == [("replay", "the mapping was corrected", "left")]
    assert acme.send("GET", "/failures/nothing").json()["code"] == "failure_unknown"


def test_a_preview_changes_nothing_and_says_what_it_would_cost(acme: Desk) -> None:
    # Given an open problem
    before = acme.get("/failures?code=unlisted_value")
    # When a replay of it is previewed
    found = acme.post("/failures/preview", {"code": "unlisted_value"})
    # Then the answer counts it, and nothing has changed
    assert found["count"] == len(before["items"])
    assert found["change_count"] == len(found["changes"])
    assert acme.get("/failures?code=unlisted_value") == before
    assert acme.send("POST", "/failures/preview", {}).json()["code"] == "field_missing"


def test_failures_are_discarded_by_id_with_a_reason(acme: Desk) -> None:
    id_ = first(acme, "unlisted_value")
    # Without a reason, or with an id that there is not, nothing is discarded
    assert acme.send("POST", "/failures/discard", {"ids": [id_], "reason": " "}).status_code == 422
    assert acme.send("POST", "/failures/discard", {"ids": [id_, "nothing"], **WHY}).json()["code"] == "failure_unknown"
    assert acme.get(f"/failures/{id_}")["discarded_at"] is None
    # With both it is, and once more is nothing more
    assert [acme.post("/failures/discard", {"ids": [id_], **WHY})["count"] for _ in range(2)] == [1, 0]
    assert "to try" in acme.get(f"/failures/{id_}")["resolution"]


def test_a_replay_is_stopped_before_a_worker_has_begun_it(acme: Desk) -> None:
    # Given a replay that was left to the workers
    asked = acme.post("/failures/replay", {"code": "unlisted_value"}, status=202)
    # When a program stops it
    stopped = acme.post(f"/replays/{asked['id']}/stop", WHY)
    # Then it has ended, none was tried, and a worker tries none
    assert stopped["finished_at"]
    assert stopped["outcomes"]["stopped"] == asked["count"]
    go_on_queued(acme.installation.tenant("acme", "operator"))
    assert acme.get(f"/replays/{asked['id']}") == stopped
    assert acme.send("POST", "/replays/nothing/stop", WHY).json()["code"] == "replay_unknown"


@pytest.mark.usefixtures("leaving")
def test_what_the_brake_holds_is_released_by_a_worker(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given five partners whose status was taken away in one go, which the brake holds
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    acme.clock.forward(seconds=30)
    with pytest.raises(HeldForReview):
        pull(acme.installation.tenant("acme"), COMPANY)
    id_ = first(acme, "held_for_review")
    # When a program releases it, and a worker comes
    owed = acme.post(f"/failures/{id_}/release", WHY, status=202)
    assert owed["waits"] is None
    acme.wakes("replay")
    go_on_queued(acme.installation.tenant("acme", "operator"))
    # Then it is done, and is not held any more
    assert "to try" in acme.get(f"/failures/{id_}")["resolution"]
    assert acme.send("POST", f"/failures/{id_}/release", WHY).json()["code"] == "not_held"


def test_a_portal_is_paused_and_goes_on(acme: Desk) -> None:
    # Given a portal that a program has paused
    paused = acme.post("/operate/pause", {"reason": "they move tonight"})
    assert (paused["is_paused"], paused["reason"]) == (True, "they move tonight")
    assert acme.send("POST", "/failures/preview", {"code": "unlisted_value"}).json()["code"] == "portal_paused"
    # When it lets the portal go on
    gone_on = acme.post("/operate/resume", WHY)
    # Then the CRM may be asked again
    assert gone_on == {"is_paused": False, "actor": None, "at": None, "reason": None}
    assert acme.send("POST", "/failures/preview", {"code": "unlisted_value"}).status_code == 200


def test_a_run_has_its_sum(acme: Desk) -> None:
    found = acme.get("/operate/runs")["items"]
    read = next(one for one in found if one["read"])
    assert read["read"] == read["applied"] + read["unchanged"] + read["skipped"] + read["failed"]
    assert acme.get(f"/operate/runs/{read['id']}") == read
    assert acme.send("GET", "/operate/runs/nothing").json()["code"] == "run_unknown"
