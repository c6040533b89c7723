"""A receiver and a desk for each test, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.feed.desk import Desk, desk, receiver_of
from tests.integration.feed.inbox import Inbox
from tests.integration.feed.inbox import inbox as open_inbox
from tests.servers import Clock


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as found:
        yield found


@pytest.fixture
def portal(database_url: str, clock: Clock, inbox: Inbox, tmp_path: Path) -> Iterator[Desk]:
    with desk(database_url, clock, receiver_of(inbox.url), tmp_path) as found:
        yield found
