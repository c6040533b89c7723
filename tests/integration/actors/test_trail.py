"""From the request to the last run it caused: one trail, through the queue of the embedded default and through real Redis alike."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import dramatiq
import structlog

from crm_sandbox.remote import Remote
from sync_worker.actors import register
from sync_worker.domain.core.deal import Actor
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.deals.register import register as register_deal
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.telemetry import logs
from sync_worker.telemetry.correlation import following
from tests.integration.actors.conftest import Build, working
from tests.patience import until

DEAL = {"owner_company": "Birch Systems", "second_partner": "Arrow Electronics", "prospect_name": "Harbor Freight Lines"}


@contextmanager
def log() -> Iterator[io.StringIO]:
    """The log as machines read it."""
    with redirect_stderr(io.StringIO()) as shown:
        logs.set_up("json")
        try:
            yield shown
        finally:
            structlog.reset_defaults()


def test_a_request_is_on_the_line_of_the_push_and_of_what_follows_from_it(queue: dramatiq.Broker, build_on: Build, remote: Remote) -> None:
    # Given a portal with companies, and a deal that was registered by a request
    installation = build_on()
    hands, tenant = register(queue, installation), installation.tenant("acme")
    pull(tenant, "company")
    register_deal(tenant, DEAL, actor=Actor("Ann", None, "portal"))

    # When the request sends the push, and somebody else sends work too
    with log() as shown, working(queue, threads=1):
        with following(request="q-1"):
            hands.send("acme", Work.PUSH)
        until(lambda: runs_of(shown, "refresh"), what="the push was read back")
        hands.send("birch", Work.PULL, "company")
        until(lambda: runs_of(shown, "pull", "birch"), what="the other portal pulled")

    # Then the push and the refresh it caused say whose they are, and the other's work does not
    [push], [refresh], [other] = runs_of(shown, "push"), runs_of(shown, "refresh"), runs_of(shown, "pull", "birch")
    assert (push["request"], "cause" in push) == ("q-1", False)
    assert (refresh["request"], refresh["cause"]) == ("q-1", push["run"])
    assert not {"request", "cause"} & other.keys()


def test_a_run_has_one_line_and_each_of_its_batches_one(build_on: Build, remote: Remote) -> None:
    tenant = build_on().tenant("acme")
    with log() as shown:
        done = pull(tenant, "company")

    [run] = runs_of(shown, "pull")
    batches = [line for line in lines(shown) if line["event"] == "batch"]
    assert {key: run[key] for key in ("portal", "object", "state", "run")} == {
        "portal": "acme",
        "object": "company",
        "state": "done",
        "run": done.run_id,
    }
    assert run["read"] == done.counts.read == sum(line["read"] for line in batches)
    assert run["calls"] == sum(line["calls"] for line in batches) >= 1
    assert run["duration_s"] > 0
    assert {(line["run"], line["portal"], line["object"]) for line in batches} == {(done.run_id, "acme", "company")}


def lines(shown: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shown.getvalue().splitlines()]


def runs_of(shown: io.StringIO, verb: str, portal: str = "acme") -> list[dict[str, Any]]:
    return [line for line in lines(shown) if line["event"] == "run" and line["verb"] == verb and line["portal"] == portal]
