"""A short soak with real processes. `make soak-processes MINUTES=…` is a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import Unavailable
from tests.soak.__main__ import run
from tests.soak.soak import Plan
from tests.soak.troubles import A_WORKER, AT_A_CALL

FEW = (("web", 1), ("schedule", 1), ("worker", 1))  # each start costs seconds of CPU
TWO = (("salesforce", "contracts"), ("hubspot", "rules"))


def is_a_kill(words: str) -> bool:
    return words in (A_WORKER, AT_A_CALL)


def test_both_sides_tell_the_same_story_after_workers_were_killed(tmp_path: Path) -> None:
    plan = Plan(minutes=0.12, seed=1, portals=TWO, processes=FEW, pace=1.5, is_troubled=is_a_kill, folder=tmp_path)
    try:
        wrong = run(plan)
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert wrong == []
