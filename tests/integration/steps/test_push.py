"""Push: claimed before it is sent, read back when nobody knows, refused with the vendor's code, and never repeated blindly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sync_worker.crm.port import NativeRecord, WriteOutcome
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.sync.push.attempts import MOST_REFUSED
from sync_worker.errors import AuthFailed, StoreDown
from sync_worker.steps.operate.replay import replay
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies
from tests.integration.steps.world import World


class Killed(BaseException):
    """kill -9."""


def killed_after_the_crm_committed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next push dies between the CRM's commit and ours."""
    write = SalesforceCrm.write

    def dies(*args: Any, **kwargs: Any) -> Iterator[list[WriteOutcome]]:
        next(write(*args, **kwargs))
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SalesforceCrm, "write", dies)
        with pytest.raises(Killed):
            push(world.tenant)


def states(world: World) -> list[str]:
    return [row.state for row in world.outbox()]


# ── a worker that dies ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_worker_killed_after_the_crm_committed_leaves_one_lead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a create that reached the CRM, and a worker that died before it could note it
    deal = world.submitted()
    killed_after_the_crm_committed(world, monkeypatch)
    assert states(world) == ["claimed"]
    # when another comes within the claim, then it touches nothing
    other = world.process()
    assert push(other).counts.claimed == 0
    # and after 30 s it is uncertain, read back by key, linked: one lead
    world.tenant = other
    world.forward(31)
    done = world.push()
    assert done.counts.unchanged >= 1
    assert len(world.records_of(deal.id)) == 1
    assert world.link(deal.id).crm_id == world.records_of(deal.id)[0]["Id"]
    assert world.outbox() == []


def test_a_worker_killed_before_it_sent_is_taken_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deal = world.submitted()

    def dies(*_args: Any, **_kwargs: Any) -> Iterator[list[WriteOutcome]]:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SalesforceCrm, "write", dies)
        with pytest.raises(Killed):
            push(world.tenant)
    assert world.records_of(deal.id) == []
    world.tenant = world.process()
    world.forward(31)
    world.push()
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []


def test_an_update_of_a_killed_worker_is_not_repeated_over_a_persons_edit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an update that reached the CRM before its worker died, and a person who edits the same field there afterwards
    deal = world.registered()
    world.change(deal.id, licence_count="77")  # a field for which the portal wins conflicts
    killed_after_the_crm_committed(world, monkeypatch)
    assert world.record_of(deal.id)["Portal_Licences__c"] == 77
    world.forward(5)
    world.edit(deal.id, Portal_Amount__c=3)
    # when the next worker takes over, then the person's edit stands, here too
    world.forward(31)
    world.push()
    assert (world.record_of(deal.id)["Portal_Licences__c"], world.record_of(deal.id)["Portal_Amount__c"]) == (77, 3)
    assert (world.deal(deal.id).values["licence_count"], world.deal(deal.id).values["amount"]) == (77, 3)
    assert world.conflicts(deal.id) == []


# ── a reply that is lost ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("when", ["before", "after_commit"])
def test_a_reply_lost_on_create_makes_one_lead(world: World, when: Any) -> None:
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", when=when, drop_connection=True)
    world.push()
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []
    assert world.codes(deal.id) == set()


def test_a_create_whose_reply_was_lost_is_not_sent_again_over_a_persons_edit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a create that the CRM has committed and whose answer is lost, and a person who edits the record at once
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True)
    write = SalesforceCrm.write

    def edited(*args: Any, **words: Any) -> Iterator[list[WriteOutcome]]:
        for outcomes in write(*args, **words):
            monkeypatch.undo()
            (lead,) = world.records_of(deal.id)
            world.remote.edit("Lead", lead["Id"], {"Portal_Licences__c": 77})
            yield outcomes

    monkeypatch.setattr(SalesforceCrm, "write", edited)
    # When the worker goes on
    world.push()
    # Then the edit stands on both sides
    assert (world.deal(deal.id).values["licence_count"], world.record_of(deal.id)["Portal_Licences__c"]) == (77, 77)


