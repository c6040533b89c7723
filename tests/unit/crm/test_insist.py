"""Which errors are tried again inside one call, how often, and how long it waits in between."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from threading import Event, Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.crm.faults import Patience, TriedEnough, insist
from sync_worker.errors import (
    AuthFailed,
    RateLimited,
    SchemaChanged,
    StaleRead,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
)
from sync_worker.services import Services


class Call:
    """Fails with these errors in turn, the last for ever, each after `lasts_s`. Time passes only in calls and waits."""

    def __init__(self, *errors: Exception | None, lasts_s: float = 0.0) -> None:
        self.errors = errors
        self.lasts_s = lasts_s
        self.count = 0
        self.slept: list[float] = []
        self.now_s = 0.0
        self.services = Services(random=Random(7), sleep=self._sleep, monotonic=lambda: self.now_s)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def __call__(self) -> str:
        error = self.errors[min(self.count, len(self.errors) - 1)]
        self.count += 1
        self.now_s += self.lasts_s
        if error:
            raise error
        return "answer"

    def insist(self, patience: Patience | None = None) -> str:
        return insist(self, patience=patience or Patience(), services=self.services)


def burst(wait_s: float) -> RateLimited:
    return RateLimited("slow down", retry_after_s=wait_s, scope="burst")


def test_passing_trouble_is_outlasted() -> None:
    call = Call(TransientError("x"), TransientError("x"), None)
    assert call.insist() == "answer"
    assert (call.count, len(call.slept)) == (3, 2)


@pytest.mark.parametrize(
    "error",
    [
        AuthFailed("x"),
        SchemaChanged("x"),
        TooLarge("x"),
        StaleRead("x"),
        TriedEnough("x"),
        UncertainWrite("x"),
        WriteRejected("x", code="X"),
        RateLimited("x", retry_after_s=1.0, scope="daily"),
        burst(60.0),
        ValueError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_waiting_does_not_mend_goes_up_at_once(error: Exception) -> None:
    call = Call(error)
    with pytest.raises(type(error)) as raised:
        call.insist()
    assert raised.value is error
    assert (call.count, call.slept) == (1, [])


def test_a_wait_the_crm_asks_for_is_kept_to_the_second() -> None:
    call = Call(burst(3.0), burst(7.5), None)
    assert call.insist() == "answer"
    assert call.slept == [3.0, 7.5]


@given(attempts=st.integers(1, 10), lasts_s=st.floats(0, 200), total_s=st.floats(1, 100))
def test_it_never_insists_for_longer_than_it_may(attempts: int, lasts_s: float, total_s: float) -> None:
    call = Call(TransientError("x"), lasts_s=lasts_s)
    patience = Patience(attempts=attempts, total_s=total_s)
    with pytest.raises(TransientError):
        call.insist(patience)
    assert 1 <= call.count <= attempts
    assert call.now_s <= total_s + lasts_s
    assert all(0.25 <= wait <= patience.wait.ceiling_s for wait in call.slept)


def test_the_last_error_is_the_one_raised() -> None:
    errors: list[SyncError] = [TransientError("first"), TransientError("second"), TransientError("third"), TransientError("last")]
    with pytest.raises(TransientError, match=r"^last \(4 tries\)$"):
        Call(*errors).insist()


def test_the_tries_are_told_where_the_crm_named_a_time_too() -> None:
    with pytest.raises(RateLimited, match=r"^slow down \(4 tries\)$") as raised:
        Call(burst(2.0)).insist()
    assert (raised.value.retry_after_s, raised.value.scope) == (2.0, "burst")


@pytest.mark.parametrize("asked_after", [1, 2])
def test_who_is_asked_to_stop_does_not_insist(asked_after: int) -> None:
    call = Call(TransientError("x"))
    call.services = replace(call.services, is_stopping=lambda: call.count >= asked_after)
    with pytest.raises(TransientError):
        call.insist()
    assert call.count == asked_after


def test_a_wait_ends_with_the_stop_and_not_before() -> None:
    stopped = Event()
    services = Services.until(stopped)
    began_s = services.monotonic()
    services.sleep(0.05)
    assert services.monotonic() - began_s >= 0.05
    assert not services.is_stopping()
    Timer(0.05, stopped.set).start()
    services.sleep(60)
    assert services.is_stopping()
    assert services.monotonic() - began_s < 30
