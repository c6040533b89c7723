"""What goes along with work, and what does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sync_worker.services import Services
from sync_worker.telemetry.correlation import carried, following, goes_on, request_id


def test_the_trail_of_a_request_and_a_run() -> None:
    with following(request="q1"):
        with following(run="r1"):
            assert carried() == {"request": "q1"}  # a run's own id is nobody else's
        with following(cause="r1"):
            assert carried() == {"request": "q1", "cause": "r1"}
        with following(cause=""):
            assert carried() == {"request": "q1"}
    assert carried() == {}


@pytest.mark.parametrize("given", ["7f3a", "req-1.2:3_4", "x" * 64])
def test_the_caller_s_own_id_is_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "a b", "a\nb", 'x"', "x" * 65, "é"])
def test_an_id_that_would_break_a_line_is_replaced(given: str | None) -> None:
    made = request_id(given)
    assert made != given
    assert request_id(made) == made
    assert request_id(given) != made


def test_a_helper_thread_goes_on_with_the_trail_of_whoever_made_it() -> None:
    with following(request="q1", cause="r1"):
        beside = Services().beside()
    with beside:
        assert beside.submit(carried).result() == {"request": "q1", "cause": "r1"}


def test_a_thread_of_its_own_has_none() -> None:
    with following(request="q1"), ThreadPoolExecutor(1) as plain:
        assert plain.submit(carried).result() == {}
        bind = goes_on()
        plain.submit(bind).result()
        assert plain.submit(carried).result() == {"request": "q1"}
