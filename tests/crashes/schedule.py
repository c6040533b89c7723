"""What follows by itself: the schedule's own looks at what is due, until nothing changes any more."""

from __future__ import annotations

from collections.abc import Iterator

from sync_worker.actors import _hold, do
from sync_worker.errors import HeldForReview, SchemaChanged, SyncError
from sync_worker.steps.core.follow_up import Done, FollowUp
from sync_worker.steps.sync.push.record_rest import let_rest
from sync_worker.steps.tell import deliver, mail
from sync_worker.store.core import runs
from tests.crashes.scene import Scene
from tests.integration.due import due
from tests.simulation.rest import Unsettled, changed, dump

MOST_ROUNDS, MOST_WORK = 8, 60
ROUND_S = 1200  # past the look-back, every claim, every lease and the longest wait between two tries


def settle(scene: Scene) -> None:
    """Looks until one changes nothing. **Raises** Unsettled."""
    before = dump(scene.world)
    for _ in range(MOST_ROUNDS):
        scene.desk.forget_calls()
        look(scene)
        scene.world.calls_at_rest = dict(scene.desk.calls())
        after = dump(scene.world)
        if after == before:
            return
        before = after
    look(scene)
    raise Unsettled(f"something still moves after {MOST_ROUNDS} looks: {'; '.join(changed(before, dump(scene.world)))}")


def look(scene: Scene) -> None:
    """Everything that is due now, and everything that follows from it. Pages are long: what is small was small in the acts."""
    scene.desk.be_quick()
    scene.world.time.forward(ROUND_S)
    with scene.world.store.side_transaction("") as tx:
        runs.close_left(tx)
    done_count = 0
    while todo := list(_due(scene)):
        before = done_count
        done_count += sum(work_off(scene, follow_up) for follow_up in todo)
        if done_count == before:
            return
        if done_count > MOST_WORK:
            raise Unsettled(f"one look does not end: {todo}")


def _due(scene: Scene) -> Iterator[FollowUp]:
    yield from due(scene.tenant)
    if deliver.is_due(scene.tenant):
        yield deliver.DELIVER
    if mail.is_due(scene.tenant):
        yield mail.MAIL


def work_off(scene: Scene, follow_up: FollowUp) -> int:
    """How many pieces of work were done: this one, and what follows from it."""
    todo, done_count = [follow_up], 0
    while todo:
        done = work(scene, todo.pop(0))
        if done and not done.is_busy:
            done_count += 1
            todo += [one for one in sorted(done.follow_ups, key=str) if one not in todo]
    return done_count


def work(scene: Scene, follow_up: FollowUp) -> Done | None:
    """One piece of work. None: an error ended it, as the trail tells."""
    words = f"{follow_up.work} {follow_up.record}".strip()
    try:
        done = do(scene.tenant, follow_up.work, follow_up.record)
    except SyncError as error:
        _rest(scene, follow_up.record, error)
        scene.world.say(f"{words}: {type(error).__name__}: {error}")
        return None
    scene.world.say(f"{words}: {'busy' if done.is_busy else done.counts.outcomes() or 'nothing'}")
    return done


def _rest(scene: Scene, record: str, error: SyncError) -> None:
    """What an actor does about an error that is one record type's alone."""
    if isinstance(error, HeldForReview):
        _hold(scene.tenant, record, error)
    elif isinstance(error, SchemaChanged) and error.record:
        let_rest(scene.tenant, error)
