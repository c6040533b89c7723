"""A plan says what pull and push then do, and does none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sync_worker.domain.plan import Plan
from sync_worker.steps.plan import plan
from sync_worker.store.tables import metadata
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
