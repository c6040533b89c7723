"""What becomes of a write that the CRM did not take, decided without a database: in doubt, for a person, or tried again."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.sync.push.attempts import AFTER_REFUSAL, MOST_REFUSED
from sync_worker.domain.sync.push.unwritten import Again, Ending, ForPerson, InDoubt, Unwritten, after_failure
from sync_worker.errors import CallRefused, ConnectionDown, InvalidRecord, RateLimited, SyncError, TransientError, WritesRest

LOCKED = TransientError("the record is locked")
FULL = WritesRest("the CRM has no room", code="no_room_in_crm", rest_s=3600)
OF_THE_CALL = [ConnectionDown("no route"), RateLimited("too many calls", retry_after_s=5, scope="burst"), CallRefused("not now")]


def test_a_write_whose_outcome_is_not_known_is_in_doubt_however_often_it_was_refused() -> None:
    assert after_failure(Unwritten("unknown", LOCKED, MOST_REFUSED), 0.0) == InDoubt()


def test_a_write_that_the_crm_rejects_waits_for_a_person() -> None:
    assert after_failure(Unwritten("rejected", InvalidRecord("bad", code="bad_value", field="name")), 0.0) == ForPerson()


def test_a_record_that_is_refused_for_now_is_tried_again_after_a_wait_that_grows() -> None:
    waits = [after_failure(Unwritten("later", LOCKED, refused), 0.0) for refused in range(MOST_REFUSED - 1)]
    assert waits == [Again(AFTER_REFUSAL.wait_s(refused + 1, 0.0), is_counted=True) for refused in range(MOST_REFUSED - 1)]


def test_a_record_that_was_refused_ten_times_waits_for_a_person() -> None:
    assert after_failure(Unwritten("later", LOCKED, MOST_REFUSED - 1), 0.0) == ForPerson()


@pytest.mark.parametrize("error", [*OF_THE_CALL, FULL], ids=lambda error: type(error).__name__)
def test_a_call_that_fails_says_nothing_of_its_records_and_never_sends_them_to_a_person(error: SyncError) -> None:
    found = after_failure(Unwritten("later", error, MOST_REFUSED * 2), 0.0)
    assert isinstance(found, Again)
    assert not found.is_counted


def test_a_crm_that_takes_no_writes_is_left_alone_for_as_long_as_it_says() -> None:
    assert after_failure(Unwritten("later", FULL), 0.0) == after_failure(Unwritten("not_begun", FULL), 0.0) == Again(3600)


def test_a_write_that_was_not_begun_is_due_at_once() -> None:
    assert after_failure(Unwritten("not_begun", None, 3), 0.5) == Again(0.0)


@given(
    ending=st.sampled_from(get_args(Ending)),
    error=st.sampled_from([None, LOCKED, FULL, *OF_THE_CALL]),
    refused=st.integers(0, 30),
    chance=st.floats(0, 0.99),
)
def test_law_a_write_counts_as_refused_only_where_the_crm_was_asked_for_its_record(
    ending: Ending, error: SyncError | None, refused: int, chance: float
) -> None:
    found = after_failure(Unwritten(ending, error, refused), chance)
    if isinstance(found, Again):
        assert found.wait_s >= 0
        assert found.is_counted == (ending == "later" and error in (None, LOCKED))
