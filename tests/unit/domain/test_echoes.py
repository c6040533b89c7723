"""Which records of a search are only our own writes; and that one of which the index shows more is read by its id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.ruling import APPLIED, SKIPPED, UNCHANGED, Ruling
from sync_worker.domain.sync.ingest.deals.change import DealChange
from sync_worker.domain.sync.ingest.echoes import OwnWrite, confirmed, echoes, exact

STAMP = datetime(2026, 6, 1, 12, 0, 0, 123_000, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Case:
    shown: datetime | None = STAMP
    held_at: datetime | None = None
    is_busy: bool = False


@pytest.mark.parametrize(
    ("case", "is_echo"),
    [
        pytest.param(Case(), True, id="the very stamp, of a record that was never read"),
        pytest.param(Case(held_at=STAMP - A_MILLISECOND), True, id="what is held is older"),
        pytest.param(Case(held_at=STAMP), True, id="what is held was read after our write"),
        pytest.param(Case(held_at=STAMP + A_MILLISECOND), False, id="what is held is newer than the index"),
        pytest.param(Case(shown=STAMP + A_MILLISECOND), False, id="changed since"),
        pytest.param(Case(shown=STAMP - A_MILLISECOND), False, id="the index does not show our write yet"),
        pytest.param(Case(shown=STAMP.replace(microsecond=0)), False, id="whole seconds"),
        pytest.param(Case(shown=None), False, id="not found"),
        pytest.param(Case(is_busy=True), False, id="a notice waits, or something is open"),
    ],
)
def test_an_echo_shows_the_stamp_of_our_own_last_write(case: Case, is_echo: bool) -> None:
    found = {"1": case.shown} if case.shown else {}
    assert echoes({**found, "2": STAMP}, {"1": OwnWrite(STAMP, case.held_at)}, {"1"} if case.is_busy else ()) == (
        {"1"} if is_echo else set()
    )


def test_a_stamp_of_whole_seconds_tells_nothing() -> None:
    assert (exact(STAMP), exact(STAMP.replace(microsecond=0)), exact(None)) == (STAMP, None, None)


@pytest.mark.parametrize(
    ("ruling", "is_idle", "is_read"),
    [
        pytest.param(Ruling("1", UNCHANGED), True, False, id="as it is known"),
        pytest.param(Ruling("1", UNCHANGED), False, True, id="with something to write"),
        pytest.param(Ruling("1", UNCHANGED, problems=(Problem("odd", "name", "words"),)), True, True, id="with a problem"),
        pytest.param(Ruling("1", APPLIED), True, True, id="changed"),
        pytest.param(Ruling("1", SKIPPED, "not_ours"), True, True, id="skipped"),
        pytest.param(Ruling("2", APPLIED), False, False, id="read by its id"),
    ],
)
def test_what_an_index_shows_counts_only_where_nothing_follows_from_it(ruling: Ruling[None], is_idle: bool, is_read: bool) -> None:
    found = confirmed(ruling, "company", {"1"}, is_idle=is_idle)
    assert found == (Ruling("1", SKIPPED, "read_whole", read_again=(("company", "1"),)) if is_read else ruling)


def test_a_change_of_a_deal_is_idle_where_it_says_only_whose_it_is() -> None:
    assert DealChange("d1").is_idle
    assert not DealChange("d1", is_owed=True).is_idle
    assert not DealChange("d1", asks_edits=True).is_idle
    assert not DealChange("d1", settled=("amount",)).is_idle
