"""Dramatiq actors: a few lines each, ids only, safe to run twice and twice at once. The queue is a hint; the database knows what is due.

An error never stays in the queue. It is written where an operator looks, the message is acknowledged, and the schedule comes back to
whatever is still due. One table says how long the portal waits first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import dramatiq
from dramatiq.errors import BrokerConnectionError
from redis import RedisError

from sync_worker import logs, metrics
from sync_worker.bootstrap import Installation
from sync_worker.errors import (
    ConfigError,
    ConnectionDown,
    HeldForReview,
    RateLimited,
    RecordError,
    StaleRead,
    Stopped,
    StoreDown,
    SyncError,
    TransientError,
    UncertainWrite,
)
from sync_worker.steps.compare import compare, repair
from sync_worker.steps.pull import pull
from sync_worker.steps.push import push
from sync_worker.steps.refresh import refresh
from sync_worker.steps.tenant import Done, Tenant, Wake
from sync_worker.store import failures, portals
from sync_worker.store.failures import Failure
from sync_worker.trail import following

QUEUE = "live"
QUEUE_DOWN = (BrokerConnectionError, RedisError)

VERBS: dict[str, Callable[[Tenant, str], Done]] = {
    "pull": pull,
    "refresh": refresh,
    "push": lambda tenant, _record: push(tenant),
    "compare": lambda tenant, _record: repair(tenant, compare(tenant)),
}

PAUSE_S: dict[type[SyncError], float] = {
    ConnectionDown: 300,  # a person must act; looking again every five minutes shows when they did
    RateLimited: 0,  # the error itself says how long
    TransientError: 15,
    StaleRead: 0,  # somebody newer is at it
    UncertainWrite: 0,  # its row is read back by the next push
    HeldForReview: 0,
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
        self._actors: dict[str, dramatiq.Actor[[str, str], None]] = {
            verb: dramatiq.actor(broker=broker, actor_name=verb, queue_name=QUEUE)(self._runner(verb)) for verb in VERBS
        }

    def send(self, portal: str, verb: str, record: str = "") -> bool:
        """One piece of work for whichever worker is free. False: the queue is out of reach; the schedule finds the work again."""
        try:
            self._actors[verb].send(portal, record)
        except QUEUE_DOWN as error:
            logs.get().error("the queue is out of reach", portal=portal, verb=verb, error=str(error))
            return False
        return True

    def wake(self, portal: str, wakes: Iterable[Wake]) -> None:
        """What a commit made due."""
        for wake in sorted(wakes, key=lambda wake: (wake.verb, wake.record)):
            self.send(portal, wake.verb, wake.record)

    def _runner(self, verb: str) -> Callable[[str, str], None]:
        def run(portal: str, record: str) -> None:
            done = attempt(self._installation, portal, verb, record)
            if done:
                with following(cause=done.run_id):
                    self.wake(portal, done.wakes)

        run.__doc__ = f"{verb.capitalize()} for one portal."
        return run


def register(broker: dramatiq.Broker, installation: Installation) -> Actors:
    """Declares the actors on this broker; nothing is bound at import."""
    return Actors(broker, installation)


def attempt(installation: Installation, portal: str, verb: str, record: str) -> Done | None:
    """Runs one step, unless the portal is paused; whatever goes wrong is written down. None: nothing was done."""
    log = logs.get().bind(portal=portal, verb=verb, record=record)
    try:
        tenant = installation.tenant(portal)
    except ConfigError as error:
        log.warning("this work is nobody's any more", error=str(error))
        return None
    try:
        try:
            return _worked(tenant, verb, record)
        except StoreDown:
            raise
        except Stopped as stopped:
            log.info("stopped on request", words=str(stopped))
        except SyncError as error:
            log.warning("stopped", error=str(error), kind=type(error).__name__)
            _record(tenant, verb, record, error)
        except Exception as bug:
            log.exception("a bug stopped this work; it is recorded", error=str(bug))
            _record(tenant, verb, record, bug)
    except StoreDown as error:
        log.error("the database is out of reach", error=str(error))  # noqa: TRY400  # the operator's problem, not a bug: no traceback
    return None


def _worked(tenant: Tenant, verb: str, record: str) -> Done | None:
    if _is_paused(tenant):
        return None
    done = VERBS[verb](tenant, record)
    if done.run_id:
        _passed(tenant, verb, record)
    return done


def pause_s(error: BaseException) -> float:
    """How long the portal's work rests after this error."""
    if isinstance(error, RateLimited):
        return error.retry_after_s
    return next((PAUSE_S[kind] for kind in type(error).__mro__ if kind in PAUSE_S), 0)


def _is_paused(tenant: Tenant) -> bool:
    with tenant.store.reading(tenant.name) as tx:
        row = portals.get(tx)
        return row is not None and row.paused_until_at is not None and row.paused_until_at > tx.now


def _passed(tenant: Tenant, verb: str, record: str) -> None:
    """The work went through: what was open about it is resolved. A pause that began meanwhile stays: this work says nothing about it."""
    with tenant.store.side_transaction(tenant.name) as tx:
        row = portals.get(tx)
        if row and row.paused_until_at and row.paused_until_at <= tx.now:
            portals.unpause(tx)
        rows = failures.open_rows(tx, record or verb, [verb], "pull")
        failures.close(tx, [row.id for row in rows], "the work went through")


def _record(tenant: Tenant, verb: str, record: str, error: Exception) -> None:
    """Writes down what stopped the work, and lets the portal rest as long as the error asks. A lost race is nobody's business."""
    if isinstance(error, StaleRead):
        return
    code = code_of(error)
    metrics.STOPS.labels(verb, code).inc()
    failure = Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=record or verb,
        record=verb,
        stage="pull",
        code=code,
        message=str(error) if isinstance(error, SyncError) else f"{type(error).__name__}: {error}",
        run_id="",
        name=f"{verb} {record}".strip(),
    )
    rest_s = pause_s(error)
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.enter(tx, tenant.portal.associations.mode)
        failures.record(tx, [failure])
        if rest_s:
            portals.pause(tx, tx.now + timedelta(seconds=rest_s), str(error))


def code_of(error: Exception) -> str:
    """The code under which this error is kept: the name of its class, or `bug`."""
    name = type(error).__name__ if isinstance(error, SyncError) else "bug"
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
