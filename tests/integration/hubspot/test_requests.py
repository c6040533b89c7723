"""Our requests as HubSpot's API description words them, whatever the client library would write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.integration.hubspot.test_strange_answers import SCAN, connect, read_back, row
from tests.stranger import Stranger, stranger


@pytest.fixture
def hubspot() -> Iterator[Stranger]:
    """A portal with one live and one archived deal."""
    with stranger() as told:
        told.on("GET", "/details", {"timeZone": "US/Eastern"})
        told.on("GET", "/objects/2026-09/deals", {"results": [row("7")]})
        told.on("POST", "/search", {"total": 1, "results": [{"id": "7"}]})
        told.on("POST", "/batch/read", read_back)
        yield told


def test_truth_in_an_address_is_written_in_small_letters(hubspot: Stranger) -> None:
    # When a first load lists the live records, and a scan lists the archived ones and reads records by id
    list(connect(hubspot).changed_since(replace(SCAN, from_at=None)))
    list(connect(hubspot).changed_since(SCAN))
    connect(hubspot).fetch("deals", ["7", "8"], fields=("dealname",))

    # Then every wish about archived records is `true` or `false`
    said = {word for asked in hubspot.seen for word in re.findall(r"archived=(\w+)", asked.query)}
    assert said == {"true", "false"}


def test_a_batch_read_has_every_key_that_it_must_have(hubspot: Stranger) -> None:
    connect(hubspot).fetch("deals", ["7"], fields=("dealname",))
    connect(hubspot).find_by_key("deals", "dealname", ["77"], fields=())

    bodies = [asked.body for asked in hubspot.asked("/batch/read")]
    assert bodies
    assert [body["propertiesWithHistory"] for body in bodies] == [[]] * len(bodies)
    assert all(body["properties"] and body["inputs"] for body in bodies)
