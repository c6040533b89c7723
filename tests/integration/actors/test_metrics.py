"""What Prometheus is told: what a process counted, what the database and the queue know, and when one of them is out of reach."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from platform import python_version

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from crm_sandbox.remote import Remote
from sync_worker.actors import register
from sync_worker.bootstrap import Installation, Queue, broker
from sync_worker.config.settings import Settings
from sync_worker.gauges import MOST_CODES, Gauges
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.store.core import cursors, failures, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.core.failures import Failure
from sync_worker.store.sync import notices
from sync_worker.telemetry import metrics
from tests.integration.actors.conftest import Build, working
from tests.patience import HANG_S, until
from tests.servers import free_port

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(port: int) -> Samples:
    """Every sample by its name and labels, as Prometheus reads them."""
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S).text
    families = text_string_to_metric_families(text)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"sync_worker_{name}", frozenset(labels.items())]


@pytest.fixture
def port() -> int:
    return free_port()


def test_what_a_process_did_is_counted(build_on: Build, remote: Remote, port: int) -> None:
    tenant = build_on().tenant("acme")
    with metrics.serving("worker", [port]):
        before = scraped(port)
        done = pull(tenant, "company")
        with tenant.store.side_transaction("acme") as tx:
            notices.add(tx, "company", [remote.named("Account", "Birch Systems")["Id"]])
        refreshed = refresh(tenant, "company")
        after = scraped(port)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - before.get((f"sync_worker_{name}", frozenset(labels.items())), 0)

    assert grown("records_total", verb="pull", record="company", outcome="applied") == done.counts.applied > 0
    assert grown("records_total", verb="refresh", record="company", outcome="unchanged") == refreshed.counts.unchanged > 0
    assert grown("runs_total", verb="pull", state="done") == 1
    assert grown("api_calls_total", portal="acme", verb="pull") == 1
    assert grown("run_seconds_count", verb="refresh") == 1
    assert grown("notice_applied_seconds_count") == refreshed.counts.read
    assert value(after, "process", process="worker") == 1


def test_a_process_shows_what_it_runs(build_on: Build, port: int) -> None:
    # Given a process that was started, and another one after the files were changed
    build_on().begin()
    changed = build_on()
    changed._configuration = "0123456789ab"
    # When it is scraped
    with metrics.serving("worker", [port]):
        changed.begin()
        samples = scraped(port)
    # Then it shows one line, with what the heartbeat says too
    shown = {labels: value for (name, labels), value in samples.items() if name == "sync_worker_build_info"}
    what = {"version": changed.release.version, "python_version": python_version(), "configuration": "0123456789ab"}
    assert shown == {frozenset(what.items()): 1}


def test_what_the_database_and_the_queue_know(queue: Queue, build_on: Build, remote: Remote, port: int) -> None:
    # Given a portal with work waiting, a problem, and a pause
    installation = build_on()
    hands, tenant = register(queue, installation), installation.tenant("acme")
    pull(tenant, "company")
    refresh(tenant, "company")
    with tenant.store.side_transaction("acme") as tx:
        notices.add(tx, "lead", ["00Q1", "00Q2"])
        failures.record(tx, [problem("f1", "bug")])
        portals.pause(tx, tx.now + timedelta(minutes=5), "no log-in")
        cursors.pause(tx, "company", tx.now + timedelta(minutes=5), code="held_for_review", because="too much would go")
    for _ in range(3):
        hands.send("acme", Work.PUSH)

    # When it is scraped
    with metrics.serving("schedule", [port]), metrics.showing(Gauges(installation, queue)):
        samples = scraped(port)

    # Then
    assert 0 <= value(samples, "lag_seconds", portal="acme", record="company") < 300
    assert value(samples, "pull_interval_seconds", portal="birch") == 300
    assert value(samples, "notices_waiting", portal="acme") == 2
    assert value(samples, "notices_waiting", portal="birch") == 0
    assert value(samples, "notices_oldest_seconds", portal="acme") < 60
    assert value(samples, "portal_paused", portal="acme") == 1
    assert value(samples, "portal_paused", portal="birch") == 0
    assert [value(samples, "records_paused", portal=name) for name in ("acme", "birch")] == [1, 0]
    assert value(samples, "failures_open", portal="acme", kind="problem") >= 1
    assert value(samples, "failures_open_by_code", kind="problem", code="bug") == 1
    assert value(samples, "queue_messages", queue="live") == 3
    assert value(samples, "budget_used", portal="acme") >= 1
    assert (
        value(samples, "budget_left", portal="acme") + value(samples, "budget_used", portal="acme") == 15_000
    )  # the org says less than the file
    assert (value(samples, "database_up"), value(samples, "queue_up")) == (1, 1)

    # And the wait in the queue is counted where the work is done
    with metrics.serving("worker", [port]), working(queue):
        until(lambda: value(scraped(port), "message_wait_seconds_count", queue="live") >= 3, what="three messages were worked on")


def test_a_portal_that_was_taken_out_falls_behind_for_nobody(build_on: Build, port: int) -> None:
    installation = build_on()
    with installation.store.transaction("gone") as tx:
        portals.enter(tx, "contracts")
        notices.add(tx, "lead", ["00Q1"])
        failures.record(tx, [problem("f1", "bug")])
    with metrics.serving("schedule", [port]), metrics.showing(Gauges(installation, broker(installation.settings))):
        assert not [labels for _, labels in scraped(port) if ("portal", "gone") in labels]


def test_no_label_grows_with_the_data(build_on: Build, port: int) -> None:
    installation = build_on()
    with installation.store.transaction("acme") as tx:
        failures.record(tx, [problem(f"f{number}", f"vendor_code_{number}") for number in range(500)])
    with metrics.serving("schedule", [port]), metrics.showing(Gauges(installation, broker(installation.settings))):
        samples = scraped(port)
    codes = [labels for name, labels in samples if name == "sync_worker_failures_open_by_code"]
    assert len(codes) == MOST_CODES + 1
    assert value(samples, "failures_open_by_code", kind="problem", code="other") == 500 - MOST_CODES


def test_what_is_out_of_reach_is_said(build_on: Build, settings: Settings, tmp_path: Path, port: int) -> None:
    installation = build_on()
    nowhere = Store(f"sqlite:///{tmp_path}/no/such/folder.db", clock=Services().clock)
    blind = Installation(settings, installation._offices, nowhere, installation.services)
    nobody = broker(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"}))
    register(nobody, installation)
    with metrics.serving("schedule", [port]), metrics.showing(Gauges(blind, nobody)):
        samples = scraped(port)
    assert (value(samples, "database_up"), value(samples, "queue_up")) == (0, 0)
    nowhere.close()


# ── where it listens ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_free_port_of_loopback_is_taken(port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        other = free_port()
        with metrics.serving("worker", [port, other]) as found:
            assert found == other
            assert requests.get(f"http://127.0.0.1:{found}/metrics", timeout=HANG_S).status_code == 200
            for address in other_addresses():
                with socket.socket() as probe:
                    assert probe.connect_ex((address, found)) != 0
        with pytest.raises(OSError, match="in use"), metrics.serving("worker", [port]):
            pass


def other_addresses() -> Iterator[str]:
    """This machine's own, without loopback."""
    import psutil

    for found in psutil.net_if_addrs().values():
        yield from (one.address for one in found if one.family == socket.AF_INET and not one.address.startswith("127."))


def problem(id_: str, code: str) -> Failure:
    return replace(
        Failure(id_, "problem", "company", id_, "pull", code, "words", ""),
        payload={"at": datetime(2026, 3, 2, tzinfo=UTC).isoformat()},
    )
