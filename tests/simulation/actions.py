"""What happens in a seed, drawn with weights: people on both sides, two workers, faults, crashes, and time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sync_worker.errors import StoreDown, SyncError
from sync_worker.steps.associations import evaluate, mode
from sync_worker.steps.associations.evaluate import EVALUATE
from sync_worker.steps.associations.mode import DERIVE
from sync_worker.steps.core.brake import CODE as HELD
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.intervene import release
from sync_worker.steps.operate.replay import replay
from sync_worker.steps.sync.ingest import backfill
from sync_worker.steps.sync.ingest.compare import compare, repair
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.steps.tell.deliver import DELIVER, deliver
from sync_worker.steps.tell.mail import mail
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.core.runs import NUMBERS, Counts
from sync_worker.store.sync import notices
from tests.simulation import admin, people
from tests.simulation.desk import MODES
from tests.simulation.gate import Blow, Crash, database_fails
from tests.simulation.world import PORTAL, Worker, World

Act = Callable[[World], object]

RELEASED = "the brake holds, and an operator lets it pass"
ASLEEP = "a worker's machine sleeps past its claim, and another worker takes over"
AWAY = "a transaction does not begin: the database is away"
MODE_CHANGED = "the association mode is changed"
ASLEEP_SHARE = 0.3  # of what workers do, where they can be overtaken
TOLD_SHARE = 0.2  # of the events, where there is a feed …
RECEIVER_SHARE = 0.3  # … and of these, with trouble of the receiver, and of the sender
OVERTAKEN_SHARE = 0.25  # of the troubles, where a worker can be overtaken
MEANWHILE, CRASH, DATABASE = "somebody acts in the middle of a step", "a worker dies", "the database is out of reach at a commit"


@dataclass(frozen=True, slots=True)
class Chance:
    """One kind of event and how often it is drawn."""

    weight: int
    words: str
    act: Act


def happens(world: World) -> None:
    """One event."""
    _feeds(world)
    world.time.forward(world.dice.choice((0.3, 2, 7, 25)))
    chance = drawn(world, EVENTS)
    world.happened[chance.words] += 1
    chance.act(world)


def _feeds(world: World) -> None:
    """Now and then the portal is told what it is owed, and its receiver has trouble."""
    if not world.setting.has_feed:
        return
    if world.more_dice.random() < TOLD_SHARE:
        if world.more_dice.random() < RECEIVER_SHARE:
            world.say(f"fault: {world.inbox.order(world.more_dice)}")
        at = world.more_dice.randint(1, 12)
        step(world, idle(world), DELIVER, [Blow(at)] if world.more_dice.random() < RECEIVER_SHARE else [])


def meanwhile(world: World) -> Callable[[], None]:
    """What somebody else does while a worker is in the middle of a step."""

    def act() -> None:
        world.say("  meanwhile:")
        world.happened[MEANWHILE] += 1
        if world.dice.random() < 0.5:
            drawn(world, BY_PEOPLE).act(world)
        elif world.dice.random() < 0.3:
            world.time.forward(world.dice.choice((20, 40, 200)))
            world.say(f"  it is {world.time.monotonic():.1f}")
        else:
            _work(world, idle(world), [])

    return act


def drawn(world: World, chances: tuple[Chance, ...]) -> Chance:
    """One of these, by its weight."""
    return world.dice.choices(chances, [chance.weight for chance in chances])[0]


# ── in the portal: each by a process of its own, which may die ───────────────────────────────────────────────────────


def _in_portal(act: Callable[[World, Tenant], None]) -> Act:
    def run(world: World) -> None:
        worker = idle(world)
        attempt(world, worker, "a person in the portal", lambda: act(world, worker.tenant), accident(world))

    return run


def idle(world: World) -> Worker:
    """A worker that is not in the middle of something; there always is one, for nobody is disturbed while disturbing."""
    return world.dice.choice([worker for worker in world.workers if worker not in world.busy])


def accident(world: World) -> list[Blow]:
    """Where a process dies in what it does, if it does."""
    roll, at = world.dice.random(), world.dice.randint(1, 22)
    if roll < 0.2:
        return [Blow(at)]
    return [Blow(at, lambda: _database_fails(world), is_database=True)] if roll < 0.28 else []


def _database_fails(world: World) -> None:
    world.happened[DATABASE] += 1
    database_fails()


# ── workers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def attempt(world: World, worker: Worker, words: str, step: Callable[[], Done | None], blows: list[Blow]) -> Done | None:
    """One step of one worker, with what befalls it. What is not in our tree of errors is a bug and goes through."""
    worker.gate.arm(blows)
    world.busy.append(worker)
    try:
        return step()
    except SyncError as error:
        world.say(f"{worker.name}: {words}: {type(error).__name__}: {str(error)[:90]}")
    except Crash:
        world.say(f"{worker.name}: {words}: CRASH at gate {worker.gate.passed}")
        world.happened[CRASH] += 1
        world.restart(worker)
    finally:
        worker.gate.arm([])
        world.busy.remove(worker)
    return None


def works(world: World) -> None:
    """A worker does what comes its way, perhaps not to the end, perhaps not alone."""
    blows = accident(world)
    blows += [Blow(world.dice.randint(1, 18), meanwhile(world)) for _ in range(world.dice.choice((0, 0, 1, 2)))]
    worker = idle(world)
    if world.desk.overtakes and world.more_dice.random() < ASLEEP_SHARE:
        world.desk.watch.on_prepare = lambda: worker.gate.blows.append(Blow(worker.gate.passed + 1, lambda: _sleeps(world, worker)))
    _work(world, worker, blows)
    world.desk.watch.on_prepare = lambda: None


def _sleeps(world: World, worker: Worker) -> None:
    """Between the commit of what is to be sent, and the send."""
    world.desk.watch.on_prepare = lambda: None
    world.happened[ASLEEP] += 1
    world.be_overtaken(worker.gate, 45, asleep=True)


def _work(world: World, worker: Worker, blows: list[Blow]) -> None:
    pulls = [FollowUp(Work.PULL, record) for record in world.readable]
    follow_up = world.dice.choice([*pulls, FollowUp(Work.PUSH), FollowUp(Work.PUSH), *world.woken, *judges(worker)])
    done = step(world, worker, follow_up, blows)
    if done:
        world.woken = [known for known in world.woken if known != follow_up]
        world.woken += [due for due in sorted(done.follow_ups, key=str) if world.dice.random() < 0.8]


def takes_over(world: World) -> None:
    """Another worker reads everything, and pushes."""
    worker = idle(world)
    for follow_up in [*(FollowUp(Work.PULL, record) for record in world.readable), FollowUp(Work.PUSH)]:
        step(world, worker, follow_up, [])


def judges(worker: Worker) -> list[FollowUp]:
    """What the schedule finds due of associations; nothing while the database is away."""
    with suppress(StoreDown):
        return [due for due, is_due in ((EVALUATE, evaluate.is_due), (DERIVE, mode.is_due)) if is_due(worker.tenant)]
    return []


def step(world: World, worker: Worker, follow_up: FollowUp, blows: list[Blow]) -> Done | None:
    """One piece of follow-up work. None: it did not come to its end."""
    words = f"{follow_up.work} {follow_up.record}".strip()
    done = attempt(world, worker, words, lambda: VERBS[follow_up.work](worker.tenant, follow_up.record), blows)
    if done and done.run_id:
        numbers = {name: number for name in NUMBERS if (number := getattr(done.counts, name))}
        world.say(f"{worker.name}: {words}: {numbers or 'nothing'} {dict(done.counts.skips) or ''}")
    return done


def order_fault(world: World) -> None:
    """Trouble on the wire: what the vendor, the network or its clock does to the calls to come."""
    is_overtaken = bool(world.desk.overtakes) and world.more_dice.random() < OVERTAKEN_SHARE
    words, order = world.more_dice.choice(world.desk.overtakes) if is_overtaken else world.dice.choice(world.desk.faults)
    order(world)
    world.say(f"fault: {words}")


def replays(world: World) -> None:
    """An operator has everything that failed tried again."""
    with world.store.reading(PORTAL) as tx:
        rows = [row for row in failures.listed(tx) if row.failure.kind == "failure"]
    worker = idle(world)
    if rows:
        world.say(f"operator: replay {len(rows)}")
        attempt(world, worker, "replay", lambda: _replayed(worker.tenant, world, rows), [])


def _replayed(tenant: Tenant, world: World, rows: list[failures.FailureRow]) -> Done:
    world.woken += sorted(replay(tenant, rows), key=str)
    return NOTHING


def releases(world: World, worker: Worker) -> None:
    """An operator has looked at what the brake holds, and lets it pass."""
    with world.store.reading(PORTAL) as tx:
        held = failures.listed(tx, FailureFilter(code=HELD))
    for row in held:
        world.happened[RELEASED] += 1
        world.say(f"operator: release {row.failure.name}: {row.failure.message[:100]}")
        attempt(world, worker, "release", lambda row=row: _released(worker.tenant, row), [])  # type: ignore[misc]


def _released(tenant: Tenant, row: failures.FailureRow) -> Done:
    release(tenant, row, actor="Olga", reason="it is meant")
    return NOTHING


def notices_come(world: World) -> None:
    """Webhooks: a few true, one of nothing, in no order."""
    record = world.dice.choice(world.readable)
    found = world.records(record)
    ids = [one.id for one in world.dice.sample(found, min(3, len(found)))]
    with world.store.side_transaction(PORTAL) as tx:
        notices.add(tx, record, ids)
    world.say(f"webhook: {record} {', '.join(ids)}")


def restarts_database(world: World) -> None:
    """No transaction begins for some time; what is under way when it goes is a blow of its own."""
    seconds = world.dice.choice((5, 40, 200))
    world.outage.until_s = world.time.monotonic() + seconds
    world.say(f"fault: the database is away for {seconds} s")


def changes_mode(world: World) -> None:
    """The mode is set, and the portal file says so too; one process may have been started again, and the other one not yet.

    In memory alone, and while no step is under way.
    """
    if world.busy or len(world.portals) < 2 or not world.desk.schema:
        return
    [wanted] = set(MODES) - {world.portal.associations.mode}
    first, second = world.workers
    attempt(world, first, f"the mode is set to {wanted}", lambda: _mode_set(world, first.tenant, wanted), [])
    if world.portal.associations.mode == wanted:
        world.happened[MODE_CHANGED] += 1
        for worker in (first, second) if world.dice.random() < 0.5 else (first,):
            world.restart(worker)


def _mode_set(world: World, tenant: Tenant, wanted: str) -> Done:
    mode.set_mode(tenant, wanted, actor="Olga", reason="the partners asked for it")
    world.portal = world.portals[wanted]
    world.say(f"operator: associations come from {wanted}")
    return NOTHING


def deafens(world: World) -> None:
    """Webhooks are lost from now on, for a day."""
    world.deaf_until = world.time.now + timedelta(days=1)
    world.say("fault: webhooks are lost for a day")


def time_passes(world: World) -> None:
    """Minutes, mostly; sometimes past the look-back, sometimes past the day."""
    seconds = world.dice.choices((60, 250, 400, 1500, 90_000), (6, 6, 4, 2, 1))[0]
    world.time.forward(seconds)
    world.say(f"{seconds} s pass")


NOTHING = Done("", Counts())

VERBS: dict[str, Callable[[Tenant, str], Done]] = {
    "pull": pull,
    "refresh": refresh,
    "backfill": backfill.go_on,
    "evaluate": lambda tenant, _record: evaluate.evaluate(tenant),
    "derive": lambda tenant, _record: mode.derive(tenant),
    "push": lambda tenant, _record: push(tenant),
    "deliver": lambda tenant, _record: deliver(tenant),
    "mail": lambda tenant, _record: mail(tenant),
    "compare": lambda tenant, _record: repair(tenant, compare(tenant)),
}

BY_PEOPLE: tuple[Chance, ...] = (
    Chance(12, "a person edits a deal in the CRM", people.edits_deal),
    Chance(1, "a person empties a field", people.clears_field),
    Chance(4, "a person edits a company", people.edits_company),
    Chance(1, "a company is made in the CRM", people.creates_company),
    Chance(2, "a deal begins in the CRM", people.creates_deal),
    Chance(1, "a record is made that the worker does not see", people.creates_unseen),
    Chance(1, "what was hidden is shared", people.shares),
    Chance(1, "a record is deleted", people.deletes),
    Chance(2, "a record comes back", people.undeletes),
    Chance(1, "an import stamps many records at one moment", admin.imports),
    Chance(1, "companies are merged", people.merges_companies),
    Chance(1, "deals are merged", people.merges_deals),
    Chance(1, "a lead is converted", people.converts_lead),
    Chance(1, "an admin hides a field", admin.hides_field),
    Chance(1, "an admin shows what was hidden", admin.shows_fields),
    Chance(1, "an admin adds a value to a list", admin.adds_value),
    Chance(1, "an admin takes a value from a list", admin.takes_value),
    Chance(4, "a partner registers a deal", _in_portal(people.registers)),
    Chance(10, "somebody edits a deal in the portal", _in_portal(people.changes)),
    Chance(5, "a distributor or the vendor decides", _in_portal(people.decides)),
)

EVENTS: tuple[Chance, ...] = (
    *BY_PEOPLE,
    Chance(45, "a worker works", works),
    Chance(16, "trouble is ordered", order_fault),
    Chance(1, "an operator replays failures", replays),
    Chance(1, "an operator looks at what the brake holds", lambda world: releases(world, idle(world))),
    Chance(3, "notices come", notices_come),
    Chance(2, "an operator changes the association mode", changes_mode),
    Chance(1, "webhooks stop", deafens),
    Chance(2, "the database goes away for some time", restarts_database),
    Chance(10, "time passes", time_passes),
)
