"""What `python -m benchmarks.latency` shows of calls that were counted second by second."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import latency
from benchmarks.latency import Found, figures


def _run(seconds: dict[str, list[int]], *, wall_s: float = 10, refused: int = 0, again: int = 0) -> dict[str, Any]:
    calls = {kind: sum(made) for kind, made in seconds.items()}
    return {
        "wall_s": wall_s,
        "calls": calls,
        "seconds": seconds,
        "refused": refused,
        "refused_again": again,
        "in_flight": {"now": 0, "most": 8, "most_by_kind": {}},
    }


def _shown(found: Found) -> dict[str, tuple[float, bool | None]]:
    return {figure.name: (figure.value, figure.is_reached) for figure in figures(found)}


def test_the_first_ten_seconds_and_the_last_one_do_not_count_for_calls() -> None:
    # Given a burst of 190 in the first second, then nineteen a second for ten seconds, and a last second that was not full
    load = _run({"list": [190, *[0] * 9, *[19] * 10, 3], "search": [5] * 21})
    # Then all that was allowed was used; searches have a limit of their own
    assert _shown(Found(hubspot={"first load": load}))["HubSpot, first load: calls used of those allowed"] == (100, True)


def test_three_calls_a_second_are_a_sixth_of_what_is_allowed() -> None:
    shown = _shown(Found(hubspot={"patch-back": _run({"batch_update": [3] * 41})}))
    used, is_reached = shown["HubSpot, patch-back: calls used of those allowed"]
    assert used == pytest.approx(100 * 3 / 19)
    assert is_reached is False


def test_the_searches_of_an_echo_poll_are_held_against_its_whole_length() -> None:
    poll = _run({"search": [5, 5, 5, 5], "batch_read": [0, 0, 0, 0, 9]})
    assert _shown(Found(hubspot={"echo poll": poll}))["HubSpot, echo poll: searches used of those allowed"] == (100, True)


def test_a_stage_that_is_shorter_than_a_window_has_no_such_figure() -> None:
    shown = _shown(Found(hubspot={"first load": _run({"list": [19] * 11})}))
    assert [name for name in shown if "used of those" in name] == []


@pytest.mark.parametrize(("refused", "again", "reached"), [(0, 0, (True, True)), (1, 0, (False, True)), (1, 1, (False, False))])
def test_refused_calls_are_a_share_of_all_and_none_twice(refused: int, again: int, reached: tuple[bool, bool]) -> None:
    shown = _shown(Found(hubspot={"first load": _run({"list": [100]}, refused=refused, again=again)}))
    assert shown["HubSpot: refused (429)"] == (refused, reached[0])
    assert shown["HubSpot: refused (429) twice in a row"] == (again, reached[1])


def test_several_calls_at_once_are_held_against_one_after_the_other() -> None:
    runs = {parallel: _run({"collections_write": [1]}, wall_s=wall_s) for parallel, wall_s in ((1, 120), (4, 30), (8, 24))}
    shown = _shown(Found(patches=runs))
    assert shown["Salesforce, patch-back, 4 at once: times as fast"] == (4, True)
    assert shown["Salesforce, patch-back, 8 at once: times as fast"] == (5, False)


def test_code_that_makes_one_call_after_the_other_does_not_reach_the_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "is_parallel", lambda: False)
    shown = _shown(Found(loads={1: _run({"query_all": [1]})}))
    assert shown["Salesforce, first load, 4 at once: times as fast"] == (1, False)


def test_a_webhook_while_a_load_runs_is_held_against_five_seconds() -> None:
    run = {"applied_p50_ms": 900.0, "applied_p99_ms": 10_400.0, "unapplied": 0, "loaded_percent": 19.0}
    shown = _shown(Found(webhooks={"hubspot": run}))
    assert shown["hubspot, a webhook while a first load runs: applied, p99"] == (10_400, False)
    assert shown["hubspot, a webhook while a first load runs: not applied"] == (0, True)
