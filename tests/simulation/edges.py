"""Moments at the edge of a poll or of a write, at which a record is lost easily. Each is acted as a whole: chance alone seldom meets one.

an edit between the ends of two polls         the next poll must begin where the last one ended, or before
a row that is seen late                       … and before that, by the look-back
a reader that dies between two commits        what is not stored yet must be read again
a write while a page is stored                the page is older than the write
two writes, the first of which lands last     the vendor commits what we gave up, over what we wrote after it
"""

from __future__ import annotations

from datetime import timedelta

from sync_worker.domain.core.deal import Deal
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.sync.ingest.pull import SETTLE_S
from sync_worker.store.deals import deals, links
from tests.simulation.actions import attempt, idle, step
from tests.simulation.admin import imports_into
from tests.simulation.desk import Native
from tests.simulation.fast import writing
from tests.simulation.fast.desks import vendor_of
from tests.simulation.fast.faults import Fault
from tests.simulation.fast.port import EDITED_MEANWHILE, WRITTEN_MEANWHILE
from tests.simulation.gate import Blow
from tests.simulation.people import change_deal, is_of_ours, write_deal
from tests.simulation.world import PORTAL, Worker, World

IN_A_SECOND = timedelta(seconds=0.3)  # of a whole one, in which a poll ends
LATE_S = (20, 45)  # inside the shortest look-back


def falls_between_polls(world: World) -> None:
    """An edit less than a second after the moment at which a poll ends."""
    native = _any(world)
    if native is None:
        return
    past = timedelta(microseconds=world.time.crm_now.microsecond)
    world.time.forward(((IN_A_SECOND - past) % timedelta(seconds=1)).total_seconds())
    touch(world, native)
    world.time.forward(SETTLE_S - 0.1)
    _pulls(world, native.record)


def shows_late(world: World) -> None:
    """An edit that a poll does not see, although it ends after it."""
    native, late_s = _any(world), world.dice.choice(LATE_S)
    if native is None:
        return
    vendor = vendor_of(world)
    if vendor.ways.is_text:
        before, vendor.lag_s = vendor.lag_s, float(late_s)
        touch(world, native)
        world.time.forward(SETTLE_S + 5)
        _pulls(world, native.record)
        vendor.lag_s = before
    else:
        world.is_stamped_late = True
        _pulls(world, native.record)
        with vendor.stamping_late(late_s):
            touch(world, native)


def dies_between_commits(world: World) -> None:
    """A reader, of more records than one commit takes, that were stamped farther back than a poll reaches."""
    record, worker = world.dice.choice(world.readable), idle(world)
    imports_into(world, record)
    world.time.forward(world.setting.look_back_s + 60)
    left = world.dice.choice((1, 1, 2, 3))

    def moves() -> None:
        nonlocal left
        left -= 1
        if not left:
            worker.gate.blows.append(Blow(worker.gate.passed + 2))  # the first gate is the commit, the second one is behind it

    world.desk.watch.on_move = moves
    _pulls(world, record, worker)
    world.desk.watch.on_move = lambda: None


def is_written_meanwhile(world: World) -> None:
    """Both sides edit one deal; a reader has its record, and before it stores that, another worker writes."""
    found = _linked(world)
    if not found:
        return
    deal, native = world.dice.choice(found)
    write_deal(world, native, world.typed(native.record, {"licence_count": world.number()}))
    world.time.forward(SETTLE_S + 5)
    _edited(world, deal, "name")
    vendor = vendor_of(world)
    vendor.overtake = lambda gate: world.be_overtaken(gate, 2, asleep=False)
    vendor.trouble.order(Fault(WRITTEN_MEANWHILE, frozenset({"search"})))
    _pulls(world, native.record)


def is_edited_while_written(world: World) -> None:
    """Somebody in the portal edits a deal, and edits it again while a worker waits for the answer to that write."""
    found = _linked(world)
    if not found:
        return
    deal, _ = world.dice.choice(found)
    _edited(world, deal, "licence_count")
    vendor = vendor_of(world)
    vendor.overtake = lambda _gate: _edited(world, deal, "licence_count")
    vendor.trouble.order(Fault(EDITED_MEANWHILE, frozenset({"write"})))
    _pushes(world)
    vendor.overtake = lambda _gate: None


def lands_last(world: World) -> None:
    """Somebody in the portal edits one field twice. The first write is given up, and committed after the second one."""
    world.late_commits_from = world.late_commits_from or world.time.crm_now
    untouched = [one for one in _linked(world) if not world.may_have_hidden_an_edit(one[1].id)]
    if not untouched:
        return
    deal, _ = world.dice.choice(untouched)
    vendor = vendor_of(world)
    vendor.late_s = world.dice.choice((60, 200))
    vendor.trouble.order(Fault(writing.LATE, frozenset({"write"})))
    for _ in range(2):
        _edited(world, deal, "licence_count")
        _pushes(world)
        world.time.forward(20)
    world.time.forward(vendor.late_s)
    vendor.catch_up()


def touch(world: World, native: Native) -> None:
    """An edit whose value no other edit writes."""
    if native.record == "company":
        region = world.read(native).get("region")
        fields = world.typed("company", {"region": next(word for word in world.desk.regions if word != region)})
        world.by_a_person(f"CRM: {native.id} {fields}", lambda: world.desk.edit(native, fields))
    else:
        write_deal(world, native, world.typed(native.record, {"licence_count": world.number()}))


def _any(world: World) -> Native | None:
    record = world.dice.choice(world.readable)
    found = [one for one in world.live(record) if record == "company" or is_of_ours(world, one)]
    return world.dice.choice(found) if found else None


def _pulls(world: World, record: str, worker: Worker | None = None) -> None:
    step(world, worker or idle(world), FollowUp(Work.PULL, record), [])


def _pushes(world: World) -> None:
    step(world, idle(world), FollowUp(Work.PUSH), [])


def _edited(world: World, deal: Deal, name: str) -> None:
    """Somebody in the portal writes the field."""
    worker, number = idle(world), world.number()
    with world.store.reading(PORTAL) as tx:
        [stored] = deals.by_ids(tx, [deal.id]).values()
    wanted = {name: number if name == "licence_count" else f"Deal {number}"}
    attempt(world, worker, "a person in the portal", lambda: change_deal(world, worker.tenant, stored.deal, wanted), [])


def _linked(world: World) -> list[tuple[Deal, Native]]:
    """Deals that the portal knows, with their live records."""
    with world.store.reading(PORTAL) as tx:
        known = {stored.deal.id: stored.deal for stored in deals.listed(tx)}
        homes = links.current(tx, known)
    lives = {native.id: native for record in world.desk.deal_records for native in world.live(record)}
    return [(known[deal_id], lives[link.crm_id]) for deal_id, link in sorted(homes.items()) if link.crm_id in lives]
