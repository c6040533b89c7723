"""What the actors do, on the queue of the embedded default and on real Redis alike: the work, what follows from it, what goes wrong."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import closing
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import text

from crm_sandbox.remote import Remote
from sync_worker import actors
from sync_worker.actors import Rounds, attempt, register, threads_by_share
from sync_worker.bootstrap import broker, build
from sync_worker.cli.operate.processes import _working
from sync_worker.config.settings import Settings
from sync_worker.crm.budget import SHARES
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.domain.operate.inquiry import InquiryKind, InquiryState
from sync_worker.errors import RateLimited, StaleRead, StoreDown, SyncError
from sync_worker.schedule import AGAIN_S, Scheduler
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.register import register as register_deal
from sync_worker.steps.operate import halt
from sync_worker.steps.operate.inquire import inquire
from sync_worker.steps.sync.ingest.pull import pull as pull_record
from sync_worker.store.core import cursors, failures, portals, runs
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.core.portals import PortalRow
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import links
from sync_worker.store.operate import inquiries, interventions
from sync_worker.store.sync import notices, outbox, patch_backs
from sync_worker.telemetry import logs
from tests.integration.actors.conftest import IMPATIENT, Build, working
from tests.integration.due import due
from tests.patience import until
from tests.servers import Clock

READS = [FollowUp(Work.PULL, "company"), FollowUp(Work.PULL, "lead"), FollowUp(Work.PULL, "opportunity")]
DEAL = {"owner_company": "Birch Systems", "second_partner": "Arrow Electronics", "prospect_name": "Harbor Freight Lines"}


def idle(queue: dramatiq.Broker) -> bool:
    """Whether nothing waits, nothing is under way, nothing is dead."""
    if isinstance(queue, StubBroker):
        return not any(queue.queues[share].unfinished_tasks for share in SHARES) and not queue.dead_letters
    assert isinstance(queue, RedisBroker)
    kept = {str(key) for key in queue.client.keys("sync-worker:*")}
    return not {key for key in kept if "__heartbeats__" not in key}


def settle(queue: dramatiq.Broker) -> None:
    until(lambda: idle(queue), what="the queue is empty")


def standing(tenant: Tenant) -> PortalRow | None:
    with tenant.store.reading(tenant.name) as tx:
        return portals.get(tx)


def problems(tenant: Tenant, *, include_resolved: bool = False) -> list[FailureRow]:
    """What the actors wrote down; what is wrong with records is another matter."""
    with tenant.store.reading(tenant.name) as tx:
        found = failures.listed(tx, include_resolved=include_resolved)
    return [row for row in found if row.failure.stage == "pull"]


def run_verbs(tenant: Tenant) -> list[tuple[str, str]]:
    with tenant.store.reading(tenant.name) as tx:
        return [(run.verb, run.object) for run in runs.listed(tx, limit=1000)]


# ── the work ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pull_wakes_what_follows_until_nothing_does(queue: dramatiq.Broker, build_on: Build, remote: Remote) -> None:
    installation = build_on()
    hands, tenant = register(queue, installation), installation.tenant("acme")
    with working(queue):
        hands.send_all("acme", READS[:1])
        settle(queue)
        hands.send_all("acme", READS[1:])
        settle(queue)
        done = register_deal(tenant, DEAL, actor=Actor("Ann", None, "portal"))
        assert not isinstance(done, Refusal), done
        deal, follow_ups, *_ = done
        hands.send_all("acme", follow_ups)
        settle(queue)

    [lead] = [lead for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"] == deal.id]
    with tenant.store.reading("acme") as tx:
        assert links.current(tx, [deal.id])[deal.id].crm_id == lead["Id"]
        assert not outbox.listed(tx)
        assert not notices.counts(tx)
        assert not patch_backs.is_due(tx)
    verbs = run_verbs(tenant)
    assert verbs.index(("refresh", "lead")) < verbs.index(("push", "")) < verbs.index(("pull", "company"))
    assert problems(tenant) == []


def test_two_queues_in_one_process_do_not_mix(build_on: Build) -> None:
    one, other = StubBroker(middleware=[]), StubBroker(middleware=[])
    hands, _ = register(one, build_on()), register(other, build_on())
    hands.send("acme", Work.PULL, "company")
    assert (one.queues["live"].qsize(), other.queues["live"].qsize()) == (1, 0)


def test_nothing_is_bound_at_import() -> None:
    assert not [name for name, value in vars(actors).items() if isinstance(value, dramatiq.Actor | dramatiq.Broker)]


def test_two_workers_on_one_portal_do_no_double_work(queue: dramatiq.Broker, build_on: Build, remote: Remote) -> None:
    installation, second = build_on(), build_on()
    tenant = installation.tenant("acme")
    hands = register(queue, installation)
    with working(queue, threads=4):
        hands.send_all("acme", READS[:1])
        settle(queue)
        remote.fault("query_all", latency_ms=300, times=2)
        for follow_up in READS[1:] * 4:
            hands.send_all("acme", [follow_up])
        settle(queue)
        deals = [_registered(tenant, prospect_name=f"Prospect {number}") for number in range(4)]
        for _ in range(6):
            hands.send("acme", Work.PUSH)
        attempt(second, "acme", Work.PUSH, "")
        settle(queue)
        hands.send("acme", Work.PUSH)
        settle(queue)

    keys = [lead["Portal_Deal_Key__c"] for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"]]
    assert sorted(keys) == sorted(deal.id for deal in deals)
    with tenant.store.reading("acme") as tx:
        found = runs.listed(tx, limit=1000)
    assert sum(run.counts.written for run in found if run.verb == "push") == len(keys) + len(_patched(remote))
    assert all(run.counts.read == run.counts.applied + run.counts.unchanged + run.counts.skipped + run.counts.failed for run in found)


def _registered(tenant: Tenant, **fields: str) -> Deal:
    done = register_deal(tenant, DEAL | fields, actor=Actor("Ann", None, "portal"))
    assert not isinstance(done, Refusal), done
    return done[0]


def _patched(remote: Remote) -> list[dict[str, Any]]:
    """Records that carry our id of the company or of a deal that began in the CRM."""
    accounts = [record for record in remote.records("Account") if record["Portal_Company_Id__c"]]
    return accounts + [record for record in remote.records("Opportunity") if record["Portal_Deal_Key__c"]]


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_refused_credentials_pause_the_portal_and_the_next_success_resolves_it(
    queue: dramatiq.Broker, build_on: Build, remote: Remote
) -> None:
    wrong, right = build_on(ACME_SF_SECRET="wrong"), build_on()
    with working(queue):
        hands = register(queue, wrong)
        hands.send_all("acme", [READS[0]])
        settle(queue)
        hands.send_all("acme", READS)
        settle(queue)
    tenant = right.tenant("acme")
    assert remote.calls()["kinds"]["token"] == 1
    paused = standing(tenant)
    assert paused
    assert paused.paused_until_at
    assert paused.paused_until_at - right.services.clock() > timedelta(minutes=4)
    assert "credentials" in str(paused.paused_because)
    [problem] = problems(tenant)
    assert (problem.failure.kind, problem.failure.code, problem.failure.object) == ("problem", "auth_failed", "company")
    assert "crm.auth" in problem.failure.message

    assert attempt(right, "acme", Work.PULL, "company") is None, "paused: nothing is done"
    _forget_pause(tenant)
    assert attempt(right, "acme", Work.PULL, "company")
    assert problems(tenant) == []
    assert [row.resolution for row in problems(tenant, include_resolved=True)] == ["the work went through"]


def test_a_check_by_a_person_does_not_wait_for_the_end_of_a_rest_and_ends_it(build_on: Build) -> None:
    # Given a portal that rests because its credentials were refused, and a process with the right ones
    attempt(build_on(ACME_SF_SECRET="wrong"), "acme", Work.PULL, "company")
    right = build_on()
    tenant = right.tenant("acme", "operator")
    assert attempt(right, "acme", Work.PULL, "company") is None
    # When a person asks for a check there
    asked = inquire(tenant, InquiryKind.CHECK, actor="Ann")
    attempt(right, "acme", Work.INQUIRE, "check", "operator")
    # Then it is answered, and the portal works again
    with tenant.store.reading("acme") as tx:
        found = inquiries.get(tx, asked.id)
    assert found
    assert found.state is InquiryState.ANSWERED
    assert attempt(right, "acme", Work.PULL, "company")


def test_a_refused_log_in_is_tried_less_and_less_often(settings: Settings, clock: Clock) -> None:
    # Given a portal whose secret is wrong
    environ = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "wrong", "ACME_SF_HOOK": "hook"}
    with closing(build(settings, environ=environ, services=Services(clock=clock), patience=IMPATIENT)) as installation:
        rests_s = []
        for _ in range(6):
            # when it is tried each time that its pause ends
            assert attempt(installation, "acme", Work.PULL, "company") is None
            paused = standing(installation.tenant("acme"))
            assert paused
            assert paused.paused_until_at
            rests_s.append((paused.paused_until_at - clock.now).total_seconds())
            clock.now = paused.paused_until_at

    # then the pause doubles up to an hour
    assert rests_s == [300, 600, 1200, 2400, 3600, 3600]


def test_the_same_work_is_not_done_twice_at_once_and_nothing_asked_for_is_forgotten(build_on: Build) -> None:
    rounds, again = Rounds(), list[str]()
    with rounds.of(("acme", "push", ""), again=lambda: again.append("push")) as is_mine:
        assert is_mine
        for work, is_free in ((("acme", "push", ""), False), (("birch", "push", ""), True), (("acme", "refresh", "lead"), True)):
            with rounds.of(work, again=lambda: again.append("no")) as is_mine_too:
                assert is_mine_too == is_free
        assert again == []
    assert again == ["push"]
    with rounds.of(("acme", "push", ""), again=lambda: again.append("no")) as is_mine:
        assert is_mine
    assert again == ["push"]


@pytest.mark.parametrize(("threads", "expected"), [(1, (1, 1, 1)), (4, (2, 1, 1)), (8, (4, 2, 2)), (64, (32, 16, 16))])
def test_every_queue_has_threads_of_its_own(threads: int, expected: tuple[int, int, int]) -> None:
    assert tuple(threads_by_share(threads).values()) == expected


def test_a_worker_starts_and_stops_without_a_warning(settings: Settings, redis_db: str, caplog: pytest.LogCaptureFixture) -> None:
    """One dramatiq worker a queue stands on the same broker, which would warn of each but the first."""
    with _working(broker(settings.model_copy(update={"redis_url": redis_db})), 4):
        pass
    assert caplog.messages == []


def test_a_backfill_keeps_no_live_work_waiting(build_on: Build, settings: Settings, redis_db: str, remote: Remote) -> None:
    # Given a worker whose one thread for backfills waits for the CRM
    installation = build_on()
    queue = broker(settings.model_copy(update={"redis_url": redis_db}))
    hands = register(queue, installation)
    remote.fault("query_all", hold=True)
    with _working(queue, 4):
        hands.send("acme", Work.PULL, "company", "backfill")
        hands.send("birch", Work.PULL, "company", "backfill")
        until(lambda: remote.faults()[0]["hits"], what="the backfill waits")

        # when live work comes, then it is done before the backfill
        hands.send("birch", Work.PULL, "lead")
        until(lambda: ("pull", "lead") in ended(installation.tenant("birch")), what="the poll went through")
        assert ("pull", "company") not in ended(installation.tenant("acme"))
        remote.clear_faults()
        settle(queue)


def ended(tenant: Tenant) -> list[tuple[str, str]]:
    with tenant.store.reading(tenant.name) as tx:
        return [(run.verb, run.object) for run in runs.listed(tx, limit=1000) if run.state == "done"]


def test_an_idle_worker_begins_within_a_tenth_of_a_second(
    build_on: Build, settings: Settings, redis_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker as processes start it, idle
    begun_s: list[float] = []

    def note(_tenant: Tenant, _record: str) -> Done:
        begun_s.append(time.monotonic())
        return Done("", Counts())

    monkeypatch.setitem(actors.STEPS, Work.PUSH, note)
    installation = build_on()
    queue = broker(settings.model_copy(update={"redis_url": redis_db}))
    hands = register(queue, installation)

    def waits_s() -> list[float]:
        return [waited_s() for _ in range(15)]

    def waited_s() -> float:
        begun_s.clear()
        sent_s = time.monotonic()
        hands.send("acme", Work.PUSH)
        until(lambda: begun_s, every_s=0.005)
        return begun_s[0] - sent_s

    # then half of the work is begun far sooner than a tenth of a second, as soon as the machine has time for it
    with _working(queue, 4):
        until(lambda: statistics.median(waits_s()) <= 0.1, every_s=0)


def test_a_flushed_redis_loses_nothing(build_on: Build, settings: Settings, redis_db: str, clock: Clock, remote: Remote) -> None:
    """The messages are gone with it, in the middle of a load and of a push; the schedule finds what is due in the database."""
    # Given work that waits in Redis, and some that is under way
    environ = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    with closing(build(settings, environ=environ, services=Services(clock=clock), patience=IMPATIENT)) as installation:
        queue = broker(settings.model_copy(update={"redis_url": redis_db}))
        schedule = Scheduler(installation, register(queue, installation))
        schedule.tick()
        remote.fault("query_all", latency_ms=300, times=1)
        with working(queue):
            until(lambda: run_verbs(installation.tenant("acme")), what="some work has begun")

            # when Redis forgets everything, and a minute passes
            with redis.Redis.from_url(redis_db) as client:
                client.flushdb()
            settle(queue)
            clock.forward(seconds=AGAIN_S)

            # then the schedule sends what is still due, until nothing is
            def is_all_done() -> bool:
                schedule.tick()
                clock.forward(seconds=AGAIN_S)
                return not any(set(due(installation.tenant(name))) for name in ("acme", "birch"))

            until(is_all_done, every_s=0.5, what="everything due is done")
    assert len(_patched(remote)) == len({record["Id"] for record in _patched(remote)}) > 0


def test_a_paused_portal_is_skipped_while_another_one_works(queue: dramatiq.Broker, build_on: Build) -> None:
    installation = build_on()
    acme, birch = installation.tenant("acme"), installation.tenant("birch")
    with acme.store.side_transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, tx.now + timedelta(minutes=5), "a test says so")
    with working(queue):
        hands = register(queue, installation)
        for portal in ("acme", "birch"):
            hands.send_all(portal, [READS[0]])
        settle(queue)
    assert run_verbs(acme) == []
    assert ("pull", "company") in run_verbs(birch)


def test_a_portal_that_a_person_has_paused_stands_still_until_it_is_resumed(queue: dramatiq.Broker, build_on: Build) -> None:
    # Given two portals, of which one was never read, and is paused by a person
    installation = build_on()
    acme, birch = installation.tenant("acme"), installation.tenant("birch")
    halt.pause(acme, actor="Ann", reason="they move")
    # When there is work for both, then the paused one has none
    with working(queue):
        hands = register(queue, installation)
        for portal in ("acme", "birch"):
            hands.send_all(portal, [READS[0], FollowUp(Work.MAIL)])
        settle(queue)
        assert run_verbs(acme) == []
        assert ("pull", "company") in run_verbs(birch)
        assert list(due(acme)) == []
        # and the schedule sends nothing for it, until it is resumed
        schedule = Scheduler(installation, hands)
        schedule.tick()
        settle(queue)
        assert run_verbs(acme) == []
        halt.resume(acme, actor="Bo", reason="")
        schedule.tick()
        settle(queue)
        assert ("pull", "company") in run_verbs(acme)
    with acme.store.reading("acme") as tx:
        told = [(act.verb, act.actor, act.reason) for act in interventions.listed(tx, "pause", "resume")]
    assert sorted(told) == [("pause", "Ann", "they move"), ("resume", "Bo", "")]


def test_a_restart_and_a_log_in_that_succeeds_end_a_pause_for_credentials_and_no_other(build_on: Build) -> None:
    wrong, right = build_on(ACME_SF_SECRET="wrong"), build_on()
    tenant = right.tenant("acme")
    # Given a log-in that was refused
    attempt(wrong, "acme", Work.PULL, "company")
    assert list(due(tenant)) == []
    # When a process starts, then it is tried at once; the problem stays until it passes
    halt.try_again(right.store, "acme")
    assert list(due(tenant))
    assert [row.failure.code for row in problems(tenant)] == ["auth_failed"]
    # When the log-in succeeds elsewhere, then the problem is over as well
    attempt(wrong, "acme", Work.PULL, "company")
    assert list(due(tenant)) == []
    halt.let_in(tenant)
    assert list(due(tenant))
    assert problems(tenant) == []
    # A pause for another reason stays
    with tenant.store.side_transaction("acme") as tx:
        portals.pause(tx, tx.shared_now + timedelta(minutes=5), "the allowance is used up")
    halt.let_in(tenant)
    halt.try_again(right.store, "acme")
    assert list(due(tenant)) == []


def test_a_portal_whose_file_names_another_mode_rests_with_the_command_while_another_one_works(
    queue: dramatiq.Broker, build_on: Build, settings: Settings
) -> None:
    # Given two portals that live by rules, of which one's file says contracts
    installation = build_on()
    acme, birch = installation.tenant("acme"), installation.tenant("birch")
    with acme.store.side_transaction("acme") as tx:
        portals.enter(tx, "rules")
    # when there is work for both
    with working(queue):
        hands = register(queue, installation)
        for portal in ("acme", "birch"):
            hands.send_all(portal, [READS[0]])
        settle(queue)
    # then one has rested since its first try, and says what would change that; the other one worked
    (told,) = problems(acme)
    row = standing(acme)
    assert row
    assert (told.failure.code, run_verbs(acme)) == ("config_error", [])
    assert row.paused_until_at is not None
    for words in (told.failure.message, row.paused_because or ""):
        assert "acme.yaml:" in words
        assert "sync-worker portals set-association-mode acme contracts --override --reason TEXT" in words
    assert ("pull", "company") in run_verbs(birch)
    assert problems(birch) == []


def test_what_the_brake_holds_rests_alone_and_longer_each_time(settings: Settings, clock: Clock, remote: Remote) -> None:
    """Deals are read, deals are pushed; only companies wait for a person."""
    environ = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    with closing(build(settings, environ=environ, services=Services(clock=clock), patience=IMPATIENT)) as installation:
        tenant = installation.tenant("acme")
        for follow_up in READS:
            attempt(installation, "acme", follow_up.work, follow_up.record)
        while follow_ups := [follow_up for follow_up in due(tenant) if follow_up.work in (Work.PUSH, Work.REFRESH)]:
            attempt(installation, "acme", follow_ups[0].work, follow_ups[0].record)
        # Given every partner but one made inactive in one go
        partners = [
            row for row in remote.records("Account") if row["Portal_Account_Type__c"] == "Partner" and row["Portal_Status__c"] == "Active"
        ]
        for row in partners:
            if row["Name"] != "Birch Systems":
                remote.edit("Account", row["Id"], {"Portal_Status__c": "Inactive"})
        _registered(tenant)
        clock.forward(hours=1)
        remote.advance_clock(3600)
        # when whatever is due is worked off
        rests = []
        for _ in range(2):
            for follow_up in list(due(tenant)):
                attempt(installation, "acme", follow_up.work, follow_up.record)
            with tenant.store.reading("acme") as tx:
                cursor = cursors.get(tx, "company")
            assert cursor is not None
            assert cursor.paused_until_at is not None
            rests.append((cursor.paused_until_at - clock()).total_seconds())
            # then companies rest, the portal does not, and its deals were read and written
            assert {follow_up.record for follow_up in due(tenant) if follow_up.work == Work.PULL} == set()
            clock.forward(seconds=rests[-1])
        assert rests == [300, 600]
        paused = standing(tenant)
        assert paused
        assert paused.paused_until_at is None
        (held,) = [row for row in problems(tenant) if row.failure.code == "held_for_review"]
        assert held.count == 2
        assert run_verbs(tenant).count(("pull", "opportunity")) > 1
        assert [row for row in remote.records("Lead") if row["Portal_Deal_Key__c"]]
        # and once it is mended in the CRM it passes by itself, and the failure with it
        for row in partners:
            remote.edit("Account", row["Id"], {"Portal_Status__c": "Active"})
        attempt(installation, "acme", Work.PULL, "company")
        assert problems(tenant) == []


def test_a_full_allowance_waits_as_long_as_the_crm_asks(build_on: Build, remote: Remote) -> None:
    installation = build_on()
    tenant = installation.tenant("acme")
    remote.set_daily_limit(100, used=100)
    assert attempt(installation, "acme", Work.PULL, "company") is None
    paused = standing(tenant)
    assert paused
    assert paused.paused_until_at
    assert timedelta(minutes=14) < paused.paused_until_at - installation.services.clock() <= timedelta(minutes=15)
    assert [row.failure.code for row in problems(tenant)] == ["rate_limited"]


def test_a_success_does_not_end_a_pause_that_began_meanwhile(build_on: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker met the limit while this one was at work."""
    installation = build_on()
    tenant = installation.tenant("acme")

    def pull(tenant: Tenant, record: str) -> Done:
        with tenant.store.side_transaction(tenant.name) as tx:
            portals.enter(tx, "contracts")
            portals.pause(tx, tx.now + timedelta(minutes=15), "the allowance is used up")
        return pull_record(tenant, record)

    monkeypatch.setitem(actors.STEPS, Work.PULL, pull)
    assert attempt(installation, "acme", Work.PULL, "company")
    paused = standing(tenant)
    assert paused
    assert paused.paused_because == "the allowance is used up"


