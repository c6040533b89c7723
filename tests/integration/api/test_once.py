"""An idempotency key: the first answer again, whatever it was; another request with the same key is refused; nothing is done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from sync_worker.store.people import answers
from tests.integration.api.desk import Desk
from tests.integration.steps.world import TERMS


def count(desk: Desk) -> int:
    return len(desk.get("/deals?limit=200", user="vera")["items"])


def test_the_same_again_gets_the_first_answer(acme: Desk) -> None:
    # Given a registration with a key, and the deal changed since
    before = count(acme)
    first = acme.send("POST", "/deals", TERMS, user="rita", key="one")
    acme.send("PATCH", f"/deals/{first.json()['id']}", {"amount": "1.00"}, user="rita", version=1)
    # When the same is sent again
    again = acme.send("POST", "/deals", TERMS, user="rita", key="one")
    # Then it hears what it heard, headers and all, and there is one deal
    assert (again.status_code, again.content) == (201, first.content)
    assert {name: again.headers[name] for name in ("ETag", "Location")} == {name: first.headers[name] for name in ("ETag", "Location")}
    assert again.headers["Location"] == f"/portals/acme/deals/{first.json()['id']}"
    assert count(acme) == before + 1


def test_a_refusal_is_an_answer_too(acme: Desk) -> None:
    wrong = {**TERMS, "second_partner": "Granite Group"}
    first, again = (acme.send("POST", "/deals", wrong, user="rita", key="two") for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert first.content == again.content


@pytest.mark.parametrize("what", ["body", "user", "address", "version"])
def test_another_request_under_the_same_key_is_refused(acme: Desk, what: str) -> None:
    # Given a withdrawal with a key
    deal, other = acme.registered(), acme.registered(name="Another")
    acme.post(f"/deals/{deal['id']}/withdraw", {"reason": "done"}, user="rita", version=1, key="three")
    # When something else is sent with it
    asked: dict[str, Any] = {"body": {"reason": "done"}, "user": "rita", "version": 1}
    asked |= {"body": {"reason": "else"}} if what == "body" else {"user": "mona"} if what == "user" else {}
    asked |= {"version": 2} if what == "version" else {}
    answer = acme.send("POST", f"/deals/{(other if what == 'address' else deal)['id']}/withdraw", key="three", **asked)
    # Then it is refused, and the other deal stands
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "key_of_other_request", "Idempotency-Key")
    assert acme.get(f"/deals/{other['id']}", user="rita")["lifecycle"] == "submitted"


def test_a_key_belongs_to_its_token(acme: Desk) -> None:
    other = acme.with_token("write")
    ids = {desk.post("/deals", TERMS, user="rita", key="four", status=201)["id"] for desk in (acme, other)}
    assert len(ids) == 2


def test_many_at_once_are_one(acme: Desk) -> None:
    # Given eight that send the same at once
    before = count(acme)

    def send(_: int) -> requests.Response:
        another = replace(acme)
        with another.session:
            return another.send("POST", "/deals", TERMS, user="rita", key="five")

    # When all have their answer
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(send, range(8)))
    # Then there is one deal; whoever came while it was made is asked to come again, and then hears the same
    done = [answer for answer in found if answer.status_code == 201]
    assert {answer.status_code for answer in found} <= {201, 409}
    assert {answer.json()["code"] for answer in found if answer.status_code == 409} <= {"request_under_way"}
    assert {answer.headers["Retry-After"] for answer in found if answer.status_code == 409} <= {"1"}
    assert len({answer.content for answer in done}) == 1
    assert count(acme) == before + 1
    assert send(0).content == done[0].content


def test_one_under_way_elsewhere_is_waited_for_until_its_process_must_be_dead(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a process that dies between its claim and its commit
    before = count(acme)

    with monkeypatch.context() as patched:
        patched.setattr(answers, "settle", _die)
        patched.setattr(answers, "let_go", lambda _tx, _ask: None)
        assert acme.send("POST", "/deals", TERMS, user="rita", key="six").status_code == 500
    # When the same is sent at once, and after a minute
    at_once = acme.send("POST", "/deals", TERMS, user="rita", key="six")
    acme.clock.now += answers.CLAIM
    later = acme.send("POST", "/deals", TERMS, user="rita", key="six")
    # Then it is under way, then done; nothing of the dead one is there
    assert (at_once.status_code, at_once.json()["code"]) == (409, "request_under_way")
    assert later.status_code == 201
    assert count(acme) == before + 1


def test_one_that_died_after_its_commit_is_not_done_again(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a process that dies after its commit, before it answers
    before = count(acme)
    with monkeypatch.context() as patched:
        patched.setattr(type(acme.app.state.api.follow_ups), "__call__", _die)
        assert acme.send("POST", "/deals", TERMS, user="rita", key="seven").status_code == 500
    # When the same is sent again
    again = acme.send("POST", "/deals", TERMS, user="rita", key="seven")
    # Then the answer that was kept with the deal comes, and the deal is one
    assert again.status_code == 201
    assert acme.get("/deals", user="rita")["items"][0]["id"] == again.json()["id"]
    assert count(acme) == before + 1


def _die(*_: object) -> None:
    raise RuntimeError("the process died")


def test_a_bug_says_nothing_but_the_requests_id_and_leaves_the_key_free(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a bug that meets a request
    with monkeypatch.context() as patched:
        patched.setattr(answers, "settle", _die)
        answer = acme.send("POST", "/deals", TERMS, user="rita", key="eight", more={"X-Request-ID": "abc-1"})
    # Then it is a problem that names the request and no more
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert answer.json() | {"request_id": "abc-1", "code": "bug", "detail": "a mistake of ours; it is in the log"} == answer.json()
    assert "process died" not in answer.text
    # And the next try goes well
    assert acme.send("POST", "/deals", TERMS, user="rita", key="eight").status_code == 201


def test_without_a_key_twice_is_twice(acme: Desk) -> None:
    assert len({acme.registered()["id"] for _ in range(2)}) == 2


def test_what_a_move_makes_due_is_told_after_its_commit(acme: Desk) -> None:
    acme.registered()
    acme.wakes("push")
