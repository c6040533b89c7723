"""What an answer means, and how long to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.tell.delivery import LONGEST_REST_S, MOST_ATTEMPTS, DeliveryOutcome, ReceiverAnswer, ending_of, rest_s, retry_s


@pytest.mark.parametrize(
    ("statuses", "ending"),
    [
        ((200, 202, 204, 299), DeliveryOutcome.DELIVERED),
        ((301, 307, 308, 400, 401, 404, 409, 422, 500, 502, 504), DeliveryOutcome.REFUSED),
        ((0, 429, 503), DeliveryOutcome.DOWN),
        ((410,), DeliveryOutcome.GONE),
    ],
)
def test_each_answer_has_its_ending(statuses: tuple[int, ...], ending: DeliveryOutcome) -> None:
    assert {ending_of(ReceiverAnswer(status)) for status in statuses} == {ending}


def test_an_event_is_tried_for_five_days() -> None:
    waits = [wait for attempts in range(1, MOST_ATTEMPTS) if (wait := retry_s(attempts)) is not None]
    assert len(waits) == MOST_ATTEMPTS - 1
    assert 5 <= sum(waits) / 86_400 < 5.5
    assert waits == sorted(waits)
    assert retry_s(MOST_ATTEMPTS) is None


@given(st.integers(1, 10_000), st.none() | st.floats(-1e9, 1e9))
def test_a_rest_is_never_nothing_and_never_longer_than_a_day(failed_count: int, retry_after_s: float | None) -> None:
    assert 1 <= rest_s(failed_count, retry_after_s) <= LONGEST_REST_S


def test_a_receiver_that_is_back_waits_ten_minutes_at_most() -> None:
    assert max(rest_s(count, None) for count in range(1, 100)) == 600
