"""HubSpot in a seed: partners as labelled associations, merges that make a new id, a search that lags behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN, HubspotOptions
from crm_sandbox.remote import Record
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import StaticToken
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.hubspot.reading import reader, search
from sync_worker.crm.hubspot.writing import writer
from sync_worker.crm.port import Crm, RecordWrite, WriteOutcome
from sync_worker.mapping.catalog import ASSOCIATION, association_field
from sync_worker.store.sync import own_stamps
from tests.simulation.desk import Desk, HttpDesk, Native, Order, commit_late, times
from tests.simulation.gate import Gate, GatedConnection

if TYPE_CHECKING:
    from sync_worker.services import Services
    from tests.simulation.world import Setting, World

LABELS = {association_field(label): label for label in ("Portal partner", "Portal second partner")}
PAGE_COUNT, SEARCH_COUNT = reader.PAGE_COUNT, search.PAGE_COUNT
MOST_LAG_S = 60  # below what a pull reads again


class HubspotWords(Desk):
    """What people and portal files say of it."""

    kind = "hubspot"
    deal_records = ("deal",)
    stages = {"deal": ("qualifiedtobuy", "closedwon", "closedlost")}  # noqa: RUF012
    regions = ("emea", "apac")
    odd = {"deal_type": "sidegrade", "billing_cycle": "quarterly", "account_type": "reseller_plus", "region": "moon"}  # noqa: RUF012
    auth = '{flow: static_token, token: "${HS_TOKEN}"}'
    account_types = {"vendor": "vendor", "second_partner": "second_partner", "partner": "partner"}  # noqa: RUF012
    environ = {"HS_TOKEN": SANDBOX_TOKEN}  # noqa: RUF012


class HubspotDesk(HubspotWords, HttpDesk):
    name = "hubspot"
    reading = frozenset({"search", "list", "batch_read", "associations_read", "read"})
    writing = frozenset({"batch_create", "batch_update", "batch_upsert", "batch_archive", "associations_write", "create", "update"})
    most_reads = 4  # a search and the list of the archived for each record type

    remote: HubspotRemote

    @property
    def faults(self) -> tuple[tuple[str, Order], ...]:
        return FAULTS

    @staticmethod
    def controls(url: str) -> HubspotRemote:
        return HubspotRemote(url)

    @staticmethod
    def options(seed: int, now: datetime) -> HubspotOptions:
        return HubspotOptions(companies=28, deals=14, inquiries=4, seed=seed, now=now)

    def connection(self) -> Crm:
        return HubspotCrm(self._access(), services=self.services, patience=Patience())

    def gated(self, gate: Gate, latency_s: Callable[[], float], services: Services) -> Crm:
        del services  # its count is not asked for
        return _Gated(self._access(), services=self.services, patience=Patience()).behind(gate, latency_s)

    def _access(self) -> Access:
        return Access(StaticToken(SANDBOX_TOKEN, self.url), self.services, Patience())

    def cut_small(self, patch: pytest.MonkeyPatch, setting: Setting) -> None:
        patch.setattr(reader, "PAGE_COUNT", min(setting.page_count, PAGE_COUNT))
        patch.setattr(search, "PAGE_COUNT", min(setting.page_count, SEARCH_COUNT))
        patch.setattr(writer, "BATCH_COUNT", max(1, setting.batch_count - 1))

    def be_quick(self) -> None:
        super().be_quick()
        reader.PAGE_COUNT, search.PAGE_COUNT = PAGE_COUNT, SEARCH_COUNT
        self.remote.lag_search(0)

    # ── as people see and use it ─────────────────────────────────────────────────────────────────────────────────────

    def records(self, record: str) -> list[Native]:
        companies_by_id = self._companies_by_id() if record in self.deal_records else {}
        rows = self.remote.records(self.native(record))
        return [self._seen(record, row, companies_by_id.get(row["id"], {})) for row in rows]

    def record(self, record: str, crm_id: str) -> Native:
        row = self.remote.record(self.native(record), crm_id)
        return self._seen(record, row, self._companies_by_id().get(crm_id, {}) if record in self.deal_records else {})

    def edit(self, native: Native, fields: Record) -> None:
        properties, companies = _parted(fields)
        if properties:
            self.remote.edit(self.native(native.record), native.id, properties)
        for field, company in companies.items():
            self._label(native.record, native.id, LABELS[field], company)

    def create(self, record: str, fields: Record) -> str:
        properties, companies = _parted(fields)
        crm_id = self.remote.create(self.native(record), properties)
        for field, company in companies.items():
            self._label(record, crm_id, LABELS[field], company)
        return crm_id

    def merge(self, winner: Native, loser: Native) -> str:
        return self.remote.merge(winner.id, [loser.id])

    def _seen(self, record: str, row: Record, companies: dict[str, list[str]]) -> Native:
        held: Record = {field: _only([one for one, labels in companies.items() if label in labels]) for field, label in LABELS.items()}
        return Native(record, row["id"], {**row, **held}, bool(row["archived"]))

    def _companies_by_id(self) -> dict[str, dict[str, list[str]]]:
        """A deal's companies, with their labels."""
        found: dict[str, dict[str, list[str]]] = {}
        for row in self.remote.associations("deals"):
            found.setdefault(row["id"], {})[row["to_id"]] = row["labels"]
        return found

    def _label(self, record: str, crm_id: str, label: str, company: str | None) -> None:
        """The label goes from whoever has it to this company; what else stands between them stays."""
        held = self._companies_by_id().get(crm_id, {})
        for other, labels in held.items():
            if label in labels and other != company:
                self.remote.associate(self.native(record), crm_id, other, *(one for one in labels if one != label))
        if company and label not in held.get(company, ()):
            self.remote.associate(self.native(record), crm_id, company, label, *held.get(company, ()))


