"""Dramatiq actors: a few lines each, ids only, safe to run twice and twice at once. The queue is a hint; the database knows what is due.

    live        polls, notices, pushes                 one queue each, with threads of its own, so that none waits for another; the queue
    backfill    first loads, backfills, comparisons    is the share of the API budget too, and what a piece of work makes due stays in it
    operator    replays, and what a person asks of the CRM

No portal keeps the others waiting: the same work is never done twice at once in a process, and a long one ends after its turn and goes to
the end of the queue.

A message of a portal that is disabled here is acknowledged and nothing is lost: what is due stands in the database, and the schedule sends
it again, to a process that has the portal. It is not put back, because it would go round and round while every process lacks it.

A message of a newer version, whose work this one does not know, is set aside by dramatiq with an error in the log that names the work.
Nothing is lost, for the same reason.

An error never stays in the queue. It is written where an operator looks, the message is acknowledged, and the schedule comes back to
whatever is still due. One table says how long the portal waits first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import dramatiq
from dramatiq.errors import BrokerConnectionError

from sync_worker.bootstrap import Installation
from sync_worker.crm.budget import SHARES, Share
from sync_worker.domain.core.backoff import Backoff
from sync_worker.domain.core.moments import utc
from sync_worker.domain.sync.ingest.resting import UNTIL_SOMEBODY_ACTS
from sync_worker.errors import (
    ConfigError,
    ConnectionDown,
    HeldForReview,
    RateLimited,
    RecordError,
    SchemaChanged,
    SchemaRefused,
    StaleRead,
    Stopped,
    StoreDown,
    SyncError,
    TransientError,
    UncertainWrite,
    WritesRest,
    told,
)
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.associations.mode import derive
from sync_worker.steps.core.brake import CODE as HELD
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.complete import complete
from sync_worker.steps.deals.expire import expire
from sync_worker.steps.operate.inquire import take_up
from sync_worker.steps.operate.intervene import go_on_queued
from sync_worker.steps.operate.replay import AT_ONCE
from sync_worker.steps.operate.sweep import sweep
from sync_worker.steps.operate.sweep_files import sweep_files
from sync_worker.steps.people.regroup import evaluate_groups
from sync_worker.steps.sync.ingest.backfill import go_on as go_on_backfill
from sync_worker.steps.sync.ingest.compare import compare, repair
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.record_rest import let_rest, passed
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.steps.tell.deliver import is_due as is_feed_due
from sync_worker.steps.tell.mail import MAIL
from sync_worker.steps.tell.mail import is_due as is_mail_due
from sync_worker.steps.tell.remind import remind
from sync_worker.store.core import cursors, failures, portals
from sync_worker.store.core.failures import Failure
from sync_worker.telemetry import logs, metrics
from sync_worker.telemetry.correlation import following

TURN_S = 10.0  # how long one piece of work may keep a thread from the others; the page or batch at hand is finished

STEPS: dict[Work, Callable[[Tenant, str], Done]] = {
    **AT_ONCE,
    Work.PULL: pull,
    Work.BACKFILL: go_on_backfill,
    Work.COMPARE: lambda tenant, _record: repair(tenant, compare(tenant)),
    Work.EXPIRE: lambda tenant, _record: expire(tenant),
    Work.REMIND: lambda tenant, _record: remind(tenant),
    Work.COMPLETE: lambda tenant, _record: complete(tenant),
    Work.EVALUATE: lambda tenant, _record: evaluate(tenant),
    Work.DERIVE: lambda tenant, _record: derive(tenant),
    Work.REGROUP: lambda tenant, _record: evaluate_groups(tenant),
    Work.REPLAY: lambda tenant, _record: go_on_queued(tenant),
    Work.INQUIRE: take_up,
    Work.SWEEP: lambda tenant, _record: sweep(tenant),
}
OWED = frozenset({Work.DELIVER, Work.MAIL})  # asked of the database after every piece of work
WHOLE_READINGS = frozenset({Work.PULL, Work.REFRESH})  # ask for every field of a record type
WITHOUT_CRM = OWED | {Work.SWEEP, Work.REGROUP}  # goes on while the CRM rests, or its calls are used up

WHILE_CRM_RESTS = WITHOUT_CRM | {Work.INQUIRE}  # a person who asks wants to know whether the CRM answers by now

PAUSE_S: dict[type[SyncError], float | Backoff] = {
    ConnectionDown: UNTIL_SOMEBODY_ACTS,
    RateLimited: 0,  # the error itself says how long
    TransientError: 15,
    StaleRead: 0,  # somebody newer is at it
    UncertainWrite: 0,  # its row is read back by the next push
    WritesRest: 0,  # each row waits by itself, and reading goes on
    SchemaRefused: 0,  # one field that we were to make; no other work waits for it
    HeldForReview: UNTIL_SOMEBODY_ACTS,  # of that record type alone; what is mended in the CRM passes by itself then
    Stopped: 0,  # the next process goes on
    StoreDown: 0,  # nowhere to write the pause down
    RecordError: 0,
    ConfigError: 300,
}
"""What an error means for the portal's next work. **Units** seconds; an unknown exception is a bug: recorded, not retried blindly."""


