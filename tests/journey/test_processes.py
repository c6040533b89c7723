"""Each process starts, answers, works on schedule, says when it cannot, and stops on SIGTERM with what it has in hand finished."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from crm_sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import processes
from tests.journey.stage import COMMAND, ROOT, Installation, Process, started, status
from tests.patience import HANG_S, until
from tests.servers import PostgreSQL, free_port, own_redis

PROCESSES = {
    "run": ("run", "--port", "0"),
    "web": ("web",),
    "schedule": ("schedule", "--health-port", "0"),
    "worker": ("worker", "--health-port", "0"),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_starts_answers_and_stops(name: str, installation: Installation, redis_db: str) -> None:
    env = replace(installation, redis_url=redis_db).env
    with closing(Process(started([str(COMMAND), *PROCESSES[name]], env, installation.folder))) as process:
        address = process.address()
        assert (status(f"{address}/health/live"), status(f"{address}/health/ready")) == (200, 200)

        assert process.stop() == 0, process.log
        assert "Traceback" not in process.log
        assert "ERROR" not in process.log
        assert status(f"{address}/health/live") == 0


def test_ctrl_c_stops_a_process_too(installation: Installation) -> None:
    with installation.process("run") as process:
        process.address()
        process.send(signal.SIGINT)
        assert process.ended() == 0, process.log


def test_run_needs_no_redis_and_no_upgrade_and_pulls_on_schedule(tmp_path: Path, installation: Installation, remote: Remote) -> None:
    fresh = replace(installation, database_url=f"sqlite:///{tmp_path}/fresh.db")
    fresh.write_portal(pull="2s")
    with fresh.process("run") as process:
        process.address()
        until(lambda: _names(fresh), what="companies came in")
        until(lambda: _patched(remote), what="the portal's ids are in the CRM")

        remote.edit("Account", remote.named("Account", "Birch Systems")["Id"], {"Name": "Birch & Sons"})
        remote.advance_clock(30)
        until(lambda: "Birch & Sons" in _names(fresh), what="an edit in the CRM came in with a later pull")
        assert process.stop() == 0, process.log


def test_schedule_and_worker_do_it_over_redis(installation: Installation, remote: Remote, redis_db: str) -> None:
    apart = replace(installation, redis_url=redis_db)
    with apart.process("worker") as worker, apart.process("schedule") as schedule, apart.process("schedule") as second:
        until(lambda: _names(apart), what="companies came in")
        deal = apart.command("deals", "register", "acme", apart.deal_file(), "--json").json
        until(lambda: [lead for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"] == deal["id"]], what="the Lead is there")
        assert [process.stop() for process in (schedule, second, worker)] == [0, 0, 0], worker.log + schedule.log
    assert len([lead for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"] == deal["id"]]) == 1


def test_a_worker_finishes_what_it_has_in_hand(installation: Installation, remote: Remote) -> None:
    installation.write_portal(pull="1h", from_crm=False)
    installation.command("pull", "acme", code=1)  # some of the sandbox's records are wrong on purpose
    installation.command("push", "acme")
    remote.fault("collections_write", object_name="Lead", hold=True)
    deal = installation.command("deals", "register", "acme", installation.deal_file(), "--json").json
    with installation.process("run") as process, closing(Store(installation.database_url, clock=Services().clock)) as store:
        until(lambda: remote.faults()[0]["hits"], what="the write is in flight")
        until(partial(_beating, store), what="it said that it is there")
        process.send(signal.SIGTERM)
        until(lambda: not _beating(store), what="it has begun to stop")
        remote.clear_faults()
        assert process.ended() == 0, process.log
    found = installation.command("deals", "show", "acme", deal["id"], "--json").json
    assert found["crm_record"].startswith("lead 00Q")


# ── what a process says when it cannot ───────────────────────────────────────────────────────────────────────────────


def test_ready_says_that_the_database_is_old(tmp_path: Path, installation: Installation) -> None:
    with replace(installation, database_url=f"sqlite:///{tmp_path}/empty.db").process("web") as process:
        answer = requests.get(f"{process.address()}/health/ready", timeout=HANG_S)
    assert answer.status_code == 503
    assert "sync-worker db upgrade" in answer.json()["why"]


def test_ready_says_that_the_database_is_gone_and_back(installation: Installation, postgresql: PostgreSQL) -> None:
    with postgresql.database() as url, replace(installation, database_url=url).process("web") as process:
        address = process.address()
        assert status(f"{address}/health/ready") == 200
        name = url.split("?")[0].rsplit("/", 1)[1]
        _rename(postgresql, name, f"{name}_away")

        answer = requests.get(f"{address}/health/ready", timeout=HANG_S)
        assert answer.status_code == 503
        assert "out of reach" in answer.json()["why"]
        assert status(f"{address}/health/live") == 200

        _rename(postgresql, f"{name}_away", name)
        assert status(f"{address}/health/ready") == 200
        assert process.stop() == 0


def test_ready_says_that_redis_is_gone_to_those_who_live_on_it(installation: Installation) -> None:
    with ExitStack() as stack:
        redis = stack.enter_context(ExitStack())
        apart = replace(installation, redis_url=f"{redis.enter_context(own_redis())}/0")
        addresses = {name: stack.enter_context(apart.process(*PROCESSES[name])).address() for name in ("web", "worker", "schedule")}
        assert {name: status(f"{address}/health/ready") for name, address in addresses.items()} == dict.fromkeys(addresses, 200)

        redis.close()

        said = {name: requests.get(f"{address}/health/ready", timeout=HANG_S) for name, address in addresses.items()}
        assert {name: answer.status_code for name, answer in said.items()} == {"web": 200, "worker": 503, "schedule": 503}
        assert "Redis" in said["worker"].json()["why"]
        assert {status(f"{address}/health/live") for address in addresses.values()} == {200}


@pytest.mark.parametrize("name", ["worker", "schedule"])
def test_without_redis_worker_and_schedule_name_the_other_way(name: str, installation: Installation) -> None:
    answer = installation.command(name, code=2)
    assert "SYNC_WORKER_REDIS_URL" in answer.err
    assert "`sync-worker run`" in answer.err


@pytest.mark.parametrize("name", ["worker", "schedule"])
def test_a_redis_out_of_reach_is_said_at_once(name: str, installation: Installation) -> None:
    nobody = replace(installation, redis_url=f"redis://:secret@127.0.0.1:{free_port()}/0")
    answer = nobody.command(name, code=3)
    assert "Redis" in answer.err
    assert "secret" not in answer.err
    assert len(answer.err.splitlines()) <= 3, answer.err


@pytest.mark.parametrize("name", ["run", "web"])
def test_a_port_in_use_is_said_with_words(name: str, installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = installation.command(name, "--port", str(port), code=2)
    assert f"127.0.0.1:{port} cannot be listened on" in answer.err
    assert "choose another port" in answer.err


@pytest.mark.parametrize("name", ["run", "schedule", "worker"])
def test_no_process_starts_where_the_only_portal_file_is_wrong(name: str, installation: Installation, redis_db: str) -> None:
    path = installation.folder / "config" / "portals" / "acme.yaml"
    path.write_text(path.read_text().replace("two_tier: true", "two_tier: maybe"))
    answer = replace(installation, redis_url=redis_db).command(*PROCESSES[name], code=2)
    assert "acme.yaml:" in answer.err
    assert "two_tier" in answer.err


# ── the Procfile ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_procfile_starts_under_honcho_and_leaves_no_child(installation: Installation, redis_db: str) -> None:
    shutil.copy(ROOT / "Procfile", installation.folder)
    port = _free_ports(300)
    bin_ = str(Path(sys.executable).parent)
    env = replace(installation, redis_url=redis_db).env
    del env["SYNC_WORKER_HTTP_PORT"]
    env["PATH"] = f"{bin_}:{env['PATH']}"
    command = [f"{bin_}/honcho", "start", "--port", str(port), "web", "schedule", "worker"]
    honcho = Process(started(command, env, installation.folder))
    try:
        for offset, name in ((0, "web"), (100, "schedule"), (200, "worker")):
            live = f"http://127.0.0.1:{port + offset}/health/live"
            until(partial(_answers, live), what=f"{name} answers: {honcho.log}")
        children = honcho.children()
        assert len(children) >= 3

        assert honcho.stop() in (0, -signal.SIGTERM, 143), honcho.log
        _, alive = psutil.wait_procs(children, timeout=HANG_S)
        assert not alive, alive
        assert "Traceback" not in honcho.log
    finally:
        honcho.close()


def test_the_release_line_brings_the_database_to_this_version(tmp_path: Path, installation: Installation) -> None:
    [line] = [line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("release: ")]
    words = line.removeprefix("release: sync-worker ").split()
    fresh = replace(installation, database_url=f"sqlite:///{tmp_path}/fresh.db")
    assert "empty →" in fresh.command(*words).out
    assert "already at" in fresh.command(*words).out


def _names(installation: Installation) -> list[str]:
    return [company["name"] for company in installation.asks("companies", "list", "acme")]


def _beating(store: Store) -> bool:
    """Whether a process says that it is there; one that stops takes that back before it ends its work."""
    with store.reading("") as tx:
        return bool(processes.listed(tx))


def _patched(remote: Remote) -> list[dict[str, Any]]:
    return [account for account in remote.records("Account") if account["Portal_Company_Id__c"]]


def _rename(server: PostgreSQL, old: str, new: str) -> None:
    """A database gone from where it was; whoever is connected is sent away."""
    server._admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{old}'")
    server._admin(f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def _answers(url: str) -> bool:
    return status(url) == 200


def _free_ports(span: int) -> int:
    """A port that is free, as are those that honcho counts up to from it."""

    def fits() -> int:
        port = free_port()
        if port + span > 65_000:
            return 0
        for offset in (100, 200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port + offset)) == 0:
                    return 0
        return port

    return until(fits)
