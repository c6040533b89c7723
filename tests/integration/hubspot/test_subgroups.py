"""A subgroup on HubSpot: one record, whatever answer is lost, with what the portal says of it, and nothing more written after."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.move import Moved, MoveRequest, move
from sync_worker.steps.distributors.subgroups import SubgroupChange, create, disassociate, rename
from sync_worker.steps.operate.resolve import disputes
from sync_worker.store.core import companies
from sync_worker.store.distributors import agreements
from sync_worker.store.distributors.agreements import AgreementFile
from tests.integration.hubspot.test_identity import Desk
from tests.integration.hubspot.test_portal import AS_PROPERTIES, portal_on, settled


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        yield Desk(tenant, remote)


@pytest.fixture(params=[("professional", {}), ("free", AS_PROPERTIES)], ids=["labels", "properties"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """An account whose deals name companies by labels, or by properties."""
    tier, overrides = request.param
    with portal_on(tmp_path, tier, overrides, deal_count=0) as (tenant, remote):
        settled(tenant)
        yield Desk(tenant, remote)


@pytest.mark.parametrize("when", ["before", "after_commit"])
def test_a_subgroup_becomes_one_record_and_its_parents_value_goes_with_it(desk: Desk, when: Literal["before", "after_commit"]) -> None:
    # Given a subgroup, and a create whose answer is lost
    with desk.tenant.store.reading("acme") as tx:
        parent = companies.find(tx, "Arrow Electronics")
    assert parent
    bo = Actor("Bo", parent.id, "portal")
    desk.remote.fault("batch_upsert", object_name="companies", when=when, drop_connection=True)
    made = create(desk.tenant, parent, "Delta IT", Terms(True, {"new": Decimal(5)}), actor=bo)
    assert isinstance(made, SubgroupChange)
    # When everything is read and written
    desk.work()
    desk.work()
    # Then HubSpot has one record, with all of it, linked to the company
    (record,) = [row for row in desk.remote.records("companies") if row["name"] == "Delta IT"]
    told = {name: record[name] for name in ("portal_company_id", "portal_account_type", "portal_status", "portal_may_register")}
    assert told == {
        "portal_company_id": made.child.company.id,
        "portal_account_type": "partner",
        "portal_status": "active",
        "portal_may_register": "true",
    }
    assert (record["associated_second_partner"].strip(";"), record["portal_agreement"]) == ("Arrow Electronics", "missing")
    with desk.tenant.store.reading("acme") as tx:
        company = companies.find(tx, record["id"])
    assert company
    assert company.id == made.child.company.id
    # and another round writes nothing
    before = desk.remote.records("companies")
    desk.work()
    assert desk.remote.records("companies") == before
    # When it is renamed, then a pull that reads the old name first does not bring it back, and the record has the new one
    assert isinstance(rename(desk.tenant, parent, company, "Delta North", actor=bo), SubgroupChange)
    desk.work()
    assert [row["id"] for row in desk.remote.records("companies") if row["name"] == "Delta North"] == [record["id"]]
    # When it is let go, then its parent's value goes, there too
    assert isinstance(disassociate(desk.tenant, parent, company, actor=bo), SubgroupChange)
    desk.work()
    (record,) = [row for row in desk.remote.records("companies") if row["name"] == "Delta North"]
    assert (record["associated_second_partner"] or "", record["portal_may_register"]) == ("", "false")


# ── its deals keep their distributor ─────────────────────────────────────────────────────────────────────────────────

ARROW, BOLT = "Arrow Electronics", "Bolt Distribution"
SECOND_LABEL = "Portal second partner"


def subgroup(desk: Desk, *, is_signed: bool) -> str:
    """A subgroup of Arrow, with its record and perhaps its agreement; its id."""
    with desk.tenant.store.reading("acme") as tx:
        parent = companies.find(tx, ARROW)
    assert parent
    made = create(desk.tenant, parent, "Delta IT", Terms(True, {"new": Decimal(5)}), actor=Actor("Bo", parent.id, "portal"))
    assert isinstance(made, SubgroupChange)
    if is_signed:
        sign(desk)
    desk.work()
    return made.child.company.id


def sign(desk: Desk) -> None:
    pair = Pair(desk.company_id("Delta IT") or "", desk.company_id(ARROW) or "")
    with desk.tenant.store.transaction("acme") as tx:
        agreements.add(tx, pair, AgreementFile(id="a1", name="a.pdf", media_type="", size_bytes=1, sha256="", key="k"), actor="Bo")


def second_in_crm(desk: Desk, record_id: str) -> str:
    """The company that the deal names as second partner, by label or by property; "" = none."""
    labelled = [row["to_id"] for row in desk.remote.associations("deals") if row["id"] == record_id and SECOND_LABEL in row["labels"]]
    named = labelled[0] if labelled else desk.remote.record("deals", record_id).get("portal_second_partner") or ""
    return next((row["name"] for row in desk.remote.records("companies") if row["id"] == named), "")


def take_away(desk: Desk, record_id: str, *, for_company: str = "") -> None:
    """A person takes the distributor off the deal, or puts another one in its place."""
    if second_in_crm(desk, record_id) and not desk.remote.record("deals", record_id).get("portal_second_partner"):
        desk.remote.part("deals", record_id, desk.crm_id(ARROW))
        if for_company:
            desk.remote.associate("deals", record_id, desk.crm_id(for_company), SECOND_LABEL)
        desk.remote.edit("deals", record_id, {"description": for_company or "nobody"})
        return
    desk.remote.edit("deals", record_id, {"portal_second_partner": desk.crm_id(for_company) if for_company else ""})


@pytest.mark.parametrize("instead", ["", BOLT])
def test_a_distributor_that_is_taken_away_in_hubspot_is_put_back(either: Desk, instead: str) -> None:
    # Given a deal of a subgroup
    desk = either
    subgroup(desk, is_signed=True)
    deal_id = desk.registered(owner_company="Delta IT", second_partner=None)
    record_id = desk.record_id(deal_id)
    assert second_in_crm(desk, record_id) == ARROW
    # When somebody takes its distributor away there
    take_away(desk, record_id, for_company=instead)
    desk.work()
    # Then it is written back, and told
    assert desk.deal(deal_id).second_partner == desk.company_id(ARROW)
    assert second_in_crm(desk, record_id) == ARROW
    (conflict,) = [one for one in disputes(desk.tenant, include_resolved=True) if one.deal_id == deal_id]
    assert (conflict.field, conflict.code, conflict.taken, conflict.is_open) == ("second_partner", "put_back", "portal", False)
    # and the portal lets nobody of the subgroup do so either
    refused = change(desk.tenant, deal_id, {"second_partner": None}, MoveRequest(Actor("Ria", desk.company_id("Delta IT"), "portal")))
    assert isinstance(refused, Refusal)
    assert refused.code == "parent_kept"


def test_a_deal_that_begins_in_hubspot_names_its_distributor_and_is_asked_for_the_agreement_at_finalize(desk: Desk) -> None:
    # Given a subgroup without an agreement, whose deal begins in the CRM
    owner = subgroup(desk, is_signed=False)
    record_id = desk.remote.create("deals", {"dealname": "Quay", "portal_deal_type": "new", "portal_vendor_approval": "approved"})
    desk.remote.associate("deals", record_id, desk.crm_id("Delta IT"), "Portal partner")
    desk.work()
    desk.work()
    # Then it names the distributor, there too
    (deal,) = desk.named("Quay")
    assert (deal.owner_company, deal.second_partner, deal.distributor_approval) == (owner, desk.company_id(ARROW), "pending")
    assert second_in_crm(desk, record_id) == ARROW
    # When everybody has approved, then the agreement is asked for
    dora, ria = Actor("Dora", desk.company_id(ARROW), "portal"), Actor("Ria", owner, "portal")
    assert isinstance(decide(desk.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)), Moved)
    refused = move(desk.tenant, deal.id, Verb.FINALIZE, MoveRequest(ria))
    assert isinstance(refused, Refusal)
    assert refused.code == "agreement_missing"
    sign(desk)
    assert isinstance(move(desk.tenant, deal.id, Verb.FINALIZE, MoveRequest(ria)), Moved)


def test_a_deal_whose_owner_is_parted_in_hubspot_is_nobodys_to_approve(desk: Desk) -> None:
    deal_id = desk.registered()
    record_id = desk.record_id(deal_id)
    desk.remote.part("deals", record_id, desk.crm_id("Birch Systems"))
    desk.remote.edit("deals", record_id, {"description": "nobody's"})
    desk.work()
    desk.remote.edit("deals", record_id, {"portal_vendor_approval": "approved"})
    desk.work()
    assert (desk.deal(deal_id).owner_company, desk.deal(deal_id).vendor_approval) == (None, "pending")
    assert desk.codes(record_id) == desk.codes(deal_id) == {"owner_company_missing"}
    refused = decide(
        desk.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", desk.company_id(ARROW), "portal"))
    )
    assert isinstance(refused, Refusal)
    assert refused.code == "owner_company_missing"
