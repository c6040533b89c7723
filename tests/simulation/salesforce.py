"""Salesforce in a seed: leads that turn into opportunities, rows that are locked, writes that become visible late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions
from crm_sandbox.remote import Record, Remote
from crm_sandbox.salesforce.soql import queries
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import Crm, RecordWrite, WriteOutcome
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.crm.salesforce.writing import writer
from sync_worker.services import Services
from tests.simulation.desk import Desk, HttpDesk, Native, Order, commit_late, times
from tests.simulation.gate import Gate, GatedConnection

if TYPE_CHECKING:
    from tests.simulation.world import Setting, World

PAGE_COUNT = queries.PAGE_SIZE
HTML = "<html><body>Service Unavailable</body></html>"
MOST_LATE_S = 3000  # far beyond the look-back of 900 s: what comes later than that is the nightly comparison's business
LIMIT = "TotalRequests Limit exceeded."


class SalesforceWords(Desk):
    """What people and portal files say of it."""

    kind = "salesforce"
    converts = "lead"
    deal_records = ("lead", "opportunity")
    stages = {"lead": ("Open - Not Contacted", "Working - Contacted"), "opportunity": ("Qualification", "Closed Won", "Closed Lost")}  # noqa: RUF012
    regions = ("EMEA", "APAC")
    odd = {"deal_type": "Sidegrade", "billing_cycle": "Quarterly", "account_type": "Reseller Plus", "region": "Moon"}  # noqa: RUF012
    auth = '{flow: client_credentials, domain: acme.my, client_id: "${SF_ID}", client_secret: "${SF_SECRET}"}'
    account_types = {"vendor": "Vendor", "second_partner": "Distributor", "partner": "Partner"}  # noqa: RUF012
    environ = {"SF_ID": SANDBOX_CLIENT_ID, "SF_SECRET": SANDBOX_CLIENT_SECRET}  # noqa: RUF012


class SalesforceDesk(SalesforceWords, HttpDesk):
    name = "salesforce"
    reading = frozenset({"query", "query_all", "query_more", "retrieve"})
    writing = frozenset({"collections_write", "row_create", "row_update", "row_upsert", "row_delete"})
    most_reads = 3  # one a record type

    def __init__(self, url: str, services: Services) -> None:
        super().__init__(url, services)
        self._credentials = Credentials(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, "acme.my", url)

    @property
    def faults(self) -> tuple[tuple[str, Order], ...]:
        return FAULTS

    @staticmethod
    def controls(url: str) -> Remote:
        return Remote(url)

    @staticmethod
    def options(seed: int, now: datetime) -> SalesforceOptions:
        return SalesforceOptions(companies=28, leads=4, opportunities=14, seed=seed, now=now)

    def connection(self) -> Crm:
        return SalesforceCrm(
            SalesforceConnection(self._credentials, self._tokens(), self.services, Patience()),
            assigns_on_create=False,
        )

    def gated(self, gate: Gate, latency_s: Callable[[], float], services: Services) -> Crm:
        del services  # its count is not asked for
        crm = _Gated(SalesforceConnection(self._credentials, self._tokens(), self.services, Patience()), assigns_on_create=False)
        return crm.behind(gate, latency_s)

    def _tokens(self) -> Tokens:
        return Tokens(self._credentials, self.services, Patience())

    def cut_small(self, patch: pytest.MonkeyPatch, setting: Setting) -> None:
        patch.setattr(queries, "PAGE_SIZE", min(setting.page_count, PAGE_COUNT))
        patch.setattr(bulk, "PAGE_COUNT", min(setting.page_count, PAGE_COUNT))
        patch.setattr(writer, "BATCH_COUNT", max(1, setting.batch_count - 1))

    def be_quick(self) -> None:
        super().be_quick()
        queries.PAGE_SIZE = bulk.PAGE_COUNT = PAGE_COUNT
        self.remote.write_late(0, times=0)

    # ── as people see and use it ─────────────────────────────────────────────────────────────────────────────────────

    def records(self, record: str) -> list[Native]:
        return [_seen(record, row) for row in self.remote.records(self.native(record))]

    def record(self, record: str, crm_id: str) -> Native:
        return _seen(record, self.remote.record(self.native(record), crm_id))

    def edit(self, native: Native, fields: Record) -> None:
        self.remote.edit(self.native(native.record), native.id, fields)

    def create(self, record: str, fields: Record) -> str:
        return self.remote.create(self.native(record), fields)

    def merge(self, winner: Native, loser: Native) -> str:
        return self.remote.merge(winner.id, [loser.id])

    def convert(self, native: Native, *, is_mapped: bool, omit: tuple[str, ...], company: Native) -> str | None:
        done = self.remote.convert_lead(native.id, copy_mapping=is_mapped, omit=omit, account_id=company.id)
        return done["ConvertedOpportunityId"]

    def given_name(self, native: Native) -> str:
        return f"{native.fields['Company']}-"


def _seen(record: str, row: Record) -> Native:
    is_converted, is_merged = bool(row.get("IsConverted")), bool(row.get("MasterRecordId"))
    return Native(record, row["Id"], row, bool(row["IsDeleted"]), is_converted, is_merged)


class _Gated(SalesforceCrm):
    """The real adapter on a gated connection."""

    def behind(self, gate: Gate, latency_s: Callable[[], float]) -> Crm:
        self._gate = gate
        self._connection: Any = GatedConnection(self._connection, gate, latency_s)
        return self

    @contextmanager
    def another_connection(self) -> Iterator[Crm]:
        with self._connection.another() as connection:
            other = copy(self)
            other._connection = connection
            yield other

    def write(
        self, native: str, key_field: str, changes: Sequence[RecordWrite], *, time_left_s: Callable[[], float], **words: Any
    ) -> Iterator[list[WriteOutcome]]:
        return super().write(native, key_field, changes, time_left_s=self._gate.noting(time_left_s), **words)


# ── trouble on the wire ──────────────────────────────────────────────────────────────────────────────────────────────


def _read_fails(world: World) -> None:
    kind = world.dice.choice(("query_all", "retrieve", "query", "query_more", "token", "versions"))
    world.remote.fault(kind, times=times(world), status=503, body=HTML, after=world.dice.choice((0, 0, 1)))


def _reply_lost(world: World) -> None:
    world.remote.fault("collections_write", times=times(world), drop_connection=True, when="after_commit")


def _write_dropped(world: World) -> None:
    world.remote.fault("collections_write", times=times(world), drop_connection=True)


def _write_storm(world: World) -> None:
    world.remote.fault("collections_write", times=world.dice.choice((2, 25)), status=503, body=HTML)


def _row_locked(world: World) -> None:
    world.remote.fault("collections_write", times=times(world), record=True, error_code="UNABLE_TO_LOCK_ROW")


def _row_refused(world: World) -> None:
    world.remote.fault("collections_write", times=1, record=True, error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")


def _limited(world: World) -> None:
    code, words = "REQUEST_LIMIT_EXCEEDED", world.dice.choice((LIMIT, "ConcurrentPerOrgLongTxn Limit exceeded."))
    world.remote.fault("*", times=times(world), status=403, error_code=code, message=words)


def _session_ends(world: World) -> None:
    kind = world.dice.choice(("query_all", "retrieve", "collections_write"))
    world.remote.fault(kind, times=world.dice.choice((1, 2)), status=401, error_code="INVALID_SESSION_ID", message="Session expired")


def _tokens_expire(world: World) -> None:
    world.remote.expire_tokens()


def _late(world: World) -> None:
    world.is_stamped_late = world.was_too_late = True
    world.remote.write_late(world.dice.randint(5, MOST_LATE_S), times=times(world))


def _committed_late(world: World) -> None:
    commit_late(world, "collections_write")


FAULTS = (
    ("reads fail", _read_fails),
    ("replies to writes are lost", _reply_lost),
    ("replies to writes are lost", _reply_lost),
    ("writes are dropped before they arrive", _write_dropped),
    ("writes are committed after we gave them up", _committed_late),
    ("writes answer 503", _write_storm),
    ("rows are locked", _row_locked),
    ("a row is refused", _row_refused),
    ("limits are hit", _limited),
    ("the session ends", _session_ends),
    ("tokens expire", _tokens_expire),
    ("writes become visible late", _late),
)
