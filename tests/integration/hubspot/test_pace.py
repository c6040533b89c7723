"""The vendor's limits in force, and real time: never a no, and nine tenths of what they allow.

What is asserted is how long the adapter chose to wait: a busy machine makes calls slower, and these waits shorter.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from crm_sandbox.process import SANDBOX_TOKEN
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import StaticToken
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.hubspot.connection.shared_pace import SharedPace
from sync_worker.crm.hubspot.reading import search
from sync_worker.services import Services
from tests.integration.hubspot.conftest import Lab, ids
from tests.servers import free_port


def waiting(waits_s: list[float]) -> Services:
    """Real time; each wait is noted."""

    def sleep(seconds: float) -> None:
        waits_s.append(seconds)
        time.sleep(seconds)

    return Services(sleep=sleep)


@pytest.fixture
def waits_s() -> list[float]:
    """How long the hurried adapter chose to wait, each time."""
    return []


@pytest.fixture
def hurried(lab: Lab, waits_s: list[float]) -> HubspotCrm:
    """An adapter that really waits; the sandbox's clock runs."""
    lab.remote.freeze(frozen=False)
    services = waiting(waits_s)
    access = Access(StaticToken(SANDBOX_TOKEN, lab.base_url), services, Patience())
    return HubspotCrm(access, services=services, patience=Patience())


def test_calls_come_as_fast_as_the_limit_allows_and_are_never_refused(lab: Lab, hurried: HubspotCrm, waits_s: list[float]) -> None:
    lab.remote.set_limits(ten_secondly=40)
    for _ in range(30):
        hurried.fetch("deals", ["1"], fields=())  # two calls: the live and the archived
    assert lab.remote.calls()["kinds"]["batch_read"] == 60, "none was refused and asked again"
    assert 0 < sum(waits_s) <= 10.0 / 0.9, "40 at once, and the rest ten seconds later"


def test_processes_on_one_redis_keep_the_limit_together(lab: Lab, redis_db: str) -> None:
    # Given two processes, each with a log-in and a pace of its own, but for what Redis knows
    lab.remote.freeze(frozen=False)
    lab.remote.set_limits(ten_secondly=40)
    with ExitStack() as stack:
        crms, waits_s = [], (list[float](), list[float]())
        for waited_s in waits_s:
            client = stack.enter_context(closing(Redis.from_url(redis_db, decode_responses=True)))
            services = waiting(waited_s)
            access = Access(StaticToken(SANDBOX_TOKEN, lab.base_url), services, Patience(), SharedPace("acme", client, services))
            crms.append(HubspotCrm(access, services=services, patience=Patience()))

        # when both ask as often as they can
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda crm: [crm.fetch("deals", ["1"], fields=()) for _ in range(15)], crms))

    # then nobody was refused, and nobody waited longer than one process would have
    assert lab.remote.calls()["kinds"]["batch_read"] == 60
    assert 0 < max(map(sum, waits_s)) <= 10.0 / 0.9


def test_a_call_holds_its_place_until_ten_seconds_after_its_end(redis_db: str) -> None:
    # Given a call that begins and takes a while; when it has ended
    with closing(Redis.from_url(redis_db, decode_responses=True)) as client:
        pace, key = SharedPace("acme", client, Services()), "sync-worker-pace:acme:calls:starts"
        redis: Any = client
        with pace.call(is_search=False):
            [(place, started_ms)] = redis.zrange(key, 0, -1, withscores=True)
            time.sleep(0.02)
        # Then its place is counted from its end, for every process
        [(its_place, ended_ms)] = redis.zrange(key, 0, -1, withscores=True)
        assert (its_place, ended_ms >= started_ms + 19, redis.pttl(key) >= 9_000) == (place, True, True)


def test_without_redis_a_process_keeps_its_own_pace(lab: Lab, capfd: pytest.CaptureFixture[str]) -> None:
    with closing(Redis(port=free_port())) as client:
        access = Access(StaticToken(SANDBOX_TOKEN, lab.base_url), lab.services, Patience(), SharedPace("acme", client, lab.services))
        crm = HubspotCrm(access, services=lab.services, patience=Patience())
        for _ in range(60):
            crm.fetch("deals", ["1"], fields=())
    assert lab.counted("batch_read") == 120
    said = capfd.readouterr()
    assert (said.out + said.err).count("Redis is out of reach") == 1


def test_searches_come_five_a_second_and_are_never_refused(
    lab: Lab, hurried: HubspotCrm, waits_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    created = lab.deals(20)
    lab.remote.set_limits(secondly=5)
    monkeypatch.setattr(search, "PAGE_COUNT", 1)
    scan = replace(lab.scan(), until_at=lab.remote.now())
    assert ids(list(hurried.changed_since(scan)))[-20:] == created
    assert lab.remote.calls()["kinds"]["search"] == 20, "none was refused and asked again"
    assert sum(waits_s) <= 3.0 / 0.9 + 1.0, "five at once, and five more each second"
