"""The shortest story that still breaks a rule: events are left out, many at once and then one by one, as long as it stays broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.simulate import Report, Story

Live = Callable[[Story], Report]


def shrunk(broken: Report, live: Live) -> Report:
    """The report of the shortest story found that is broken too, if otherwise."""
    size = len(broken.story.events) // 2
    while size:
        shorter = next((report for story in _without(broken.story, size) if (report := live(story)).broken), None)
        if shorter:
            broken = shorter
            size = min(size, len(broken.story.events) // 2)
        else:
            size //= 2
    return broken


def _without(story: Story, size: int) -> Iterator[Story]:
    """The story without so many events, which stand side by side; the last ones first, for they matter least."""
    for start in range(len(story.events) - size, -1, -size):
        yield replace(story, events=story.events[:start] + story.events[start + size :])
