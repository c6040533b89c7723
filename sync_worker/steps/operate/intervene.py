"""INTERVENE: a person replays, discards or releases failures. Who, when, why and what became of each is kept.

A replay marks its failures in one commit, then tries them: records in the order in which their failures came, at first twenty of each
cause, then a thousand at a time. A cause whose breaker opens is left alone: its other failures are held, and the replay ends. Where a
replay is stopped, what is left stays marked; a person who asks for the same again goes on with it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sync_worker.domain.operate.recovery import remedy_of
from sync_worker.domain.sync.push.breaker import TRIP_COUNT, Cause
from sync_worker.errors import HeldForReview, Stopped
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.core.brake import released
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.park import NOTHING_OWED, OTHERWISE
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.replay import REPLAYED, replay, waited_for, work_off
from sync_worker.steps.sync.ingest.backfill import do_again as fill_again
from sync_worker.steps.sync.ingest.compare import compare, mend
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.breaker import judge
from sync_worker.store.core import cursors, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.core.runs import Counts
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention, TryOutcome
from sync_worker.store.sync import breakers

BATCH_COUNT = 1000  # records between two looks at whether to stop
RELEASED = "released"
REPLAY: Final = FollowUp(Work.REPLAY, share="operator")

Progress = Callable[[int], None]
"""Called after each batch with the number of failures tried so far."""


@dataclass(slots=True)
class _Unit:
    """One record's failures, in the order received: they are tried together."""

    rows: list[FailureRow] = field(default_factory=list)

    @property
    def causes(self) -> set[Cause]:
        return {cause_of(row) for row in self.rows}


@dataclass(frozen=True, slots=True)
class Result:
    """What a replay came to so far. **Shapes** `held`: causes that fail as before, so that what is left of them was not tried."""

    intervention: Intervention
    outcomes: Mapping[str, int]
    held: Mapping[Cause, datetime]

    @property
    def left_count(self) -> int:
        return self.outcomes.get(interventions.LEFT, 0)

    @property
    def held_count(self) -> int:
        return self.outcomes.get(interventions.HELD, 0)


def cause_of(row: FailureRow) -> Cause:
    """What the failure has in common with others."""
    return Cause(row.failure.object, row.failure.stage, row.failure.code)


def is_replayable(row: FailureRow) -> bool:
    """Whether trying it again is of any use."""
    return remedy_of(row.failure.code, stage=row.failure.stage).is_replayable


def begin_replay(
    tenant: Tenant, rows: Sequence[FailureRow], *, selection: str, actor: str, reason: str = "", is_queued: bool = False
) -> Intervention:
    """Marks the failures that can be replayed. One that was asked for in the same words and stopped is over: this one goes on with it."""
    received = sorted((row for row in rows if is_replayable(row)), key=lambda row: (row.first_seen_at, row.failure.id))
    asked = Intervention(tenant.services.new_id(), "replay", selection, actor, reason, is_queued)
    with tenant.store.side_transaction(tenant.name) as tx:
        breakers.close(tx, {cause_of(row) for row in received})  # a person says that they are gone
        for earlier in interventions.unfinished(tx):
            if earlier.selection == selection:
                interventions.settle(tx, earlier.id, dict.fromkeys(interventions.left(tx, earlier.id), TryOutcome("continued")))
                interventions.finish(tx, earlier.id)
        interventions.begin(tx, asked, [row.failure.id for row in received])
    words = {"intervention": asked.id, "actor": actor, "reason": reason, "failures": len(received), "queued": is_queued}
    tenant.log.info("replay asked for", **words)
    return asked


