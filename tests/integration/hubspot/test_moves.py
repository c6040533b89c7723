"""A deal's states on HubSpot: what people do in the portal stands in the deal's properties, expiry and renewal too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.deals.quotes.price_list import Price, Wish
from sync_worker.domain.deals.quotes.quote import Pricing
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.complete import complete
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.expire import expire
from sync_worker.steps.deals.move import Moved, MoveRequest, move
from sync_worker.steps.deals.prices import keep
from sync_worker.steps.deals.quote import Quoted, QuoteWish, make, send, sign
from sync_worker.steps.deals.register import register
from sync_worker.steps.people.users import UserData, acting, put
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import licences, links
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled


def told(tenant: Tenant, id_: str, company: str | None, **more: Any) -> Actor:
    user = put(tenant, UserData(id_, f"{id_}@example.com", id_.title(), Role.MANAGER, company, **more))
    assert isinstance(user, User), user
    return acting(user)


def pushed(tenant: Tenant, result: Moved | Refusal) -> Moved:
    assert isinstance(result, Moved), result
    push(tenant)
    refresh(tenant, "deal")
    return result


def shown(remote: HubspotRemote, deal_id: str) -> Mapping[str, Any]:
    """The deal's properties, as the CRM has them."""
    return next(row for row in remote.records("deals") if row["portal_deal_key"] == deal_id)


