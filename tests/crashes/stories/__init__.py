"""All stories."""

from __future__ import annotations

from tests.crashes.stories.reading import READING
from tests.crashes.stories.writing import WRITING
from tests.crashes.story import Story

STORIES: tuple[Story, ...] = (*READING, *WRITING)