def go_on(tenant: Tenant, asked: Intervention, *, on_batch: Progress | None = None) -> Result:
    """Tries what is left of a replay, or a turn of it.

    **Raises** Stopped, and what `refresh` and `push` do; what is left then stays marked.
    """
    units, tried = _units(tenant, asked), 0
    for batch in _batches(tenant, asked, units):
        with tenant.turn.lasting(math.inf):  # what is tried by half is not tried
            _try(tenant, asked, batch)
        tried += sum(len(unit.rows) for unit in batch)
        if on_batch:
            on_batch(tried)
        if tenant.services.is_stopping():
            raise Stopped(f"{tried} of {sum(len(unit.rows) for unit in units)} failures were tried; the others stay marked")
        if tenant.turn.is_over:
            break
    return _finished(tenant, asked)


def go_on_queued(tenant: Tenant) -> Done:
    """A turn of everything that was left to the workers."""
    follow_ups = set[FollowUp]()
    for asked in queued(tenant):
        if asked.verb == "release":
            _release_asked(tenant, asked)
        elif go_on(tenant, asked).left_count and tenant.turn.is_over:
            follow_ups.add(REPLAY)
    return Done("", Counts(), frozenset(follow_ups))


def stop(tenant: Tenant, asked: Intervention, *, actor: str, reason: str = "") -> None:
    """A person stops a replay: the batch at hand is finished, the others are not tried."""
    with tenant.store.side_transaction(tenant.name) as tx:
        interventions.settle(tx, asked.id, dict.fromkeys(interventions.left(tx, asked.id), TryOutcome(interventions.STOPPED)))
        interventions.finish(tx, asked.id)
        _record(tx, tenant, Intervention(tenant.services.new_id(), "stop", asked.id, actor, reason), [], interventions.STOPPED)


def queued(tenant: Tenant) -> list[Intervention]:
    """What was left to the workers and is not finished."""
    with tenant.store.reading(tenant.name) as tx:
        return [asked for asked in interventions.unfinished(tx) if asked.is_queued]


def discard(tenant: Tenant, rows: Sequence[FailureRow], *, selection: str, actor: str, reason: str) -> Intervention:
    """These are no longer reported; their records are tried again when they change."""
    ids = [row.failure.id for row in rows]
    with tenant.store.side_transaction(tenant.name) as tx:
        failures.discard(tx, ids, f"discarded by {actor}: {reason}")
        return _record(tx, tenant, Intervention(tenant.services.new_id(), "discard", selection, actor, reason), ids, "discarded")


def release(tenant: Tenant, row: FailureRow, *, actor: str, reason: str) -> Intervention:
    """What the brake holds back is done, once, because a person has looked at it; the commit that does it says so.

    **Raises** what the work that was held does: HeldForReview again where what follows is too much as well, and was not looked at.
    """
    asked = Intervention(tenant.services.new_id(), "release", row.failure.id, actor, reason)
    _let_pass(tenant, row, asked, lambda tx: _record(tx, tenant, asked, [row.failure.id], RELEASED))
    return asked


def begin_release(tenant: Tenant, row: FailureRow, *, actor: str, reason: str) -> Intervention:
    """The same, left to the workers: what was held may take minutes."""
    asked = Intervention(tenant.services.new_id(), "release", row.failure.id, actor, reason, is_queued=True)
    with tenant.store.side_transaction(tenant.name) as tx:
        interventions.begin(tx, asked, [row.failure.id])
    tenant.log.info("release asked for", intervention=asked.id, actor=actor, reason=reason, failure=row.failure.id)
    return asked


def _release_asked(tenant: Tenant, asked: Intervention) -> None:
    """A release that was left to the workers. **Raises** as `release`; if what follows is held, this release is over."""
    with tenant.store.reading(tenant.name) as tx:
        rows = [row for row in failures.by_ids(tx, interventions.left(tx, asked.id)).values() if is_open(row)]

    def write_down(tx: Tx, outcome: str = RELEASED) -> None:
        interventions.settle(tx, asked.id, dict.fromkeys(interventions.left(tx, asked.id), TryOutcome(outcome)))
        interventions.finish(tx, asked.id)

    try:
        for row in rows:
            _let_pass(tenant, row, asked, write_down)
    except HeldForReview:
        with tenant.store.side_transaction(tenant.name) as tx:
            write_down(tx, "failed")
        raise
    if not rows:
        with tenant.store.side_transaction(tenant.name) as tx:
            write_down(tx, "superseded")


