"""An installation with the console on, an operator and an admin of the vendor in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_worker.domain.people.console import ConsoleRole
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, console, operator
from tests.integration.steps.world import Loaded


@pytest.fixture
def acme(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """A portal of its own for each test."""
    with console(tmp_path, sandbox, loaded) as made:
        yield made


@pytest.fixture
def ann(acme: Desk) -> Iterator[Visitor]:
    """The operator."""
    visitor = operator(acme)
    with visitor.session:
        yield visitor


@pytest.fixture
def vera(acme: Desk) -> Iterator[Visitor]:
    """An admin of the vendor."""
    visitor = operator(acme, ConsoleRole.VENDOR, "acme")
    with visitor.session:
        yield visitor
