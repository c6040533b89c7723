"""Expiry: a day of the portal's own calendar ends a registration, on both sides; who puts it off revives it."""

from __future__ import annotations

from sync_worker.steps.expire import expire
from sync_worker.store import deals
from tests.integration.steps.world import World

DAY_S = 86_400


def expired(world: World) -> int:
    done = expire(world.tenant)
    world.settle(done.wakes)
    return done.counts.applied


def test_an_expired_registration_ends_on_both_sides_and_can_be_put_off(world: World) -> None:
    # Given a deal in both places, whose last day the vendor sets in the CRM: today
    deal = world.registered()
    expired(world)  # what the org's own data has expired
    world.edit(deal.id, Portal_Expires__c=world.clock.now.date().isoformat())
    world.pull()
    # When the day has not passed, then nothing happens; when it has, the registration ends, once, and the CRM is told
    assert expired(world) == 0
    world.forward(DAY_S)
    assert expired(world) == 1
    assert expired(world) == 0
    after, record = world.deal(deal.id), world.record_of(deal.id)
    assert (after.lifecycle, after.values["is_registered"]) == ("expired", False)
    assert (record["Portal_Deal_State__c"], record["Portal_Registered__c"]) == ("expired", False)
    with world.store.reading("acme") as tx:
        assert "the calendar" in {change["actor"] for change in deals.history(tx, deal.id)}
    # And when the vendor puts the day off, it is a registration again
    world.edit(deal.id, Portal_Expires__c="2099-01-01")
    world.pull()
    assert expired(world) == 1
    assert world.record_of(deal.id)["Portal_Registered__c"] is True
