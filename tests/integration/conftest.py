"""One Salesforce sandbox and one first load for all rooms that begin with a portal at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def edited(sandbox: str, *names: str, **fields: str) -> Iterator[None]:
    """Inside, these companies hold these values in the CRM; afterwards what they held, because the sandbox is every test's."""
    with Remote(sandbox) as remote:
        before = [remote.named("Account", name) for name in names]
        for record in before:
            remote.edit("Account", str(record["Id"]), fields)
        remote.advance_clock(30)
        try:
            yield
        finally:
            for record in before:
                remote.edit("Account", str(record["Id"]), {name: record.get(name) for name in fields})


@pytest.fixture
def leaving(sandbox: str) -> Iterator[tuple[str, ...]]:
    """Five partners whose status is taken away in one go, which the brake may hold."""
    names = ("Birch Systems", "Cedar IT", "Dogwood Networks", "Elm Consulting", "Fir Technologies")
    with edited(sandbox, *names, Portal_Status__c="Inactive"):
        yield names


def as_it_was(remote: Remote) -> None:
    remote.freeze()
    remote.set_clock(MONDAY)
    remote.reset()
