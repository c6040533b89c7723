"""Thirty seeds of edits on both sides, repeats, crashes and lost replies; the end-state rules hold at rest.

SYNC_WORKER_SIMULATION_SEEDS="7"      one seed again
SYNC_WORKER_SIMULATION_SEEDS="0-99"   more of them
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.simulate import simulate


def _seeds() -> list[int]:
    first, _, last = os.environ.get("SYNC_WORKER_SIMULATION_SEEDS", "0-29").partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("seed", _seeds())
def test_whatever_happens_both_sides_end_up_telling_the_same_story(seed: int) -> None:
    report = simulate(seed)
    assert not report.broken, str(report)
