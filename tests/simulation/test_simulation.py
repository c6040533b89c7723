"""Edits on both sides, repeats, crashes, lost replies: whatever happens, the end-state rules hold at rest.

Few seeds run on the sandboxes, through the real adapters and HTTP; many on CRMs in memory, which are a good deal quicker.

SYNC_WORKER_SIMULATION_SEEDS="7"      one seed again, on each
SYNC_WORKER_SIMULATION_SEEDS="0-99"   more of them
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.simulation.lived import lived
from tests.simulation.shrink import shrunk
from tests.simulation.simulate import Report, Story

SEEDS = {"salesforce": "0-2", "hubspot": "0-2", "fast-salesforce": "0-19", "fast-hubspot": "0-19"}
SEEDS_A_TEST = 5
FOUND = [
    Story("fast-hubspot", 22, (16, 19)),
    Story("fast-hubspot", 86, (1, 16)),
    Story("fast-salesforce", 29, (3, 13, 21)),
    Story("fast-hubspot", 20177, (10, 11)),
    Story("fast-hubspot", 6, (3, 14, 16)),
]  # stories that broke a rule once, as they were shrunk


def _stories(crm: str) -> list[Story]:
    first, _, last = os.environ.get("SYNC_WORKER_SIMULATION_SEEDS", SEEDS[crm]).partition("-")
    return [Story.whole(crm, seed) for seed in range(int(first), int(last or first) + 1)]


def _parts() -> list[Any]:
    parts = []
    for crm in SEEDS:
        stories = _stories(crm)
        size = SEEDS_A_TEST if stories[0].is_fast else 1
        for at in range(0, len(stories), size):
            part = stories[at : at + size]
            parts.append(pytest.param(part, id=f"{crm} {part[0].seed}-{part[-1].seed}"))
    return parts


@pytest.mark.parametrize("stories", _parts())
def test_whatever_happens_both_sides_end_up_telling_the_same_story(stories: list[Story]) -> None:
    for story in stories:
        report = lived(story)
        assert not report.broken, str(shrunk(report, lived) if story.is_fast else report)


@pytest.mark.parametrize("story", FOUND, ids=lambda story: f"{story.crm} {story.seed}")
def test_a_story_that_broke_a_rule_once_breaks_none_any_more(story: Story) -> None:
    report = lived(story)

    assert not report.broken, str(report)


def test_a_broken_story_is_shrunk_to_the_events_that_break_it() -> None:
    def live(story: Story) -> Report:
        is_broken = {3, 17} <= set(story.events)
        return Report(story, ("rule 1: …",) if is_broken else (), (), {})

    shortest = shrunk(live(Story.whole("fast-salesforce", 1)), live)

    assert shortest.story.events == (3, 17)


def test_a_story_that_is_lived_again_is_the_same_to_the_last_word() -> None:
    story = Story.whole("fast-hubspot", 5)

    assert lived(story).trail == lived(story).trail
