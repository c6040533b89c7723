"""One deal, one record, on HubSpot too: merged, deleted and back, begun there, waiting for its company, given away, linked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.domain.core.user import Role, User
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.deals.relink import relink
from sync_worker.steps.people.users import UserData, acting, put
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies, failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import deals, links
from sync_worker.store.people import people
from sync_worker.store.sync import notices
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled

ANN = Actor("Ann", None, "portal")


@dataclass
class Desk:
    """One portal on HubSpot, and what people do on both sides."""

    tenant: Tenant
    remote: HubspotRemote

    def registered(self, **written: Any) -> str:
        made = register(self.tenant, {**TERMS, **written}, actor=ANN)
        assert not isinstance(made, Refusal), made
        self.work()
        return made.deal.id

    def work(self) -> None:
        """A minute later: everything is read and written, and the echo of it."""
        self.remote.advance_clock(60)
        settled(self.tenant)

    def record_id(self, deal_id: str) -> str:
        with self.tenant.store.reading("acme") as tx:
            return links.current(tx, [deal_id])[deal_id].crm_id

    def deal(self, deal_id: str) -> Deal:
        with self.tenant.store.reading("acme") as tx:
            return deals.by_ids(tx, [deal_id])[deal_id].deal

    def named(self, name: str) -> list[Deal]:
        with self.tenant.store.reading("acme") as tx:
            return [stored.deal for stored in deals.listed(tx) if stored.deal.values["name"] == name]

    def company_id(self, name: str) -> str | None:
        with self.tenant.store.reading("acme") as tx:
            found = companies.find(tx, name)
        return found.id if found else None

    def crm_id(self, company: str) -> str:
        return str(self.remote.named("companies", company)["id"])

    def codes(self, record: str) -> set[str]:
        with self.tenant.store.reading("acme") as tx:
            return {row.failure.code for row in failures.listed(tx, FailureFilter(record=record))}

    def records_of(self, deal_id: str) -> list[str]:
        """Live CRM records that carry the deal's key."""
        return [row["id"] for row in self.remote.records("deals") if row["portal_deal_key"] == deal_id and not row.get("archived")]

    def give(self, record_id: str, company: str, label: str, *, instead_of: str = "") -> None:
        """A person moves a label of a deal to another company, and touches the deal."""
        if instead_of:
            self.remote.part("deals", record_id, self.crm_id(instead_of))
        self.remote.associate("deals", record_id, self.crm_id(company), label)
        self.remote.edit("deals", record_id, {"description": company})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        yield Desk(tenant, remote)


@pytest.mark.parametrize("when", ["before", "after_commit"])
def test_a_reply_lost_on_create_makes_one_deal(desk: Desk, when: Literal["before", "after_commit"]) -> None:
    desk.remote.fault("batch_upsert", object_name="deals", when=when, drop_connection=True)
    deal_id = desk.registered()
    desk.work()
    assert len(desk.records_of(deal_id)) == 1
    assert len(desk.named(TERMS["name"])) == 1
    assert desk.codes(deal_id) == set()


def test_a_deleted_deal_says_so_until_it_is_back_and_an_edit_meanwhile_makes_no_second(desk: Desk) -> None:
    deal_id = desk.registered()
    record_id = desk.record_id(deal_id)
    desk.remote.delete("deals", record_id)
    desk.work()
    assert desk.codes(record_id) == {"deleted_in_crm"}
    assert not isinstance(change(desk.tenant, deal_id, {"amount": "4"}, MoveRequest(ANN)), Refusal)
    desk.work()
    assert desk.records_of(deal_id) == []
    desk.remote.undelete([record_id])
    desk.work()
    assert desk.codes(record_id) == set()
    assert desk.records_of(deal_id) == [record_id]
    assert desk.remote.record("deals", record_id)["amount"] == "4.00"


@pytest.mark.parametrize("keeps_id", [True, False])
def test_a_deal_merged_into_a_stranger_goes_on_there(desk: Desk, keeps_id: bool) -> None:
    desk.remote.keep_merged_ids(on=keeps_id)
    deal_id = desk.registered()
    stranger = desk.remote.create("deals", {"dealname": "Stranger"})
    survivor = desk.remote.merge(stranger, [desk.record_id(deal_id)])
    desk.work()
    desk.work()
    assert desk.record_id(deal_id) == survivor
    assert desk.records_of(deal_id) == [survivor]
    assert len(desk.named("Stranger")) + len(desk.named(TERMS["name"])) == 1


