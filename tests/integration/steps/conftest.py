"""A world of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crm_sandbox.remote import Remote
from tests.integration.conftest import as_it_was
from tests.integration.steps.world import Loaded, World


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


@pytest.fixture
def any_world(request: pytest.FixtureRequest, backend: str, sandbox: str, remote: Remote, tmp_path: Path) -> Iterator[World]:
    """The same on SQLite and on PostgreSQL, which makes a first load of its own."""
    if backend == "sqlite":
        yield request.getfixturevalue("world")
        return
    with closing(World(sandbox, remote, tmp_path, database_url=request.getfixturevalue("postgresql_url"))) as full:
        full.pull()
        full.forward(2000)
        yield full
