"""The schedule sends what is due when it becomes due, once; again after a minute where the message was lost; nothing while paused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dramatiq import Message
from dramatiq.brokers.stub import StubBroker

from crm_sandbox.remote import Remote
from sync_worker.actors import attempt, register
from sync_worker.bootstrap import Installation, broker, build
from sync_worker.config.settings import Settings
from sync_worker.crm.budget import SHARES
from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.schedule import AGAIN_AFTER_S, AGAIN_S, TICK_S, Scheduler, last_moment
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.keeper import CLAIM_S
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.operate.halt import pause
from sync_worker.steps.operate.sweep import SWEEP
from sync_worker.store.core import cursors, failures, portals, runs
from sync_worker.store.operate import inquiries, interventions
from sync_worker.store.operate.inquiries import NewInquiry
from sync_worker.store.operate.interventions import Intervention
from sync_worker.store.sync import notices, outbox
from tests.integration.actors.conftest import IMPATIENT, working
from tests.integration.due import due
from tests.patience import until
from tests.servers import Clock

READS = {FollowUp(Work.PULL, "company"), FollowUp(Work.PULL, "lead"), FollowUp(Work.PULL, "opportunity")}
FIRST_READS = {FollowUp(follow_up.work, follow_up.record, "backfill") for follow_up in READS}
GOAL_S = 35


class Watched:
    """A schedule on a clock that stands still, and what it sent since the last look."""

    def __init__(self, installation: Installation, clock: Clock) -> None:
        self.clock = clock
        self.installation = installation
        self.tenant = installation.tenant("acme")
        self.budget = installation.budget("acme")
        self._queue = StubBroker(middleware=[])
        self.schedule = Scheduler(installation, register(self._queue, installation))

    def sent(self) -> set[FollowUp]:
        """One tick; what it sent for acme."""
        self.schedule.tick()
        found = set()
        for share in SHARES:
            while not (queue := self._queue.queues[share]).empty():
                message = Message.decode(queue.get())
                if message.args[0] == "acme":
                    found.add(FollowUp(Work(message.actor_name.partition(".")[2]), message.args[1], share))
        return found

    def pulled(self) -> None:
        """Every record was read just now."""
        with self.tenant.store.side_transaction("acme") as tx:
            portals.enter(tx, "contracts")
            for name in self.tenant.readable_records():
                cursor = cursors.acquire(tx, name, f"token-{name}")
                assert cursor
                cursors.close_window(tx, cursor, tx.now)
                cursors.release(tx, cursor)


@pytest.fixture
def watched(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "config/portals/birch.yaml").unlink()
    environ = {"ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    installation = build(settings, environ=environ, services=Services(clock=clock))
    yield Watched(installation, clock)
    installation.close()


def test_what_is_due_is_sent_once_and_again_when_it_stays_so(watched: Watched) -> None:
    assert watched.sent() == FIRST_READS
    watched.clock.forward(seconds=TICK_S)
    assert watched.sent() == set()
    watched.clock.forward(seconds=AGAIN_S)
    assert watched.sent() == FIRST_READS, "no worker took them: the messages are lost"


def test_pulls_come_back_at_the_portals_own_rhythm(watched: Watched) -> None:
    watched.pulled()
    assert watched.sent() == set()
    watched.clock.forward(seconds=299)
    assert watched.sent() == set()
    watched.clock.forward(seconds=1)
    assert watched.sent() == READS


def test_a_pull_done_and_due_again_between_two_looks_is_sent_again(settings: Settings, clock: Clock) -> None:
    # Given a portal that is read as often as anybody looks, or oftener where the machine is slow
    with _scheduled(settings, clock, f"{{pull: {TICK_S}s}}") as watched:
        for _ in range(3):
            watched.clock.forward(seconds=TICK_S)
            # Then it is due each time, and not taken for the one that was sent before and is done
            assert watched.sent() == READS
            watched.clock.forward(seconds=TICK_S)
            watched.pulled()


def test_what_is_due_again_is_sent_at_once(watched: Watched) -> None:
    """A push that was sent half a minute ago, and whose worker was killed: its claim has ended, and 35 s are the goal."""
    watched.pulled()
    with watched.tenant.store.transaction("acme") as tx:
        outbox.owe(tx, DEAL, ["a deal"], "a run")
    assert watched.sent() == {FollowUp(Work.PUSH)}
    with watched.tenant.store.side_transaction("acme") as tx:
        outbox.claim(tx, state="ready", limit=1, token="t", until_at=tx.now + timedelta(seconds=CLAIM_S))
    watched.clock.forward(seconds=TICK_S)
    assert watched.sent() == set()
    watched.clock.forward(seconds=CLAIM_S - TICK_S)
    assert watched.sent() == set()
    watched.clock.forward(seconds=TICK_S)
    assert watched.sent() == {FollowUp(Work.PUSH)}
    assert CLAIM_S + TICK_S < GOAL_S


def test_notices_are_refreshed(watched: Watched) -> None:
    watched.pulled()
    with watched.tenant.store.side_transaction("acme") as tx:
        notices.add(tx, "lead", ["00Q000000000001AAA"])
    assert watched.sent() == {FollowUp(Work.REFRESH, "lead")}


def test_a_run_that_its_process_left_is_closed(watched: Watched) -> None:
    with watched.tenant.store.side_transaction("acme") as tx:
        runs.start(tx, "r1", "pull", "lead")
    for seconds, expected in ((runs.SILENT_S, "running"), (1, "stopped")):
        watched.clock.forward(seconds=seconds)
        watched.sent()
        with watched.tenant.store.reading("acme") as tx:
            assert [run.state for run in runs.listed(tx)] == [expected]


def test_a_paused_portal_is_left_alone_until_its_time(watched: Watched) -> None:
    with watched.tenant.store.side_transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, tx.now + timedelta(minutes=5), "a test says so")
    assert watched.sent() == set()
    watched.clock.forward(minutes=5)
    assert watched.sent() == FIRST_READS


# ── the nightly comparison ───────────────────────────────────────────────────────────────────────────────────────────

COMPARE, EXPIRE = FollowUp(Work.COMPARE, share="backfill"), FollowUp(Work.EXPIRE)
HOUR_S = 3600


@pytest.fixture
def nightly(settings: Settings, clock: Clock) -> Iterator[Watched]:
    """Compared at two in the morning in New York: seven o'clock UTC in winter. It begins at nine."""
    with _scheduled(settings, clock, '{pull: 30d, full_compare: "02:00"}') as night:
        yield night


