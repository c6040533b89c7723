"""Who is let in: a token of this very portal, with the scope, and a person who is named; and how little anybody else hears."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_worker.store.people import tokens
from tests.integration.api.desk import Desk

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def deal_id(shared: Desk) -> str:
    return str(shared.registered()["id"])


def test_whoever_proves_nothing_hears_the_same_whatever_is_wrong(shared: Desk) -> None:
    # Given tokens that are no token, mistyped, unknown, expired and revoked, and a portal that there is none of
    expired = shared.with_token("read", expires_at=shared.clock.now - timedelta(hours=1)).token
    revoked = shared.with_token("read").token
    with shared.installation.store.side_transaction("acme") as tx:
        tokens.revoke(tx, revoked.split("_")[1], "Ann")
    unknown = shared.token[:-9] + ("0" if shared.token[-9] != "0" else "1") + shared.token[-8:]
    elsewhere = shared.bare(shared.token)
    elsewhere.portal = "nowhere"
    # When each of them asks
    answers = [shared.bare(token).send("GET", "/users") for token in ("x", unknown, expired, revoked)] + [elsewhere.send("GET", "/users")]
    # Then all hear the same 401, and nothing of which it was
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "token_unknown"
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="sync-worker"'
    assert answers[0].headers["Content-Type"] == PROBLEM


def test_no_token_is_said_to_be_none_for_a_portal_that_exists_and_one_that_does_not(shared: Desk) -> None:
    nowhere = shared.bare()
    nowhere.portal = "nowhere"
    answers = [shared.bare().send("GET", "/deals"), nowhere.send("GET", "/deals")]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["code"] for answer in answers} == {"token_missing"}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [("write", "GET", "/users"), ("operate", "GET", "/companies"), ("read", "DELETE", "/users/bert"), ("operate", "POST", "/deals")],
)
def test_a_token_without_the_scope_hears_which_are_its_own(shared: Desk, scope: str, method: str, path: str) -> None:
    answer = shared.with_token(scope).send(method, path, user="rita")
    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"
    assert answer.json()["allowed"] == [scope]


@pytest.mark.parametrize(
    ("user", "status", "code"), [("", 400, "actor_missing"), ("nobody", 403, "user_unknown"), ("gone", 403, "user_inactive")]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/deals"), ("GET", "/deals/{id}"), ("PATCH", "/deals/{id}"), ("POST", "/deals")])
def test_a_deal_is_looked_at_and_changed_in_somebodys_name(
    shared: Desk, deal_id: str, method: str, path: str, user: str, status: int, code: str
) -> None:
    answer = shared.send(method, path.format(id=deal_id), {} if method != "GET" else None, user=user, version=1)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["field"] == "Acting-User"


def test_use_is_noted(shared: Desk) -> None:
    reader = shared.with_token("read")
    reader.get("/users")
    with shared.installation.store.reading("acme") as tx:
        token = tokens.get(tx, reader.token.split("_")[1])
    assert token
    assert token.last_used_at == shared.clock.now


def test_a_portal_may_ask_what_somebody_sees_without_acting(shared: Desk, deal_id: str) -> None:
    # Given a deal of Rita's
    # When the portal asks what Rita sees, and what somebody of a third company does, in nobody's name
    hers = shared.get("/deals?visible_to=rita&limit=100")["items"]
    others = shared.get("/deals?visible_to=olga&limit=100")["items"]
    # Then each sees what is theirs; who is named nowhere sees nothing, and hears how to be named
    assert deal_id in {deal["id"] for deal in hers}
    assert deal_id not in {deal["id"] for deal in others}
    assert shared.get(f"/deals/{deal_id}?visible_to=rita")["id"] == deal_id
    assert shared.send("GET", f"/deals/{deal_id}?visible_to=olga").status_code == 404
    nobody = shared.send("GET", "/deals")
    assert (nobody.status_code, nobody.json()["code"]) == (400, "actor_missing")


def test_a_mistyped_filter_is_refused_by_name_and_not_taken_for_none(shared: Desk, deal_id: str) -> None:
    answer = shared.send("GET", "/deals?lifecyle=won", user="rita")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "field_unknown", "lifecyle")
    assert "lifecycle" in answer.json()["allowed"]
    assert deal_id not in answer.text
    assert shared.bare().send("GET", "/deals?lifecyle=won").status_code == 401