@pytest.mark.parametrize("when", ["before", "after_commit"])
def test_a_reply_lost_on_update_leaves_what_was_meant(world: World, when: Any) -> None:
    deal = world.registered()
    world.change(deal.id, amount="77", name="Renamed")
    world.remote.fault("collections_write", object_name="Lead", when=when, drop_connection=True)
    world.push()
    record = world.record_of(deal.id)
    assert (record["Portal_Amount__c"], record["Portal_Deal_Name__c"]) == (77, "Renamed")
    assert world.outbox() == []
    assert world.conflicts(deal.id) == []


def test_an_edit_between_a_lost_update_and_its_read_back_stands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an update whose reply was lost, and a person who edits the same field before it is read back
    deal = world.registered()
    world.change(deal.id, name="Ours")
    world.remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True)
    read_back = SalesforceCrm.fetch

    def meanwhile(*args: Any, **kwargs: Any) -> list[NativeRecord]:
        if [row.state for row in world.outbox()] == ["claimed"]:
            world.remote.edit("Lead", world.link(deal.id).crm_id, {"Portal_Deal_Name__c": "Hers"})
        return read_back(*args, **kwargs)

    monkeypatch.setattr(SalesforceCrm, "fetch", meanwhile)
    world.push()
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "Hers"
    assert world.deal(deal.id).values["name"] == "Hers"


def test_a_write_whose_claim_is_over_is_read_back_and_its_answer_is_not_believed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an answer that comes when the claim has long expired and another worker has taken the row over
    deal = world.submitted()
    write = SalesforceCrm.write
    other = world.process()

    def slow(*args: Any, **kwargs: Any) -> Iterator[list[WriteOutcome]]:
        for outcomes in write(*args, **kwargs):
            monkeypatch.undo()
            world.forward(40)
            push(other)
            yield outcomes

    monkeypatch.setattr(SalesforceCrm, "write", slow)
    world.push()
    world.settle()
    world.pull()
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []


