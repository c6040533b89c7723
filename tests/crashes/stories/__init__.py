"""All stories."""

from __future__ import annotations

from tests.crashes.stories.intervening import INTERVENING
from tests.crashes.stories.operating import OPERATING
from tests.crashes.stories.reading import READING
from tests.crashes.stories.selling import SELLING
from tests.crashes.stories.telling import TELLING
from tests.crashes.stories.writing import WRITING
from tests.crashes.story import Story

STORIES: tuple[Story, ...] = (*READING, *WRITING, *OPERATING, *INTERVENING, *SELLING, *TELLING)
