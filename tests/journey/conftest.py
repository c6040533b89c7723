"""A sandbox in a process of its own, and an installation on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_sandbox.process import serve_process
from crm_sandbox.remote import Remote
from tests.journey.crms import CRMS
from tests.journey.stage import Installation


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_process(CRMS["salesforce"].options) as address:
        yield address


@pytest.fixture
def remote(base_url: str) -> Iterator[Remote]:
    """The sandbox's controls, the org as at its beginning."""
    with Remote(base_url) as controls:
        controls.clear_faults()
        controls.clear_validation_rules()
        controls.reset()
        controls.reset_calls()
        yield controls


@pytest.fixture
def installation(tmp_path: Path, sqlite_url: str, base_url: str, remote: Remote) -> Installation:
    """The portal `acme` on a migrated SQLite file, without Redis."""
    found = Installation(tmp_path, base_url, sqlite_url)
    found.write_portal()
    return found


@pytest.fixture
def fresh_redis(redis_url: str) -> list[str]:
    """Two flushed Redis databases that only this test uses."""
    import redis

    urls = [f"{redis_url}/{number}" for number in (14, 15)]
    for url in urls:
        with redis.Redis.from_url(url) as client:
            client.flushdb()
    return urls
