"""What the budget does to the work: a share that is used up rests by itself, the others go on, and the day's calls are never exceeded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from crm_sandbox.remote import Remote
from sync_worker.actors import attempt
from sync_worker.bootstrap import Installation, build
from sync_worker.cli.operate.portals import allowance
from sync_worker.config.settings import Settings
from sync_worker.crm.budget import Share
from sync_worker.errors import RateLimited
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Done, Work
from sync_worker.store.core import failures, portals
from tests.integration.actors.conftest import IMPATIENT
from tests.servers import Clock

DAILY = 20  # 8 for live, 4 for backfill, 2 for operators, 6 for whoever comes first
Start = Callable[..., Installation]


@pytest.fixture
def start(settings: Settings, clock: Clock) -> Iterator[Start]:
    """One more process of an installation whose portal may make twenty calls a day."""
    path = settings.config_dir / "portals/acme.yaml"
    written = path.read_text()
    environ = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    with ExitStack() as stack:

        def started(*, daily: int = DAILY, redis_url: str | None = None) -> Installation:
            path.write_text(written.replace("daily: 50000", f"daily: {daily}"))
            used = settings.model_copy(update={"redis_url": redis_url})
            installation = build(used, environ=environ, patience=IMPATIENT, services=Services(clock=clock))
            stack.callback(installation.close)
            return installation

        yield started


def used(remote: Remote) -> int:
    """What the org counted."""
    return int(remote.calls()["api_usage"]["used"])


def exhausted(installation: Installation, share: Share) -> list[Done]:
    """What was done until the share was used up."""
    done = [attempt(installation, "acme", Work.PULL, "company", share) for _ in range(2 * DAILY)]
    assert done[-1] is None
    return [one for one in done if one]


def open_codes(installation: Installation) -> list[str]:
    with installation.store.reading("acme") as tx:
        return [row.failure.code for row in failures.listed(tx) if row.failure.stage == "pull"]


def test_a_share_that_is_used_up_rests_and_the_others_go_on(start: Start, remote: Remote, clock: Clock) -> None:
    # Given a backfill that has used up what it may
    installation, before = start(), used(remote)
    assert exhausted(installation, "backfill")
    assert used(remote) - before == DAILY - 8 - 2

    # then live work goes on, and never more is called than the day has
    assert attempt(installation, "acme", Work.PULL, "lead", "live")
    assert exhausted(installation, "live")
    assert used(remote) - before == DAILY - 2

    # and a day later it goes on by itself
    clock.forward(days=1, minutes=15)
    assert attempt(installation, "acme", Work.PULL, "company", "backfill")


def test_work_that_is_stopped_in_the_middle_is_written_down_and_its_portal_is_not_paused(start: Start) -> None:
    # Given so few calls that a first load cannot even be begun
    installation = start(daily=5)
    assert attempt(installation, "acme", Work.PULL, "company", "backfill") is None

    # then people read why, and live work goes on
    assert open_codes(installation) == ["rate_limited"]
    with installation.store.reading("acme") as tx:
        row = portals.get(tx)
    assert row is not None
    assert row.paused_until_at is None
    assert installation.budget("acme").waits_until("backfill")
    assert not installation.budget("acme").waits_until("live")

    # and with more of them it goes through, and is open no more
    richer = start()
    assert attempt(richer, "acme", Work.PULL, "company", "backfill")
    assert open_codes(richer) == []


def test_a_restart_does_not_begin_the_day_anew(start: Start, remote: Remote) -> None:
    before = used(remote)
    exhausted(start(), "live")
    exhausted(start(), "live")
    assert used(remote) - before <= DAILY


def test_processes_on_one_redis_share_the_day(start: Start, remote: Remote, redis_db: str) -> None:
    before = used(remote)
    exhausted(start(redis_url=redis_db), "backfill")
    another = start(redis_url=redis_db)
    assert attempt(another, "acme", Work.PULL, "company", "backfill") is None
    exhausted(another, "live")
    crm = another.tenant("acme").crm
    crm.fetch("Account", ["001000000000001AAA"], fields=("Id",))  # two calls: it is not there, and not deleted either
    with pytest.raises(RateLimited, match="portal acme: operator work has used up its calls of the day"):
        crm.fetch("Account", ["001000000000001AAA"], fields=("Id",))
    assert used(remote) - before == DAILY


def test_what_the_org_says_of_others_counts_and_people_are_shown(start: Start, remote: Remote) -> None:
    installation = start()
    remote.set_daily_limit(1000, used=985)
    assert attempt(installation, "acme", Work.PULL, "company", "live")
    row = allowance(installation.budget("acme"))
    made = row["calls made"]
    assert row["calls left"] == 15 - made
    assert row["calls live made"] == made
    exhausted(installation, "backfill")
    row = allowance(installation.budget("acme"))
    assert row["calls backfill may make now"] == 0
    assert row["calls backfill waits until"]
    assert row["calls live waits until"] is None