class Actors:
    """The actors of one broker, and the way to send them work."""

    def __init__(self, broker: dramatiq.Broker, installation: Installation) -> None:
        self._installation = installation
        self.broker = broker
        self._rounds = Rounds()
        self._actors: dict[tuple[Work, Share], dramatiq.Actor[[str, str], None]] = {
            (work, share): dramatiq.actor(broker=broker, actor_name=f"{share}.{work}", queue_name=share)(self._runner(work, share))
            for work in Work
            for share in SHARES
        }

    def send(self, portal: str, work: Work, record: str = "", share: Share = "live") -> bool:
        """One piece of work for a free worker. False: the queue is out of reach; the schedule finds the work again."""
        try:
            self._actors[work, share].send(portal, record)
        except BrokerConnectionError as error:
            logs.get().error("the queue is out of reach", portal=portal, verb=work.value, error=str(error))
            return False
        return True

    def send_all(self, portal: str, follow_ups: Iterable[FollowUp]) -> None:
        """What follows from a commit."""
        for follow_up in sorted(follow_ups, key=lambda follow_up: (follow_up.work, follow_up.record)):
            self.send(portal, follow_up.work, follow_up.record, follow_up.share)

    def _runner(self, work: Work, share: Share) -> Callable[[str, str], None]:
        def run(portal: str, record: str) -> None:
            with self._rounds.of((portal, work, record), again=lambda: self.send(portal, work, record, share)) as is_mine:
                done = attempt(self._installation, portal, work, record, share) if is_mine else None
            if done:
                with following(cause=done.run_id):
                    self.send_all(portal, done.follow_ups)

        run.__doc__ = f"{work.capitalize()} for one portal, paid from its {share} share."
        return run


class Rounds:
    """Which pieces of work are under way in this process. A second caller only asks for one more round afterwards.

    So a backlog of one portal, which the schedule reminds us of every minute, has one thread of a process and not all of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_asked_again: dict[tuple[str, str, str], bool] = {}

    @contextmanager
    def of(self, work: tuple[str, str, str], *, again: Callable[[], object]) -> Iterator[bool]:
        """Whether this work is ours to do; `again` is called at the end where somebody else came for it meanwhile."""
        with self._lock:
            is_mine = work not in self._is_asked_again
            self._is_asked_again[work] = not is_mine
        try:
            yield is_mine
        finally:
            if is_mine:
                with self._lock:
                    is_asked_again = self._is_asked_again.pop(work)
                if is_asked_again:
                    again()


def register(broker: dramatiq.Broker, installation: Installation) -> Actors:
    """Declares the actors on this broker; nothing is bound at import."""
    return Actors(broker, installation)


def threads_by_share(count: int) -> dict[Share, int]:
    """So many threads of one process, a quarter each for backfill and operator, one at least for every queue."""
    aside = max(1, count // 4)
    return {"live": max(1, count - 2 * aside), "backfill": aside, "operator": aside}


def attempt(installation: Installation, portal: str, work: Work, record: str, share: Share = "live") -> Done | None:
    """One turn of one step, unless the portal is paused or the share used up; whatever goes wrong is written down.

    None: nothing was done.
    """
    log = logs.get().bind(portal=portal, verb=work.value, record=record, share=share)
    if portal in installation.disabled:
        metrics.STOPS.labels(work, "portal_disabled").inc()
        log.warning("left undone: the portal is disabled in this process; the schedule finds it again")
        return None
    try:
        tenant = installation.tenant(portal, share)
    except ConfigError as error:
        log.warning("this work no longer belongs to a portal of this installation", error=str(error))
        return None
    try:
        try:
            if _is_halted(tenant, work) or (work not in WHILE_CRM_RESTS and _waits(installation, tenant, record, share)):
                return None
            return _worked(installation, tenant, work, record, share)
        except StoreDown:
            raise
        except Stopped as stopped:
            log.info("stopped on request", words=str(stopped))
        except SyncError as error:
            log.warning("stopped", error=str(error), kind=type(error).__name__)
            _record(tenant, work, record, error)
        except Exception as bug:
            log.exception("a bug stopped this work; it is recorded", error=told(bug))
            _record(tenant, work, record, bug)
    except StoreDown as error:
        log.error("the database is out of reach", error=str(error))  # noqa: TRY400  # the operator's problem, not a bug: no traceback
    return None


def _is_halted(tenant: Tenant, work: Work) -> bool:
    """Whether a person has paused the portal; its feed goes on, as its API does."""
    return work != Work.DELIVER and tenant.halted() is not None


def _waits(installation: Installation, tenant: Tenant, record: str, share: Share) -> bool:
    """Whether the portal's CRM is to be left alone for now."""
    if _is_resting(tenant, record):
        return True
    until_at = installation.budget(tenant.name).waits_until(share)
    if until_at:
        tenant.log.info("waits for the day's calls", until=until_at.isoformat(), share=share)
    return until_at is not None


