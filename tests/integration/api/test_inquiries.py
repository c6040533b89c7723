"""What takes long is asked in one request and fetched in another; what the brake holds, by name; tokens that are made over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_worker.errors import HeldForReview
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.inquire import take_up
from sync_worker.steps.sync.ingest.pull import pull
from tests.integration.api.desk import Desk
from tests.integration.conftest import edited


def worked(acme: Desk, kind: str) -> None:
    """A worker comes."""
    take_up(acme.installation.tenant("acme", "operator"), kind)


def test_a_check_is_asked_in_one_request_and_fetched_in_another(acme: Desk) -> None:
    # When a program asks for a check
    answer = acme.send("POST", "/operate/check")
    # Then it is told where the answer will be, the worker of that queue is woken, and asking again asks nothing new
    assert (answer.status_code, answer.json()["state"]) == (202, "waits")
    place = answer.headers["Location"].removeprefix("/portals/acme")
    acme.wakes("inquire", "check", share="operator")
    assert acme.post("/operate/check", status=202)["id"] == answer.json()["id"]
    assert acme.get(place)["result"] is None
    # And when a worker has been there, the answer is at that place
    worked(acme, "check")
    found = acme.get(place)
    assert found["state"] == "answered"
    assert {"subject", "ok", "found", "what_to_do"} <= found["result"]["findings"][0].keys()
    listed = acme.get("/operate/inquiries?kind=check")["items"]
    assert [(one["id"], "result" in one) for one in listed] == [(found["id"], False)]
    assert acme.get("/operate/inquiries?kind=plan")["items"] == []
    assert acme.send("GET", "/operate/inquiries/nothing").json()["code"] == "inquiry_unknown"


def test_what_differs_is_repaired_for_a_program_that_says_why(acme: Desk, sandbox: str) -> None:
    # Given a company that was renamed in the CRM
    with edited(sandbox, "Cedar IT", Name="Cedar Group"):
        # When a program asks for a repair, which needs a reason, and a worker comes
        assert acme.send("POST", "/operate/repair", {}).status_code == 422
        asked = acme.post("/operate/repair", {"reason": "they renamed it"}, status=202)
        acme.wakes("inquire", "repair", share="operator")
        worked(acme, "repair")
    # Then the answer says what differed and that nothing does any more
    found = acme.get(f"/operate/inquiries/{asked['id']}")["result"]
    assert ([one["crm"] for one in found["differences"]["shown"]], found["left"]["count"]) == (["Cedar Group"], 0)


def test_a_paused_portal_is_not_asked(acme: Desk) -> None:
    acme.post("/operate/pause", {"reason": "they move tonight"})
    repair = acme.send("POST", "/operate/repair", {"reason": "at once"})
    for answer in (acme.send("POST", "/operate/compare"), acme.send("POST", "/operate/plan", {"full": True}), repair):
        assert (answer.status_code, answer.json()["code"]) == (409, "portal_paused")
    assert acme.get("/operate/inquiries")["items"] == []


def test_the_brake_says_by_name_what_would_go(acme: Desk, leaving: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # Given five partners whose status was taken away in one go, which the brake holds
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    acme.clock.forward(seconds=30)
    with pytest.raises(HeldForReview):
        pull(acme.installation.tenant("acme"), COMPANY)
    held = acme.get("/operate/brake")
    assert [one["name"] for one in held["held"]] == ["pull company"]
    assert (held["inquiry_id"], held["companies_leaving"]) == (None, [])
    # When a plan is asked for and answered
    asked = acme.post("/operate/plan", {}, status=202)
    worked(acme, "plan")
    # Then each is there by name, with its status before and after
    seen = acme.get("/operate/brake")
    assert seen["inquiry_id"] == asked["id"]
    assert sorted(one["name"] for one in seen["companies_leaving"]) == sorted(leaving)
    assert seen["companies_leaving_count"] == 5
    changes = [change for one in seen["companies_leaving"] for change in one["changes"] if change["field"] == "status"]
    assert {(one["before"], one["after"]) for one in changes} == {("active", "inactive")}


def test_a_token_is_made_shown_once_and_revoked(acme: Desk) -> None:
    # When an operator's program makes a token
    wish = {"name": "nightly export", "scopes": ["read"]}
    made = acme.send("POST", "/operate/tokens", wish, key="one")
    # Then its text lets its holder in, and stands in no other answer
    text, place = made.json()["token"], made.headers["Location"].removeprefix("/portals/acme")
    assert acme.bare(text).send("GET", "/users").status_code == 200
    assert acme.bare(text).send("GET", "/operate/tokens").status_code == 403
    again = acme.send("POST", "/operate/tokens", wish, key="one")
    assert (again.status_code, again.json()["id"], again.json()["token"]) == (201, made.json()["id"], None)
    assert text not in acme.send("GET", "/operate/tokens").text + acme.send("GET", place).text
    assert [one["name"] for one in acme.get("/operate/tokens")["items"]].count("nightly export") == 1
    # And once it is revoked, nobody is let in by it
    ended = acme.post(f"{place}/revoke")
    assert (ended["state"], "token" in ended["revoked_by"]) == ("revoked", True)
    assert acme.bare(text).send("GET", "/users").status_code == 401
    assert acme.post(f"{place}/revoke")["revoked_at"] == ended["revoked_at"]


def test_a_token_that_could_not_be_used_is_not_made(acme: Desk) -> None:
    over = (acme.clock.now - timedelta(hours=1)).isoformat()
    refused = acme.send("POST", "/operate/tokens", {"name": "late", "scopes": ["read"], "expires_at": over})
    assert (refused.status_code, refused.json()["field"]) == (422, "expires_at")
    assert acme.send("POST", "/operate/tokens", {"name": "none", "scopes": []}).status_code == 422
    assert acme.send("POST", "/operate/tokens/nothing/revoke").json()["code"] == "token_id_unknown"
    assert {one["name"] for one in acme.get("/operate/tokens")["items"]} == {"the portal"}
