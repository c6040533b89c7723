"""What steps change, the portal is told of: by one event each, after a first load that was silent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_sandbox.remote import Remote
from sync_worker.domain.tell.event import KINDS
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Store
from sync_worker.store.core.feed import StoredEvent
from tests.integration.steps.world import World


def listening(world: World) -> World:
    """The portal file names a feed from now on."""
    world.store = Store(world.store.url, clock=world.clock, events={"acme": frozenset(KINDS)})
    world.tenant = world.process()
    return world


def told(world: World, after: int = 0) -> list[StoredEvent]:
    with world.store.reading("acme") as tx:
        return feed.listed(tx, after=after, limit=1000)


@pytest.fixture
def portal(world: World) -> Iterator[World]:
    before = world.store
    yield listening(world)
    before.close()


def test_a_first_load_is_silent_and_ends_with_an_event_of_its_own(empty_world: World) -> None:
    before = empty_world.store
    listening(empty_world)

    empty_world.pull()
    before.close()

    found = told(empty_world)
    assert {event.kind for event in found} == {"records.loaded"}
    assert [event.record for event in found] == ["company", "deal", "deal"]


def test_a_change_in_the_crm_is_one_event_and_reading_it_again_is_none(portal: World, remote: Remote) -> None:
    remote.edit("Account", portal.id_of("Birch Systems"), {"Name": "Birch Systems Ltd"})

    portal.pull()
    portal.pull()

    [event] = told(portal)
    assert (event.kind, event.record_id) == ("company.changed", portal.company("Birch Systems Ltd").id)
    assert event.data["changed"] == {"name": {"before": "Birch Systems", "after": "Birch Systems Ltd"}}
    assert event.data["run"], "the run that read it"


def test_a_contract_that_ends_is_told_by_its_partner(portal: World, remote: Remote) -> None:
    partner = portal.company("Birch Systems")
    remote.edit("Account", partner.crm_id or "", {"Associated_Second_Partner__c": None})

    portal.pull()

    assert [(event.kind, event.record_id) for event in told(portal)] == [
        ("company.changed", partner.id),
        ("associations.changed", partner.id),
    ]


def test_a_deal_is_told_from_its_registration_on_with_who_did_what(portal: World) -> None:
    deal = portal.registered()
    portal.change(deal.id, amount="1300")
    portal.settle()
    portal.push()
    portal.pull()

    found = [event for event in told(portal) if event.record == "deal"]
    assert [event.kind for event in found] == ["deal.registered", *["deal.changed"] * (len(found) - 1)]
    assert found[0].data["record"] == {"type": "deal", "id": deal.id, "version": 1}
    edited = next(event for event in found if "amount" in event.data["changed"] and event is not found[0])
    assert edited.data["changed"]["amount"] == {"before": "1200.50", "after": "1300.00"}
    assert (edited.data["side"], edited.data["actor"]) == ("portal", "Ann")
    assert [event.data["record"]["version"] for event in found] == list(range(1, len(found) + 1))


def test_without_a_feed_nothing_is_written(world: World, remote: Remote) -> None:
    remote.edit("Account", world.id_of("Birch Systems"), {"Name": "Birch Systems Ltd"})

    world.pull()

    assert told(world) == []
