"""A database that was lost or restored, on HubSpot: ids, approvals and parents are what they were, and nothing is written over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Decision, Track
from sync_worker.domain.distributors.terms import Terms
from sync_worker.steps.deals.decide import decide
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.distributors.parents import parents_of
from sync_worker.steps.distributors.subgroups import SubgroupChange, create
from sync_worker.steps.operate.plan import plan
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.ingest.take_back import take_back
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies
from tests.integration.hubspot.test_identity import Desk
from tests.integration.hubspot.test_portal import portal_on, settled

OURS_ALONE = ("distributor_approval", "vendor_approval", "lifecycle", "is_registered")


@dataclass
class Vault:
    """A portal, and the file that its database is. **Shapes** `empty`: as it was before anything was read."""

    desk: Desk
    file: Path
    empty: sqlite3.Connection

    def backup(self) -> sqlite3.Connection:
        return copied(self.file)

    def restore(self, backup: sqlite3.Connection) -> None:
        with sqlite3.connect(self.file) as file:
            backup.backup(file)

    def company(self, reference: str) -> Company:
        with self.desk.tenant.store.reading("acme") as tx:
            found = companies.find(tx, reference)
        assert found is not None, reference
        return found

    def parent(self, company: Company) -> str | None:
        with self.desk.tenant.store.reading("acme") as tx:
            found = parents_of(tx, [company])
        return found[company.id].name if company.id in found else None

    def approve(self, deal_id: str) -> None:
        bo = Actor("Bo", self.company("Arrow Electronics").id, "portal")
        decide(self.desk.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(bo))
        self.desk.work()

    def tracks(self, deal_id: str) -> tuple[Any, ...]:
        return tuple(self.desk.deal(deal_id).values.get(name) for name in OURS_ALONE)

    def records(self) -> dict[str, list[dict[str, Any]]]:
        return {native: self.desk.remote.records(native) for native in ("companies", "deals")}


def copied(file: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with sqlite3.connect(file) as source:
        source.backup(memory)
    return memory


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        file = tmp_path / "sync-worker.db"
        empty = copied(file)
        settled(tenant)
        yield Vault(Desk(tenant, remote), file, empty)


@pytest.mark.parametrize("lost", ["backup", "everything"])
def test_after_a_restore_every_deal_and_subgroup_is_who_it_was_and_nothing_is_written(vault: Vault, lost: str) -> None:
    # Given a backup; and after it a deal that its distributor approved, and a subgroup
    desk = vault.desk
    desk.work()
    before = vault.backup() if lost == "backup" else vault.empty
    deal_id = desk.registered()
    vault.approve(deal_id)
    arrow = vault.company("Arrow Electronics")
    made = create(desk.tenant, arrow, "Delta IT", Terms(True, {"new": Decimal(5)}), actor=Actor("Bo", arrow.id, "portal"))
    assert isinstance(made, SubgroupChange)
    desk.work()
    desk.work()
    child, approved, records = vault.company("Delta IT"), vault.tracks(deal_id), vault.records()
    # When the database is lost, and the backup or nothing takes its place
    vault.restore(before)
    desk.work()
    desk.work()
    # Then ids, approvals and the parent are what they were, and the CRM is as it was
    assert vault.tracks(deal_id) == approved
    assert (vault.company("Delta IT").id, vault.parent(child)) == (child.id, "Arrow Electronics")
    assert vault.records() == records
    # and what cannot come back is said
    assert desk.codes(deal_id) == {"came_back"}
    assert desk.codes(str(child.crm_id)) == {"parent_taken_back"}


def test_what_the_portal_wrote_after_the_backup_is_taken_back_where_a_person_says_that_it_was_restored(vault: Vault) -> None:
    desk = vault.desk
    deal_id = desk.registered()
    desk.work()
    before = vault.backup()
    vault.approve(deal_id)
    approved, records = vault.tracks(deal_id), vault.records()
    vault.restore(before)
    assert take_back(desk.tenant, compare(desk.tenant)) == 1
    desk.work()
    assert vault.tracks(deal_id) == approved
    assert vault.records() == records


def test_another_systems_key_is_never_written_over_and_said_before_anything_is_written(vault: Vault) -> None:
    # Given records that carry the keys of another system
    desk = vault.desk
    deal = desk.remote.create("deals", {"dealname": "Born there", "amount": "10", "portal_deal_key": "OLD-DEAL-1"})
    desk.give(deal, "Birch Systems", "Portal partner")
    oak = {"name": "Old Oak", "portal_status": "active", "portal_account_type": "partner", "portal_company_id": "OLD-1"}
    company = desk.remote.create("companies", oak)
    desk.remote.advance_clock(60)
    # When a pull is planned, then both are said; when it is made, both come in, and their keys stay
    shown = plan(desk.tenant, limit=None).listings["failures"].shown
    assert {(row["record"], row["code"]) for row in shown} >= {(deal, "foreign_key"), (company, "foreign_key")}
    desk.work()
    desk.work()
    [born] = desk.named("Born there")
    assert desk.remote.record("deals", deal)["portal_deal_key"] == "OLD-DEAL-1"
    assert desk.remote.record("companies", company)["portal_company_id"] == "OLD-1"
    assert (desk.codes(deal), desk.codes(company)) == ({"foreign_key"}, {"foreign_key"})
    # When a person clears them, then ours are written
    desk.remote.edit("deals", deal, {"portal_deal_key": ""})
    desk.remote.edit("companies", company, {"portal_company_id": ""})
    desk.work()
    desk.work()
    assert desk.remote.record("deals", deal)["portal_deal_key"] == born.id
    assert desk.remote.record("companies", company)["portal_company_id"] == vault.company("Old Oak").id
    assert (desk.codes(deal), desk.codes(company)) == (set(), set())
    assert push(desk.tenant).counts.claimed == 0
