"""A small world for one step at a time: a real store, the real adapter, a sandbox org of twenty companies, and clocks that stand still."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.remote import Record, Remote
from sync_worker.actors import STEPS
from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.config.templates import Templates
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.documents import page
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.domain.core.link import Link
from sync_worker.domain.tell.journeys.journey import WrittenJourney
from sync_worker.mail import letter
from sync_worker.mail.post import Post
from sync_worker.mail.smtp import server_of
from sync_worker.mapping.load import LoadedMapping, load_for_portal
from sync_worker.services import Services
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Filed, Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.push import push
from sync_worker.store.associations import associations
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import companies, cursors, failures
from sync_worker.store.core.engine import Store
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.operate.schema import metadata
from sync_worker.store.sync import notices, outbox
from sync_worker.store.sync.outbox import OutboxRow
from tests.servers import MONDAY, Clock, sqlite_store

MAPPINGS = Path(__file__).parents[3] / "mappings"
ANN = Actor("Ann", None, "portal")  # an operator, who acts for no company
PORTAL: Mapping[str, Any] = {
    "portal": "acme",
    "crm": {
        "kind": "salesforce",
        "mapping": "salesforce.yaml",
        "auth": {"flow": "client_credentials", "domain": "acme.my", "client_id": "${SF_ID}", "client_secret": "${SF_SECRET}"},
    },
    "vendor": {"account_type_value": "Vendor"},
    "two_tier": True,
    "second_partner": {"account_type_value": "Distributor", "display_label": "Distributor"},
    "partner": {"account_type_value": "Partner", "display_label": "Partner"},
    "associations": {"mode": "contracts"},
    "deals": {"record": "lead", "from_crm": True, "approvals": ["distributor", "vendor"]},
}
LASTING = ("runs", "cursors", "portals", "catalogs")  # what a pull may touch although nothing changed
NATIVES = {"company": "Account", "lead": "Lead", "opportunity": "Opportunity"}


@cache
def _read(written: str) -> tuple[Portal, LoadedMapping]:
    """A portal file and its mapping, read once however many tests write the same."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "acme.yaml"
        path.write_text(written)
        portal = load_portal(path, {"SF_ID": SANDBOX_CLIENT_ID, "SF_SECRET": SANDBOX_CLIENT_SECRET})
        return portal, load_for_portal(portal, MAPPINGS)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A first load, made once: when it was, and what it wrote into the CRM. `database`: the SQLite file of it, where it is one."""

    now: datetime
    written: Mapping[str, Mapping[str, Record]]
    database: bytes = b""

    @classmethod
    def into(cls, world: World) -> Loaded:
        """Loads into this world, which is closed by it."""
        before = world.org()
        world.pull()
        written: dict[str, dict[str, Record]] = {}
        for native, records in world.org().items():
            for old, new in zip(before[native], records, strict=True):
                if fields := {name: new[name] for name in new if name.startswith("Portal_") and new[name] != old[name]}:
                    written.setdefault(native, {})[new["Id"]] = fields
        world.close()
        return cls(world.clock.now, written)

    def write_back(self, world: World) -> None:
        """The same again into a CRM as it was at the start."""
        world.forward((self.now - MONDAY).total_seconds())
        for native, fields in self.written.items():
            changes = [RecordWrite(ref=crm_id, fields=values, crm_id=crm_id) for crm_id, values in fields.items()]
            for outcomes in world.tenant.crm.write(native, "", changes, time_left_s=lambda: 60.0):
                assert {outcome.wrote for outcome in outcomes} == {Wrote.WRITTEN}


class World:
    """One portal, its CRM and its database. **Units** both clocks stand still, and move together by `forward`."""

    def __init__(self, url: str, remote: Remote, directory: Path, loaded: Loaded | None = None, *, database_url: str = "") -> None:
        self.url = url
        self.remote = remote
        self.clock = Clock()
        self.post: Post | None = None  # of every process made from here on
        self.filed_journeys: dict[str, WrittenJourney] = {}  # and so are these
        self._directory = directory
        self._ids = count(1 if loaded is None else 1_000_000)
        self._portal = deepcopy(dict(PORTAL))
        self.services = Services(
            clock=self.clock,
            new_id=lambda: str(uuid.UUID(int=next(self._ids), version=4)),
            random=random.Random(7),
            monotonic=lambda: (self.clock.now - MONDAY).total_seconds(),
            sleep=lambda seconds: self.forward(seconds),
        )
        if database_url:
            self.store = Store(database_url, clock=self.clock, shared_clock=self.clock)
        elif loaded is None:
            self.store = sqlite_store(directory, clock=self.clock)
        else:
            (directory / "sync-worker.db").write_bytes(loaded.database)
            self.store = Store(f"sqlite:///{directory / 'sync-worker.db'}", clock=self.clock)
        self.tenant = self.process()
        if loaded is not None:
            loaded.write_back(self)

    # ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def configure(self, **changes: Any) -> Tenant:
        """The portal file with these keys, read again; mappings are merged one level deep."""
        for name, value in changes.items():
            here = self._portal.get(name)
            self._portal[name] = {**here, **value} if isinstance(here, dict) else value
        self.tenant = self.process()
        return self.tenant

    def connect_mail(self, url: str) -> Tenant:
        """From here on the portal has that mail server."""
        letters, documents = (Templates(room, self._directory, "acme") for room in (letter.ROOM, page.ROOM))
        self.post = Post(server_of(url).send, letters, "Acme <portal@acme.example>", documents)
        self.tenant = self.process()
        return self.tenant

    def process(self) -> Tenant:
        """Another worker on the same database, with a connection of its own."""
        portal, grammar = _read(json.dumps({**self._portal, "crm": {**self._portal["crm"], "base_url": self.url}}))
        credentials = Credentials(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, "acme.my", self.url)
        patience = Patience(attempts=2)
        tokens = Tokens(credentials, self.services, patience)
        crm = SalesforceCrm(
            SalesforceConnection(login=credentials, tokens=tokens, services=self.services, patience=patience),
            assigns_on_create=portal.deals.run_assignment_rules_on_create,
            bulk_above=portal.crm.bulk_above,
        )
        ports = Ports(portal=portal, store=self.store, crm=crm, services=self.services, admin=lambda: crm.schema)
        return Tenant(ports, grammar=grammar, post=self.post, filed=Filed(journeys=self.filed_journeys))

    def lose_database(self) -> None:
        """The database is gone; a new one takes its place."""
        self.close()
        for path in self._directory.glob("sync-worker.db*"):
            path.unlink()
        self.store = sqlite_store(self._directory, clock=self.clock)
        self.tenant = self.process()

    def backup(self) -> bytes:
        """The database as it is now."""
        with self.store.reading("acme") as tx:
            raw = tx.connection.connection.driver_connection
            assert raw is not None
            return bytes(raw.serialize())

    def restore(self, backup: bytes) -> None:
        """That database takes the place of this one."""
        self.close()
        for path in self._directory.glob("sync-worker.db*"):
            path.unlink()
        (self._directory / "sync-worker.db").write_bytes(backup)
        self.store = Store(f"sqlite:///{self._directory / 'sync-worker.db'}", clock=self.clock)
        self.tenant = self.process()

    def close(self) -> None:
        self.store.close()

    def forward(self, seconds: float = 30) -> None:
        """Time passes here and in the CRM."""
        self.clock.forward(seconds=seconds)
        self.remote.advance_clock(seconds)

    # ── work ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def pull(self, *records: str, is_full: bool = False) -> list[Done]:
        """One pull per record, all if none is named, half a minute after whatever happened; what they woke is worked off."""
        self.forward()
        done = [pull(self.tenant, record, is_full=is_full) for record in records or self.tenant.readable_records()]
        self.settle(follow_up for one in done for follow_up in one.follow_ups)
        return done

    def settle(self, follow_ups: Iterable[FollowUp] = ()) -> list[Done]:
        """Works off this follow-up work and what follows from it, as the actors would."""
        todo, done = set(follow_ups), list[Done]()
        for _ in range(60):
            if not todo:
                return done
            follow_up = min(todo, key=lambda one: (one.work != Work.REFRESH, one.record))
            todo.discard(follow_up)
            one = STEPS[follow_up.work](self.tenant, follow_up.record)
            done.append(one)
            todo |= one.follow_ups
        raise AssertionError(f"work that never ends: {todo}")

    def push(self) -> Done:
        """One push, and what it woke."""
        done = push(self.tenant)
        self.settle(done.follow_ups)
        return done

    @contextmanager
    def reader_elsewhere(self, record: str) -> Iterator[None]:
        """Another process reads that record type just now."""
        with self.store.side_transaction("acme") as tx:
            cursor = cursors.acquire(tx, record, "somebody")
        assert cursor is not None
        yield
        with self.store.side_transaction("acme") as tx:
            cursors.release(tx, cursor)

    def registered(self, **written: Any) -> Deal:
        """A deal of Birch Systems with Arrow Electronics, registered and in the CRM, unless told otherwise."""
        deal = self.submitted(**written)
        self.settle({FollowUp(Work.PUSH)})
        return deal

    def submitted(self, **written: Any) -> Deal:
        """The same, not pushed yet."""
        result = register(self.tenant, {**TERMS, **written}, actor=ANN)
        assert not isinstance(result, Refusal), result
        return result[0]

    def change(self, deal_id: str, **written: Any) -> Deal:
        """An edit in the portal, not pushed yet."""
        result = change(self.tenant, deal_id, written, MoveRequest(ANN))
        assert not isinstance(result, Refusal), result
        return result[0]

    def edit(self, deal_id: str, **fields: Any) -> None:
        """A person in the CRM edits the record behind the deal."""
        link = self.link(deal_id)
        self.remote.edit(NATIVES[link.object], link.crm_id, fields)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def company(self, reference: str) -> Company:
        """By name, id or CRM id."""
        with self.store.reading("acme") as tx:
            found = companies.find(tx, reference)
        assert found is not None, reference
        return found

    def knows(self, reference: str) -> bool:
        with self.store.reading("acme") as tx:
            return companies.find(tx, reference) is not None

    def deal(self, deal_id: str) -> Deal:
        with self.store.reading("acme") as tx:
            stored = deals.get(tx, deal_id)
        assert stored is not None, deal_id
        return stored.deal

    def deals(self) -> list[Deal]:
        with self.store.reading("acme") as tx:
            return [stored.deal for stored in deals.listed(tx)]

    def named_deal(self, name: str) -> Deal:
        (found,) = [deal for deal in self.deals() if deal.values["name"] == name]
        return found

    def link(self, deal_id: str) -> Link:
        """The deal's current link."""
        with self.store.reading("acme") as tx:
            return links.current(tx, [deal_id])[deal_id]

    def link_of_record(self, crm_id: str, record: str = "lead") -> Link | None:
        """The link of a CRM record, where a deal lives in it."""
        with self.store.reading("acme") as tx:
            return links.by_crm_ids(tx, record, [crm_id]).get(crm_id)

    def outbox(self) -> list[OutboxRow]:
        with self.store.reading("acme") as tx:
            return outbox.listed(tx)

    def contracts(self) -> list[ContractRow]:
        with self.store.reading("acme") as tx:
            return associations.listed(tx)

    def notices(self) -> dict[str, int]:
        with self.store.reading("acme") as tx:
            return notices.counts(tx)

    def conflicts(self, deal_id: str) -> list[tuple[str, str, str]]:
        """(field, code, whose value was taken), resolved ones too."""
        with self.store.reading("acme") as tx:
            rows = conflicts.listed(tx, include_resolved=True)
        return [(row["field"], row["code"], row["taken"]) for row in rows if row["deal_id"] == deal_id]

    def open_conflicts(self, deal_id: str) -> list[str]:
        """The fields that wait for a person."""
        with self.store.reading("acme") as tx:
            return [row["field"] for row in conflicts.listed(tx) if row["deal_id"] == deal_id]

    def failures(self, code: str | None = None, record: str | None = None) -> list[FailureRow]:
        """What is open."""
        with self.store.reading("acme") as tx:
            return failures.listed(tx, FailureFilter(code=code, record=record))

    def codes(self, record: str) -> set[str]:
        """The codes open for one record, by CRM id (ours for writes) or name."""
        return {row.failure.code for row in self.failures(record=record)}

    def history(self, record: str) -> dict[str, str]:
        """code → message of everything that was ever wrong with one record."""
        with self.store.reading("acme") as tx:
            return {
                row.failure.code: row.failure.message for row in failures.listed(tx, FailureFilter(record=record), include_resolved=True)
            }

    def records_of(self, deal_id: str, record: str = "Lead") -> list[Record]:
        """Live CRM records that carry the deal's key."""
        return [row for row in self.remote.records(record) if row["Portal_Deal_Key__c"] == deal_id and not row["IsDeleted"]]

    def record_of(self, deal_id: str) -> Record:
        """The CRM record behind the deal."""
        link = self.link(deal_id)
        return self.remote.record(NATIVES[link.object], link.crm_id)

    def id_of(self, name: str) -> str:
        """An account's CRM id."""
        return str(self.remote.named("Account", name)["Id"])

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that nothing may touch when nothing changes."""
        with self.store.reading("acme") as tx:
            return {
                table.name: sorted((tuple(row) for row in tx.connection.execute(table.select())), key=repr)
                for table in metadata.sorted_tables
                if table.name not in LASTING
            }

    def org(self) -> dict[str, list[Record]]:
        """Every record of the CRM."""
        return {native: self.remote.records(native) for native in NATIVES.values()}


TERMS = {
    "owner_company": "Birch Systems",
    "second_partner": "Arrow Electronics",
    "name": "Acme expansion",
    "prospect_name": "Acme Inc",
    "contact_last_name": "Doe",
    "amount": "1200.50",
    "deal_type": "new",
    "licence_count": "25",
    "billing_cycle": "annual",
    "term_years": "1",
    "expected_close_on": "2026-06-30",
}