def _let_pass(tenant: Tenant, row: FailureRow, asked: Intervention, write_down: Callable[[Tx], object]) -> None:
    """Does what was held; `write_down` belongs to the commit that does it."""
    failure = row.failure

    def on_pass(tx: Tx) -> None:
        failures.close(tx, [failure.id], f"released by {asked.actor}: {asked.reason}")
        cursors.unpause(tx, failure.object)
        write_down(tx)

    with released(tenant, on_pass):
        _do_again(tenant, Work(failure.record), failure.object)
    with tenant.store.side_transaction(tenant.name) as tx:
        if failures.by_ids(tx, [failure.id])[failure.id].resolved_at is None:  # the brake did not need to be let go
            on_pass(tx)


def _do_again(tenant: Tenant, work: Work, object_: str) -> None:
    """The work that was held, and what follows from it; another reader is waited for."""
    match work:
        case Work.COMPARE:
            work_off(tenant, mend(tenant, compare(tenant)).follow_ups)
        case Work.EVALUATE:
            work_off(tenant, evaluate(tenant).follow_ups)
        case Work.REFRESH:
            work_off(tenant, {FollowUp(Work.REFRESH, object_)})
        case Work.BACKFILL:
            work_off(tenant, waited_for(tenant, lambda: fill_again(tenant, object_)).follow_ups)
        case Work.PULL:
            work_off(tenant, waited_for(tenant, lambda: pull(tenant, object_)).follow_ups)
        case _:
            raise ValueError(f"the brake never holds the work {work}: it asks for none of its pages")


def _record(tx: Tx, tenant: Tenant, asked: Intervention, ids: Sequence[str], outcome: str) -> Intervention:
    """Something that was done at once."""
    interventions.begin(tx, asked, ids)
    interventions.settle(tx, asked.id, dict.fromkeys(ids, TryOutcome(outcome)))
    interventions.finish(tx, asked.id)
    tenant.log.info(outcome, intervention=asked.id, actor=asked.actor, reason=asked.reason, failures=len(ids))
    return asked


# ── in what order ────────────────────────────────────────────────────────────────────────────────────────────────────


def _units(tenant: Tenant, asked: Intervention) -> list[_Unit]:
    """What is left, by record: the record whose first failure came first is first."""
    with tenant.store.reading(tenant.name) as tx:
        ids = interventions.left(tx, asked.id)
        rows = failures.by_ids(tx, ids)
    units: dict[tuple[str, str], _Unit] = {}
    for row in (rows[failure_id] for failure_id in ids):
        units.setdefault((row.failure.object, row.failure.record), _Unit()).rows.append(row)
    return list(units.values())


