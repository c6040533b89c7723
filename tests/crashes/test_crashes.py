"""A worker dies at each point of each story, and the next one ends the story as it ends without a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crashes.databases import PostgresqlDatabase, SqliteFile
from tests.crashes.live import staged, told
from tests.crashes.stories import STORIES
from tests.crashes.story import Story
from tests.servers import PostgreSQL

CASES = [
    pytest.param(story, story.crms[no % len(story.crms)], id=story.name) for no, story in enumerate(STORIES)
]  # `make soak`: each on both
SAMPLE = [case for case in CASES if case.id in ("first-load-deals", "push-new")]
SAMPLE_COUNT = 4


@pytest.mark.parametrize(("story", "crm"), CASES)
def test_whatever_point_a_worker_dies_at_the_story_ends_the_same(story: Story, crm: str) -> None:
    with staged(story, crm, SqliteFile()) as stage:
        assert not stage.wrong
        assert stage.points
        wrong = [report for point in stage.different_points if (report := told(stage, crm, point.at))]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(("story", "crm"), SAMPLE)
def test_so_it_is_on_postgresql(story: Story, crm: str, postgresql: PostgreSQL) -> None:
    with staged(story, crm, PostgresqlDatabase(postgresql)) as stage:
        points = stage.different_points
        sample = points[1 :: len(points) // SAMPLE_COUNT]
        wrong = [report for point in sample if (report := told(stage, crm, point.at))]
    assert not wrong, "\n\n".join(wrong)


def test_points_that_leave_the_same_world_are_lived_once() -> None:
    with staged(next(story for story in STORIES if story.name == "poll"), "fast-hubspot", SqliteFile()) as stage:
        lived, points = stage.different_points, stage.points

    assert len(lived) < len(points)
    assert {point.changes for point in lived} == {point.changes for point in points}
    assert {point.what for point in points} == {"before the commit", "after the commit", "before the call", "after the call"}


def test_a_cursor_that_is_committed_before_its_rows_is_found() -> None:
    """In a process of its own, because the bug is planted while the product is imported."""
    command = [sys.executable, "-m", "tests.crashes.planted", "the cursor moves and the rows are forgotten", "first-load-companies"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "run it again: python -m tests.crashes --story first-load-companies --crm fast-salesforce" in done.stdout
    assert "missing: id=<Elm>" in done.stdout