# ── the CRM says no ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refused_deal_waits_with_the_vendors_code_and_a_replay_writes_it(world: World) -> None:
    # Given a rule that refuses a deal, beside one that it does not
    world.remote.add_validation_rule("Lead", "Portal_Amount__c", "gt", 5000, message="too dear")
    dear, cheap = world.submitted(amount="9000"), world.submitted()
    done = world.push()
    # then the one is written, the other parked with the vendor's words and what was sent
    assert (done.counts.written, done.counts.parked) == (1, 1)
    assert len(world.records_of(cheap.id)) == 1
    (row,) = world.failures(record=dear.id)
    assert (row.failure.kind, row.failure.code) == ("failure", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert "too dear" in row.failure.message
    assert row.failure.payload["Portal_Amount__c"] == 9000
    assert states(world) == ["parked"]
    # nothing more is tried by itself
    world.forward(10_000)
    assert push(world.tenant).run_id == ""
    # when a replay comes too early, then the same row counts up; when the rule is gone, it is written and resolved
    world.settle(replay(world.tenant, [row]))
    assert world.failures(record=dear.id)[0].count == 2
    world.remote.clear_validation_rules()
    world.settle(replay(world.tenant, world.failures(record=dear.id)))
    assert len(world.records_of(dear.id)) == 1
    assert world.codes(dear.id) == set()
    assert world.outbox() == []


def test_a_parked_deal_is_tried_again_when_it_changes(world: World) -> None:
    world.remote.add_validation_rule("Lead", "Portal_Amount__c", "gt", 5000)
    deal = world.registered(amount="9000")
    world.change(deal.id, amount="4000")
    world.push()
    assert world.records_of(deal.id)[0]["Portal_Amount__c"] == 4000
    assert world.codes(deal.id) == set()


def test_a_locked_row_is_written_later(world: World) -> None:
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW", times=2)
    done = world.push()
    assert (done.counts.deferred, states(world)) == (1, ["ready"])
    assert push(world.tenant).run_id == ""
    world.forward(10)
    world.push()
    world.forward(10)
    world.push()
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []
    assert world.codes(deal.id) == set()


def test_what_never_passes_is_given_up_and_said(world: World) -> None:
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW", times=1000)
    for _ in range(MOST_REFUSED):
        world.push()
        world.forward(1000)
    assert states(world) == ["parked"]
    (row,) = world.failures(record=deal.id)
    assert row.failure.code == "gave_up"
    world.remote.clear_faults()
    world.settle(replay(world.tenant, [row]))
    assert len(world.records_of(deal.id)) == 1


def test_a_reader_that_is_busy_costs_no_attempt(world: World) -> None:
    # Given an edit that cannot be pushed because another reader holds the lease for a while, again and again
    deal = world.registered()
    world.change(deal.id, amount="3")
    for _ in range(MOST_REFUSED + 2):
        with world.reader_elsewhere("lead"):
            assert world.push().counts.deferred == 1
        world.forward(10)
    # when the CRM is busy once, then it is not given up: it was tried once
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW")
    world.push()
    assert states(world) == ["ready"]
    world.forward(1000)
    world.push()
    assert world.record_of(deal.id)["Portal_Amount__c"] == 3


def test_a_company_without_a_crm_record_holds_only_its_deal(world: World) -> None:
    # Given a distributor that exists in the portal only
    local = Company("local", None, "Local Distribution", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
    with world.store.transaction("acme") as tx:
        companies.save(tx, [StoredCompany(local, None)])
    deal = world.submitted(owner_company="local", second_partner=None)
    other = world.submitted()
    world.push()
    (row,) = world.failures(record=deal.id)
    assert (row.failure.kind, row.failure.code, row.failure.field) == ("failure", "company_not_in_crm", "owner_company")
    assert world.records_of(deal.id) == []
    assert len(world.records_of(other.id)) == 1


# ── edits while a write is in flight ─────────────────────────────────────────────────────────────────────────────────


def test_an_edit_while_a_write_is_in_flight_is_pushed_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a write in flight, when the deal is edited in the portal meanwhile
    deal = world.registered()
    world.change(deal.id, amount="1")
    write = SalesforceCrm.write

    def meanwhile(*args: Any, **kwargs: Any) -> Iterator[list[WriteOutcome]]:
        for outcomes in write(*args, **kwargs):
            monkeypatch.undo()
            world.change(deal.id, amount="2")
            yield outcomes

    monkeypatch.setattr(SalesforceCrm, "write", meanwhile)
    world.push()
    # then the later value is written too, and is the one that stands on both sides
    assert world.record_of(deal.id)["Portal_Amount__c"] == 2
    assert world.deal(deal.id).values["amount"] == 2
    assert world.outbox() == []
    assert world.conflicts(deal.id) == []


def test_an_edit_in_the_crm_between_our_write_and_its_read_back_travels(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deal = world.registered()
    world.change(deal.id, amount="1")
    write = SalesforceCrm.write

    def meanwhile(*args: Any, **kwargs: Any) -> Iterator[list[WriteOutcome]]:
        for outcomes in write(*args, **kwargs):
            monkeypatch.undo()
            world.edit(deal.id, Portal_Amount__c=9)
            yield outcomes

    monkeypatch.setattr(SalesforceCrm, "write", meanwhile)
    world.push()
    assert world.deal(deal.id).values["amount"] == 9
    assert world.record_of(deal.id)["Portal_Amount__c"] == 9
    assert world.conflicts(deal.id) == []


# ── the connection ends ──────────────────────────────────────────────────────────────────────────────────────────────


def test_refused_credentials_release_the_claims(world: World) -> None:
    # Given a session that ends before anything was written, and a log-in that is refused
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", times=5, status=401, error_code="INVALID_SESSION_ID")
    world.remote.fault("token", status=400, body={"error": "invalid_client", "error_description": "no"}, times=5)
    with pytest.raises(AuthFailed):
        push(world.tenant)
    # then nothing is claimed, and as soon as it works again it is written
    assert states(world) == ["ready"]
    world.remote.clear_faults()
    world.forward()
    world.tenant = world.process()
    world.push()
    assert len(world.records_of(deal.id)) == 1


def test_a_database_that_fails_after_the_write_leaves_the_claim_to_be_read_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a write that the CRM took, and a database that is full when it is to be noted
    deal = world.submitted()

    def full(*_args: Any, **_kwargs: Any) -> bool:
        raise StoreDown("full")

    with monkeypatch.context() as patch:
        patch.setattr("sync_worker.steps.sync.push.settle.outbox.done", full)
        with pytest.raises(StoreDown):
            push(world.tenant)
    # then the row is still claimed, for nobody knows; it is read back in time, and there is one lead
    assert states(world) == ["claimed"]
    world.forward(31)
    world.push()
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []
