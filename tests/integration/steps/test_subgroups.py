"""Subgroups on a real store and a real sandbox: made, promoted and let go in the portal, told to the CRM once, whatever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from crm_sandbox.remote import Record
from sync_worker.crm.port import WriteOutcome
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.steps.associations.associate import whom, why
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.deals.move import Moved
from sync_worker.steps.deals.register import register
from sync_worker.steps.distributors.subgroups import (
    SubgroupChange,
    add_member,
    candidates,
    children,
    create,
    disassociate,
    members,
    promote,
    remove_member,
    rename,
)
from sync_worker.steps.people.users import acting
from sync_worker.steps.sync.push.push import push
from sync_worker.store.distributors import agreements
from sync_worker.store.distributors.agreements import AgreementFile
from sync_worker.store.people import people
from tests.integration.steps.world import ANN, World

AGREED = Terms(True, {"new": Decimal("12.50")})
CEDAR = "Cedar Reseller"


class Killed(BaseException):
    """kill -9."""


def user(world: World, user_id: str, *names: str) -> Actor:
    """A person of these companies, the first of them primary."""
    ids = [world.company(name).id for name in names]
    told = User(user_id, f"{user_id}@example.com", user_id.title(), Role.MANAGER, ids[0] if ids else None, frozenset(ids[1:]))
    with world.store.transaction("acme") as tx:
        people.save(tx, [told])
    return acting(told)


def arrow(world: World) -> Company:
    return world.company("Arrow Electronics")


def created(world: World, name: str = CEDAR) -> SubgroupChange:
    made = create(world.tenant, arrow(world), name, AGREED, actor=user(world, "bo", "Arrow Electronics"))
    assert isinstance(made, SubgroupChange), made
    return made


def accounts(world: World, name: str = CEDAR) -> list[Record]:
    return [row for row in world.remote.records("Account") if row["Name"] == name and not row["IsDeleted"]]


def partners(world: World, company: Company) -> set[str]:
    with world.store.reading("acme") as tx:
        return {pair.second_partner_id if pair.partner_id == company.id else pair.partner_id for pair in whom(tx, company)[0]}


# ── made in the portal ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("in_use", "written"), [(False, "Arrow Electronics"), (True, "Arrow Inc")])
def test_the_parent_is_named_as_contracts_name_it_already(world: World, in_use: bool, written: str) -> None:
    # Given a value that the portal file maps to the parent, which the CRM's list may not hold, and a contract that says it or none
    world.configure(associations={"contract_values": {"Arrow Inc": arrow(world).crm_id}})
    if in_use:
        world.remote.edit("Account", str(world.company("Birch Systems").crm_id), {"Associated_Second_Partner__c": "Arrow Inc"})
        world.pull()
    # When a subgroup is made, then its record names the parent so
    created(world)
    world.push()
    (record,) = accounts(world)
    assert record["Associated_Second_Partner__c"] == written


def test_a_subgroup_becomes_one_record_and_stays_as_it_is(world: World) -> None:
    # Given a subgroup that a member of the distributor made
    made = created(world).child.company
    assert partners(world, made) == {arrow(world).id}
    # When it is pushed
    world.push()
    # Then the CRM has one record of it, with type, status, parent, our id, and what its terms say
    (record,) = accounts(world)
    told = {name: record[name] for name in ("Portal_Company_Id__c", "Portal_Account_Type__c", "Portal_Status__c", "Portal_May_Register__c")}
    assert told == {
        "Portal_Company_Id__c": made.id,
        "Portal_Account_Type__c": "Partner",
        "Portal_Status__c": "Active",
        "Portal_May_Register__c": True,
    }
    assert (record["Associated_Second_Partner__c"], record["Portal_Agreement__c"]) == ("Arrow Electronics", "missing")
    # and pulls and pushes after that change nothing, here or there
    world.pull()
    assert world.company(CEDAR).crm_id == record["Id"]
    rows, org = world.rows(), world.org()
    world.pull(is_full=True)
    world.push()
    assert (world.rows(), world.org()) == (rows, org)
    assert partners(world, world.company(CEDAR)) == {arrow(world).id}
    assert world.failures(record=record["Id"]) == []


@pytest.mark.parametrize("first", ["push", "pull"])
def test_a_worker_killed_between_the_record_and_its_link_leaves_one_company(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    # Given a create that reached the CRM, and a worker that died before it could note it
    made = created(world).child.company
    write = SalesforceCrm.write

    def dies(*args: Any, **kwargs: Any) -> Iterator[list[WriteOutcome]]:
        next(write(*args, **kwargs))
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SalesforceCrm, "write", dies)
        with pytest.raises(Killed):
            push(world.tenant)
    (record,) = accounts(world)
    # When another worker comes, and reads or writes first
    world.tenant = world.process()
    world.forward(31)
    if first == "pull":
        world.pull()
    world.push()
    world.pull()
    # Then there is one record and one company, linked, and nothing is owed
    assert [row["Id"] for row in accounts(world)] == [record["Id"]]
    assert world.company(record["Id"]).id == made.id
    assert world.outbox() == []


def test_a_subgroups_deal_names_its_parent_and_follows_its_company_into_the_crm(world: World) -> None:
    # Given a subgroup whose agreement is missing
    made = created(world).child.company
    deal = {"owner_company": CEDAR, "prospect_name": "Harbor", "contact_last_name": "Berg", "deal_type": "new", "second_partner": None}
    refused = register(world.tenant, deal, actor=ANN)
    assert isinstance(refused, Refusal)
    assert (refused.code, "Cedar Reseller" in refused.why) == ("agreement_missing", True)
    other = register(world.tenant, {**deal, "deal_type": "renewal"}, actor=ANN)
    assert isinstance(other, Refusal)
    assert other.code == "percent_missing"
    # When it is on file, before the CRM has heard of the company
    with world.store.transaction("acme") as tx:
        agreements.add(
            tx,
            Pair(made.id, arrow(world).id),
            AgreementFile(id="a1", name="a.pdf", media_type="", size_bytes=1, sha256="", key="k"),
            actor="Bo",
        )
    moved = register(world.tenant, deal, actor=ANN)
    assert isinstance(moved, Moved), moved
    world.push()
    # Then the deal names both in the CRM
    lead = world.record_of(moved.deal.id)
    (account,) = accounts(world)
    assert (lead["Portal_Partner__c"], lead["Portal_Second_Partner__c"]) == (account["Id"], world.id_of("Arrow Electronics"))
    assert account["Portal_Agreement__c"] == "signed"
    assert world.outbox() == []
    assert world.codes(moved.deal.id) == set()
    # When it is let go, then the deal stays and is flagged
    gone = disassociate(world.tenant, arrow(world), world.company(CEDAR), actor=user(world, "bo", "Arrow Electronics"))
    assert isinstance(gone, SubgroupChange)
    assert gone.flagged == (moved.deal.id,)
    world.settle(gone.follow_ups)
    assert world.deal(moved.deal.id).second_partner == arrow(world).id
    assert "parent_gone" in world.codes(moved.deal.id)
    assert "second_partner_not_associated" in world.codes(lead["Id"])


def test_a_name_somebody_has_and_a_stranger_are_refused(world: World) -> None:
    bo, cy = user(world, "bo", "Arrow Electronics"), user(world, "cy", "Birch Systems")
    known = create(world.tenant, arrow(world), " birch  SYSTEMS", AGREED, actor=bo)
    stranger = create(world.tenant, arrow(world), CEDAR, AGREED, actor=cy)
    assert isinstance(known, Refusal)
    assert isinstance(stranger, Refusal)
    assert (known.code, stranger.code) == ("company_exists", "not_a_member")
    assert world.outbox() == []
    assert not world.knows(CEDAR)


def test_members_add_members_and_the_parent_the_first_one(world: World) -> None:
    # Given a subgroup nobody belongs to, and three people
    made = created(world).child.company
    bo, cy, di = user(world, "bo", "Arrow Electronics"), user(world, "cy", "Birch Systems"), user(world, "di", "Birch Systems")
    # When its parent adds one, then that one adds the next, and the parent does not any more
    assert isinstance(add_member(world.tenant, arrow(world), made, "cy", actor=bo), User)
    refused = add_member(world.tenant, arrow(world), made, "di", actor=bo)
    assert isinstance(refused, Refusal)
    assert refused.code == "not_a_member"
    cy = user(world, "cy", "Birch Systems", CEDAR)
    assert isinstance(add_member(world.tenant, arrow(world), made, "di", actor=cy), User)
    found = members(world.tenant, arrow(world), made, bo)
    assert not isinstance(found, Refusal)
    assert [one.id for one in found] == ["cy", "di"]
    # and one who leaves is a member no more
    assert isinstance(remove_member(world.tenant, arrow(world), made, "di", actor=cy), User)
    assert isinstance(members(world.tenant, arrow(world), made, di), Refusal)
    listed = children(world.tenant, arrow(world), bo)
    assert not isinstance(listed, Refusal)
    assert [child.company.name for child in listed] == [CEDAR]


def test_what_only_the_portal_says_is_put_back(world: World) -> None:
    created(world)
    world.push()
    world.pull()
    (record,) = accounts(world)
    world.remote.edit("Account", record["Id"], {"Portal_May_Register__c": False})
    world.pull()
    assert accounts(world)[0]["Portal_May_Register__c"] is True


def test_by_rules_parenthood_is_a_reason_of_its_own(empty_world: World) -> None:
    # Given a portal that lives by a rule which joins nobody of them
    world = empty_world
    world.configure(associations={"mode": "rules", "rules": [{"name": "none", "match": ["tier"], "partner": {"region": ["LATAM"]}}]})
    world.pull()
    world.settle({FollowUp(Work.EVALUATE)})
    # When a subgroup is made
    made = created(world).child.company
    # Then it works with its parent, says why, and the CRM is told of no contract
    with world.store.reading("acme") as tx:
        told = why(tx, made, arrow(world))
    assert (told.is_associated, [reason.source for reason in told.reasons]) == (True, ["parent"])
    assert partners(world, made) == {arrow(world).id}
    world.push()
    assert accounts(world)[0]["Associated_Second_Partner__c"] is None
    # and it ends with the parenthood
    disassociate(world.tenant, arrow(world), made, actor=user(world, "bo", "Arrow Electronics"))
    assert partners(world, made) == set()


# ── promoted and let go ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_promotion_adds_one_value_and_disassociation_removes_that_one(world: World) -> None:
    # Given a partner with a contract of its own, and a person who is a member of both
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Associated_Second_Partner__c": "Bolt Distribution"})
    world.pull()
    bo = user(world, "bo", "Arrow Electronics", "Birch Systems")
    birch = world.company("Birch Systems")
    assert [one.name for one in candidates(world.tenant, arrow(world), bo)] == ["Birch Systems"]
    # When it is promoted, and somebody in the CRM adds another value before that is pushed
    promoted = promote(world.tenant, arrow(world), birch, AGREED, actor=bo)
    assert isinstance(promoted, SubgroupChange)
    world.remote.edit("Account", str(birch.crm_id), {"Associated_Second_Partner__c": "Bolt Distribution;Summit Partners"})
    world.push()
    # Then all three stand there, and nobody may promote it again
    held = world.remote.record("Account", str(birch.crm_id))["Associated_Second_Partner__c"].split(";")
    assert sorted(held) == ["Arrow Electronics", "Bolt Distribution", "Summit Partners"]
    again = promote(world.tenant, arrow(world), birch, AGREED, actor=bo)
    assert isinstance(again, Refusal)
    assert (again.code, "Arrow Electronics" in again.why) == ("has_parent", True)
    assert candidates(world.tenant, arrow(world), bo) == ()
    # When it is let go
    gone = disassociate(world.tenant, arrow(world), birch, actor=bo)
    assert isinstance(gone, SubgroupChange)
    world.push()
    world.pull()
    record = world.remote.record("Account", str(birch.crm_id))
    assert sorted(record["Associated_Second_Partner__c"].split(";")) == ["Bolt Distribution", "Summit Partners"]
    assert (record["Portal_May_Register__c"], record["Portal_Agreement__c"]) == (False, None)
    assert arrow(world).id not in partners(world, world.company("Birch Systems"))


# ── renamed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

NORTH = "Cedar North"


def renamed(world: World, name: str = NORTH, known_as: str = CEDAR) -> SubgroupChange | Refusal:
    return rename(world.tenant, arrow(world), world.company(known_as), name, actor=user(world, "bo", "Arrow Electronics"))


def test_a_new_name_reaches_the_crm_once_and_no_pull_brings_the_old_one_back(world: World) -> None:
    # Given a subgroup with a record in the CRM
    created(world)
    world.push()
    world.pull()
    # When its parent renames it, and a pull reads the old name before the push
    changed = renamed(world)
    assert isinstance(changed, SubgroupChange), changed
    assert changed.follow_ups >= {FollowUp(Work.PUSH)}
    world.pull(is_full=True)
    assert world.company(NORTH).name == NORTH
    world.push()
    # Then the CRM has it, and nothing is written any more
    assert (len(accounts(world, NORTH)), accounts(world)) == (1, [])
    world.pull()
    rows, org = world.rows(), world.org()
    world.pull(is_full=True)
    world.push()
    assert (world.rows(), world.org()) == (rows, org)
    # and from then on the CRM may rename it again
    world.remote.edit("Account", str(world.company(NORTH).crm_id), {"Name": "Cedar South"})
    world.pull()
    world.push()
    assert (world.company("Cedar South").name, len(accounts(world, "Cedar South"))) == ("Cedar South", 1)
    assert world.failures(record=str(world.company("Cedar South").crm_id)) == []


def test_a_promoted_subgroup_is_renamed_too(world: World) -> None:
    # Given a company that began in the CRM
    actor = user(world, "duo", "Arrow Electronics", "Birch Systems")
    assert isinstance(promote(world.tenant, arrow(world), world.company("Birch Systems"), AGREED, actor=actor), SubgroupChange)
    world.push()
    # When it is renamed
    assert isinstance(renamed(world, known_as="Birch Systems"), SubgroupChange)
    world.push()
    # Then its record has the name
    assert (len(accounts(world, NORTH)), accounts(world, "Birch Systems")) == (1, [])


def test_a_subgroup_without_a_record_yet_begins_there_with_its_new_name(world: World) -> None:
    created(world)
    assert isinstance(renamed(world), SubgroupChange)
    world.push()
    world.pull()
    assert (len(accounts(world, NORTH)), accounts(world)) == (1, [])


def test_where_both_sides_renamed_it_the_crms_name_counts_and_is_told(world: World) -> None:
    created(world)
    world.push()
    world.pull()
    crm_id = str(world.company(CEDAR).crm_id)
    renamed(world)
    world.remote.edit("Account", crm_id, {"Name": "Cedar South"})
    world.push()
    world.pull()
    assert (world.company("Cedar South").name, len(accounts(world, "Cedar South"))) == ("Cedar South", 1)
    assert accounts(world, NORTH) == []


def test_the_same_name_again_changes_nothing(world: World) -> None:
    created(world)
    world.push()
    rows = world.rows()
    changed = renamed(world, f" {CEDAR} ")
    assert isinstance(changed, SubgroupChange)
    assert (changed.follow_ups, world.rows()) == (frozenset(), rows)


def test_what_is_no_name_for_the_crm_and_who_may_not_is_refused(world: World) -> None:
    created(world)
    world.push()
    world.pull()
    for name, code in (
        (" ", "subgroup_name_missing"),
        ("x" * 256, "text_too_long"),
        ("a\nb", "value_malformed"),
        ("BIRCH  Systems", "company_exists"),
    ):
        refused = renamed(world, name)
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.field) == (code, "name")
    # create judges the name alike
    long = create(world.tenant, arrow(world), "x" * 256, AGREED, actor=user(world, "bo", "Arrow Electronics"))
    assert isinstance(long, Refusal)
    assert long.code == "text_too_long"
    stranger = rename(world.tenant, arrow(world), world.company(CEDAR), NORTH, actor=user(world, "eve", "Birch Systems"))
    assert isinstance(stranger, Refusal)
    assert stranger.code == "not_a_member"
    # and where the mapping writes the name only once, the CRM is where it is changed
    world.configure(overrides={"company.name.write": "create"})
    refused = renamed(world)
    assert isinstance(refused, Refusal)
    assert refused.code == "only_in_crm"
