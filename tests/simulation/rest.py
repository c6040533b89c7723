"""Rest: the faults are over, time passes, and the schedule looks for what is due until nothing is. Bounded, or it does not settle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.sync.push.push import has_work
from sync_worker.steps.tell import mail
from sync_worker.steps.tell.deliver import DELIVER, is_due
from sync_worker.store.operate import schema
from sync_worker.store.sync import backfills, notices
from sync_worker.store.tell import deliveries, mails
from tests.simulation.actions import judges, releases, step
from tests.simulation.admin import shows_fields
from tests.simulation.people import shares
from tests.simulation.world import PORTAL, Worker, World

MOST_ROUNDS = 15
ROUND_S = 1200  # past the look-back, every claim, every lease and the longest wait between two tries
A_DAY_S = 90_000  # more than any clock's day
RESTLESS = frozenset({"runs", "cursors", "portals", "catalogs"})  # tables that change with every look

Dump = dict[str, list[tuple[Any, ...]]]


class Unsettled(AssertionError):
    """The world does not come to rest."""


def settle(world: World) -> None:
    """Rounds until one changes nothing. **Raises** Unsettled.

    The comparison mends what nothing else has noticed, and would hide it from the rules: it is made only where nothing else can notice.
    """
    if world.setting.daily:
        world.most_calls_in_a_day = world.desk.most_calls_in_a_day()
        world.time.forward(A_DAY_S)
        world.waits_on = not world.desk.begin_day()
    world.outage.until_s = 0.0
    world.inbox.orders.clear()
    world.mailbox.orders.clear()
    for worker in [worker for worker in world.workers if worker.tenant.portal is not world.portal]:
        world.restart(worker)
    world.desk.be_quick()
    shares(world)
    shows_fields(world)
    world.say("── at rest ──")
    before = dump(world)
    look(world)
    if world.needs_comparison:
        step(world, world.workers[0], FollowUp(Work.COMPARE), [])
    for _ in range(MOST_ROUNDS):
        world.calls_at_rest = _calls_of_a_look(world)
        after = dump(world)
        if after == before and not _is_waiting(world):
            return
        before = after
    raise Unsettled(f"something still moves after {MOST_ROUNDS} rounds: {_moving(world)}")


def _calls_of_a_look(world: World) -> Mapping[str, int]:
    world.desk.forget_calls()
    look(world)
    return dict(world.desk.calls())


def look(world: World) -> None:
    """One look of the schedule at everything, and everything that follows from it."""
    world.time.forward(ROUND_S)
    worker = world.dice.choice(world.workers)
    releases(world, worker)
    todo = [FollowUp(Work.PULL, record) for record in world.readable]
    with world.store.reading(PORTAL) as tx:
        todo += [FollowUp(Work.REFRESH, record) for record in world.readable if record in notices.counts(tx)]
        todo += sorted({FollowUp(Work.BACKFILL, owed.object) for owed in backfills.unfinished(tx) if owed.is_queued}, key=str)
    todo += judges(worker)
    for _ in range(200):
        if not todo:
            if not has_work(worker.tenant):
                return _tell(world, worker)
            todo.append(FollowUp(Work.PUSH))
        follow_up = todo.pop(0)
        done = step(world, worker, follow_up, [])
        if done is None or done.is_busy:
            return None
        todo += [due for due in sorted(done.follow_ups, key=str) if due not in todo]
    raise Unsettled(f"a single round does not end: {todo}")


def _tell(world: World, worker: Worker) -> None:
    if is_due(worker.tenant):
        step(world, worker, DELIVER, [])
    if mail.is_due(worker.tenant):
        step(world, worker, mail.MAIL, [])


def dump(world: World) -> Dump:
    """Every row that may only change for a reason, as SQLite holds it: of each table it is asked without SQLAlchemy."""
    with world.store.reading(PORTAL) as tx:
        driver: Any = tx.connection.connection.driver_connection
        return {name: driver.execute(statement).fetchall() for name, statement in _dumping().items()}


@cache
def _dumping() -> Mapping[str, str]:
    tables = {name: table for name, table in schema.metadata.tables.items() if name not in RESTLESS}
    return {name: str(select(table).order_by(*table.primary_key).compile(dialect=sqlite.dialect())) for name, table in tables.items()}


def _is_waiting(world: World) -> bool:
    with world.store.reading(PORTAL) as tx:
        is_sent = tx.connection.execute(select(schema.unlearned_sends.c.portal)).first() is not None
        is_told = deliveries.owed(tx)[0] == 0 and all(row.outcome for row in mails.listed(tx, limit=None))
        return bool(notices.counts(tx)) or is_sent or not is_told


def _moving(world: World) -> str:
    """One more round, and the first rows that it changed."""
    before = dump(world)
    look(world)
    return "; ".join(changed(before, dump(world)))


def changed(before: Dump, after: Dump) -> Iterator[str]:
    """A line for each table that is not as it was, with the first rows of the difference."""
    for name, rows in after.items():
        new, old = [row for row in rows if row not in before[name]], [row for row in before[name] if row not in rows]
        if new or old:
            yield f"{name} has {new[:2]}, had {old[:2]}"
