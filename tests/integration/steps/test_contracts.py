"""Contracts: values on partners' records become associations, one by one; and deals hear of it when one ends."""

from __future__ import annotations

import pytest

from sync_worker.domain.associations.association import Association, Exclusion, Explanation
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.associate import options, whom, why
from sync_worker.steps.associations.rebind import foresee, rebind
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.store.associations import associations
from sync_worker.store.core import companies
from sync_worker.store.operate import interventions
from tests.integration.steps.world import World

FIELD = "Associated_Second_Partner__c"


def partners(world: World, name: str) -> list[str]:
    """The names of those whom this partner may choose."""
    with world.store.reading("acme") as tx:
        return [company.name for company in options(tx, world.company(name))]


def view(world: World, name: str) -> tuple[tuple[Association, ...], tuple[Exclusion, ...]]:
    with world.store.reading("acme") as tx:
        return whom(tx, world.company(name))


def explained(world: World, one: str, other: str) -> Explanation:
    with world.store.reading("acme") as tx:
        return why(tx, world.company(one), world.company(other))


def sign(world: World, name: str, *values: str) -> str:
    """The vendor lists these values on the partner's record; its CRM id."""
    crm_id = world.company(name).crm_id
    assert crm_id is not None
    world.remote.edit("Account", crm_id, {FIELD: ";".join(values) or None})
    return crm_id


# ── how a value resolves ─────────────────────────────────────────────────────────────────────────────────────────────


def test_names_resolve_and_both_sides_see_it(world: World) -> None:
    assert partners(world, "Birch Systems") == ["Arrow Electronics", "Bolt Distribution"]
    assert partners(world, "Dogwood Networks") == []
    found, _ = view(world, "Arrow Electronics")
    assert world.company("Birch Systems").id in {association.partner_id for association in found}


def test_the_portal_files_map_comes_first(empty_world: World) -> None:
    # Given a map that gives a distributor's name another meaning, and ids in both lengths
    world = empty_world
    granite, summit = world.id_of("Granite Group"), world.id_of("Summit Partners")
    world.configure(associations={"contract_values": {"Granite Distribution": granite[:15], "Arrow Electronics": summit}})
    # when everything is read, then the map counts, and the name behind it does not
    world.pull()
    assert "Granite Group" in partners(world, "Elm Consulting")
    assert partners(world, "Cedar IT") == ["Summit Partners"]
    assert {row.binding.how for row in world.contracts() if row.binding.value == "Granite Distribution"} == {"map"}


@pytest.mark.parametrize("length", [15, 18])
def test_a_crm_id_resolves_in_both_lengths(world: World, length: int) -> None:
    world.configure(overrides={"company.second_partners.native": "Description"})
    crm_id = world.id_of("Bolt Distribution")
    world.remote.edit("Account", world.id_of("Dogwood Networks"), {"Description": crm_id[:length]})
    world.pull()
    assert partners(world, "Dogwood Networks") == ["Bolt Distribution"]


@pytest.mark.parametrize("length", [15, 18])
def test_a_crm_id_resolves_when_its_company_comes_later(world: World, length: int) -> None:
    # Given a value that is the id of a record without a status
    world.configure(overrides={"company.second_partners.native": "Description"})
    crm_id = world.remote.create("Account", {"Name": "Zenith Supply", "Portal_Account_Type__c": "Distributor"})
    dogwood = world.id_of("Dogwood Networks")
    world.remote.edit("Account", dogwood, {"Description": crm_id[:length]})
    world.pull()
    assert world.codes(dogwood) == {"contract_value_unresolved"}
    # when it gets one, then the value leads to it
    world.remote.edit("Account", crm_id, {"Portal_Status__c": "Active"})
    world.pull()
    assert partners(world, "Dogwood Networks") == ["Zenith Supply"]
    assert world.codes(dogwood) == set()


def test_a_mapped_value_resolves_when_its_company_comes_later(empty_world: World) -> None:
    world = empty_world
    crm_id = world.remote.create("Account", {"Name": "Zenith GmbH", "Portal_Account_Type__c": "Distributor"})
    world.configure(associations={"contract_values": {"Zenith Supply": crm_id}})
    world.pull()
    assert "contract_value_unresolved" in world.codes("Fir Technologies")
    world.remote.edit("Account", crm_id, {"Portal_Status__c": "Active"})
    world.pull()
    assert partners(world, "Fir Technologies") == ["Arrow Electronics", "Zenith GmbH"]
    assert world.codes("Fir Technologies") == set()


