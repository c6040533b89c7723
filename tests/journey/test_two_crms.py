"""Two portals, two CRMs, one worker: both pull and push at once, and neither touches the other's rows, budget or log lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import serve_process
from crm_sandbox.remote import Remote
from tests.journey.crms import CRMS, LocalCrm
from tests.journey.stage import Installation, Process
from tests.patience import until

PORTALS = {"acme": "salesforce", "globex": "hubspot"}


@dataclass
class Side:
    """One portal of the installation, and its CRM."""

    portal: str
    crm: LocalCrm
    remote: Remote
    installation: Installation

    def companies(self) -> list[dict[str, Any]]:
        return list(self.installation.asks("companies", "list", self.portal))

    def standing(self) -> dict[str, Any]:
        return dict(self.installation.asks("portals", "show", self.portal))

    def register(self, **fields: str) -> str:
        """A deal of this portal; its id."""
        file = self.installation.deal_file(f"{self.portal}.yaml", **fields)
        return str(self.installation.command("deals", "register", self.portal, file, "--json").json["id"])

    def rename(self, old: str, new: str) -> None:
        """A person renames a company in the CRM."""
        self.remote.edit(self.crm.company, self.crm.id_named(self.remote, old), {self.crm.name: new})
        self.remote.advance_clock(60)

    def has(self, name: str) -> bool:
        return name in {company["name"] for company in self.companies()}


@pytest.fixture(scope="module")
def hubspot_url() -> Iterator[str]:
    with serve_process(CRMS["hubspot"].options) as address:
        yield address


@pytest.fixture
def sides(tmp_path: Path, postgresql_url: str, redis_db: str, base_url: str, hubspot_url: str, remote: Remote) -> Iterator[list[Side]]:
    """One database, one Redis, one folder of portal files."""
    one = Installation(tmp_path, base_url, postgresql_url, redis_db, {"SYNC_WORKER_LOG_FORMAT": "json"})
    with HubspotRemote(hubspot_url) as other:
        other.clear_faults()
        other.reset()
        urls: dict[str, tuple[str, Remote]] = {"acme": (base_url, remote), "globex": (hubspot_url, other)}
        found = []
        for portal, kind in PORTALS.items():
            url, controls = urls[portal]
            replace(one, base_url=url, crm=CRMS[kind]).write_portal(name=portal, pull="5s")
            found.append(Side(portal, CRMS[kind], controls, one))
        yield found


@pytest.fixture
def working(sides: list[Side]) -> Iterator[list[Process]]:
    """One worker and one schedule for both portals."""
    installation = sides[0].installation
    with installation.process("worker") as worker, installation.process("schedule") as schedule:
        yield [worker, schedule]


def test_both_at_once_and_neither_in_the_others_way(sides: list[Side], working: list[Process]) -> None:
    # Given one worker, both portals come in and our ids go out, each from its own CRM and into it
    for side in sides:
        until(side.companies, what=f"{side.portal}'s companies came in")
        until(partial(owes_nothing, side), what=f"{side.portal} owes nothing: {working[0].log}")
        theirs = {record[side.crm.id] for record in side.remote.records(side.crm.company)}
        assert {company["crm_id"] for company in side.companies()} <= theirs

    # When both partners register a deal of the same name at once
    ids = [side.register(prospect_name="Harbor Freight Lines") for side in sides]

    # Then each stands in its own CRM once, and in the other one not at all
    for side, deal_id in zip(sides, ids, strict=True):
        until(partial(side.crm.deals_with, side.remote, deal_id), what="the deal is there")
    acme, globex = sides
    assert [len(acme.crm.deals_with(acme.remote, deal_id)) for deal_id in ids] == [1, 0]
    assert [len(globex.crm.deals_with(globex.remote, deal_id)) for deal_id in ids] == [0, 1]
    assert [process.stop() for process in working] == [0, 0]
    _each_line_has_its_portal(sides, working)


@pytest.mark.parametrize("limited", ["globex"])
def test_the_limit_of_one_stops_nobody_else(limited: str, sides: list[Side], working: list[Process]) -> None:
    [stopped] = [side for side in sides if side.portal == limited]
    [other] = [side for side in sides if side.portal != limited]
    for side in sides:
        until(side.companies, what=f"{side.portal}'s companies came in")

    # When the day's calls of one CRM are used up
    _use_up(stopped)
    until(lambda: stopped.standing()["paused_until"], what=f"{limited} rests")

    # Then that portal says so, and the other one goes on
    assert "limit" in stopped.standing()["paused_because"].lower()
    other.rename("Dogwood Networks", "Dogwood & Sons")
    until(lambda: other.has("Dogwood & Sons"), what="an edit in the other CRM came in")
    assert other.standing()["paused_until"] is None
    assert stopped.standing()["paused_until"] is not None
    assert [process.stop() for process in working] == [0, 0]
    _each_line_has_its_portal(sides, working)


def owes_nothing(side: Side) -> bool:
    return not side.standing().get("outbox ready")


def _use_up(side: Side) -> None:
    """An admin's other apps have made every call of the day."""
    if isinstance(side.remote, HubspotRemote):
        side.remote.set_limits(daily=1_000, used=1_000)
    else:
        side.remote.set_daily_limit(1_000, used=1_000)


def _each_line_has_its_portal(sides: list[Side], processes: list[Process]) -> None:
    """Every line of a step names its portal, and what a portal's line names is its own."""
    lines = [json.loads(line) for process in processes for line in process.lines if line.startswith("{")]
    steps = [line for line in lines if line["event"] == "batch" or "verb" in line]
    assert {line["portal"] for line in steps} == {side.portal for side in sides}
    for line in steps:
        assert not any(side.portal in json.dumps(line) for side in sides if side.portal != line["portal"]), line