def _parted(fields: Record) -> tuple[Record, Record]:
    """(properties, associations)."""
    associations = {name: value for name, value in fields.items() if name.startswith(ASSOCIATION)}
    return {name: value for name, value in fields.items() if name not in associations}, associations


def _only(companies: list[str]) -> str | list[str] | None:
    """As the adapter gives it: two companies under one label are no company."""
    return sorted(companies) if len(companies) > 1 else next(iter(companies), None)


class _Gated(HubspotCrm):
    """The real adapter on a gated connection."""

    def behind(self, gate: Gate, latency_s: Callable[[], float]) -> Crm:
        self._gate = gate
        gated: Any = GatedConnection(self._connection, gate, latency_s)
        self._join(gated, self._associations.on(gated))
        return self

    @contextmanager
    def another_connection(self) -> Iterator[Crm]:
        with self._connection.another() as connection:
            other = copy(self)
            other._join(connection, self._associations.on(connection))
            yield other

    def write(
        self, native: str, key_field: str, changes: Sequence[RecordWrite], *, time_left_s: Callable[[], float], **words: Any
    ) -> Iterator[list[WriteOutcome]]:
        return super().write(native, key_field, changes, time_left_s=self._gate.noting(time_left_s), **words)


# ── trouble on the wire ──────────────────────────────────────────────────────────────────────────────────────────────

PENDING = {"status": "PENDING", "results": [], "startedAt": "2026-06-01T12:00:00Z", "completedAt": "2026-06-01T12:00:00Z"}
WRITES = ("batch_upsert", "batch_update", "associations_write")


def _a_write(world: World) -> str:
    return world.dice.choice(WRITES)


def _read_fails(world: World) -> None:
    kind = world.dice.choice(("search", "list", "batch_read", "associations_read", "properties", "labels", "account"))
    status = world.dice.choice((502, 503, 524))
    world.remote.fault(kind, times=times(world), status=status, body="html", after=world.dice.choice((0, 0, 1)))


