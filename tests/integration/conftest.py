"""One Salesforce sandbox and one first load for all rooms that begin with a portal at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from crm_sandbox.process import SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
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
        made = Loaded.into(World(sandbox, remote, directory))
        return replace(made, database=(directory / "sync-worker.db").read_bytes())


def as_it_was(remote: Remote) -> None:
    remote.freeze()
    remote.set_clock(MONDAY)
    remote.reset()
