"""A worker is killed between claim and answer. Its claim ends within 30 s, its successor finishes the work, and the CRM holds one Lead.

schedule ─► worker ─ claim ─ send ───────────► CRM
               ✗ SIGKILL     ↑ here            commits, or never hears of it
schedule ─► worker' ──────── 30 s later: uncertain, read back by key, then written if need be
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from crm_sandbox.process import SalesforceOptions, serve_process
from crm_sandbox.remote import Remote
from sync_worker.schedule import TICK_S
from sync_worker.services import Services
from sync_worker.steps.core.tenant import DEAL
from sync_worker.store.core.engine import Store
from sync_worker.store.deals import links
from sync_worker.store.sync import outbox
from tests.journey.stage import Installation, Process
from tests.patience import until

GOAL_S = 35  # as docs/operations.md promises: until the claim has ended, and until the schedule has noticed it


@dataclass
class Orphan:
    """A deal whose worker was killed: everything needed to see what becomes of it."""

    remote: Remote
    installation: Installation
    deal_id: str
    killed_at: datetime
    claimed_until: datetime
    successor: Process
    store: Store

    def leads(self) -> list[dict[str, Any]]:
        return [lead for lead in self.remote.records("Lead") if lead["Portal_Deal_Key__c"] == self.deal_id]

    def crm_id(self) -> str:
        """The Lead the portal knows the deal by, "" where none; asked of the database, since a command takes a second."""
        with self.store.reading("acme") as tx:
            link = links.current(tx, [self.deal_id]).get(self.deal_id)
        return link.crm_id if link else ""


def claimed_until(store: Store, deal_id: str) -> datetime:
    """When the write of a killed worker is free for others."""
    with store.reading("acme") as tx:
        [row] = outbox.of(tx, DEAL, [deal_id])
    assert row.claim_until_at
    return row.claim_until_at


@contextmanager
def orphaned(folder: Path, database_url: str, redis_url: str, when: Literal["before", "after_commit"]) -> Iterator[Orphan]:
    """Given a registered deal and its write under way, when the worker is killed and another one started."""
    folder.mkdir()
    with ExitStack() as stack:
        base_url = stack.enter_context(serve_process(SalesforceOptions(companies=20, leads=0, opportunities=0)))
        remote = stack.enter_context(Remote(base_url))
        installation = Installation(folder, base_url, database_url, redis_url)
        installation.write_portal(from_crm=False, pull="1h")
        installation.here("pull", "acme", code=1)
        installation.here("push", "acme")
        remote.fault("collections_write", object_name="Lead", when=when, hold=True, drop_connection=True)
        first = stack.enter_context(installation.process("worker", "--health-port", "0"))
        stack.enter_context(installation.process("schedule"))
        store = stack.enter_context(closing(Store(database_url, clock=Services().clock)))
        first.address()
        deal_id = installation.command("deals", "register", "acme", installation.deal_file(), "--json").json["id"]

        until(lambda: remote.faults()[0]["hits"], what="the write is in flight")
        first.send(signal.SIGKILL)
        first.ended()
        remote.clear_faults()
        killed_at, claim_ends_at = Services().clock(), claimed_until(store, deal_id)

        successor = stack.enter_context(installation.process("worker", "--health-port", "0"))
        orphan = Orphan(remote, installation, deal_id, killed_at, claim_ends_at, successor, store)
        assert not orphan.crm_id()
        yield orphan


def test_the_work_of_a_killed_worker_is_done_once(
    tmp_path: Path, sqlite_url: str, postgresql_url: str, redis_url: str, fresh_redis: list[str]
) -> None:
    """Both endings at once, one on each database: the CRM committed the write nobody heard of, and the CRM never got it."""
    with (
        orphaned(tmp_path / "committed", postgresql_url, fresh_redis[0], "after_commit") as committed,
        orphaned(tmp_path / "unsent", sqlite_url, fresh_redis[1], "before") as unsent,
    ):
        for orphan in (committed, unsent):
            assert orphan.claimed_until + timedelta(seconds=TICK_S) < orphan.killed_at + timedelta(seconds=GOAL_S)
        until(committed.leads, what="the CRM holds the Lead, and no worker has heard of it")
        assert not unsent.leads()

        for orphan in (committed, unsent):
            until(orphan.crm_id, what="the deal is linked to its Lead")

        for orphan in (committed, unsent):
            [lead] = orphan.leads()
            assert orphan.crm_id() == lead["Id"]
            standing = orphan.installation.command("portals", "show", "acme", "--json").json
            assert not [state for state in standing if state.startswith("outbox")], standing
            assert orphan.successor.stop() == 0, orphan.successor.log
