"""`compare` for people and programs: what differs, what was repaired, and the exit code that tells."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    return terminal


@on_both
def test_a_portal_that_agrees_with_its_crm_says_so(loaded: Terminal) -> None:
    said = loaded.types("compare", "acme")
    assert "nothing differs" in said.out
    assert "records" in said.out


@on_both
def test_what_vanished_is_shown_with_a_way_out_and_then_repaired(crm: LocalCrm, loaded: Terminal, remote: Remote) -> None:
    crm_id = crm.id_named(remote, "Dogwood Networks")
    remote.delete(crm.company, crm_id)
    remote.hard_delete([crm_id])

    # Given a company that vanished, when it is compared, then it is named, and the exit code says that it was not repaired
    said = loaded.types("compare", "acme", code=1)
    assert crm_id in said.out
    assert "gone" in said.out
    assert "sync-worker compare acme --repair" in said.err

    # when it is repaired, then nothing differs any more, and the exit code says that a problem was opened, which says what to do
    repaired = loaded.types("compare", "acme", "--repair", "--json", code=1)
    assert ": sync-worker failures list acme" in repaired.err
    rows = repaired.json["differences"]
    [row] = [row for row in rows if row["record"] == "company"]  # its deals went with it
    assert (row["record"], row["crm_id"], row["crm"], row["repaired"]) == ("company", crm_id, "gone", True)
    assert "gone_from_crm" in loaded.types("failures", "list", "acme", code=None).out
    assert json.loads(loaded.types("compare", "acme", "--json").out)["differences"] == []


@on_both
def test_what_was_written_after_a_backup_is_taken_back_where_a_person_says_that_it_was_restored(
    crm: LocalCrm, loaded: Terminal, remote: Remote
) -> None:
    # Given a backup, and a distributor's approval that the CRM has heard of since
    deal = loaded.types("deals", "register", "acme", loaded.installation.deal_file(), "--json").json
    loaded.types("push", "acme", code=None)
    database = loaded.installation.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(database)) as file, closing(sqlite3.connect(":memory:")) as backup:
        file.backup(backup)
        approval = ("--track", "distributor", "--decision", "approve", "--actor", "Dora", "--company", "Arrow Electronics")
        loaded.types("deals", "approve", "acme", deal["id"], *approval)
        loaded.types("push", "acme", code=None)
        approved = crm.deals_with(remote, deal["id"])
        # when the backup is restored, and compared with --restored
        backup.backup(file)
    said = loaded.types("compare", "acme", "--restored", code=None)
    # then the approval is here again, and a push leaves the CRM as it was
    assert "1 deals took back from the CRM what only the portal writes" in said.err
    shown = loaded.types("deals", "show", "acme", deal["id"], "--json").json
    assert shown["fields"]["distributor_approval"] == "approved"
    loaded.types("push", "acme", code=None)
    assert crm.deals_with(remote, deal["id"]) == approved
    # and once more there is nothing to take back
    assert "0 deals" in (again := loaded.types("compare", "acme", "--restored", code=None)).err or "nothing differs" in again.out
