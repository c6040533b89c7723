"""A world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from crm_sandbox.remote import Remote
from tests.integration.conftest import as_it_was
from tests.integration.steps.world import Loaded, World
from tests.servers import PostgreSQL


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


@pytest.fixture(scope="session")
def loaded_postgresql(sandbox: str, postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Loaded]]:
    """A PostgreSQL database after a first load, made once for all to be copied: its name, and the load."""
    with Remote(sandbox) as remote, postgresql.database() as url:
        as_it_was(remote)
        world = World(sandbox, remote, tmp_path_factory.mktemp("loaded"), database_url=url)
        yield str(make_url(url).database), Loaded.into(world)


@pytest.fixture
def postgresql_world(
    sandbox: str, postgresql: PostgreSQL, loaded_postgresql: tuple[str, Loaded], remote: Remote, tmp_path: Path
) -> Iterator[World]:
    """As `world`, on PostgreSQL."""
    name, load = loaded_postgresql
    with postgresql.database(like=name) as url, closing(World(sandbox, remote, tmp_path, load, database_url=url)) as full:
        full.forward(2000)
        yield full


@pytest.fixture
def any_world(request: pytest.FixtureRequest, backend: str) -> World:
    """The same on SQLite and on PostgreSQL."""
    found: World = request.getfixturevalue("world" if backend == "sqlite" else "postgresql_world")
    return found
