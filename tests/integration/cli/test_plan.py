"""`plan` on both CRMs and both databases: it says what pull and push then do, and leaves no trace on either side."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from crm_sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.schema import metadata
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm

STATUS = {"salesforce": {"Portal_Status__c": "Inactive"}, "hubspot": {"portal_status": "inactive"}}


@pytest.fixture
def here(terminal: Terminal, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The terminal on this database."""
    monkeypatch.setenv("SYNC_WORKER_DATABASE_URL", database_url)
    terminal.types("db", "upgrade")
    return terminal


def stored(database_url: str) -> dict[str, list[Any]]:
    """Every row of the database."""
    with closing(Store(database_url, clock=Services().clock)) as store, store.schema(writes=False) as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=repr) for table in metadata.sorted_tables}


def org(crm: LocalCrm, remote: Remote) -> dict[str, dict[str, Any]]:
    """Every record of the CRM by its id."""
    return {record[crm.id]: record for native in crm.natives for record in remote.records(native)}


def kept(record: Mapping[str, Any], planned: list[dict[str, Any]], side: str) -> bool:
    """Whether the record holds what the plan says, association labels aside: they are no field of it."""
    return all(record.get(one["field"]) == one[side] for one in planned if not one["field"].startswith("association:"))


@on_both
def test_a_plan_is_what_pull_and_push_then_do(crm: LocalCrm, here: Terminal, remote: Remote, database_url: str) -> None:
    # Given a portal that has read everything, a distributor that leaves in the CRM, and a new deal in the portal
    here.types("pull", "acme", code=None)
    here.types("deals", "register", "acme", here.installation.deal_file("deal.yaml"))
    arrow = crm.id_named(remote, "Arrow Electronics")
    remote.edit(crm.company, arrow, STATUS[crm.kind])
    remote.advance_clock(60)
    before, database = org(crm, remote), stored(database_url)
    # when it is planned
    plan = here.types("plan", "acme", "--all", "--json", code=None).json
    # then nothing has changed, neither in the CRM nor in the database
    assert org(crm, remote) == before
    assert stored(database_url) == database
    # and what is done is what was planned: who leaves, who loses an association, what is created and written
    here.types("pull", "acme", code=None)
    here.types("push", "acme", code=None)
    after = org(crm, remote)
    assert [entry["crm_id"] for entry in plan["companies_leaving"]["shown"]] == [arrow]
    [lost] = [entry for entry in plan["associations_removed"]["shown"] if entry["partner"] == "Birch Systems"]
    assert lost["second_partner"] == "Arrow Electronics"
    assert len(lost["open_deals"]) >= 1
    created = [record for crm_id, record in after.items() if crm_id not in before]
    assert len(created) == plan["crm_created"]["count"] == 1
    assert kept(created[0], plan["crm_created"]["shown"][0]["changes"], "after")
    writes = [*plan["crm_written"]["shown"], *plan["portal_ids"]["shown"]]
    touched = {crm_id for crm_id, record in after.items() if crm_id in before and any(before[crm_id][key] != record[key] for key in record)}
    assert {entry["crm_id"] for entry in writes} >= touched > set()
    for entry in writes:
        assert kept(before[entry["crm_id"]], entry["changes"], "before"), entry
        assert kept(after[entry["crm_id"]], entry["changes"], "after"), entry
    # and afterwards there is nothing left to plan
    remote.advance_clock(60)
    assert here.types("plan", "acme", "--json", code=None).json["crm_written"]["count"] == 0


@on_both
def test_a_plan_for_people_names_both_sides_of_a_field_and_what_it_costs(crm: LocalCrm, terminal: Terminal, remote: Remote) -> None:
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    remote.advance_clock(3600)
    terminal.types("pull", "acme", code=None)
    said = terminal.types("plan", "acme", code=None).out
    assert "nothing would change" in said
    # Given a company that was renamed
    birch = crm.id_named(remote, "Birch Systems")
    remote.edit(crm.company, birch, {crm.name: "Birch & Sons"})
    remote.advance_clock(60)
    # when it is planned, then both names stand there, and the calls
    said = terminal.types("plan", "acme").out
    assert "companies that would change in the portal: 1" in said
    assert "Birch Systems" in said
    assert "Birch & Sons" in said
    assert "API calls" in said
    # and without reading, the portal knows nothing of it
    said = terminal.types("plan", "acme", "--no-read").out
    assert "Birch & Sons" not in said
    assert "API calls: 0 to plan this" in said


def test_full_and_no_read_exclude_each_other(terminal: Terminal) -> None:
    assert "take one of them" in terminal.types("plan", "acme", "--full", "--no-read", code=2).err
