"""One sandbox for the session, a world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync_worker.sandbox.process import SalesforceOptions, serve_thread
from sync_worker.sandbox.remote import Remote
from tests.integration.steps.world import World
from tests.servers import MONDAY


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """The session's sandbox; each test begins with it as it was."""
    with serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=8, now=MONDAY)) as url:
        yield url


@pytest.fixture
def empty_world(sandbox: str, tmp_path: Path) -> Iterator[World]:
    """Nothing was read yet."""
    with Remote(sandbox) as remote:
        remote.freeze()
        remote.set_clock(MONDAY)
        remote.reset()
        with closing(World(sandbox, remote, tmp_path)) as empty:
            yield empty


@pytest.fixture
def world(empty_world: World) -> World:
    """After a first load, what it wrote back into the CRM still to be seen there."""
    empty_world.pull()
    empty_world.forward(2000)
    return empty_world