def _worked(installation: Installation, tenant: Tenant, work: Work, record: str, share: Share) -> Done:
    with tenant.turn.lasting(TURN_S):
        done = do(tenant, work, record)
    if work == Work.SWEEP:
        sweep_files(installation.store, tenant.name, installation.files, services=installation.services)
    if done.run_id:
        _passed(tenant, work, record)
    follow_ups = {replace(follow_up, share=share) for follow_up in done.follow_ups if follow_up.work not in OWED}
    owed = {follow_up for follow_up, is_due in ((DELIVER, is_feed_due), (MAIL, is_mail_due)) if is_due(tenant)}
    return replace(done, follow_ups=frozenset(follow_ups | owed))


def do(tenant: Tenant, work: Work, record: str) -> Done:
    """The step that does this work."""
    return STEPS[work](tenant, record)


def pause_s(error: BaseException, *, seen_count: int = 1) -> float:
    """How long the portal, or one record type, rests after this error, come so many times in a row. Our budget stops one share."""
    if isinstance(error, RateLimited):
        return 0 if error.scope == "budget" else error.retry_after_s
    pause = pause_of(error)
    return pause.wait_s(seen_count) if isinstance(pause, Backoff) else pause


def pause_of(error: BaseException) -> float | Backoff:
    """What the table says of this error, or of the nearest kind that it is of."""
    return next((PAUSE_S[kind] for kind in type(error).__mro__ if kind in PAUSE_S), 0)


def _is_resting(tenant: Tenant, record: str) -> bool:
    """Whether the whole portal is paused, or this record type alone."""
    with tenant.store.reading(tenant.name) as tx:
        paused = [row.paused_until_at for row in (portals.get(tx), cursors.get(tx, record)) if row]
        return any(until_at > tx.shared_now for until_at in paused if until_at)


def _passed(tenant: Tenant, work: Work, record: str) -> None:
    """The work went through: what was open about it is resolved. A pause that began meanwhile stays: this work says nothing about it."""
    with tenant.store.side_transaction(tenant.name) as tx:
        row = portals.get(tx)
        if work not in WITHOUT_CRM and row and row.paused_until_at and row.paused_until_at <= tx.shared_now:
            portals.unpause(tx)
        if work in WHOLE_READINGS:
            passed(tx, record)
        rows = failures.open_rows(tx, record or work, [work], "pull")
        failures.close(tx, [row.id for row in rows], "the work went through")


def _record(tenant: Tenant, work: Work, record: str, error: Exception) -> None:
    """Writes down what stopped the work, and lets the portal rest as long as the error asks. A lost race is not written down."""
    if isinstance(error, StaleRead):
        return
    code = code_of(error)
    metrics.STOPS.labels(work, code).inc()
    if isinstance(error, HeldForReview):
        _hold(tenant, record, error)
        return
    if isinstance(error, SchemaChanged) and error.record:
        let_rest(tenant, error)
        return
    failure = Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=record or work,
        record=work,
        stage="pull",
        code=code,
        message=told(error),
        run_id="",
        name=f"{work} {record}".strip(),
    )
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.enter(tx, tenant.portal.associations.mode)
        failures.record(tx, [failure])
        wait_s = pause_s(error, seen_count=failures.seen_count(tx, "pull", failure.code))
        if wait_s:
            next_at = tx.shared_now + timedelta(seconds=wait_s)
            portals.pause(tx, next_at, str(error))
            failures.reword(tx, replace(failure, message=f"{failure.message}; next try {utc(next_at)}"))


def _hold(tenant: Tenant, record: str, held: HeldForReview) -> None:
    """The brake has written it down; what it holds is looked at again now and then, and everything else of the portal goes on."""
    with tenant.store.side_transaction(tenant.name) as tx:
        wait_s = pause_s(held, seen_count=failures.seen_count(tx, "pull", code_of(held)))
        because = f"a change is held for review: sync-worker failures list {tenant.name} --code {HELD}"
        cursors.pause(tx, record, tx.shared_now + timedelta(seconds=wait_s), code=HELD, because=because)


def code_of(error: Exception) -> str:
    """The code under which this error is kept: its class in `errors.py`, or `bug`. A class of the adapters has its parent's."""
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__module__ == SyncError.__module__), "bug")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
