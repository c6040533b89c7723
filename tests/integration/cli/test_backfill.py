"""`pull --backfill` on both CRMs and both databases: planned, done, gone on with, and refused with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from crm_sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.steps.sync.ingest import backfill as backfill_step
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.deals import deals, links
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm

LINE = {"salesforce": "AccountNumber", "hubspot": "phone"}  # of a company
NOTE = {"salesforce": "Description", "hubspot": "description"}  # of a deal
RECORD = {"salesforce": ("opportunity", "Opportunity"), "hubspot": ("deal", "deals")}


@pytest.fixture
def here(terminal: Terminal, database_url: str, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The terminal on this database, after a first load and the poll that sees its echo."""
    monkeypatch.setenv("SYNC_WORKER_DATABASE_URL", database_url)
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    remote.advance_clock(60)
    terminal.types("pull", "acme", code=None)
    return terminal


@pytest.fixture
def store(here: Terminal, database_url: str) -> Iterator[Store]:
    with closing(Store(database_url, clock=Services().clock)) as opened:
        yield opened


def maps(terminal: Terminal, crm: LocalCrm) -> None:
    """From here on the portal maps one field more of companies, and one of deals."""
    line = f"company.attributes.line: {{native: {LINE[crm.kind]}}}"
    note = f"deal.attributes.note: {{native: {NOTE[crm.kind]}, direction: both}}"
    terminal.portal_file.write_text(f"{terminal.portal_file.read_text()}\noverrides:\n  {line}\n  {note}\n")


def a_deal_record(store: Store, crm: LocalCrm) -> str:
    with store.reading("acme") as tx:
        return links.crm_ids(tx, RECORD[crm.kind][0])[0]


def line_of(store: Store, name: str) -> object:
    with store.reading("acme") as tx:
        found = companies.find(tx, name)
    assert found is not None
    return found.attributes.get("line")


def note_of(store: Store, crm: LocalCrm, crm_id: str) -> object:
    with store.reading("acme") as tx:
        link = links.by_crm_ids(tx, RECORD[crm.kind][0], [crm_id])[crm_id]
        found = deals.get(tx, link.deal_id)
    assert found is not None
    assert "note" in link.base or found.deal.values.get("note") is None
    return found.deal.values.get("note")


@on_both
def test_a_field_that_was_mapped_later_is_planned_and_brought_in_for_all_records(
    crm: LocalCrm, here: Terminal, remote: Remote, store: Store
) -> None:
    # Given a company and a deal whose values a poll has read past, and a mapping that has these fields now
    crm_id = a_deal_record(store, crm)
    remote.edit(crm.company, crm.id_named(remote, "Birch Systems"), {LINE[crm.kind]: "B-1"})
    remote.edit(RECORD[crm.kind][1], crm_id, {NOTE[crm.kind]: "call back"})
    remote.advance_clock(60)
    here.types("pull", "acme", code=None)
    remote.advance_clock(4000)
    here.types("pull", "acme", code=None)
    maps(here, crm)
    here.types("pull", "acme", code=None)
    assert (line_of(store, "Birch Systems"), note_of(store, crm, crm_id)) == (None, None)
    # when both are planned, then each plan names the value, and its calls, and nothing has changed
    said = here.types("plan", "acme", "--backfill", "attributes.line", code=None).out
    assert "B-1" in said
    assert "a backfill and a push would take about" in said
    assert "call back" in here.types("plan", "acme", "--backfill", "note", "--all", code=None).out
    assert (line_of(store, "Birch Systems"), note_of(store, crm, crm_id)) == (None, None)
    # and when they are brought in, then they are there, and each run says what it cost
    (row,) = here.types("pull", "acme", "--backfill", "attributes.line", "--json").json
    assert (row["verb"], row["object"], row["failed"]) == ("backfill", "company", 0)
    assert row["read"] == row["applied"] + row["unchanged"] + row["skipped"]
    assert 1 <= row["calls"] <= 4
    here.types("pull", "acme", "--backfill", "note")
    assert (line_of(store, "Birch Systems"), note_of(store, crm, crm_id)) == ("B-1", "call back")


@on_both
def test_companies_of_a_deal_are_read_alone_as_well_and_stay_as_they_are(crm: LocalCrm, here: Terminal) -> None:
    for field in ("owner_company", "second_partner", "amount"):
        rows = here.types("pull", "acme", "--backfill", field, "--json").json
        assert [row["applied"] + row["failed"] for row in rows] == [0] * len(rows), field
        assert sum(row["read"] for row in rows) > 0, field


@on_both
def test_a_backfill_that_was_interrupted_goes_on_with_the_same_command(
    crm: LocalCrm, here: Terminal, remote: Remote, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps(here, crm)
    remote.edit(crm.company, crm.id_named(remote, "Birch Systems"), {LINE[crm.kind]: "B-1"})
    monkeypatch.setattr(backfill_step, "PAGE_COUNT", 5)
    with monkeypatch.context() as patch:
        patch.setattr(Services, "until", staticmethod(lambda _event: Services(is_stopping=lambda: True)))
        said = here.types("pull", "acme", "--backfill", "line", code=None).err
    assert "stopped on request after 5 of" in said
    assert "to go on: sync-worker pull acme --backfill line" in said
    (row,) = here.types("pull", "acme", "--backfill", "line", "--json").json
    with store.reading("acme") as tx:
        assert row["read"] == companies.live_count(tx) - 5
    assert line_of(store, "Birch Systems") == "B-1"


@pytest.mark.parametrize("command", ["pull", "plan"])
def test_a_field_that_cannot_be_read_is_refused_with_what_to_do(terminal: Terminal, command: str) -> None:
    terminal.types("db", "upgrade")
    unknown = terminal.types(command, "acme", "--backfill", "attributes.regoin", code=None)
    assert "did you mean 'attributes.region'?" in unknown.err
    written = terminal.types(command, "acme", "--backfill", "contact_email", code=None)
    assert "direction: push" in written.err
    assert unknown.code == written.code == 2


def test_full_and_backfill_exclude_each_other(terminal: Terminal) -> None:
    assert "take one of the two" in terminal.types("pull", "acme", "--full", "--backfill", "line", code=2).err
    assert "take one of them" in terminal.types("plan", "acme", "--full", "--backfill", "line", code=2).err
