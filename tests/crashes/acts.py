"""What is done in stories: by workers, by people before the CRM, and by people of the portal. Each act bears being done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from sync_worker.domain.core.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.user import Role
from sync_worker.domain.core.values import Value
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.deals.decide import approve, change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.people.users import UserData, put
from sync_worker.store.core import companies
from sync_worker.store.deals import deals
from sync_worker.store.sync import notices
from tests.crashes import schedule
from tests.crashes.scene import Scene
from tests.crashes.story import Act
from tests.simulation.desk import Native
from tests.simulation.fast.faults import Fault
from tests.simulation.people import _enter_registration, write_deal
from tests.simulation.world import PORTAL

ANN = Actor("Ann", None, "portal")  # who acts for no company
SOME_S = 60


# ── workers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def works(work: Work, record: str = "") -> Act:
    """A worker does this piece of work; what follows from it is left to the schedule."""
    return lambda scene: schedule.work(scene, FollowUp(work, record))


def reads(*, deals_too: bool = True) -> Act:
    """A worker reads what has changed."""

    def act(scene: Scene) -> None:
        for record in scene.tenant.readable_records()[: None if deals_too else 1]:
            schedule.work(scene, FollowUp(Work.PULL, record))

    return act


def refreshes(scene: Scene) -> None:
    """A worker reads what notices name."""
    for record in scene.tenant.readable_records():
        schedule.work(scene, FollowUp(Work.REFRESH, record))


def passes(seconds: float) -> Act:
    """So much time."""
    return lambda scene: scene.world.time.forward(seconds)


# ── before the CRM ───────────────────────────────────────────────────────────────────────────────────────────────────


def named(scene: Scene, record: str, name: str) -> Native:
    """The live record of that name."""
    (found,) = [native for native in scene.world.live(record) if scene.world.read(native)["name"] == name]
    return found


def deal_native(scene: Scene, name: str) -> Native:
    """The live record that is a deal of that name."""
    records = scene.desk.deal_records
    (found,) = [native for record in records for native in scene.world.live(record) if scene.world.read(native).get("name") == name]
    return found


def edits_deal(name: str, /, **values: Value) -> Act:
    """A person edits the record of a deal."""

    def act(scene: Scene) -> None:
        native = deal_native(scene, name)
        write_deal(scene.world, native, scene.world.typed(native.record, values))

    return act


def edits_company(name: str, /, **values: Value) -> Act:
    """A person edits a company."""

    def act(scene: Scene) -> None:
        scene.desk.edit(named(scene, "company", name), scene.world.typed("company", values))

    return act


def deletes_company(name: str) -> Act:
    return lambda scene: scene.desk.delete(named(scene, "company", name))


def without_deals(scene: Scene) -> None:
    """The CRM holds companies alone."""
    for record in scene.desk.deal_records:
        for native in scene.world.live(record):
            del scene.desk.vendor._rows[native.id]
    scene.world.ledger.begun_in_crm.clear()


def prepares_answers(scene: Scene) -> None:
    """The CRM answers a first load by jobs."""
    scene.desk.vendor.prepares_answers = True


def meets(trouble: str) -> Act:
    """The next write meets this trouble."""
    return lambda scene: scene.desk.vendor.trouble.order(Fault(trouble, frozenset({"write"})))


def hides(record: str, field: str) -> Act:
    """The CRM's admin hides a field from the worker."""

    def act(scene: Scene) -> None:
        described = scene.desk.mapping.records[record]
        scene.desk.vendor.schema.hide(described.native, described.fields[field].native)

    return act


def hides_of_deals(field: str) -> Act:
    """The same, of every record type where deals live."""

    def act(scene: Scene) -> None:
        for record in scene.desk.deal_records:
            hides(record, field)(scene)

    return act


def says(scene: Scene) -> None:
    """Webhooks name every record."""
    with scene.world.store.side_transaction(PORTAL) as tx:
        for record in scene.tenant.readable_records():
            notices.add(tx, record, [native.id for native in scene.world.live(record)])


# ── in the portal ────────────────────────────────────────────────────────────────────────────────────────────────────


def deal_named(scene: Scene, name: str) -> Deal | None:
    with scene.world.store.reading(PORTAL) as tx:
        return next((stored.deal for stored in deals.listed(tx) if stored.deal.values["name"] == name), None)


def the_deal(scene: Scene, name: str) -> Deal:
    found = deal_named(scene, name)
    assert found, f"there is no deal {name!r}"
    return found


def company_id(scene: Scene, name: str) -> str:
    with scene.world.store.reading(PORTAL) as tx:
        found = companies.find(tx, name)
    assert found, name
    return found.id


def registers(name: str, /, **values: Any) -> Act:
    """A partner registers a deal, unless it is there already."""

    def act(scene: Scene) -> None:
        written = {
            "owner_company": "Birch",
            "second_partner": "Arrow",
            "name": name,
            "prospect_name": f"Prospect of {name}",
            "contact_last_name": "Roe",
            "amount": "1200.50",
            "licence_count": "25",
            "deal_type": "new",
            "expected_close_on": "2026-06-30",
        }
        if deal_named(scene, name) is None:
            done(register(scene.tenant, {**written, **values}, actor=ANN))
        deal = the_deal(scene, name)
        if deal.id not in scene.world.ledger.registered:
            _enter_registration(scene.world, deal)

    return act


def changes(name: str, /, **values: str | None) -> Act:
    """Somebody edits a deal in the portal."""

    def act(scene: Scene) -> None:
        before = the_deal(scene, name)
        done(change(scene.tenant, before.id, values, MoveRequest(ANN)))
        with scene.world.store.reading(PORTAL) as tx:
            stored = deals.get(tx, before.id)
        assert stored
        for field in values:
            new, edits = comparable(stored.deal.values.get(field)), scene.world.ledger.edits.get((before.id, field), [])
            if all(edit.value != new for edit in edits):
                old = edits[-1].value if edits else None
                scene.world.ledger.wrote("portal", before.id, field, new, before=old, at=scene.world.time.crm_now)

    return act


def approves(name: str, *tracks: Track, decision: Decision = Decision.APPROVE) -> Act:
    """The distributor, or the vendor in the portal, decides."""

    def act(scene: Scene) -> None:
        deal = the_deal(scene, name)
        with scene.world.store.reading(PORTAL) as tx:
            vendor = companies.vendor(tx)
        assert vendor
        for track in tracks:
            company = deal.second_partner if track is Track.DISTRIBUTOR else vendor.id
            approve(
                scene.tenant, deal.id, track, decision, MoveRequest(Actor("Dora", None, "portal"), reason="because"), company=company or ""
            )

    return act


def comes(user_id: str, company: str, *, role: Role = Role.MANAGER) -> Act:
    """The portal tells of a user."""
    return lambda scene: done(put(scene.tenant, UserData(user_id, f"{user_id}@example.com", user_id.title(), role, company)))


def done(result: Any) -> Any:
    """What was asked for was done. **Raises** AssertionError with the refusal."""
    assert not isinstance(result, Refusal), result
    return result


def patched(**values: object) -> Callable[[], AbstractContextManager[None]]:
    """Other values for names of the steps, by "module.name" with "__" in place of each dot."""

    @contextmanager
    def patch() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as one:
            for name, value in values.items():
                one.setattr(f"sync_worker.steps.{name.replace('__', '.')}", value)
            yield

    return patch