@pytest.mark.parametrize(
    ("error", "code"), [(ZeroDivisionError("by nought"), "bug"), (SyncError("nobody thought of"), "sync_error"), (StaleRead("late"), "")]
)
def test_whatever_stops_the_work_is_written_down_and_acknowledged(
    error: Exception, code: str, queue: dramatiq.Broker, build_on: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = build_on()
    tenant = installation.tenant("acme")

    def broken(_tenant: Tenant, _record: str) -> Done:
        raise error

    monkeypatch.setitem(actors.STEPS, Work.PULL, broken)
    with working(queue):
        register(queue, installation).send_all("acme", [READS[0]])
        settle(queue)
    assert [row.failure.code for row in problems(tenant)] == ([code] if code else [])
    assert all(str(error) in row.failure.message for row in problems(tenant))
    row = standing(tenant)
    assert row is None or row.paused_until_at is None


def test_a_statement_that_the_database_refuses_is_kept_without_what_stood_in_it(
    build_on: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a step with a bug: it writes one person twice
    installation = build_on()
    tenant = installation.tenant("acme")
    ann = {"portal": "acme", "id": "ann", "email": "ann@example.com", "name": "Ann Canary", "role": "sales"}

    def broken(tenant: Tenant, _record: str) -> Done:
        with tenant.store.transaction(tenant.name) as tx:
            tx.connection.execute(
                text("INSERT INTO users (portal, id, email, name, role) VALUES (:portal, :id, :email, :name, :role)"), ann
            )
        raise AssertionError("the table takes it")

    monkeypatch.setitem(actors.STEPS, Work.PULL, broken)
    # When it is at work
    logs.set_up()
    attempt(installation, "acme", Work.PULL, "company")
    # Then the failure and the log say why and where, in few words, and nothing of the person or of the statement
    (row,) = problems(tenant)
    said = capsys.readouterr()
    assert "StatementRefused: the database did not take a statement: a value is missing" in row.failure.message
    assert "users" in row.failure.message
    assert len(row.failure.message) < 300
    for words in (row.failure.message, said.out + said.err):
        assert not any(
            secret in words for secret in ("ann@example.com", "Ann Canary", "INSERT INTO users (portal, id, email, name, role) VALUES (?")
        )


@pytest.mark.parametrize("place", ["the step", "writing it down"])
def test_a_database_out_of_reach_leaves_nothing_in_the_queue(
    place: str, queue: dramatiq.Broker, build_on: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = build_on()

    def broken(_tenant: Tenant, _record: str) -> Done:
        raise StoreDown("gone") if place == "the step" else RateLimited("slow down", retry_after_s=9, scope="burst")

    def down(*_: object) -> None:
        raise StoreDown("gone")

    monkeypatch.setitem(actors.STEPS, Work.PULL, broken)
    monkeypatch.setattr(failures, "record", down)
    with working(queue):
        register(queue, installation).send_all("acme", [READS[0]])
        settle(queue)


def test_a_message_for_a_portal_that_is_gone_is_dropped(queue: dramatiq.Broker, build_on: Build) -> None:
    with working(queue):
        register(queue, build_on()).send_all("nobody", [READS[0]])
        settle(queue)


def test_a_queue_out_of_reach_is_said_and_nothing_is_lost(build_on: Build, redis_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync_worker.bootstrap import broker

    installation = build_on()
    hands = register(broker(installation.settings.model_copy(update={"redis_url": redis_db})), installation)

    def down(*_: object, **__: object) -> None:
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(hands.broker, "do_enqueue", down, raising=False)
    assert hands.send("acme", Work.PULL, "company") is False


def _forget_pause(tenant: Tenant) -> None:
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.unpause(tx)
