"""A database that was lost or restored: our own keys in the CRM are names. Nothing is written over, and what cannot come back is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from sync_worker.domain.core.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.distributors.terms import Terms
from sync_worker.files import open_files
from sync_worker.steps.associations.mode import DERIVE
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.deals.decide import decide
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.distributors.agree import IncomingFile, put_on_file
from sync_worker.steps.distributors.parents import parents_of
from sync_worker.steps.distributors.subgroups import SubgroupChange, create
from sync_worker.steps.operate.plan import plan
from sync_worker.steps.operate.setup.check import check
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.ingest.ingest import store_chunk
from sync_worker.steps.sync.ingest.take_back import take_back
from sync_worker.store.core import companies
from tests.integration.steps.test_deals_in_crm import opportunity
from tests.integration.steps.world import World

OURS_ALONE = ("distributor_approval", "vendor_approval", "lifecycle", "is_registered")
LOST_KEY = "7b0c6a52-3f0e-4d8c-9a51-0f6f1d2c3b4a"


def approved(world: World, **written: str) -> Deal:
    """A registration that its distributor has approved, in the CRM."""
    deal = world.registered(**written)
    bo = Actor("Bo", world.company("Arrow Electronics").id, "portal")
    result = decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(bo))
    assert not isinstance(result, Refusal), result
    world.push()
    return world.deal(deal.id)


def subgroup(world: World, directory: Path, name: str = "Delta IT") -> SubgroupChange:
    """A partner company that Arrow Electronics made in the portal and signed an agreement with, in the CRM."""
    arrow = world.company("Arrow Electronics")
    bo = Actor("Bo", arrow.id, "portal")
    made = create(world.tenant, arrow, name, Terms(True, {"new": Decimal(5)}), actor=bo)
    assert isinstance(made, SubgroupChange), made
    signed = put_on_file(
        world.tenant, open_files(directory.as_uri()), made.child.company, arrow, IncomingFile("a.pdf", [b"%PDF-1.7 signed"]), actor=bo
    )
    assert not isinstance(signed, Refusal), signed
    world.push()
    world.pull()
    return made


def read(world: World, record_name: str, crm_ids: Sequence[str], shown: Mapping[str, Mapping[str, object]]) -> None:
    """These records in one chunk, in this order, with what the CRM shows of them instead."""
    tenant, record = world.tenant, world.tenant.mapping.records[record_name]
    found = {native.crm_id: native for native in tenant.crm.fetch(record.native, crm_ids, fields=record.native_fields)}
    natives = [replace(found[crm_id], fields={**found[crm_id].fields, **shown.get(crm_id, {})}) for crm_id in crm_ids]
    with tenant.run("refresh", record_name) as run_id:
        read_no = tenant.draw_read_no()
        with tenant.store.transaction(tenant.name) as tx:
            store_chunk(tx, Chunk(tenant, record, natives, read_no, run_id))


def parent(world: World, company_id: str) -> str | None:
    with world.store.reading("acme") as tx:
        found = parents_of(tx, companies.by_ids(tx, [company_id]).values())
    return found[company_id].name if company_id in found else None


def tracks(deal: Deal) -> tuple[object, ...]:
    return tuple(deal.values.get(name) for name in OURS_ALONE)


@pytest.mark.parametrize("from_crm", [True, False])
@pytest.mark.parametrize("lost", ["backup", "everything"])
def test_after_a_restore_every_deal_and_subgroup_is_who_it_was_and_nothing_is_written(
    world: World, tmp_path: Path, from_crm: bool, lost: str
) -> None:
    # Given a backup; and after it a deal that its distributor approved, and a subgroup with a deal of its own
    world.configure(deals={"from_crm": from_crm})
    world.pull()
    before = world.backup()
    deal = approved(world)
    child = subgroup(world, tmp_path / "files").child.company
    theirs = world.registered(owner_company=child.id, prospect_name="Else", name="Else")
    world.pull()
    org = world.org()
    # When the database is lost, and the backup or nothing takes its place
    world.lose_database() if lost == "everything" else world.restore(before)
    world.pull()
    world.push()
    world.pull()
    # Then ids, approvals and the parent are what they were, and the CRM is as it was
    assert tracks(world.deal(deal.id)) == tracks(deal)
    assert world.deal(theirs.id).second_partner == world.company("Arrow Electronics").id
    assert (world.company("Delta IT").id, parent(world, child.id)) == (child.id, "Arrow Electronics")
    assert world.org() == org
    # and what cannot come back is said
    assert world.codes(deal.id) == {"came_back"}
    assert world.codes(str(world.company(child.id).crm_id)) == {"parent_taken_back"}


def test_another_systems_key_is_never_written_over_and_said_before_anything_is_written(world: World) -> None:
    # Given records that carry the keys of another system
    crm_id = opportunity(world, Portal_Deal_Key__c="OLD-DEAL-1")
    cedar = world.remote.create(
        "Account",
        {"Name": "Old Oak", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner", "Portal_Company_Id__c": "OLD-1"},
    )
    # When a pull is planned, then both are said
    world.forward()
    listing = plan(world.tenant, limit=None).listings["failures"]
    assert {(row["record"], row["code"]) for row in listing.shown} >= {(crm_id, "foreign_key"), (cedar, "foreign_key")}
    # When it is made, then both come in, and their keys stay
    world.pull()
    world.push()
    deal = world.named_deal("Born there")
    world.change(deal.id, amount="17")
    world.push()
    assert world.remote.record("Opportunity", crm_id)["Portal_Deal_Key__c"] == "OLD-DEAL-1"
    assert world.remote.record("Opportunity", crm_id)["Amount"] == 17
    assert world.remote.record("Account", cedar)["Portal_Company_Id__c"] == "OLD-1"
    assert (world.codes(crm_id), world.codes(cedar)) == ({"foreign_key"}, {"foreign_key"})
    # When a person clears them, then ours are written, and nothing is said any more
    world.remote.edit("Opportunity", crm_id, {"Portal_Deal_Key__c": None})
    world.remote.edit("Account", cedar, {"Portal_Company_Id__c": None})
    world.pull()
    world.push()
    world.pull()
    assert world.remote.record("Opportunity", crm_id)["Portal_Deal_Key__c"] == deal.id
    assert world.remote.record("Account", cedar)["Portal_Company_Id__c"] == world.company("Old Oak").id
    assert (world.codes(crm_id), world.codes(cedar)) == (set(), set())


def test_a_known_company_whose_record_gets_another_systems_key_keeps_it(world: World) -> None:
    birch = world.company("Birch Systems")
    world.remote.edit("Account", str(birch.crm_id), {"Portal_Company_Id__c": "OLD-2"})
    world.pull()
    world.push()
    assert world.company("Birch Systems") == birch
    assert world.remote.record("Account", str(birch.crm_id))["Portal_Company_Id__c"] == "OLD-2"
    assert world.codes(str(birch.crm_id)) == {"foreign_key"}


def test_a_deal_of_ours_whose_owner_is_not_known_yet_waits_and_keeps_its_key(world: World) -> None:
    crm_id = opportunity(world, Portal_Deal_Key__c=LOST_KEY, Portal_Partner__c=world.id_of("Larch Logistics"))
    world.pull()
    assert world.codes(crm_id) == {"waiting_for_parent"}
    world.remote.edit("Account", world.id_of("Larch Logistics"), {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"})
    world.pull()
    assert world.named_deal("Born there").id == LOST_KEY
    assert world.remote.record("Opportunity", crm_id)["Portal_Deal_Key__c"] == LOST_KEY


def test_what_the_crm_spells_wrongly_of_our_own_tracks_is_no_reason_to_stay_out(world: World) -> None:
    crm_id = opportunity(world, Portal_Deal_Key__c=LOST_KEY, Portal_Deal_State__c="Whatever")
    world.pull()
    assert world.deal(LOST_KEY).lifecycle == "submitted"
    assert world.link(LOST_KEY).crm_id == crm_id


def test_what_the_portal_wrote_after_the_backup_is_taken_back_where_a_person_says_that_it_was_restored(world: World) -> None:
    # Given a backup from before the distributor approved
    world.pull()
    deal = world.registered()
    world.pull()
    before = world.backup()
    bo = Actor("Bo", world.company("Arrow Electronics").id, "portal")
    decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(bo))
    world.push()
    approved_at_last, org = world.deal(deal.id), world.org()
    # When it is restored, and a person says so before anything else is done
    world.restore(before)
    assert world.deal(deal.id).distributor_approval == "pending"
    assert take_back(world.tenant, compare(world.tenant)) == 1
    # Then the approval stands again, and nothing is written over
    world.pull()
    world.push()
    assert tracks(world.deal(deal.id)) == tracks(approved_at_last)
    assert compare(world.tenant).differences == []
    assert world.org() == org


def test_two_records_with_one_key_are_not_both_that_deal(world: World) -> None:
    # Given two records that carry one key of ours, as in an org that does not keep it unique
    first, copy = opportunity(world, "First", Portal_Deal_Key__c=LOST_KEY), opportunity(world, "Copy")
    # When they are read, then one of them is the deal, and the other one says so and is left alone
    read(world, "opportunity", [first, copy], {copy: {"Portal_Deal_Key__c": LOST_KEY}})
    world.push()
    assert world.deal(LOST_KEY).values["name"] == "First"
    assert world.link(LOST_KEY).crm_id == first
    assert world.codes(copy) == {"key_taken"}
    assert [deal for deal in world.deals() if deal.values["name"] == "Copy"] == []
    assert world.remote.record("Opportunity", copy)["Portal_Deal_Key__c"] is None
    read(world, "opportunity", [copy], {copy: {"Portal_Deal_Key__c": LOST_KEY}})
    assert world.codes(copy) == {"key_taken"}
    # When a person clears it, then the copy is a deal of its own
    world.pull()
    assert world.named_deal("Copy").id != LOST_KEY
    assert world.codes(copy) == set()


def test_a_copied_company_keeps_its_hands_off_the_id_of_the_first_whichever_is_read_first(world: World) -> None:
    # Given an empty database, and a copy of a company that carries its id and comes first
    birch = world.company("Birch Systems")
    copy = world.remote.create("Account", {"Name": "Birch Copy", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"})
    world.lose_database()
    # When both are read, then the id is the first one's, and the copy has one of its own and says so
    read(world, "company", [copy, str(birch.crm_id)], {copy: {"Portal_Company_Id__c": birch.id}})
    world.push()
    assert world.company("Birch Systems").id == birch.id
    assert world.company("Birch Copy").id != birch.id
    assert world.codes(copy) == {"key_taken"}
    assert world.remote.record("Account", copy)["Portal_Company_Id__c"] is None
    # When a person clears it, then its own is written
    world.pull()
    world.push()
    assert world.remote.record("Account", copy)["Portal_Company_Id__c"] == world.company("Birch Copy").id
    assert world.codes(copy) == set()


def test_a_subgroup_comes_back_before_its_parent(world: World, tmp_path: Path) -> None:
    # Given an empty database, and a distributor that is read later than its subgroup
    child = subgroup(world, tmp_path / "files").child.company
    arrow = world.company("Arrow Electronics")
    world.remote.edit("Account", str(arrow.crm_id), {"Portal_Status__c": None})
    world.lose_database()
    world.pull()
    assert parent(world, child.id) is None
    # When it comes, then the subgroup is under it again
    world.remote.edit("Account", str(arrow.crm_id), {"Portal_Status__c": "Active"})
    world.pull()
    assert parent(world, child.id) == "Arrow Electronics"


@pytest.mark.parametrize("is_read_first", [True, False])
def test_a_subgroup_that_comes_back_while_two_tiers_are_off_is_under_its_parent_once_they_are_on(
    world: World, tmp_path: Path, is_read_first: bool
) -> None:
    # Given a subgroup that a restore brings back while the portal has no second partners
    child = subgroup(world, tmp_path).child.company
    world.lose_database()
    world.configure(two_tier=False, deals={"approvals": ["vendor"]})
    world.pull()
    assert parent(world, child.id) is None
    # when they are on again and everything is read, whatever comes first
    world.configure(two_tier=True, deals={"approvals": ["distributor", "vendor"]})
    if is_read_first:
        world.pull("company", is_full=True)
        world.settle({DERIVE})
    else:
        world.settle({DERIVE})
        world.pull("company", is_full=True)
    # then it is under its parent, and nothing is said any more of a lost one
    assert parent(world, child.id) == "Arrow Electronics"
    assert world.codes(str(world.company(child.id).crm_id)) == {"parent_taken_back"}


def test_a_subgroup_whose_parent_was_renamed_while_two_tiers_were_off_is_put_back_by_what_is_derived(world: World, tmp_path: Path) -> None:
    # Given a company that came back with its contract value, which names a second partner that got its name while there were none
    child = subgroup(world, tmp_path).child.company
    arrow = world.id_of("Arrow Electronics")
    world.lose_database()
    world.remote.edit("Account", arrow, {"Name": "Arrow of old"})
    world.pull()
    assert parent(world, child.id) is None
    world.configure(two_tier=False, deals={"approvals": ["vendor"]})
    world.remote.edit("Account", arrow, {"Name": "Arrow Electronics"})
    world.pull()
    # when they are on again, then what is derived puts it under its parent
    world.configure(two_tier=True, deals={"approvals": ["distributor", "vendor"]})
    world.settle({DERIVE})
    assert parent(world, child.id) == "Arrow Electronics"


def test_a_subgroup_whose_parent_nobody_knows_says_so(world: World, tmp_path: Path) -> None:
    child = world.company(subgroup(world, tmp_path / "files").child.company.id)
    world.remote.edit("Account", str(child.crm_id), {"Associated_Second_Partner__c": "Arrow Electronics;Ingram Micro"})
    world.lose_database()
    world.pull()
    assert parent(world, child.id) is None
    assert "parent_lost" in world.codes(str(child.crm_id))
    # and when a person leaves the right one in the CRM, then it is put back, and the problem is closed
    world.remote.edit("Account", str(child.crm_id), {"Associated_Second_Partner__c": "Arrow Electronics"})
    world.pull()
    assert parent(world, child.id) == "Arrow Electronics"
    assert world.codes(str(child.crm_id)) == {"parent_taken_back"}


def test_check_tells_of_keys_before_anything_is_written(world: World, tmp_path: Path) -> None:
    # Given another system's keys, and a database that is new
    opportunity(world, "Foreign", Portal_Deal_Key__c="OLD-DEAL-1")
    opportunity(world, "Ours", Portal_Deal_Key__c=LOST_KEY)
    world.remote.edit("Account", world.id_of("Cedar IT"), {"Portal_Company_Id__c": "OLD-1"})
    world.lose_database()
    org = world.org()
    # When the CRM is checked, then both are told
    report = check(world.tenant, world.tenant.crm.schema)  # type: ignore[attr-defined]
    said = {(problem.native, problem.name, problem.code) for problem in report.problems}
    assert said >= {("Opportunity", "Foreign", "foreign_key"), ("Account", "Cedar IT", "foreign_key")}
    assert {finding.subject for finding in report.findings if finding.is_guess} >= {"Account: our keys", "Opportunity: our keys"}
    assert world.org() == org