def test_two_deals_merged_go_on_as_one_and_the_other_says_where_it_stands(desk: Desk) -> None:
    kept, lost = desk.registered(name="Kept"), desk.registered(name="Lost", prospect_name="Else")
    loser = desk.record_id(lost)
    survivor = desk.remote.merge(desk.record_id(kept), [loser])
    desk.work()
    desk.work()
    assert desk.record_id(kept) == survivor
    assert desk.records_of(kept) == [survivor]
    assert desk.records_of(lost) == []
    assert desk.codes(loser)
    assert push(desk.tenant).counts.claimed == 0


def test_the_deal_goes_on_whose_record_was_the_primary_one_though_the_other_is_older(desk: Desk) -> None:
    lost, kept = desk.registered(name="Lost", prospect_name="Else"), desk.registered(name="Kept")
    survivor = desk.remote.merge(desk.record_id(kept), [desk.record_id(lost)])
    desk.work()
    desk.work()
    assert desk.record_id(kept) == survivor
    assert (desk.deal(kept).values["name"], desk.deal(lost).values["name"]) == ("Kept", "Lost")
    assert desk.records_of(kept) == [survivor]


@pytest.mark.parametrize("keeps_id", [True, False])
@pytest.mark.parametrize("is_noticed", [True, False])
def test_deals_whose_merged_record_is_deleted_before_it_was_read_say_so(desk: Desk, keeps_id: bool, is_noticed: bool) -> None:
    # Given two deals that a person merges, together with a third one, and whose record is deleted before anything is read
    desk.remote.keep_merged_ids(on=keeps_id)
    made = [desk.registered(name=name, prospect_name=name) for name in ("One", "Two", "Three")]
    one, two, three = (desk.record_id(deal_id) for deal_id in made)
    survivor = desk.remote.merge(three, [desk.remote.merge(one, [two])])
    desk.remote.delete("deals", survivor)
    # When a notice or the poll tells of it
    if is_noticed:
        with desk.tenant.store.side_transaction("acme") as tx:
            notices.add(tx, "deal", sorted({one, two, three, survivor}))
        refresh(desk.tenant, "deal")
    else:
        desk.work()
    # Then one deal lives in the deleted record, and each of the three says that its record is deleted
    records = [desk.record_id(deal_id) for deal_id in made]
    assert records.count(survivor) == 1
    assert [desk.codes(record) for record in records] == [{"deleted_in_crm"}] * 3
    # When the record is taken out of the bin, then that deal goes on, and nothing is written a second time
    desk.remote.undelete([survivor])
    desk.work()
    assert [desk.codes(record) for record in records].count(set()) == 1
    assert desk.codes(survivor) == set()
    assert [record for deal_id in made for record in desk.records_of(deal_id)] == [survivor]


@pytest.mark.parametrize("keeps_id", [True, False])
def test_companies_whose_merged_record_is_deleted_before_it_was_read_are_inactive(desk: Desk, keeps_id: bool) -> None:
    # Given two companies, when a person merges them and deletes the record before anything is read
    desk.remote.keep_merged_ids(on=keeps_id)
    names = ("Cedar IT", "Dogwood Networks")
    ids = [desk.company_id(name) for name in names]
    survivor = desk.remote.merge(desk.crm_id(names[0]), [desk.crm_id(names[1])])
    desk.remote.delete("companies", survivor)
    desk.work()
    # Then both are inactive, and one of them lives in the deleted record
    with desk.tenant.store.reading("acme") as tx:
        known = companies.by_ids(tx, [company_id for company_id in ids if company_id])
        lives = companies.by_crm_ids(tx, [survivor])[survivor].company
    assert [known[company_id].is_deleted for company_id in ids if company_id] == [True, True]
    assert lives.id in ids
    # When the record is taken out of the bin, then that company is active again
    desk.remote.undelete([survivor])
    desk.work()
    with desk.tenant.store.reading("acme") as tx:
        assert not companies.by_ids(tx, [lives.id])[lives.id].is_deleted


@pytest.mark.parametrize("read_first", ["Cedar IT", "Dogwood Networks"])
def test_the_company_that_lives_after_a_merge_has_its_id_on_the_record(desk: Desk, read_first: str) -> None:
    # Given two companies that were merged into a new record, which carries the id of one of them
    desk.remote.keep_merged_ids(on=False)
    noticed = desk.crm_id(read_first)
    survivor = desk.remote.merge(desk.crm_id("Cedar IT"), [desk.crm_id("Dogwood Networks")])
    # When one of them is read before the other one, so that its company goes on there
    with desk.tenant.store.side_transaction("acme") as tx:
        notices.add(tx, "company", [noticed])
    refresh(desk.tenant, "company")
    for _ in range(3):
        desk.work()
    # Then the record carries the id of the company that lives in it
    with desk.tenant.store.reading("acme") as tx:
        lives = companies.by_crm_ids(tx, [survivor])[survivor].company
    assert desk.remote.record("companies", survivor)["portal_company_id"] == lives.id