def _batches(tenant: Tenant, asked: Intervention, units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """First a sample of each cause, then the others; those of causes that keep failing are left out. A person may stop it between two."""
    sample, rest = _sampled(units)
    for start in (None, *range(0, len(rest), BATCH_COUNT)):
        batch = sample if start is None else rest[start : start + BATCH_COUNT]
        with tenant.store.reading(tenant.name) as tx:
            held, goes_on = breakers.resting(tx), interventions.is_unfinished(tx, asked.id)
        if not goes_on:
            return
        if admitted := [unit for unit in batch if not unit.causes & held.keys()]:
            yield admitted


def _sampled(units: Iterable[_Unit]) -> tuple[list[_Unit], list[_Unit]]:
    counts: Counter[Cause] = Counter()
    sample, rest = list[_Unit](), list[_Unit]()
    for unit in units:
        is_sample = any(counts[cause] < TRIP_COUNT for cause in unit.causes)
        (sample if is_sample else rest).append(unit)
        counts.update(unit.causes)
    return sample, rest


# ── one batch ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _try(tenant: Tenant, asked: Intervention, batch: Sequence[_Unit]) -> None:
    """Both sides are read again. What was resolved or discarded since it was marked is not tried."""
    ids = [row.failure.id for unit in batch for row in unit.rows]
    with tenant.store.reading(tenant.name) as tx:
        before = failures.by_ids(tx, ids)
    live = [row for failure_id in ids if is_open(row := before[failure_id])]
    work_off(tenant, replay(tenant, live))
    with tenant.store.transaction(tenant.name) as tx:
        outcomes = {failure_id: TryOutcome("superseded") for failure_id in ids} | _outcomes(tx, live)
        interventions.settle(tx, asked.id, outcomes)
        judge(tx, tenant, _readings(live, outcomes))


def is_open(row: FailureRow) -> bool:
    """Whether there is still something to try."""
    return row.resolved_at is None and row.discarded_at is None


def _outcomes(tx: Tx, tried: Sequence[FailureRow]) -> dict[str, TryOutcome]:
    """What became of the failures."""
    now = failures.by_ids(tx, [row.failure.id for row in tried])
    heirs = _heirs(tx, [row for row in now.values() if row.resolution in (OTHERWISE, REPLAYED)])
    return {row.failure.id: _outcome(row, now[row.failure.id], heirs.get(row.failure.id)) for row in tried}


def _outcome(before: FailureRow, now: FailureRow, heir: str | None) -> TryOutcome:
    if now.resolved_at is None:
        is_judged = now.count > before.count or (now.failure.stage == "ingest" and now.failure.kind == "problem")  # still so: no news
        return TryOutcome("failed" if is_judged else "waiting")
    if heir or now.resolution == OTHERWISE:
        return TryOutcome("failed", heir)
    return TryOutcome("superseded" if now.resolution == NOTHING_OWED else "passed")


def _heirs(tx: Tx, closed: Sequence[FailureRow]) -> dict[str, str]:
    """Failures that took the place of these, by the id of these."""
    found: dict[str, str] = {}
    for object_, stage in sorted({(row.failure.object, row.failure.stage) for row in closed}):
        mine = {row.failure.record: row.failure.id for row in closed if (row.failure.object, row.failure.stage) == (object_, stage)}
        found |= {mine[heir.record]: heir.id for heir in failures.open_rows(tx, object_, list(mine), stage) if heir.kind == "failure"}
    return found


def _readings(tried: Sequence[FailureRow], outcomes: Mapping[str, TryOutcome]) -> dict[Cause, tuple[int, int]]:
    """Passed and failed by cause, of what was read; pushes teach their breakers themselves."""
    found: Counter[tuple[Cause, str]] = Counter(
        (cause_of(row), outcomes[row.failure.id].outcome) for row in tried if row.failure.stage == "ingest"
    )
    return {cause: (found[cause, "passed"], found[cause, "failed"]) for cause, _ in found}


def _finished(tenant: Tenant, asked: Intervention) -> Result:
    """What it came to. It is over once nothing is left but records whose cause is still there: these are held."""
    units = _units(tenant, asked)
    with tenant.store.side_transaction(tenant.name) as tx:
        resting = breakers.resting(tx)
        held = [unit for unit in units if unit.causes & resting.keys()]
        if len(held) == len(units):
            interventions.settle(tx, asked.id, {row.failure.id: TryOutcome(interventions.HELD) for unit in held for row in unit.rows})
            interventions.finish(tx, asked.id)
        causes = {cause for unit in held for cause in unit.causes}
        result = Result(asked, interventions.counts(tx, asked.id), {cause: at for cause, at in resting.items() if cause in causes})
    named = {name: count for name, count in result.outcomes.items() if name}
    tenant.log.info("replayed", intervention=asked.id, left=result.left_count, **named)
    return result
