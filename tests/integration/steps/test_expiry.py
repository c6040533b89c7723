"""Expiry: a day of the portal's own calendar ends a registration, on both sides; who puts it off revives it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.deals.quotes.price_list import Wish
from sync_worker.domain.deals.quotes.quote import Pricing
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.expire import expire
from sync_worker.steps.deals.move import MoveRequest, move, open_to
from sync_worker.steps.deals.quote import QuoteWish, make
from sync_worker.steps.deals.register import draft
from sync_worker.store.deals import deals
from tests.integration.steps.world import ANN, TERMS, World

DAY_S = 86_400


def expired(world: World) -> int:
    done = expire(world.tenant)
    world.settle(done.follow_ups)
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


PERIOD = {"registration_period": {"default": "90d", "types": {"renewal": "30d"}}}


def expires_on(world: World, deal_id: str) -> tuple[object, object]:
    """The last day in the portal and in the CRM."""
    return world.deal(deal_id).values["expires_on"], world.record_of(deal_id)["Portal_Expires__c"]


def in_days(world: World, days: int) -> tuple[date, str]:
    day = world.clock.now.astimezone(world.tenant.portal.zone).date() + timedelta(days=days)
    return day, day.isoformat()


def test_the_period_gives_every_registration_its_last_day_wherever_it_begins(world: World) -> None:
    # Given an open deal from before the portal had a period
    old = world.registered(prospect_name="Old Inc")
    assert expires_on(world, old.id) == (None, None)
    world.configure(deals=PERIOD, time_zone="Pacific/Auckland")
    # When deals are registered in the portal, submitted from a draft, and made in the CRM
    new, renewal = world.registered(), world.registered(deal_type="renewal", prospect_name="Globex")
    drafted = draft(world.tenant, {**TERMS, "prospect_name": "Initech"}, actor=ANN)
    assert not isinstance(drafted, Refusal)
    assert "expires_on" not in drafted.deal.values
    submitted = move(world.tenant, drafted.deal.id, Verb.SUBMIT, MoveRequest(ANN))
    assert not isinstance(submitted, Refusal)
    world.settle(submitted.follow_ups)
    theirs = {"Company": "Umbrella", "LastName": "Doe", "Portal_Deal_Name__c": "Theirs", "Portal_Partner__c": world.id_of("Birch Systems")}
    world.remote.create("Lead", theirs)
    world.remote.create("Lead", {**theirs, "Portal_Deal_Name__c": "Dated", "Portal_Expires__c": "2027-01-31"})
    world.pull()
    # Then each has its last day, on both sides, by the portal's own calendar; the one that the CRM dated keeps it
    assert expires_on(world, new.id) == expires_on(world, submitted.deal.id) == in_days(world, 90)
    assert expires_on(world, renewal.id) == in_days(world, 30)
    assert expires_on(world, world.named_deal("Theirs").id) == in_days(world, 90)
    assert expires_on(world, world.named_deal("Dated").id) == (date(2027, 1, 31), "2027-01-31")
    # And the night gives one to the deal from before, once
    expired(world)
    assert expires_on(world, old.id) == in_days(world, 90)
    assert expired(world) == 0


def test_past_its_last_day_nothing_is_done_before_the_night_until_the_vendor_extends_it(world: World) -> None:
    # Given an approved registration that ended yesterday, and no night since
    world.configure(deals=PERIOD, time_zone="UTC")
    deal = world.registered(deal_type="renewal", currency="EUR")
    birch, arrow = (Actor(name, world.company(name).id, "portal") for name in ("Birch Systems", "Arrow Electronics"))
    assert not isinstance(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(arrow)), Refusal)
    world.push()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    world.forward(31 * DAY_S)
    version = world.deal(deal.id)
    # When its people act, then they are told that it is over, and nothing changes
    wish = QuoteWish(Pricing.RETAIL, (Wish("Seat", 25, unit_price=Decimal(10)),))
    for result in (
        move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(birch)),
        change(world.tenant, deal.id, {"name": "Other"}, MoveRequest(birch)),
        decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(arrow, reason="late")),
    ):
        assert isinstance(result, Refusal)
        assert (result.code, "its last day was" in result.why) == ("deal_closed", True)
    quoted = make(world.tenant, deal.id, wish, actor=ANN)
    assert isinstance(quoted, Refusal)
    assert quoted.code == "quote_not_ready"
    assert world.deal(deal.id) == version
    # And when the vendor extends it, then it goes on, without a night in between
    until, written = in_days(world, 7)
    extended = move(world.tenant, deal.id, Verb.SET_LAST_DAY, MoveRequest(ANN, reason="the tender was put off", until=until))
    assert not isinstance(extended, Refusal)
    world.settle(extended.follow_ups)
    assert expires_on(world, deal.id) == (until, written)
    finalized = move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(birch))
    assert not isinstance(finalized, Refusal)
    assert finalized.deal.lifecycle == "finalize_requested"


def test_a_renewal_is_offered_from_the_first_approval_on(world: World) -> None:
    world.configure(deals=PERIOD)
    deal = world.registered()
    arrow = Actor("Dora", world.company("Arrow Electronics").id, "portal")
    assert not isinstance(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(arrow)), Refusal)
    world.push()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    with world.store.reading("acme") as tx:
        assert Verb.RENEW in open_to(tx, world.tenant, world.deal(deal.id), arrow)