def test_what_names_nobody_spoils_no_other_value_and_heals(world: World) -> None:
    # Given a contract with Arrow and with a company nobody knows
    assert partners(world, "Fir Technologies") == ["Arrow Electronics"]
    assert world.codes("Fir Technologies") == {"contract_value_unresolved"}
    # when that company is entered, then the contract leads to it, and nobody had to touch the partner
    world.remote.create("Account", {"Name": "Zenith Supply", "Portal_Account_Type__c": "Distributor", "Portal_Status__c": "Active"})
    world.pull()
    assert partners(world, "Fir Technologies") == ["Arrow Electronics", "Zenith Supply"]
    assert world.codes("Fir Technologies") == set()


def test_partners_may_come_before_their_distributors(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given pages and commits of one record, and a partner that was changed long before its distributors
    world = empty_world
    monkeypatch.setattr("crm_sandbox.salesforce.soql.queries.PAGE_SIZE", 1)
    monkeypatch.setattr("sync_worker.steps.sync.ingest.ingest.CHUNK_COUNT", 1)
    for name in ("Arrow Electronics", "Bolt Distribution"):
        world.remote.edit("Account", world.id_of(name), {"Industry": "Energy"})
    # when everything is read, then the values that named nobody at first lead to them
    world.pull()
    assert partners(world, "Birch Systems") == ["Arrow Electronics", "Bolt Distribution"]
    assert world.codes("Birch Systems") == set()


def test_a_name_of_two_is_ambiguous_until_one_is_renamed(world: World) -> None:
    # Given a contract that names two distributors
    assert partners(world, "Ginkgo Data") == []
    assert world.codes("Ginkgo Data") == {"contract_value_ambiguous"}
    # when one of them is renamed, then the other is meant
    first, second = [row["Id"] for row in world.remote.records("Account") if row["Name"] == "Summit Partners"]
    world.remote.edit("Account", first, {"Name": "Summit West"})
    world.pull()
    assert [company.crm_id for company in [world.company("Summit Partners")]] == [second]
    assert partners(world, "Ginkgo Data") == ["Summit Partners"]
    assert world.codes("Ginkgo Data") == set()


def test_a_value_that_names_a_partner_is_reported_until_its_type_is_mended(world: World) -> None:
    arrow = world.id_of("Arrow Electronics")
    world.remote.edit("Account", arrow, {"Portal_Account_Type__c": "Partner"})
    world.pull()
    dogwood = sign(world, "Dogwood Networks", "Arrow Electronics")
    world.pull()
    assert world.codes(dogwood) == {"contract_not_a_second_partner"}
    assert partners(world, "Dogwood Networks") == []
    world.remote.edit("Account", arrow, {"Portal_Account_Type__c": "Distributor"})
    world.pull()
    assert world.codes(dogwood) == set()
    assert partners(world, "Dogwood Networks") == ["Arrow Electronics"]


# ── drift ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_renamed_distributor_stays_bound_and_is_reported(world: World) -> None:
    # Given a contract bound by name, when the distributor is renamed, twice
    bolt = world.id_of("Bolt Distribution")
    for name in ("Bolt Europe", "Bolt World"):
        world.remote.edit("Account", bolt, {"Name": name})
        world.pull()
    # then the partner still works with it, and its record says what is odd
    assert "Bolt World" in partners(world, "Birch Systems")
    (row,) = world.failures("contract_value_renamed", "Birch Systems")
    assert row.failure.message == "the company bound to 'Bolt Distribution' is called 'Bolt World' now; the value stays bound"
    told = explained(world, "Birch Systems", "Bolt World").words
    assert "bound since 2026-03-02, when the company was called so; it has another name now (Bolt World)" in told
    # and when it gets its name back, then nothing is odd any more
    world.remote.edit("Account", bolt, {"Name": "Bolt Distribution"})
    world.pull()
    assert "it is the company's name" in explained(world, "Birch Systems", "Bolt Distribution").words
    assert world.failures("contract_value_renamed") == []


def test_a_value_that_catches_up_with_a_rename_keeps_its_beginning(world: World) -> None:
    # Given a distributor that is called otherwise, and a value that still has its old name
    birch = world.company("Birch Systems")
    began = {row.binding.value: row.since_at for row in world.contracts() if row.company_id == birch.id}
    world.remote.edit("Account", world.id_of("Bolt Distribution"), {"Name": "Bolt Europe"})
    world.pull()
    assert "contract_value_renamed" in world.codes("Birch Systems")
    # when the record is spelled by the new name, then nothing is odd, and the pair goes on since when it began
    sign(world, "Birch Systems", "Arrow Electronics", "Bolt Europe")
    world.pull()
    held = {row.binding.value: row.since_at for row in world.contracts() if row.company_id == birch.id}
    assert held == {"Arrow Electronics": began["Arrow Electronics"], "Bolt Europe": began["Bolt Distribution"]}
    assert world.codes("Birch Systems") == set()


# ── what no value can spell ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_with_a_semicolon_says_how_contracts_can_reach_it(world: World) -> None:
    # Given a distributor whose name cannot be a picklist value
    bolt = world.id_of("Bolt Distribution")
    world.remote.edit("Account", bolt, {"Name": "Bolt; Sons"})
    world.pull()
    assert world.codes(bolt) == {"second_partner_name_unfit"}
    world.pull()
    assert world.codes(bolt) == {"second_partner_name_unfit"}
    # when another value is mapped to it, then nothing is wrong with it any more
    world.configure(associations={"contract_values": {"Bolt and Sons": bolt}})
    world.pull(COMPANY, is_full=True)
    assert world.codes(bolt) == set()


def _pairs(world: World) -> set[tuple[str, str]]:
    """The associations of the portal."""
    with world.store.reading("acme") as tx:
        return associations.pairs(tx, [company.id for company in companies.every(tx)])


# ── what a person binds ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_person_binds_stays_bound_whatever_is_read(world: World) -> None:
    # Given a value that names nobody
    granite, elm = world.company("Granite Group"), world.id_of("Elm Consulting")
    assert world.codes(elm) == {"contract_value_unresolved"}
    # when a person says whom it means, then it is bound, and the failure is closed
    done = rebind(world.tenant, "Granite Distribution", granite, actor="Ann", reason="their old name")
    assert done.record_count == 1
    assert partners(world, "Elm Consulting") == ["Bolt Distribution", "Granite Group"]
    assert world.codes(elm) == set()
    with world.store.reading("acme") as tx:
        (act,) = interventions.listed(tx, "rebind")
    assert (act.selection, act.actor, act.reason) == (f"Granite Distribution → Granite Group ({granite.crm_id})", "Ann", "their old name")
    # and a pull, a namesake and a further record change nothing about it
    world.remote.create("Account", {"Name": "Granite Distribution", "Portal_Account_Type__c": "Distributor", "Portal_Status__c": "Active"})
    sign(world, "Elm Consulting", "Granite Distribution", "Bolt Distribution")
    sign(world, "Dogwood Networks", "Granite Distribution")
    world.pull()
    assert partners(world, "Elm Consulting") == ["Bolt Distribution", "Granite Group"]
    assert partners(world, "Dogwood Networks") == ["Granite Group"]


def test_a_rebound_pair_ends_and_its_open_deals_are_flagged_as_foreseen(world: World) -> None:
    deal, before = world.registered(), _pairs(world)
    # What it would do is told before, and changes nothing
    foreseen = foresee(world.tenant, "Arrow Electronics", world.company("Granite Group"))
    assert _pairs(world) == before
    done = rebind(world.tenant, "Arrow Electronics", world.company("Granite Group"), actor="Ann", reason="sold")
    world.settle(done.follow_ups)
    assert partners(world, "Birch Systems") == ["Bolt Distribution", "Granite Group"]
    assert world.codes(world.link(deal.id).crm_id) == {"second_partner_not_associated"}
    # and it was so
    assert foreseen.record_count == done.record_count
    assert foreseen.deal_count >= 1
    assert {(one.id, other.id) for one, other in foreseen.begins} == _pairs(world) - before
    assert {(one.id, other.id) for one, other in foreseen.ends} == before - _pairs(world)
    assert foreseen.begins
    assert foreseen.ends


def test_a_pair_that_another_value_joins_too_neither_begins_nor_ends(world: World) -> None:
    # Given a partner whose record names Bolt twice: by name and by its CRM id
    bolt, arrow = world.company("Bolt Distribution"), world.company("Arrow Electronics")
    sign(world, "Dogwood Networks", "Bolt Distribution", str(bolt.crm_id), "Arrow Electronics")
    world.pull()
    # Then binding the id to the company that it names already, or to one that is named too, changes no pair of Dogwood
    for company in (bolt, arrow):
        foreseen = foresee(world.tenant, str(bolt.crm_id), company)
        assert (foreseen.record_count, foreseen.begins, foreseen.ends) == (1, [], [])


@pytest.mark.parametrize(
    ("value", "name", "words"), [("Arrow Electronics", "Cedar IT", "not a second partner"), ("?", "Granite Group", "no partner's")]
)
def test_what_cannot_be_bound_is_refused(world: World, value: str, name: str, words: str) -> None:
    before = world.contracts()
    with pytest.raises(ConfigError, match=words):
        rebind(world.tenant, value, world.company(name), actor="Ann", reason="why not")
    assert world.contracts() == before


# ── full replace, and since when ─────────────────────────────────────────────────────────────────────────────────────


def test_a_removed_value_removes_and_the_others_keep_their_beginning(world: World) -> None:
    began = {row.binding.value: row.since_at for row in world.contracts() if row.company_id == world.company("Birch Systems").id}
    sign(world, "Birch Systems", "Arrow Electronics", "Granite Distribution")
    world.pull()
    held = {row.binding.value: row.since_at for row in world.contracts() if row.company_id == world.company("Birch Systems").id}
    assert partners(world, "Birch Systems") == ["Arrow Electronics"]
    assert held["Arrow Electronics"] == began["Arrow Electronics"]
    assert held["Granite Distribution"] > began["Arrow Electronics"]
    assert "Bolt Distribution" not in held
    assert world.codes("Birch Systems") == {"contract_value_unresolved"}


def test_an_association_is_explained_and_so_is_a_missing_one(world: World) -> None:
    found = explained(world, "Arrow Electronics", "Birch Systems")
    assert found.is_associated
    assert 'holds "Arrow Electronics"' in found.words
    assert found.since is not None
    assert "no contract" in explained(world, "Dogwood Networks", "Arrow Electronics").words
    assert explained(world, "Hazel Cloud", "Cascade Supply").code == "company_inactive"
    assert explained(world, "Birch Systems", "Cedar IT").code == "same_type"


def test_an_inactive_distributor_is_excluded_and_shown_beside(world: World) -> None:
    found, excluded = view(world, "Hazel Cloud")
    assert [association.second_partner_id for association in found] == [world.company("Bolt Distribution").id]
    assert [(item.value, item.code) for item in excluded] == [("Cascade Supply", "company_inactive")]


def test_two_tier_off_has_no_associations(empty_world: World) -> None:
    world = empty_world
    world.configure(two_tier=False, deals={"approvals": ["vendor"]})
    world.pull(COMPANY)
    assert world.contracts() == []


# ── deals of a pair whose contract ends ──────────────────────────────────────────────────────────────────────────────


def test_a_contract_that_ends_flags_the_open_deals_that_carry_it(world: World) -> None:
    # Given open deals of the pair, one of another pair, one that is won
    deal, other = world.registered(), world.registered(second_partner="Bolt Distribution")
    world.pull()
    # when the contract with Arrow is removed
    sign(world, "Birch Systems", "Bolt Distribution")
    world.pull(COMPANY)
    # then the deal stays as it was, and says so; the other does not
    after = world.deal(deal.id)
    assert after.second_partner == world.company("Arrow Electronics").id
    assert world.codes(world.link(deal.id).crm_id) == {"second_partner_not_associated"}
    assert world.codes(world.link(other.id).crm_id) == set()
    # and when the contract is back, then nothing is wrong with it
    sign(world, "Birch Systems", "Bolt Distribution", "Arrow Electronics")
    world.pull(COMPANY)
    assert world.codes(world.link(deal.id).crm_id) == set()


def test_a_deal_that_came_first_is_cleared_when_its_contract_comes(world: World) -> None:
    # Given a deal from the CRM whose second partner has no contract
    deal = world.named_deal("Lumen Hospital - Storage")
    assert world.codes(world.link(deal.id).crm_id) == {"second_partner_not_associated"}
    # when the contract is signed, then its next read comes by itself and finds nothing wrong
    sign(world, "Dogwood Networks", "Bolt Distribution")
    world.pull(COMPANY)
    assert world.codes(world.link(deal.id).crm_id) == set()


def test_a_distributor_that_turns_inactive_flags_its_open_deals(world: World) -> None:
    deal = world.registered()
    arrow = world.id_of("Arrow Electronics")
    world.remote.edit("Account", arrow, {"Portal_Status__c": "Inactive"})
    world.pull(COMPANY)
    assert world.codes(world.link(deal.id).crm_id) == {"second_partner_not_active"}
    world.remote.edit("Account", arrow, {"Portal_Status__c": "Active"})
    world.pull(COMPANY)
    assert world.codes(world.link(deal.id).crm_id) == set()


def test_a_healed_contract_clears_the_deals_that_waited_for_it(world: World) -> None:
    # Given a deal of Elm and Granite, whose contract says Granite's old name
    granite = world.company("Granite Group")
    crm_id = world.remote.create(
        "Opportunity",
        {
            "Name": "Elm and Granite",
            "StageName": "Qualification",
            "CloseDate": "2026-09-01",
            "Portal_Partner__c": world.id_of("Elm Consulting"),
            "Portal_Second_Partner__c": granite.crm_id,
        },
    )
    world.pull()
    assert world.codes(crm_id) == {"second_partner_not_associated"}
    # when it takes the old name again, then the contract binds and the deal is in order
    world.remote.edit("Account", str(granite.crm_id), {"Name": "Granite Distribution"})
    world.pull(COMPANY)
    assert world.codes(crm_id) == set()