@pytest.mark.parametrize("keeps_id", [True, False])
@pytest.mark.parametrize("first", ["Cedar IT", "Dogwood Networks"])
def test_people_follow_a_chain_of_merges_to_the_company_that_lives(desk: Desk, keeps_id: bool, first: str) -> None:
    # Given a person of a company that is merged into another one, and that one into Birch Systems, before anything is read
    desk.remote.keep_merged_ids(on=keeps_id)
    second = "Dogwood Networks" if first == "Cedar IT" else "Cedar IT"
    assert isinstance(put(desk.tenant, UserData("cy", "cy@example.com", "Cy", Role.SALES, first)), User)
    between = desk.remote.merge(desk.crm_id(second), [desk.crm_id(first)])
    survivor = desk.remote.merge(desk.crm_id("Birch Systems"), [between])
    # When it is read, then the person is of the company behind the record that lives
    desk.work()
    desk.work()
    with desk.tenant.store.reading("acme") as tx:
        company, user = companies.find(tx, survivor), people.get(tx, "cy")
    assert company is not None
    assert user is not None
    assert (company.is_deleted, user.primary_company) == (False, company.id)


def test_a_deal_that_begins_there_waits_for_its_company_and_comes_in_once(desk: Desk) -> None:
    unknown = desk.remote.create("companies", {"name": "Elm Street IT"})
    record_id = desk.remote.create("deals", {"dealname": "Born there", "amount": "10"})
    desk.give(record_id, "Elm Street IT", "Portal partner")
    desk.work()
    assert desk.codes(record_id) == {"waiting_for_parent"}
    desk.remote.edit("companies", unknown, {"portal_status": "active", "portal_account_type": "partner"})
    desk.work()
    desk.work()
    (deal,) = desk.named("Born there")
    assert deal.owner_company == desk.company_id("Elm Street IT")
    assert desk.records_of(deal.id) == [record_id]
    assert desk.codes(record_id) == set()


def test_a_deal_that_the_crm_gives_to_another_company_begins_anew_there(desk: Desk) -> None:
    user = put(desk.tenant, UserData("bob", "bob@example.com", "Bob", Role.SALES, "Birch Systems"))
    assert isinstance(user, User)
    made = register(desk.tenant, TERMS, actor=acting(user))
    assert not isinstance(made, Refusal)
    desk.work()
    record_id = desk.record_id(made.deal.id)
    desk.remote.edit("deals", record_id, {"portal_vendor_approval": "approved"})
    desk.work()
    assert desk.deal(made.deal.id).vendor_approval == "approved"
    desk.give(record_id, "Cedar IT", "Portal partner", instead_of="Birch Systems")
    desk.work()
    deal = desk.deal(made.deal.id)
    assert (deal.owner_company, deal.owner_user, deal.vendor_approval) == (desk.company_id("Cedar IT"), None, "pending")
    [record] = desk.remote.records("deals", [record_id])
    assert (record["portal_vendor_approval"], record["portal_distributor_approval"]) == ("pending", "pending")
    assert desk.records_of(deal.id) == [record_id]


def test_a_deal_whose_record_is_gone_for_good_is_linked_to_another_and_never_to_anothers(desk: Desk) -> None:
    deal_id, other = desk.registered(), desk.registered(name="Other", prospect_name="Else")
    gone = desk.record_id(deal_id)
    desk.remote.delete("deals", gone)
    desk.work()
    made = desk.remote.create("deals", {"dealname": "By hand"})
    refused = relink(desk.tenant, deal_id, desk.record_id(other), actor=ANN)
    assert isinstance(refused, Refusal)
    assert refused.code == "record_taken"
    assert not isinstance(relink(desk.tenant, deal_id, made, actor=ANN), Refusal)
    refresh(desk.tenant, "deal")
    desk.work()
    assert desk.record_id(deal_id) == made
    assert desk.records_of(deal_id) == [made]
    assert desk.codes(gone) == set()
    labels = {label for row in desk.remote.associations("deals") if row["id"] == made for label in row["labels"]}
    assert {"Portal partner", "Portal second partner"} <= labels
    assert pull(desk.tenant, "deal").counts.applied == 0