def states(properties: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("portal_deal_state", "portal_registered", "portal_distributor_approval", "portal_vendor_approval")
    return tuple(properties[name] for name in names)


def edit(tenant: Tenant, remote: HubspotRemote, deal_id: str, **properties: str) -> None:
    """A person in the CRM edits the deal, and it is read."""
    with tenant.store.reading(tenant.name) as tx:
        crm_id = links.current(tx, [deal_id])[deal_id].crm_id
    remote.edit("deals", crm_id, properties)
    remote.advance_clock(60)
    pull(tenant, "deal")
    push(tenant)
    refresh(tenant, "deal")


def test_what_people_do_stands_in_the_crm_and_what_the_vendor_says_there_counts(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        bob, dora = told(tenant, "bob", TERMS["owner_company"]), told(tenant, "dora", TERMS["second_partner"])
        deal_id = pushed(tenant, register(tenant, {**TERMS, "currency": "EUR"}, actor=bob)).deal.id
        assert states(shown(remote, deal_id)) == ("submitted", "true", "pending", "pending")
        # both approve, the vendor in the CRM
        pushed(tenant, decide(tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
        yesterday = tenant.services.clock().date() - timedelta(days=1)
        edit(tenant, remote, deal_id, portal_vendor_approval="approved", portal_expires=yesterday.isoformat())
        assert states(shown(remote, deal_id)) == ("submitted", "true", "approved", "approved")
        # its last day is over: the flag is cleared
        expire(tenant)
        push(tenant)
        assert states(shown(remote, deal_id)) == ("expired", "false", "approved", "approved")
        # the distributor renews, the vendor approves in the CRM: the new day counts on both sides
        until = date(tenant.services.clock().year + 1, 12, 31)
        pushed(tenant, decide(tenant, deal_id, Track.DISTRIBUTOR, Decision.RENEW, MoveRequest(dora, until=until)))
        assert states(shown(remote, deal_id)) == ("expired", "false", "approved", "renewal_pending")
        edit(tenant, remote, deal_id, portal_vendor_approval="approved")
        assert states(shown(remote, deal_id)) == ("submitted", "true", "approved", "approved")
        assert shown(remote, deal_id)["portal_expires"] == until.isoformat()
        # and it goes its way: quoted, signed, licensed, completed, each of it seen in the CRM
        vera = told(tenant, "vera", None, is_vendor_admin=True)
        pushed(tenant, move(tenant, deal_id, Verb.FINALIZE, MoveRequest(bob)))
        assert keep(tenant, [Price("Seat", "EUR", Decimal(10), date(2020, 1, 1))], actor=vera) is None
        wish = QuoteWish(Pricing.DISTRIBUTOR, (Wish("Seat", int(TERMS["licence_count"])),), date(2026, 4, 1))
        made = make(tenant, deal_id, wish, actor=vera)
        assert isinstance(made, Quoted), made
        assert isinstance(send(tenant, deal_id, made.quote.id, MoveRequest(vera)), Quoted)
        pushed(tenant, sign(tenant, deal_id, made.quote.id, MoveRequest(dora)))
        assert sold(shown(remote, deal_id)) == ("quote_signed", "signed")
        complete(tenant)
        push(tenant)
        refresh(tenant, "deal")
        assert sold(shown(remote, deal_id)) == ("completed", "signed")
        with tenant.store.reading(tenant.name) as tx:
            assert [one.count for one in licences.of_deal(tx, deal_id)] == [int(TERMS["licence_count"])]
        assert push(tenant).run_id == ""


def test_the_period_and_the_vendor_give_last_days(tmp_path: Path) -> None:
    period = {"registration_period": {"default": "90d", "types": {"renewal": "30d"}}}
    with portal_on(tmp_path, "professional", {}, deal_count=0, deals=period) as (tenant, remote):
        settled(tenant)
        bob, vera = told(tenant, "bob", TERMS["owner_company"]), told(tenant, "vera", None, is_vendor_admin=True)
        today = tenant.services.clock().astimezone(tenant.portal.zone).date()
        # Given a registration of the portal, and a deal that began in the CRM
        deal_id = pushed(tenant, register(tenant, {**TERMS, "deal_type": "renewal"}, actor=bob)).deal.id
        assert shown(remote, deal_id)["portal_expires"] == (today + timedelta(days=30)).isoformat()
        birch = next(row["hs_object_id"] for row in remote.records("companies") if row["name"] == TERMS["owner_company"])
        theirs = remote.create("deals", {"dealname": "Theirs", "dealstage": "appointmentscheduled", "pipeline": "default"})
        remote.associate("deals", theirs, birch, "Portal partner")
        remote.advance_clock(60)
        settled(tenant)
        assert remote.record("deals", theirs)["portal_expires"] == (today + timedelta(days=90)).isoformat()
        # When the vendor extends it in the portal, then the CRM says so
        until = today + timedelta(days=400)
        pushed(tenant, move(tenant, deal_id, Verb.SET_LAST_DAY, MoveRequest(vera, until=until)))
        assert shown(remote, deal_id)["portal_expires"] == until.isoformat()
        # And past the last day nothing is finalized, although no night has been
        edit(tenant, remote, deal_id, portal_expires=(today - timedelta(days=1)).isoformat())
        late = move(tenant, deal_id, Verb.FINALIZE, MoveRequest(bob))
        assert isinstance(late, Refusal)
        assert late.code == "deal_closed"


def sold(properties: Mapping[str, Any]) -> tuple[Any, ...]:
    return properties["portal_deal_state"], properties["portal_quote_state"]


def test_an_approval_of_other_terms_is_said_until_the_vendor_decides(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        bob = told(tenant, "bob", TERMS["owner_company"])
        deal_id = pushed(tenant, register(tenant, {**TERMS, "currency": "EUR"}, actor=bob)).deal.id
        # Given new terms on their way, when the vendor approves the old ones in the CRM
        assert isinstance(change(tenant, deal_id, {"licence_count": "500"}, MoveRequest(bob)), Moved)
        edit(tenant, remote, deal_id, portal_vendor_approval="approved")
        # Then it is put back, and said however often the deal is read
        assert states(shown(remote, deal_id))[-1] == "pending"
        edit(tenant, remote, deal_id, dealname="Renamed")
        assert codes(tenant, deal_id) == ["approved_other_terms"]
        # and the vendor's next word counts and ends it
        edit(tenant, remote, deal_id, portal_vendor_approval="approved")
        assert states(shown(remote, deal_id))[-1] == "approved"
        assert codes(tenant, deal_id) == []


def codes(tenant: Tenant, deal_id: str) -> list[str]:
    with tenant.store.reading(tenant.name) as tx:
        return [row.failure.code for row in failures.listed(tx, FailureFilter(record=deal_id))]
