"""One sandbox and one first load for the session; a server and a database for each test that takes a desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_worker.sandbox.process import SalesforceOptions, serve_thread
from sync_worker.sandbox.remote import Remote
from tests.integration.api.desk import Desk, desk
from tests.integration.steps.conftest import as_it_was
from tests.integration.steps.world import Loaded, World
from tests.servers import MONDAY


@pytest.fixture(scope="session")
def sandbox() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=8, now=MONDAY)) as url:
        yield url


@pytest.fixture(scope="session")
def loaded(sandbox: str, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    directory = tmp_path_factory.mktemp("loaded")
    with Remote(sandbox) as remote:
        as_it_was(remote)
        world = World(sandbox, remote, directory)
        before = world.org()
        world.pull()
        return Loaded.of(world, before, directory)


@pytest.fixture
def acme(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """A desk of its own for each test."""
    with desk(tmp_path, sandbox, loaded) as made:
        yield made


@pytest.fixture(scope="module")
def shared(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for tests that only look, or make their own deals."""
    with desk(tmp_path_factory.mktemp("shared"), sandbox, loaded) as made:
        yield made
