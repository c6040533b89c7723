"""A plan says what pull and push then do, and does none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sync_worker.domain.operate.plan import Plan
from sync_worker.errors import HeldForReview
from sync_worker.steps.associations.associate import options
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.operate.plan import plan
from sync_worker.store.associations import associations
from sync_worker.store.operate.schema import metadata
from tests.integration.steps.world import World

STAMPS = ("SystemModstamp", "LastModifiedDate", "LastModifiedById")  # the CRM's own


def rows(world: World, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Every row of one table, by its key."""
    found = metadata.tables[table]
    with world.store.reading("acme") as tx:
        mappings = tx.connection.execute(found.select()).mappings().all()
    keys = [column.name for column in found.primary_key]
    return {tuple(row[name] for name in keys): {str(name): value for name, value in row.items()} for row in mappings}


def everything(world: World) -> dict[str, Any]:
    """The whole database and the whole CRM."""
    return {"crm": world.org(), **{table: rows(world, table) for table in metadata.tables}}


def ids(found: Plan, kind: str, key: str = "id") -> list[str]:
    return sorted(str(entry[key]) for entry in found.listings[kind].shown)


def written(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    """What changed in the CRM: by record, by field, before and after. Stamps are the CRM's own."""
    was = {record["Id"]: record for records in before["crm"].values() for record in records}
    now = {record["Id"]: record for records in after["crm"].values() for record in records}
    return {
        crm_id: fields
        for crm_id, record in now.items()
        if crm_id in was
        and (
            fields := {
                name: (was[crm_id].get(name), value)
                for name, value in record.items()
                if was[crm_id].get(name) != value and name not in STAMPS
            }
        )
    }


def planned_writes(found: Plan) -> dict[str, dict[str, tuple[Any, Any]]]:
    entries = [*found.listings["crm_written"].shown, *found.listings["portal_ids"].shown]
    fields = {entry["crm_id"]: {one["field"]: (one["before"], one["after"]) for one in entry["changes"]} for entry in entries}
    return {
        crm_id: differing
        for crm_id, pairs in fields.items()
        if (differing := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})
    }


def changed(before: Mapping[str, Any], after: Mapping[str, Any], table: str, *columns: str) -> list[str]:
    """Ids of rows that were there and hold something else in one of these columns."""
    was, now = before[table], after[table]
    return sorted(key[1] for key in now if key in was and any(was[key][name] != now[key][name] for name in columns))


def new(before: Mapping[str, Any], after: Mapping[str, Any], table: str) -> list[str]:
    return sorted(key[1] for key in after[table].keys() - before[table].keys())


def nothing(_world: World) -> None:
    pass


def a_name(world: World) -> None:
    world.remote.edit("Account", world.company("Birch Systems").crm_id or "", {"Name": "Birch & Sons"})


def a_company_leaves(world: World) -> None:
    world.remote.edit("Account", world.company("Arrow Electronics").crm_id or "", {"Portal_Status__c": "Inactive"})


def a_deal_is_registered(world: World) -> None:
    world.submitted()


def both_edit_a_deal(world: World) -> None:
    deal = world.registered()
    world.forward(3600)
    world.pull()
    world.edit(deal.id, Portal_Amount__c=7000)
    world.forward(60)
    world.change(deal.id, amount="8000", name="Another name")


def the_portal_edits(world: World) -> None:
    deal = world.registered()
    world.change(deal.id, licence_count="40")


SCENARIOS: list[Callable[[World], None]] = [nothing, a_name, a_company_leaves, a_deal_is_registered, both_edit_a_deal, the_portal_edits]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_planned_is_what_is_done(world: World, scenario: Callable[[World], None]) -> None:
    # Given something that happened on either side
    scenario(world)
    world.forward()
    before = everything(world)
    # when it is planned, then nothing has changed anywhere
    found = plan(world.tenant, limit=None)
    assert everything(world) == before
    # and when it is done, then that is what was planned
    world.pull()
    world.push()
    after = everything(world)
    company = ("crm_id", "name", "status", "account_type", "account_owner_email", "attributes", "second_partner_values", "deleted_at")
    assert sorted(ids(found, "companies_changed") + ids(found, "companies_leaving")) == changed(before, after, "companies", *company)
    assert ids(found, "companies_new") == new(before, after, "companies")
    created = ids(found, "crm_created", "deal")  # what the CRM's own workflows make of a new record nobody knows before
    assert ids(found, "deals_changed") == [deal_id for deal_id in changed(before, after, "deals", "version") if deal_id not in created]
    assert ids(found, "deals_new") == new(before, after, "deals")
    assert found.listings["crm_created"].count == sum(map(len, after["crm"].values())) - sum(map(len, before["crm"].values()))
    assert planned_writes(found) == written(before, after)
    assert found.listings["conflicts"].count == len(new(before, after, "conflicts"))
    assert found.listings["failures"].count == len(new(before, after, "failures"))


# ── after an edit of a file ──────────────────────────────────────────────────────────────────────────────────────────

