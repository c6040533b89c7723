"""A worker is stopped with a write in flight, past its claim, and wakes as if nothing had been. The CRM holds one Lead, both sides agree.

worker  ─ claim ─ send ──✗ SIGSTOP ............................ SIGCONT ─ its answer is too old: settles nothing
worker'                       30 s later: uncertain, read back, linked
"""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from crm_sandbox.process import SalesforceOptions, serve_process
from crm_sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.steps.core.tenant import DEAL
from sync_worker.store.core.engine import Store
from sync_worker.store.deals import links
from sync_worker.store.sync import outbox
from tests.journey.stage import Installation, Process
from tests.patience import until


def _stops_without_a_transaction(process: Process, sqlite_url: str) -> bool:
    """Whether it stands still now. SQLite has one writer: stopped in a transaction, a process would keep every other one out."""
    process.send(signal.SIGSTOP)
    with closing(sqlite3.connect(str(make_url(sqlite_url).database), timeout=0)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.send(signal.SIGCONT)
            return False
        database.rollback()
    return True


def test_a_worker_that_was_stopped_past_its_claim_settles_nothing(tmp_path: Path, sqlite_url: str, redis_db: str) -> None:
    with serve_process(SalesforceOptions(companies=20, leads=0, opportunities=0)) as base_url, Remote(base_url) as remote:
        # Given a registered deal, its write under way
        installation = Installation(tmp_path, base_url, sqlite_url, redis_db)
        installation.write_portal(from_crm=False, pull="1h")
        installation.here("pull", "acme", code=1)
        installation.here("push", "acme")
        remote.fault("collections_write", object_name="Lead", when="after_commit", hold=True)
        with (
            installation.process("worker", "--health-port", "0") as stopped,
            installation.process("schedule"),
            closing(Store(sqlite_url, clock=Services().clock)) as store,
        ):
            stopped.address()
            deal_id = installation.command("deals", "register", "acme", installation.deal_file(), "--json").json["id"]
            until(lambda: remote.faults()[0]["hits"], what="the write is in flight")

            # when its worker is stopped, another one takes the work up, and the first goes on
            until(lambda: _stops_without_a_transaction(stopped, sqlite_url), what="it is stopped, and the database is free")
            remote.clear_faults()
            with installation.process("worker", "--health-port", "0") as successor:

                def crm_id() -> str:
                    with store.reading("acme") as tx:
                        link = links.current(tx, [deal_id]).get(deal_id)
                    return link.crm_id if link else ""

                linked = until(crm_id, what="the deal is linked to its Lead")
                said_before = len(stopped.lines)
                stopped.send(signal.SIGCONT)
                until(lambda: any("verb=push" in line for line in stopped.lines[said_before:]), what="its push has ended")

                # then there is one Lead, nothing is owed, and the deal is linked as before
                def is_settled() -> bool:
                    with store.reading("acme") as tx:
                        return not outbox.of(tx, DEAL, [deal_id])

                until(is_settled, what="nothing is owed")
                [lead] = [lead for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"] == deal_id]
                assert crm_id() == linked == lead["Id"]
                assert (successor.stop(), stopped.stop()) == (0, 0), stopped.log
