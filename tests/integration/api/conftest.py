"""A server and a database for each test that takes a desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api.desk import Desk, desk
from tests.integration.steps.world import Loaded


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
