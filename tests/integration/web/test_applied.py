"""From a change in a CRM to the value in our database, by webhook alone: in one process on SQLite, in three on PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import Remote
from tests.integration.web.conftest import Doorstep, Side, doorstep, installed, loaded, subscribe_hubspot, subscribe_salesforce
from tests.patience import until

NOT_DATA = {"token", "versions", "describe", "properties", "labels", "account", "owners", "pipelines", "schemas"}


@pytest.fixture(params=["embedded", "apart"])
def door(
    request: pytest.FixtureRequest, tmp_path: Path, urls: dict[str, str], salesforce: Remote, hubspot: HubspotRemote
) -> Iterator[Doorstep]:
    """At work, after both portals' first load; nothing is polled for an hour."""
    with ExitStack() as stack:
        if request.param == "embedded":
            installation = loaded(installed(tmp_path, urls, request.getfixturevalue("sqlite_url")))
            yield stack.enter_context(doorstep(installation, "run"))
            return
        database_url, redis_url = request.getfixturevalue("postgresql_url"), request.getfixturevalue("redis_db")
        installation = loaded(installed(tmp_path, urls, database_url, redis_url))
        for words in (("worker", "--health-port", "0"), ("schedule", "--health-port", "0")):
            stack.enter_context(installation.process(*words)).address()
        yield stack.enter_context(doorstep(installation, "web"))


def settled(door: Doorstep) -> bool:
    return not door.noticed("acme") and not door.noticed("globex")


def test_what_people_change_in_both_crms_is_here_whatever_the_order(door: Doorstep, salesforce: Remote, hubspot: HubspotRemote) -> None:
    # Given both CRMs, which tell us by themselves from now on
    subscribe_salesforce(salesforce, door, auto=True)
    subscribe_hubspot(hubspot, door, auto=True)
    # when people change records several times over
    account = salesforce.named("Account", "Birch Systems")["Id"]
    company = hubspot.named("companies", "Birch Systems")["id"]
    for nth in range(5):
        salesforce.edit("Account", account, {"Name": f"Birch & Sons {nth}"})
        hubspot.edit("companies", company, {"name": f"Birch & Daughters {nth}"})
    # then the last value is here
    until(lambda: "Birch & Sons 4" in door.names("acme"), what=door.told())
    until(lambda: "Birch & Daughters 4" in door.names("globex"), what=door.told())
    until(lambda: settled(door), what="nothing waits")
    # and nobody was told to come again
    assert {delivery["status"] for delivery in hubspot.deliveries()} == {204}
    assert not [one for one in salesforce._list("GET", "outbound_messages") if one["queued"]]


def test_a_thousand_events_on_two_hundred_records_are_few_reads(
    side: Side, tmp_path: Path, urls: dict[str, str], sqlite_url: str, salesforce: Remote, hubspot: HubspotRemote
) -> None:
    # Given two hundred companies, each changed five times
    ids = [side.remote.create(side.native, {side.name: f"New {number}"}) for number in range(200)]
    with doorstep(loaded(installed(tmp_path, urls, sqlite_url)), "run") as door:
        side.tell(door)
        for nth in range(5):
            for one in ids:
                side.rename(one, f"{nth} of {one}")
        side.remote.reset_calls()
        # when we are told of all of it, out of order, and no reading ends before that
        side.remote.freeze()
        side.remote.set_latency(1_000)
        done = side.deliver()
        side.remote.set_latency(0)
        side.remote.freeze(frozen=False)
        assert done.get("acknowledged", done.get("taken")) == 1_000
        # then they are read in a few calls
        until(lambda: settled(door), what=door.told())
        reads = {kind: count for kind, count in side.remote.calls()["kinds"].items() if kind not in NOT_DATA}
        assert 1 <= sum(reads.values()) <= (2 if side.portal == "acme" else 4), reads


# ── polls and webhooks at once ───────────────────────────────────────────────────────────────────────────────────────


def test_whoever_is_held_back_never_writes_an_older_value(
    side: Side, tmp_path: Path, urls: dict[str, str], sqlite_url: str, salesforce: Remote, hubspot: HubspotRemote
) -> None:
    # Given a portal at work, and a company that was just changed
    installation = loaded(installed(tmp_path, urls, sqlite_url))
    company = side.remote.named(side.native, "Birch Systems")[side.key]
    held, call = {"acme": ("refresh", "*"), "globex": ("poll", "batch_read")}[side.portal]
    with doorstep(installation, "run") as door, ExitStack() as stack:
        until(lambda: settled(door))
        # and an answer with that value that is long on its way: of a poll's page, or of the read that a webhook made due
        side.remote.fault(call, object_name=side.native, when="after_commit", hold=True)
        if held == "poll":
            side.rename(company, "Old news")  # only the poll knows
            side.remote.advance_clock(30)
            side.tell(door, auto=True)
            stack.enter_context(installation.process("pull", side.portal))
        else:
            side.tell(door, auto=True)
            side.rename(company, "Old news")
        until(lambda: side.remote.faults()[0]["hits"], what="the answer is on its way")
        # when it is changed again, and a webhook, or a poll as well, tries to pass
        side.rename(company, "Latest news")
        if held == "refresh":
            side.remote.advance_clock(30)
            installation.command("pull", side.portal, code=None)
        else:
            until(lambda: "Latest news" in door.names(side.portal) or not settled(door), what="the webhook was heard")
        # then the latest value is here in the end
        side.remote.clear_faults()
        until(lambda: "Latest news" in door.names(side.portal) and settled(door), what=door.told())
        # and stays, whoever ended last
        side.remote.advance_clock(30)
        installation.command("pull", side.portal, code=None)
        assert "Latest news" in door.names(side.portal)
        assert "Old news" not in door.names(side.portal)
