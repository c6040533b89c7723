"""Ten seeds on one CRM, six on the other: edits on both sides, repeats, crashes, lost replies; the end-state rules hold at rest.

SYNC_WORKER_SIMULATION_SEEDS="7"      one seed again, on each
SYNC_WORKER_SIMULATION_SEEDS="0-99"   more of them
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.simulate import simulate

SEEDS = {"salesforce": "0-9", "hubspot": "0-5"}


def _seeds(usual: str) -> list[int]:
    first, _, last = os.environ.get("SYNC_WORKER_SIMULATION_SEEDS", usual).partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.mark.parametrize(("crm", "seed"), [(crm, seed) for crm, usual in SEEDS.items() for seed in _seeds(usual)])
def test_whatever_happens_both_sides_end_up_telling_the_same_story(crm: str, seed: int) -> None:
    report = simulate(crm, seed)
    assert not report.broken, str(report)
