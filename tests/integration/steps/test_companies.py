"""Companies: the CRM is the source of truth, not of nonsense; our id goes back once; nothing in the CRM removes one."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest import pull as pull_step
from sync_worker.steps.sync.push.push import push
from sync_worker.store.distributors import subgroups, terms
from tests.integration.steps.world import World


def edit(world: World, name: str, **fields: object) -> str:
    """A person edits the account of that name; its CRM id."""
    crm_id = world.id_of(name)
    world.remote.edit("Account", crm_id, dict(fields))
    return crm_id


# ── portal status ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_first_load_takes_what_has_a_status_and_nothing_else(world: World) -> None:
    # Given the cast, when it was loaded, then each company has its status, and who has none is no company of ours
    assert world.company("Birch Systems").status is PortalStatus.ACTIVE
    assert world.company("Katsura Labs").status is PortalStatus.PENDING
    assert world.company("Maple Managed Services").status is PortalStatus.INACTIVE
    assert not world.knows("Larch Logistics")


def test_a_status_that_is_set_later_brings_the_company_in(world: World) -> None:
    # Given a customer without a status, when the vendor sets it, then it is a company with its id in the CRM
    crm_id = edit(world, "Larch Logistics", Portal_Status__c="Active", Portal_Account_Type__c="Partner")
    world.pull()
    company = world.company("Larch Logistics")
    assert (company.status, company.crm_id) == (PortalStatus.ACTIVE, crm_id)
    assert world.remote.record("Account", crm_id)["Portal_Company_Id__c"] == company.id


def test_a_cleared_status_deactivates(world: World) -> None:
    # Given an active company, when its status is cleared, then it is inactive; set again, it is active again, the same company
    crm_id, before = edit(world, "Cedar IT", Portal_Status__c=None), world.company("Cedar IT")
    world.pull()
    assert world.company(crm_id).status is PortalStatus.INACTIVE
    edit(world, "Cedar IT", Portal_Status__c="Active")
    world.pull()
    assert world.company(crm_id) == before


def test_an_unknown_status_keeps_the_last_one_and_is_reported(world: World) -> None:
    # Given a mapping that does not know Pending, when an active company and a customer get that status
    world.configure(overrides={"company.portal_status.values": {"Active": "active", "Inactive": "inactive"}})
    known, new = edit(world, "Cedar IT", Portal_Status__c="Pending"), edit(world, "Larch Logistics", Portal_Status__c="Pending")
    world.pull()
    # then the one keeps its own, the other stays out, and both are reported
    assert world.company(known).status is PortalStatus.ACTIVE
    assert not world.knows(new)
    assert "status_unknown" in world.codes(known) & world.codes(new)
    # and when both are corrected, then nothing is open any more
    edit(world, "Cedar IT", Portal_Status__c="Active")
    edit(world, "Larch Logistics", Portal_Status__c="Inactive", Portal_Account_Type__c="Partner")
    world.pull()
    assert world.codes(known) | world.codes(new) == set()
    assert world.company(new).status is PortalStatus.INACTIVE


def test_later_pulls_do_not_filter_by_status(world: World) -> None:
    # Given a record that is none of ours, when it changes, then it is read and skipped with its reason
    edit(world, "Larch Logistics", Industry="Energy")
    done = world.pull(COMPANY)[0]
    assert done.counts.skips["not_ours"] == 1


# ── records that come again as they were ──────────────────────────────────────────────────────────────────────────────


def test_a_record_that_comes_again_as_it_was_is_counted_and_nothing_else(world: World) -> None:
    # Given a company that was touched in the CRM without a change of what we read, when it is polled
    edit(world, "Cedar IT", Description="touched")
    before = world.rows()["companies"]
    done = world.pull(COMPANY)[0]
    # then it is unchanged, and so is every row; also the next time, when it was read whole in between
    assert done.counts.read == done.counts.unchanged > 0
    assert world.rows()["companies"] == before
    assert world.pull(COMPANY, is_full=True)[0].counts.applied == 0


def test_what_is_wrong_with_a_record_stays_open_while_it_comes_again_as_it_was(world: World) -> None:
    # Given a company whose account type is blank, when it is polled once more, then the problem is still open and was not counted up
    crm_id = edit(world, "Cedar IT", Portal_Account_Type__c=None)
    world.pull()
    before = world.failures(record=crm_id)
    edit(world, "Cedar IT", Description="touched")
    done = world.pull(COMPANY)[0]
    assert done.counts.applied == 0
    assert world.failures(record=crm_id) == before
    assert world.codes(crm_id) == {"account_type_blank"}


def test_what_was_deleted_and_comes_again_as_it_was_is_active_again(world: World) -> None:
    # Given a deleted company, when it is undeleted without any change, then it is what it was
    crm_id, before = world.id_of("Cedar IT"), world.company("Cedar IT")
    world.remote.delete("Account", crm_id)
    world.pull()
    assert world.company(crm_id).is_deleted
    world.remote.undelete([crm_id])
    world.pull()
    assert world.company(crm_id) == before


def test_what_was_wrong_with_a_record_is_over_when_it_comes_back_as_it_last_was(world: World) -> None:
    # Given a company whose account type was cleared, so that it kept its own, when it is set as before, then nothing is open
    crm_id = edit(world, "Cedar IT", Portal_Account_Type__c=None)
    world.pull()
    assert world.codes(crm_id) == {"account_type_blank"}
    edit(world, "Cedar IT", Portal_Account_Type__c="Partner")
    assert world.pull(COMPANY)[0].counts.applied == 0
    assert world.codes(crm_id) == set()


# ── our id in the CRM ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_company_carries_our_id_in_the_crm(world: World) -> None:
    for record in world.remote.records("Account"):
        expected = world.company(record["Id"]).id if record["Portal_Status__c"] else None
        assert record["Portal_Company_Id__c"] == expected, record["Name"]


def test_a_database_that_was_lost_comes_back_with_the_same_ids_and_writes_nothing(world: World) -> None:
    # Given a loaded portal, when its database is lost and built again, then every company is who it was, and no record was touched
    before, org = world.company("Birch Systems"), world.org()
    world.lose_database()
    world.pull()
    assert world.company("Birch Systems") == before
    assert world.org()["Account"] == org["Account"]


def test_a_crash_between_storing_and_patch_back_makes_no_second_company(empty_world: World) -> None:
    # Given companies that are stored, and a worker that dies before our ids are written
    world = empty_world
    world.forward()
    pull_step.pull(world.tenant, COMPANY)
    assert {record["Portal_Company_Id__c"] for record in world.remote.records("Account")} == {None}
    before = world.company("Cedar IT")
    # when another one reads everything again and writes them
    world.tenant = world.process()
    world.pull(COMPANY, is_full=True)
    world.settle({FollowUp(Work.PUSH)})
    # then there is one company, and its id stands in the CRM
    assert world.company("Cedar IT") == before
    assert world.remote.named("Account", "Cedar IT")["Portal_Company_Id__c"] == before.id


def test_ids_whose_answer_was_lost_are_written_again_and_that_is_all(empty_world: World) -> None:
    # Given a CRM that writes our ids and loses the answer, when the push comes again, then they stand there once and nothing is due
    world = empty_world
    world.remote.fault("collections_write", object_name="Account", when="after_commit", drop_connection=True)
    world.pull(COMPANY)
    world.forward()
    world.pull(COMPANY)
    world.push()
    assert world.remote.named("Account", "Cedar IT")["Portal_Company_Id__c"] == world.company("Cedar IT").id
    assert push(world.tenant).run_id == ""


def test_an_id_that_the_crm_refuses_is_a_failure_and_no_loop(empty_world: World) -> None:
    # Given a rule that refuses one account, when the load ends, then the others carry our ids and this one is a failure
    world = empty_world
    cedar = world.id_of("Cedar IT")
    world.remote.add_validation_rule("Account", "Name", "matches", "Cedar.*", message="hands off")
    world.pull(COMPANY)
    company = world.company("Cedar IT")
    (row,) = world.failures(record=company.id)
    assert (row.failure.kind, row.failure.code) == ("failure", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert world.remote.record("Account", cedar)["Portal_Company_Id__c"] is None
    assert world.remote.named("Account", "Birch Systems")["Portal_Company_Id__c"] == world.company("Birch Systems").id
    assert push(world.tenant).run_id == ""


# ── account type ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_company_without_a_type_is_a_partner_and_says_so(world: World) -> None:
    assert world.company("Juniper Works").account_type is AccountType.PARTNER
    assert world.codes("Juniper Works") == {"account_type_blank"}


def test_a_new_company_of_unknown_type_is_a_partner_and_says_so(world: World) -> None:
    assert world.company("Ivy Integrators").account_type is AccountType.PARTNER
    assert world.codes("Ivy Integrators") == {"account_type_unknown"}


@pytest.mark.parametrize(("value", "code"), [(None, "account_type_blank"), ("Distribution Partner", "account_type_unknown")])
def test_a_known_distributor_stays_one(world: World, value: str | None, code: str) -> None:
    # Given a distributor, when its type is cleared or relabelled, then it stays a distributor and a problem is open until it is mended
    crm_id = edit(world, "Arrow Electronics", Portal_Account_Type__c=value)
    world.pull()
    assert world.company(crm_id).account_type is AccountType.SECOND_PARTNER
    assert code in world.codes(crm_id)
    edit(world, "Arrow Electronics", Portal_Account_Type__c="Distributor")
    world.pull()
    assert world.codes(crm_id) == set()


def test_what_the_mapping_cannot_read_is_told_with_the_nearest_value_the_list_and_its_line(world: World) -> None:
    # Given a status, a type and a field of no rule with values that no list has
    edit(world, "Birch Systems", Portal_Account_Type__c="Partnr", Portal_Tier__c="Gould")
    world.pull()

    # Then each problem says what may be meant, what is allowed, and where the mapping lists it
    messages = {row.failure.code: row.failure.message for row in world.failures() if row.failure.name == "Birch Systems"}
    for code, words in (
        (
            "account_type_unknown",
            "'Partnr' is not an account type of the mapping; the company stays partner — did you mean 'Partner'? allowed: Vendor, ",
        ),
        ("value_unreadable", "tier holds 'Gould', which the mapping cannot read — did you mean 'Gold'? allowed: Registered, Silver, Gold"),
    ):
        assert messages[code].startswith(words)
        assert re.search(r"; see \S+/mappings/salesforce\.yaml:\d+:\d+$", messages[code])


# ── the vendor's own company ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_vendor_exists_without_a_record(world: World) -> None:
    # Given a portal file that names no vendor company, then there is one all the same, and the record that says it is the vendor is not
    assert world.company("acme (vendor)").account_type is AccountType.VENDOR
    assert world.company("Northwind Software").account_type is AccountType.PARTNER
    assert world.codes("Northwind Software") == {"vendor_type_elsewhere"}


def test_the_vendor_as_the_portal_file_names_it(empty_world: World) -> None:
    # Given its id in 15 characters, and a record without a status
    world = empty_world
    crm_id = edit(world, "Northwind Software", Portal_Status__c=None)
    world.configure(vendor_company=crm_id[:15])
    # when everything is read, then it is the vendor, active, and the only one
    world.pull()
    company = world.company(crm_id)
    assert (company.account_type, company.status) == (AccountType.VENDOR, PortalStatus.ACTIVE)
    assert not world.knows("acme (vendor)")
    assert world.remote.record("Account", crm_id)["Portal_Company_Id__c"] == company.id


def test_a_crm_that_calls_the_vendor_a_partner_is_ignored_and_reported(empty_world: World) -> None:
    world = empty_world
    crm_id = edit(world, "Northwind Software", Portal_Account_Type__c="Partner")
    world.configure(vendor_company=crm_id)
    world.pull()
    assert world.company(crm_id).account_type is AccountType.VENDOR
    assert world.codes(crm_id) == {"vendor_type_ignored"}


def test_a_vendor_named_later_takes_the_place_of_the_one_without_a_record(world: World) -> None:
    # Given a portal that was loaded without vendor_company, when the file names it, then the record is the vendor, and there is one
    crm_id = world.id_of("Northwind Software")
    world.configure(vendor_company=crm_id)
    world.pull(is_full=True)
    assert world.company(crm_id).account_type is AccountType.VENDOR
    assert "vendor_type_elsewhere" not in world.codes(crm_id)


# ── deleted, back, merged ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_record_deactivates_and_an_undeleted_one_is_back(world: World) -> None:
    before = world.company("Cedar IT")
    assert before.crm_id is not None
    world.remote.delete("Account", before.crm_id)
    world.pull()
    gone = world.company(before.crm_id)
    assert (gone.is_deleted, gone.status) == (True, PortalStatus.INACTIVE)
    world.remote.undelete([before.crm_id])
    world.pull()
    assert world.company(before.crm_id) == before


def test_a_merge_into_a_known_company_moves_what_the_loser_had(world: World) -> None:
    # Given a deal of Birch Systems with Bolt Distribution, to whom others have contracts
    deal = world.registered(second_partner="Bolt Distribution")
    bolt, arrow = world.company("Bolt Distribution"), world.company("Arrow Electronics")
    assert bolt.crm_id is not None
    assert arrow.crm_id is not None
    world.pull()
    # when Bolt is merged into Arrow
    world.remote.merge(arrow.crm_id, [bolt.crm_id])
    world.pull()
    # then the loser is gone, and its deals and contracts are the survivor's
    assert world.company(bolt.id).is_deleted
    assert world.deal(deal.id).second_partner == arrow.id
    assert world.record_of(deal.id)["Portal_Second_Partner__c"] == arrow.crm_id
    assert {row.company_id for row in world.contracts() if row.binding.company_id == bolt.id} == set()
    assert any(row.binding.value == "Bolt Distribution" and row.binding.company_id == arrow.id for row in world.contracts())
    assert world.deal(deal.id).vendor_approval == "pending"
    assert world.codes(world.link(deal.id).crm_id) == set()


def test_a_merged_owner_takes_its_deals_along(world: World) -> None:
    deal = world.registered(owner_company="Cedar IT")
    cedar, birch = world.company("Cedar IT"), world.company("Birch Systems")
    assert cedar.crm_id is not None
    assert birch.crm_id is not None
    world.remote.merge(birch.crm_id, [cedar.crm_id])
    world.pull()
    assert world.deal(deal.id).owner_company == birch.id
    assert world.record_of(deal.id)["Portal_Partner__c"] == birch.crm_id
    assert [one.id for one in world.deals() if one.owner_company == cedar.id] == []


def test_a_merged_subgroup_takes_its_parent_and_terms_along(world: World) -> None:
    # Given Cedar IT under Arrow Electronics, with terms
    cedar, birch, arrow = (world.company(name) for name in ("Cedar IT", "Birch Systems", "Arrow Electronics"))
    agreed = Terms(True, {"new": Decimal(20)})
    with world.store.transaction("acme") as tx:
        subgroups.begin(tx, Subgroup(cedar.id, arrow.id, "promoted", tx.now, "Ann"))
        terms.begin(tx, Pair(cedar.id, arrow.id), agreed, "Ann")
    # When it is merged into Birch Systems
    world.remote.merge(str(birch.crm_id), [str(cedar.crm_id)])
    world.pull()
    # Then Birch is the subgroup, on the same terms
    with world.store.reading("acme") as tx:
        assert {company: one.parent_id for company, one in subgroups.lasting(tx, [cedar.id, birch.id]).items()} == {birch.id: arrow.id}
        assert terms.current(tx, [Pair(birch.id, arrow.id)]) == {Pair(birch.id, arrow.id): agreed}


def test_contracts_that_a_merge_leaves_behind_end_and_are_named(world: World) -> None:
    # Given Birch with two contracts, and Cedar with one of them
    birch, cedar = world.company("Birch Systems"), world.company("Cedar IT")
    (lost,) = set(birch.second_partner_values) - set(cedar.second_partner_values)
    # when Birch is merged into Cedar, then Cedar's record counts, and what Birch had besides is named
    world.remote.merge(str(cedar.crm_id), [str(birch.crm_id)])
    world.pull()
    world.pull()
    assert world.company(cedar.id).second_partner_values == cedar.second_partner_values
    assert world.codes(str(cedar.crm_id)) == {"contract_lost_in_merge"}
    assert lost in world.history(str(cedar.crm_id))["contract_lost_in_merge"]
    # and when the vendor adds it, then the contract goes on, and nothing is open
    edit(world, "Cedar IT", Associated_Second_Partner__c=";".join([*cedar.second_partner_values, lost]))
    world.pull()
    assert lost in {row.binding.value for row in world.contracts() if row.company_id == cedar.id}
    assert world.codes(str(cedar.crm_id)) == set()


def test_contracts_that_the_vendor_brings_along_are_not_lost(world: World) -> None:
    # Given a merge in which the vendor gives the survivor the loser's values, in one page with it
    birch, cedar = world.company("Birch Systems"), world.company("Cedar IT")
    world.remote.merge(str(cedar.crm_id), [str(birch.crm_id)])
    edit(world, "Cedar IT", Associated_Second_Partner__c=";".join(birch.second_partner_values))
    world.pull()
    assert "contract_lost_in_merge" not in world.history(str(cedar.crm_id))
    assert set(world.company(cedar.id).second_partner_values) == set(birch.second_partner_values)


@pytest.mark.parametrize("survivor_is_older", [True, False])
def test_a_merge_into_a_record_nobody_knew_keeps_the_company(world: World, survivor_is_older: bool) -> None:
    # Given a company of ours with a deal, and a record without a status, entered before or after it
    crm_ids = [world.remote.create("Account", {"Name": name, "Portal_Account_Type__c": "Partner"}) for name in ("One", "Two")]
    survivor, loser = crm_ids if survivor_is_older else reversed(crm_ids)
    world.remote.edit("Account", loser, {"Portal_Status__c": "Active"})
    world.pull()
    ours = world.company(loser)
    deal = world.registered(owner_company=ours.id, second_partner=None)
    # when it is merged into that record, which gets its status with it
    world.remote.merge(survivor, [loser])
    world.remote.edit("Account", survivor, {"Portal_Status__c": "Active"})
    world.pull()
    world.pull()
    # then it is the same company under the new id, its deal stands, and our id is in the CRM
    after = world.company(survivor)
    assert (after.id, after.status, after.is_deleted) == (ours.id, PortalStatus.ACTIVE, False)
    assert world.deal(deal.id).owner_company == ours.id
    assert world.remote.record("Account", survivor)["Portal_Company_Id__c"] == ours.id


def test_a_merge_with_an_unknown_survivor_in_one_second_with_it(world: World) -> None:
    # Given a company of ours, when it loses a merge in the same second in which the survivor gets its status
    crm_ids = [world.remote.create("Account", {"Name": name, "Portal_Account_Type__c": "Partner"}) for name in ("One", "Two")]
    world.remote.edit("Account", crm_ids[1], {"Portal_Status__c": "Active"})
    world.pull()
    ours = world.company(crm_ids[1])
    world.remote.edit("Account", crm_ids[0], {"Portal_Status__c": "Active"})
    world.remote.merge(crm_ids[0], [crm_ids[1]])
    # then one company of the two is alive, and the survivor's
    world.pull()
    alive = world.company(crm_ids[0])
    assert alive.status is PortalStatus.ACTIVE
    assert not alive.is_deleted
    assert alive.id == ours.id or world.company(ours.id).is_deleted
