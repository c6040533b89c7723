"""What headers say of time: a proxy adds its own, a vendor spells them oddly, and none of it stops a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.boundary.headers import LONGEST_WAIT_S, retry_after_s, said_at, whole

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
NOW_TEXT = "Mon, 01 Jun 2026 12:00:00 GMT"
LATER_TEXT = "Mon, 01 Jun 2026 12:01:30 GMT"


@pytest.mark.parametrize(
    "text",
    [
        NOW_TEXT,
        "Mon, 01 Jun 2026 12:00:00 -0000",
        "Mon, 01 Jun 2026 14:00:00 +0200",
        "Monday, 01-Jun-26 12:00:00 GMT",
        "Mon Jun  1 12:00:00 2026",
        f"{NOW_TEXT}, {LATER_TEXT}",
        f"{LATER_TEXT},{NOW_TEXT}",
        f"{NOW_TEXT}, yesterday",
        f"{LATER_TEXT}, Mon, 01 Jun 2026 12:00:00 -0000",
    ],
)
def test_a_date_is_read_however_it_is_spelled_and_the_earliest_of_several_counts(text: str) -> None:
    assert said_at({"Date": text}) == NOW


@pytest.mark.parametrize(
    "text", ["", "²", "today", "2026-06-01T12:00:00Z", "Mon, 99 Jun 2026 12:00:00 GMT", "Fri, 31 Dec 9999 23:00:00 -0800"]
)
def test_what_is_not_a_date_says_nothing(text: str) -> None:
    assert said_at({"Date": text}) is None
    assert said_at({}) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("77", 77.0),
        (" 77 ", 77.0),
        ("1.5", 1.5),
        ("120, 60", 120.0),
        (f"60, {LATER_TEXT}", 90.0),
        (LATER_TEXT, 90.0),
        ("Mon, 01 Jun 2026 12:01:30 -0000", 90.0),
        ("99999999999", LONGEST_WAIT_S),
        ("9" * 500, None),
        ("Mon, 01 Jun 9999 12:00:00 GMT", LONGEST_WAIT_S),
        ("0", None),
        ("-5", None),
        ("²", None),
        ("٣", None),
        ("1e3", None),
        ("nan", None),
        ("soon", None),
        ("Mon, 01 Jun 2026 11:00:00 GMT", None),
        ("", None),
    ],
)
def test_a_wait_is_what_the_answer_asks_for_and_a_day_at_most(text: str, seconds: float | None) -> None:
    assert retry_after_s({"Retry-After": text}, now=NOW) == seconds


def test_a_moment_is_compared_with_the_clock_of_the_answer() -> None:
    """The vendor's clock may be an hour away from ours."""
    assert retry_after_s({"Retry-After": LATER_TEXT, "Date": NOW_TEXT}, now=NOW + timedelta(hours=1)) == 90.0


@pytest.mark.parametrize(
    ("text", "number"), [("190", 190), (" 0 ", 0), ("²", None), ("٣", None), ("-1", None), ("9" * 400, None), (None, None)]
)
def test_a_whole_number_has_ascii_digits(text: str | None, number: int | None) -> None:
    assert whole(text) == number


PIECES = st.sampled_from([NOW_TEXT, LATER_TEXT, "-0000", ",", ", ", "Mon", "²", "-", "0", "99999", "GMT", "+9999", "\x00", "31 Feb", ":"])


@given(st.text() | st.lists(PIECES | st.text(max_size=3)).map(" ".join) | st.lists(PIECES).map("".join))
def test_no_text_in_a_header_raises(text: str) -> None:
    moment = said_at({"Date": text})
    assert moment is None or moment.utcoffset() == timedelta(0)
    asked = retry_after_s({"Retry-After": text, "Date": text[::-1]}, now=NOW)
    assert asked is None or 0 < asked <= LONGEST_WAIT_S
    whole(text)
