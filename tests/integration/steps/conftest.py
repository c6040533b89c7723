"""One sandbox for the session, a world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync_worker.sandbox.process import SalesforceOptions, serve_thread
from sync_worker.sandbox.remote import Remote
from tests.integration.steps.world import Loaded, World
from tests.servers import MONDAY


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    """The session's sandbox; each test begins with it as it was."""
    with serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=8, now=MONDAY)) as url:
        yield url


@pytest.fixture(scope="session")
def loaded(sandbox: str, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A first load, made once for all."""
    directory = tmp_path_factory.mktemp("loaded")
    with Remote(sandbox) as remote:
        as_it_was(remote)
        world = World(sandbox, remote, directory)
        before = world.org()
        world.pull()
        return Loaded.of(world, before, directory)


@pytest.fixture
def remote(sandbox: str) -> Iterator[Remote]:
    """The sandbox as it was at the start."""
    with Remote(sandbox) as controls:
        as_it_was(controls)
        yield controls


@pytest.fixture
def empty_world(sandbox: str, remote: Remote, tmp_path: Path) -> Iterator[World]:
    """Nothing was read yet."""
    with closing(World(sandbox, remote, tmp_path)) as empty:
        yield empty


@pytest.fixture
def world(sandbox: str, loaded: Loaded, remote: Remote, tmp_path: Path) -> Iterator[World]:
    """After a first load; the next pull sees what it wrote into the CRM."""
    with closing(World(sandbox, remote, tmp_path, loaded)) as full:
        full.forward(2000)
        yield full


def as_it_was(remote: Remote) -> None:
    remote.freeze()
    remote.set_clock(MONDAY)
    remote.reset()