def _reply_lost(world: World) -> None:
    world.remote.fault(_a_write(world), times=times(world), drop_connection=True, when="after_commit")


def _write_dropped(world: World) -> None:
    world.remote.fault(_a_write(world), times=times(world), drop_connection=True)


def _write_storm(world: World) -> None:
    world.remote.fault(_a_write(world), times=world.dice.choice((2, 25)), status=502, body="html")


def _row_locked(world: World) -> None:
    world.remote.fault(_a_write(world), times=times(world), record=True, error_code="LOCKED")


def _row_refused(world: World) -> None:
    world.remote.fault(_a_write(world), times=1, record=True, error_code="VALIDATION_ERROR", message="no")


def _limited(world: World) -> None:
    policy = world.dice.choice(("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"))
    world.remote.fault(world.dice.choice(("*", "search", *WRITES)), times=times(world), error_code=policy)


def _association_fails(world: World) -> None:
    """The second call of a write, or the third one."""
    trouble: dict[str, Any] = world.dice.choice(
        (
            {"status": 504, "body": "html"},
            {"status": 504, "body": "html", "when": "after_commit"},
            {"status": 423},
            {"status": 403},
            {"error_code": "TEN_SECONDLY_ROLLING"},
            {"status": 200, "body": PENDING},
        )
    )
    world.remote.fault("associations_write", times=times(world), after=world.dice.choice((0, 1)), **trouble)


def _put_off(world: World) -> None:
    """The vendor answers before it is done, if it ever is."""
    moment: dict[str, Any] = {"when": world.dice.choice(("before", "after_commit"))}
    world.remote.fault(_a_write(world), times=times(world), status=200, body=PENDING, **moment)


def _one_company_a_label(world: World) -> None:
    """An admin allows one company under a label, or any number again."""
    assert isinstance(world.remote, HubspotRemote)
    world.remote.limit_label("deals", world.dice.choice(list(LABELS.values())), world.dice.choice((1, 1, None)))


def _locked(world: World) -> None:
    world.remote.fault(_a_write(world), times=times(world), status=world.dice.choice((423, 477)))


def _lags(world: World) -> None:
    assert isinstance(world.remote, HubspotRemote)
    world.remote.lag_search(world.dice.randint(0, MOST_LAG_S))


def _edited_behind_a_write(world: World) -> None:
    """Where our write was the last one of a record, a person edits it in that very moment; search shows our stamp for a while."""
    from tests.simulation import people  # it knows the world, which knows this desk

    assert isinstance(world.remote, HubspotRemote)
    world.remote.lag_search(world.dice.randint(1, MOST_LAG_S))
    with world.store.reading("acme") as tx:
        natives = {native.id: native for native in world.live("deal")}
        ours = own_stamps.of(tx, "deal", natives)
    written = sorted(ours.items(), key=lambda one: (one[1].stamp, one[0]))
    if written:
        amount = str(world.dice.randint(1, 9_000))
        people.write_deal(world, natives[written[-1][0]], {"amount": amount})


def _committed_late(world: World) -> None:
    commit_late(world, _a_write(world))


FAULTS = (
    ("reads fail", _read_fails),
    ("replies to writes are lost", _reply_lost),
    ("replies to writes are lost", _reply_lost),
    ("writes are dropped before they arrive", _write_dropped),
    ("writes are committed after we gave them up", _committed_late),
    ("writes answer 502", _write_storm),
    ("rows are locked", _row_locked),
    ("a row is refused", _row_refused),
    ("limits are hit", _limited),
    ("records are locked, or the account moves", _locked),
    ("search lags behind", _lags),
    ("a person edits right behind a write, and search lags", _edited_behind_a_write),
    ("associations fail after their records were written", _association_fails),
    ("associations fail after their records were written", _association_fails),
    ("writes are put off", _put_off),
    ("an admin limits a label, or does so no more", _one_company_a_label),
)