PARTNERS = ("Birch Systems", "Cedar IT", "Dogwood Networks", "Elm Consulting", "Fir Technologies")
REGION = {"name": "same-region", "match": ["region"]}
APAC = {"name": "apac", "partner": {"region": ["EMEA"]}, "second_partner": {"region": ["APAC"]}}
NAMES = {"Birch Systems": "EMEA", "Arrow Electronics": "EMEA", "Bolt Distribution": "APAC"}


def pairs(found: Plan, kind: str) -> list[tuple[str, str]]:
    return sorted((entry["partner"], entry["second_partner"]) for entry in found.listings[kind].shown)


def test_an_edit_of_the_rules_is_shown_without_a_call_and_is_what_an_evaluation_then_does(empty_world: World) -> None:
    # Given a portal by rules in which Birch works with Arrow, and a deal of theirs
    world = empty_world
    for record in world.remote.records("Account"):
        world.remote.edit("Account", record["Id"], {"Portal_Region__c": NAMES.get(record["Name"]), "Portal_Tier__c": None})
    world.configure(associations={"mode": "rules", "rules": [REGION]})
    world.pull()
    deal = world.registered()
    # when the rules are edited and planned
    world.configure(associations={"mode": "rules", "rules": [APAC]})
    before = everything(world)
    found = plan(world.tenant, reads=False)
    # then it says who would gain and who would lose, with the deal that would stand alone, for no call, and nothing has changed
    assert pairs(found, "associations_added") == [("Birch Systems", "Bolt Distribution")]
    assert pairs(found, "associations_removed") == [("Birch Systems", "Arrow Electronics")]
    assert deal.id in [one["id"] for one in found.listings["associations_removed"].shown[0]["open_deals"]]
    assert found.cost.used == 0
    assert everything(world) == before
    # and an evaluation does so
    evaluate(world.tenant)
    with world.store.reading("acme") as tx:
        assert [company.name for company in options(tx, world.company("Birch Systems"))] == ["Bolt Distribution"]
    assert not plan(world.tenant, reads=False).listings["associations_added"].count


def test_another_spelling_in_the_mapping_shows_on_every_record_of_a_full_reading(world: World) -> None:
    world.configure(overrides={"company.portal_status.values": {"Active": "inactive", "Inactive": "inactive", "Pending": "pending"}})
    partial = plan(world.tenant, reads=False)
    assert partial.listings["companies_leaving"].count == 0
    whole = plan(world.tenant, is_full=True, limit=3)
    leaving = whole.listings["companies_leaving"]
    assert leaving.count > 10
    assert len(leaving.shown) == 3
    with world.store.reading("acme") as tx:
        assert whole.listings["associations_removed"].count == associations.pair_count(tx) > 0


def test_a_first_load_is_planned_with_what_is_left_wrong_at_its_end(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a portal that has read nothing, three records a commit, so that contracts name companies of later ones; when it is planned
    monkeypatch.setattr("sync_worker.steps.sync.ingest.ingest.CHUNK_COUNT", 3)
    found = plan(empty_world.tenant, limit=None)
    # then what comes and heals within the load is not told, and the rest is what the load leaves
    assert found.listings["healed"].count == 0
    empty_world.pull()
    empty_world.push()
    left = sorted((row.failure.record, row.failure.code) for row in empty_world.failures())
    assert sorted((entry["record"], entry["code"]) for entry in found.listings["failures"].shown) == left
    assert ids(found, "companies_new") == sorted(company_id for _, company_id in rows(empty_world, "companies"))


# ── what needs a person ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_brake_would_hold_is_shown_whole_and_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a portal in which two of a kind are few, and five partners who leave at once
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    for name in PARTNERS:
        world.remote.edit("Account", world.id_of(name), {"Portal_Status__c": "Inactive"})
    world.forward()
    found = plan(world.tenant)
    # then all five are shown, and that a person would be asked; the pull itself holds
    assert [entry["name"] for entry in found.listings["companies_leaving"].shown] == sorted(PARTNERS)
    assert any(words.startswith("5 active companies would go") for words in found.held)
    assert found.needs_a_person
    with pytest.raises(HeldForReview):
        world.pull("company")


def test_a_conflict_that_would_wait_needs_a_person(world: World) -> None:
    world.configure(overrides={"deal.name.conflict": "ask"})
    deal = world.registered()
    world.change(deal.id, name="Ours")
    world.edit(deal.id, Portal_Deal_Name__c="Theirs")
    world.forward()
    found = plan(world.tenant)
    [conflict] = found.listings["conflicts"].shown
    assert (conflict["field"], conflict["crm"], conflict["portal"], conflict["taken"]) == ("name", "Theirs", "Ours", "")
    assert (found.waiting, found.needs_a_person, found.listings["crm_written"].count) == (1, True, 0)


def test_writes_that_are_due_are_shown_without_reading_too(world: World) -> None:
    deal = world.registered()
    world.change(deal.id, licence_count="40")
    found = plan(world.tenant, reads=False)
    [write] = found.listings["crm_written"].shown
    assert [(one["field"], one["before"], one["after"]) for one in write["changes"] if one["field"] == "Portal_Licences__c"] == [
        ("Portal_Licences__c", 25, 40)
    ]
    assert found.cost.used == 0
    assert found.cost.needed >= 1
