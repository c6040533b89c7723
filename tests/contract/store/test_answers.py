"""A repeated request gets the first answer; the answer and the change are one commit; two at once are one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from sync_worker.errors import StaleRead
from sync_worker.steps.people.answer import Keep, answer_once
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.people.answers import Answer, Ask, Taken
from tests.contract.store.samples import company
from tests.patience import HANG_S
from tests.servers import Clock

ASK = Ask("t1", "key", "hash of the request", "first")
MADE = Answer(201, '{"id": "c1"}', {"location": "/companies/c1"})


def making(store: Store, company_id: str = "c1") -> Callable[[Keep], Answer]:
    """Work that makes a company and keeps its answer in the same commit."""

    def work(keep: Keep) -> Answer:
        with store.transaction("acme") as tx:
            companies.save(tx, [company(company_id, crm_id=company_id)])
            keep(tx, MADE)
        return MADE

    return work


def never(_: Keep) -> Answer:
    raise AssertionError("worked on twice")


def made(store: Store) -> list[str]:
    with store.reading("acme") as tx:
        return [stored.company.id for stored in companies.listed(tx)]


def test_who_asks_again_gets_the_first_answer_and_nothing_is_done_twice(store: Store) -> None:
    assert answer_once(store, "acme", ASK, making(store)) == MADE
    assert answer_once(store, "acme", replace(ASK, claim="second"), never) == MADE
    assert made(store) == ["c1"]


def test_another_request_under_the_same_key_is_told_so(store: Store) -> None:
    answer_once(store, "acme", ASK, making(store))
    assert answer_once(store, "acme", replace(ASK, request_hash="other", claim="2"), never) is Taken.OTHER_REQUEST


@pytest.mark.parametrize("other", [{"token_id": "t2"}, {"key": "key 2"}])
def test_a_key_is_of_one_token_alone(store: Store, other: dict[str, str]) -> None:
    answer_once(store, "acme", ASK, making(store))
    answer_once(store, "acme", replace(ASK, claim="2", **other), making(store, "c2"))
    assert made(store) == ["c1", "c2"]


def test_one_that_is_under_way_is_told_so_and_the_first_goes_on(store: Store) -> None:
    seen: list[object] = []

    def work(keep: Keep) -> Answer:
        seen.append(answer_once(store, "acme", replace(ASK, claim="2"), never))
        return making(store)(keep)

    assert answer_once(store, "acme", ASK, work) == MADE
    assert seen == [Taken.UNDER_WAY]
    assert made(store) == ["c1"]


def test_a_refusal_is_an_answer_too_and_a_server_error_is_not(store: Store) -> None:
    refused, broken = Answer(422, "no such company"), Answer(503, "later")
    assert answer_once(store, "acme", ASK, lambda _: refused) == refused
    assert answer_once(store, "acme", replace(ASK, claim="2"), never) == refused
    assert answer_once(store, "acme", replace(ASK, key="other"), lambda _: broken) == broken
    assert answer_once(store, "acme", replace(ASK, key="other", claim="2"), making(store)) == MADE


def test_a_bug_changes_nothing_and_frees_the_key(store: Store) -> None:
    def work(keep: Keep) -> Answer:
        with store.transaction("acme") as tx:
            companies.save(tx, [company()])
            keep(tx, MADE)
            raise LookupError

    with pytest.raises(LookupError):
        answer_once(store, "acme", ASK, work)
    assert made(store) == []
    assert answer_once(store, "acme", replace(ASK, claim="2"), making(store)) == MADE


def test_a_process_killed_under_way_frees_the_key_within_a_minute(store: Store, clock: Clock) -> None:
    class Killed(BaseException):
        pass

    def work(_: Keep) -> Answer:
        store.side_transaction = None  # type: ignore[assignment, method-assign]  # nothing more is written: the process is gone
        raise Killed

    with pytest.raises(TypeError):
        answer_once(store, "acme", ASK, work)
    del store.side_transaction
    assert answer_once(store, "acme", replace(ASK, claim="2"), never) is Taken.UNDER_WAY
    clock.forward(seconds=60)
    assert answer_once(store, "acme", replace(ASK, claim="3"), making(store)) == MADE


def test_one_that_outlasted_its_claim_changes_nothing(store: Store, clock: Clock) -> None:
    def work(keep: Keep) -> Answer:
        clock.forward(seconds=61)
        assert answer_once(store, "acme", replace(ASK, claim="2"), making(store, "c2")) == MADE
        return making(store)(keep)

    with pytest.raises(StaleRead, match="took so long"):
        answer_once(store, "acme", ASK, work)
    assert made(store) == ["c2"]


def test_many_at_once_are_worked_on_once(open_store: Callable[[], Store]) -> None:
    stores, ready = [open_store(), open_store()], Barrier(8, timeout=HANG_S)

    def ask(number: int) -> object:
        store = stores[number % 2]
        ready.wait()
        return answer_once(store, "acme", replace(ASK, claim=str(number)), making(store, f"c{number}"))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(8)))

    assert len(made(stores[0])) == 1
    assert set(map(repr, found)) <= {repr(MADE), repr(Taken.UNDER_WAY)}
    assert MADE in found


def test_answers_are_kept_for_two_days(store: Store, clock: Clock) -> None:
    answer_once(store, "acme", ASK, making(store))
    clock.forward(hours=47)
    assert answer_once(store, "acme", replace(ASK, claim="2"), never) == MADE
    clock.forward(hours=2)
    assert answer_once(store, "acme", replace(ASK, claim="3"), making(store, "c2")) == MADE
    assert made(store) == ["c1", "c2"]
