"""Fixtures for everybody: databases and Redis, real ones, started only when a test asks for them. How they start: servers.py."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, cycle, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sync_worker.garbage import look_rarely

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from sync_worker.store.core.engine import Store
    from tests.mailbox import Mailbox
    from tests.servers import Clock, PostgreSQL


def pytest_configure() -> None:
    """As every process of ours begins; and statements that one test compiled serve the others."""
    from tests.statements import share_compiled

    look_rarely()
    share_compiled()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Half of the workers of `pytest -n` begin with the journeys: these are long and mostly wait, and what is left to share at the end is
    short. Each worker first gets an equal part of the list, in its order.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    journeys = [list(tests) for _, tests in groupby(filter(_is_journey, items), key=lambda item: item.path)]
    others = [item for item in items if not _is_journey(item)]
    beginners, part = (workers + 1) // 2, len(items) // workers
    ordered: list[pytest.Item] = []
    for beginner in range(beginners):
        begins_with = list(chain.from_iterable(journeys[beginner::beginners]))
        filled = max(0, part - len(begins_with))
        ordered += [*begins_with, *others[:filled]]
        del others[:filled]
    items[:] = ordered + others


def _is_journey(item: pytest.Item) -> bool:
    return "journey" in item.path.parts


def pytest_collection_finish() -> None:
    """The modules and the 12,000 tests live until the end: Python need not look through them for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium. While it is open, this thread runs an event loop, and `asyncio.run` of another module would fail."""
    from playwright.sync_api import sync_playwright

    from tests.integration.console.browser import chromium

    path = chromium()
    if not path:
        pytest.skip("there is no browser: install chromium, or set SYNC_WORKER_TEST_CHROMIUM to its path")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until told to move; `store` reads it."""
    from tests.servers import Clock

    return Clock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The session's PostgreSQL; `postgresql.database()` makes more databases."""
    from tests import servers

    try:
        with servers.postgresql() as server:
            yield server
    except servers.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    with postgresql.database() as url:
        yield url


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server with nothing in it."""
    from tests.mailbox import open_mailbox

    with open_mailbox() as box:
        yield box


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A migrated SQLite file of the test's own."""
    from tests.servers import sqlite_store

    with closing(sqlite_store(tmp_path)) as store:
        return store.url


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Whoever takes this, or anything below, runs on SQLite and on PostgreSQL."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, backend: str) -> str:
    """A migrated database of the test's own."""
    url: str = request.getfixturevalue(f"{backend}_url")
    return url


@pytest.fixture
def open_store(database_url: str, clock: Clock) -> Iterator[Callable[[], Store]]:
    """More stores on the test's database, as other processes would open them; closed at the end."""
    from sync_worker.store.core.engine import Store

    opened: list[Store] = []

    def another() -> Store:
        opened.append(Store(database_url, clock=clock, shared_clock=clock))
        return opened[-1]

    yield another
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """A store on a fresh, migrated database."""
    return open_store()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The session's Redis, without a database number; a test takes `redis_db`."""
    from tests import servers

    try:
        with servers.redis() as url:
            yield url
    except servers.Unavailable as reason:
        pytest.skip(str(reason))


_redis_numbers = cycle(range(1, 16))


@pytest.fixture
def redis_db(redis_url: str) -> Iterator[str]:
    """The URL of a flushed Redis database that only this test uses."""
    import redis

    url = f"{redis_url}/{next(_redis_numbers)}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()