@contextmanager
def _scheduled(settings: Settings, clock: Clock, written: str) -> Iterator[Watched]:
    """A portal with this schedule, whose records were read just now."""
    path = settings.config_dir / "portals/acme.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("time_zone:", "schedule:"))]
    path.write_text("\n".join([*lines, "time_zone: America/New_York", f"schedule: {written}", ""]))
    environ = {"ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    installation = build(settings, environ=environ, services=Services(clock=clock))
    watched = Watched(installation, clock)
    watched.pulled()
    yield watched
    installation.close()


def compared(watched: Watched, *, error: str = "") -> None:
    with watched.tenant.store.side_transaction("acme") as tx:
        runs.start(tx, f"run {watched.clock()}", "compare", "")
        runs.finish(tx, f"run {watched.clock()}", error=error)


def test_the_comparison_is_due_once_a_night_at_the_portals_own_hour(nightly: Watched) -> None:
    # Given a portal that began at nine, then the night before is not made up for
    assert COMPARE not in nightly.sent()
    nightly.clock.forward(seconds=22 * HOUR_S - 1)
    assert COMPARE not in nightly.sent()
    # when two o'clock strikes there, then it is due, until it has gone through
    nightly.clock.forward(seconds=1)
    assert COMPARE in nightly.sent()
    nightly.clock.forward(seconds=AGAIN_S)
    assert COMPARE in nightly.sent()
    compared(nightly)
    assert COMPARE not in nightly.sent()
    nightly.clock.forward(seconds=24 * HOUR_S - AGAIN_S)
    assert COMPARE in nightly.sent()


def test_a_comparison_that_was_stopped_is_begun_again_the_same_night(nightly: Watched) -> None:
    nightly.clock.forward(seconds=22 * HOUR_S)
    compared(nightly, error="the day's calls are used up")
    assert COMPARE not in nightly.sent()
    nightly.clock.forward(seconds=AGAIN_AFTER_S)
    assert COMPARE in nightly.sent()


def test_a_portal_that_asks_for_no_comparison_gets_none(settings: Settings, clock: Clock) -> None:
    with _scheduled(settings, clock, "{pull: 30d}") as watched:
        clock.forward(days=3)
        assert COMPARE not in watched.sent()


def test_deals_expire_with_the_portals_own_midnight(settings: Settings, clock: Clock) -> None:
    """It begins at nine UTC, four in the morning there."""
    with _scheduled(settings, clock, "{pull: 30d}") as watched:
        clock.forward(seconds=20 * HOUR_S - 1)
        assert watched.sent() == set()
        clock.forward(seconds=1)
        assert watched.sent() == {EXPIRE}
        with watched.tenant.store.side_transaction("acme") as tx:
            runs.start(tx, "r1", "expire", "deal")
            runs.finish(tx, "r1")
        clock.forward(seconds=AGAIN_S)
        assert watched.sent() == set()


def test_what_is_old_is_swept_once_a_night_also_while_the_crm_rests(settings: Settings, clock: Clock) -> None:
    with _scheduled(settings, clock, "{pull: 30d}") as watched:
        with watched.tenant.store.side_transaction("acme") as tx:
            portals.pause(tx, tx.now + timedelta(days=3), "a test says so")
        clock.forward(seconds=21 * HOUR_S)
        assert watched.sent() == {SWEEP}
        attempt(watched.installation, "acme", Work.SWEEP, "")
        clock.forward(seconds=AGAIN_S)
        assert watched.sent() == set()
        with watched.tenant.store.reading("acme") as tx:
            row = portals.get(tx)
        assert row is not None
        assert row.paused_because == "a test says so"


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        ("2026-01-10T07:00:00", "2026-01-10T07:00:00"),
        ("2026-01-10T06:59:59", "2026-01-09T07:00:00"),
        ("2026-07-10T06:00:00", "2026-07-10T06:00:00"),
        ("2026-03-08T07:00:00", "2026-03-08T07:00:00"),  # the night without two o'clock
        ("2026-03-09T06:00:00", "2026-03-09T06:00:00"),
    ],
)
def test_the_moment_follows_the_zones_own_clock(now: str, moment: str) -> None:
    found = last_moment(time(2), ZoneInfo("America/New_York"), datetime.fromisoformat(f"{now}+00:00"))
    assert found == datetime.fromisoformat(f"{moment}+00:00")


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_queue_out_of_reach_is_asked_again_at_the_next_tick(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(watched.schedule._actors, "send", lambda *_: False)
        watched.schedule.tick()
    assert watched.sent() == FIRST_READS


def test_a_portal_that_cannot_be_looked_at_does_not_keep_the_tick_from_ending(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync_worker import schedule
    from sync_worker.errors import StoreDown

    def gone(*_: object, **__: object) -> Iterator[FollowUp]:
        raise StoreDown("gone")

    with monkeypatch.context() as patch:
        patch.setattr(schedule, "_reads", gone)
        watched.schedule.tick()
    assert watched.sent() == FIRST_READS
    assert set(due(watched.tenant)) == FIRST_READS


def test_a_replay_that_was_left_to_the_workers_is_sent_to_theirs_until_it_is_done(watched: Watched) -> None:
    watched.pulled()
    watched.sent()
    with watched.tenant.store.side_transaction("acme") as tx:
        interventions.begin(tx, Intervention("i1", "replay", "failures replay --all", "Olga", is_queued=True), [])
    assert watched.sent() == {FollowUp(Work.REPLAY, share="operator")}
    with watched.tenant.store.side_transaction("acme") as tx:
        interventions.finish(tx, "i1")
    watched.clock.forward(seconds=61)
    assert FollowUp(Work.REPLAY, share="operator") not in watched.sent()


def test_an_inquiry_is_sent_while_the_crm_rests_and_no_worker_is_at_it(watched: Watched) -> None:
    # Given a check that a person asked for, in a portal whose CRM rests
    watched.pulled()
    watched.sent()
    check = FollowUp(Work.INQUIRE, "check", share="operator")
    with watched.tenant.store.side_transaction("acme") as tx:
        portals.pause(tx, tx.shared_now + timedelta(hours=1), "the CRM does not answer")
        inquiries.ask(tx, NewInquiry("q1", InquiryKind.CHECK, "Ann"))
    # Then it is sent, and again no sooner than the claim of a worker has run out
    assert check in watched.sent()
    with watched.tenant.store.side_transaction("acme") as tx:
        inquiries.claim(tx, InquiryKind.CHECK, "killed", tx.shared_now + timedelta(seconds=30))
    assert check not in watched.sent()
    watched.clock.forward(seconds=31)
    assert check in watched.sent()
    # And not while a person has paused the portal
    pause(watched.tenant, actor="Bo", reason="they move")
    watched.clock.forward(seconds=AGAIN_S)
    assert check not in watched.sent()


def test_two_schedules_at_once_are_harmless(settings: Settings, redis_db: str, remote: Remote) -> None:
    """Both send everything that is due, all the time; what is done is done once."""
    environ = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    with closing(build(settings, environ=environ, patience=IMPATIENT)) as installation:
        queue = broker(settings.model_copy(update={"redis_url": redis_db}))
        hands, tenants = register(queue, installation), [installation.tenant(name) for name in ("acme", "birch")]
        with working(queue, threads=4), Scheduler(installation, hands), Scheduler(installation, hands):
            until(lambda: not any(set(due(tenant)) for tenant in tenants), what="everything is done")
        assert problems_of(tenants) == []
        found = [run for tenant in tenants for run in runs_of(tenant) if run.state == "done"]
    first_loads = [run for run in found if run.verb == "pull" and run.object == "company" and run.counts.applied]
    assert len(first_loads) == 2, "one for each portal"
    patched = [record for record in remote.records("Account") if record["Portal_Company_Id__c"]]
    assert sum(run.counts.written for run in found) >= len(patched) > 0


def problems_of(tenants: list[Tenant]) -> list[str]:
    found = []
    for tenant in tenants:
        with tenant.store.reading(tenant.name) as tx:
            found += [row.failure.message for row in failures.listed(tx) if row.failure.stage == "pull"]
    return found


def runs_of(tenant: Tenant) -> list[runs.Run]:
    with tenant.store.reading(tenant.name) as tx:
        return runs.listed(tx, limit=1000)


def test_a_portal_with_little_left_is_polled_less_often(watched: Watched) -> None:
    # Given a portal that has used up a good part of its day
    watched.pulled()
    budget = watched.budget
    budget.hear(used=0, limit=100)
    for _ in range(65):
        budget.take("live")
    assert budget.slowness() == 4

    # when its time for a poll comes, then it is not polled before four times that
    watched.clock.forward(seconds=300)
    budget.hear(used=65, limit=100)
    assert watched.sent() == set()
    watched.clock.forward(seconds=900)
    budget.hear(used=65, limit=100)
    assert watched.sent() == READS
