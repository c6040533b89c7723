"""A subgroup on HubSpot: one record, whatever answer is lost, with what the portal says of it, and nothing more written after."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from sync_worker.domain.deal import Actor
from sync_worker.domain.terms import Terms
from sync_worker.steps.subgroups import Changed, create, disassociate
from sync_worker.store import companies
from tests.integration.hubspot.test_identity import Desk
from tests.integration.hubspot.test_portal import portal_on, settled


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
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
    assert isinstance(made, Changed)
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
    # When it is let go, then its parent's value goes, there too
    assert isinstance(disassociate(desk.tenant, parent, company, actor=bo), Changed)
    desk.work()
    (record,) = [row for row in desk.remote.records("companies") if row["name"] == "Delta IT"]
    assert (record["associated_second_partner"] or "", record["portal_may_register"]) == ("", "false")
