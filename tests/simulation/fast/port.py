"""The vendor in memory behind the port: what an adapter offers, without an adapter's code. Each call passes the worker's gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

from sync_worker.crm.budget import UNMETERED, Purse
from sync_worker.crm.port import UNWITNESSED, Crm, Left, NativeRecord, Page, Range, RecordWrite, Roll, Scan, Witness, WriteOutcome
from sync_worker.domain.sync.ingest.backfill import Rates
from sync_worker.errors import RateLimited, SchemaChanged, TransientError
from sync_worker.mapping.catalog import Catalog
from tests.simulation.fast import jobs
from tests.simulation.fast.vendor import Row, Vendor
from tests.simulation.fast.writing import Writer
from tests.simulation.gate import Gate

T = TypeVar("T")

BY_ID_COUNT = 100
READS_FAIL, LIMITED, DAY_OVER = "reads fail", "calls are refused for a moment", "the day's calls are used up"
SLOW, SLOW_S = "an answer takes half a minute", 30.0
OVERTAKEN = "a reader is paused past its lease, and another one takes over"
WRITTEN_MEANWHILE = "a reader has a page, and another worker writes before that is stored"
EDITED_MEANWHILE = "a deal is edited while its write is answered"
SETTLES_LATE = "a worker has an answer, and another one takes over before its commit"
BUDGET_SPENT = "our own budget of the day is used up"


class FastCrm:
    """One worker's connection. See `crm/port.py` for what each call promises."""

    def __init__(self, vendor: Vendor, gate: Gate, latency_s: Callable[[], float], purse: Purse = UNMETERED) -> None:
        self.vendor = vendor
        self._purse = purse
        self.gate = gate
        self.calls = 0
        self._latency_s = latency_s

    is_trusted = True
    parallel_calls = 4

    @property
    def write_count(self) -> int:
        return self.vendor.batch_count

    @property
    def batch_count(self) -> int:
        return self.vendor.batch_count

    @contextmanager
    def another_connection(self) -> Iterator[Crm]:
        yield self

    def call(self, kind: str, act: Callable[[], T]) -> T:
        """One call. **Raises** Crash where the worker dies there; what our budget or the vendor says before anything is done."""
        self.gate.pass_()
        self.gate.time.forward(self._latency_s())
        self.vendor.catch_up()
        self._pay()
        self.calls += 1
        self.vendor.count(kind)
        self._refuse(kind)
        answer = act()
        if self.vendor.trouble.strikes(kind, OVERTAKEN, SETTLES_LATE, WRITTEN_MEANWHILE, EDITED_MEANWHILE):
            self.vendor.overtake(self.gate)
        self.gate.pass_()
        return answer

    def _pay(self) -> None:
        try:
            self._purse.take()
        except RateLimited:
            self.vendor.trouble.hits[BUDGET_SPENT] += 1
            raise

    def _refuse(self, kind: str) -> None:
        if self.vendor.trouble.strikes(kind, SLOW):
            self.gate.time.forward(SLOW_S)
        told = self.vendor.trouble.strikes(kind, READS_FAIL, LIMITED, DAY_OVER)
        if told == READS_FAIL:
            raise TransientError("the CRM answers 503")
        if told:
            scope, wait_s = ("burst", 10.0) if told == LIMITED else ("daily", 3600.0)
            raise RateLimited(f"{told}; wait {wait_s} s", retry_after_s=wait_s, scope=scope)

    # ── what it is ───────────────────────────────────────────────────────────────────────────────────────────────────

    def now(self) -> datetime:
        return self.call("clock", lambda: self.vendor.now.replace(microsecond=0))

    def canonical_id(self, text: str) -> str:
        return text

    def hands_on(self, field: str, target: str) -> bool:
        return field.endswith("__c") and target.endswith("__c")

    def name_after_conversion(self, native: NativeRecord) -> str:
        company = native.fields.get("Company")
        return f"{company}-" if company else ""

    def describe(self, native: str) -> Catalog:
        return self.call("describe", lambda: self.vendor.catalog(native))

    def describe_each(self, natives: Sequence[str]) -> Mapping[str, Catalog | SchemaChanged]:
        return {native: self.describe(native) for native in natives}

    def rates(self, native: str) -> Rates:
        return Rates(BY_ID_COUNT, self.vendor.page_count)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def changed_since(self, scan: Scan) -> Iterator[Page]:
        if self.vendor.prepares_answers and scan.only_with and not scan.up_to:
            yield from jobs.pages(self, scan)
            return
        position, is_last, is_first = scan.position, False, True
        while not is_last:
            left = self.call("search", lambda at=position: self._after(scan, at))  # type: ignore[misc]
            found = left[: self.vendor.page_count]
            is_last = len(found) == len(left)
            position = self._position(found[-1]) if found else position or self._begin()
            records = [one for row in found for one in self._told(row, scan.fields)]
            if is_last and not scan.up_to:
                records = [*self._departed(scan), *records]
            yield Page(records, position, is_last, len(left) if is_first else None)
            is_first = False

    def cuts(self, scan: Scan, most: int, *, left: Left | None) -> Sequence[Range]:
        del left
        if jobs.is_of_job(scan.position):
            return [Range(scan.position)]
        rows = self.call("search", lambda: self._after(scan, scan.position))
        size = max(self.vendor.page_count, -(-len(rows) // most))
        ends = [self._position(rows[at - 1]) for at in range(size, len(rows), size)]
        return [Range(begin, up_to) for begin, up_to in pairwise([scan.position or self._begin(), *ends, ""])]

    def fetch(self, native: str, crm_ids: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        wanted = list(dict.fromkeys(crm_ids))
        return [one for at in range(0, len(wanted), BY_ID_COUNT) for one in self._fetch(native, wanted[at : at + BY_ID_COUNT], fields)]

    def count(self, native: str) -> int:
        return self.call("search", lambda: sum(row.is_live for row in self.vendor.shared(native)))

    def untouched(self, native: str, crm_ids: Sequence[str], *, since: datetime) -> set[str]:
        del native, crm_ids, since
        return set()

    def census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        rows = self.call("search", lambda: [row for row in self.vendor.shared(native) if row.is_live and self._holds(row, any_of)])
        yield Roll({row.id: row.stamp for row in rows}, len(rows))

    def find_by_key(self, native: str, key_field: str, keys: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        self._see(native, fields)
        found = self.call("fetch", lambda: {row.id: row for key in keys for row in self.vendor.by_key(native, key_field, key)})
        return [self.native_of(row, [*fields, key_field]) for row in found.values()]

    def _fetch(self, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
        return self.call("fetch", lambda: [one for crm_id in crm_ids for one in self._by_id(native, crm_id, fields)])

    def _by_id(self, native: str, crm_id: str, fields: Sequence[str]) -> Iterator[NativeRecord]:
        self._see(native, fields)
        row = self.vendor.find(crm_id)
        if row is None or row.native != native:
            return
        if row.id != crm_id:
            yield _swallowed(row, crm_id)
        else:
            yield self.native_of(row, fields)

    def native_of(self, row: Row, names: Sequence[str]) -> NativeRecord:
        """A row as it crosses the port."""
        ways = self.vendor.ways
        stamp = ways.rounded(row.deleted_at) if row.deleted_at and ways.is_text else row.stamp
        return NativeRecord(
            row.native,
            row.id,
            stamp,
            self.vendor.shown(row, names),
            is_deleted=not row.is_live,
            merged_into=row.merged_into,
            is_converted=row.converted_to is not None,
            converted_to=row.converted_to,
            is_ours=None if ways.is_text else row.is_ours,
        )

    # ── a scan ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _see(self, native: str, names: Sequence[str]) -> None:
        """**Raises** SchemaChanged for a field that this user does not see."""
        if unseen := self.vendor.schema.unseen(native, names):
            raise SchemaChanged(f"no such column {', '.join(unseen)} on {native}")

    def _after(self, scan: Scan, position: str) -> list[Row]:
        """What is left of a scan, in its order."""
        self._see(scan.native, scan.fields)
        rows = [row for row in self.vendor.shared(scan.native) if self._is_in(scan, row)]
        keyed = sorted((self._key(row), row.id, row) for row in rows)
        begin, end = self._bound(position), self._bound(scan.up_to)
        return [row for key, _, row in keyed if (begin is None or key > begin) and (end is None or key <= end)]

    def _is_in(self, scan: Scan, row: Row) -> bool:
        if self.vendor.ways.is_text and (not row.is_live or not self.vendor.is_indexed(row)):
            return False
        names = (scan.only_with, *scan.or_with) if scan.only_with else ()
        return _is_within(scan, row.stamp) and (not names or self._holds(row, names))

    def _holds(self, row: Row, names: Sequence[str]) -> bool:
        return any(self.vendor.shown(row, names).values())

    def _departed(self, scan: Scan) -> list[NativeRecord]:
        """HubSpot lists the archived by themselves, at the end of a scan."""
        if not self.vendor.ways.is_text or scan.only_with:
            return []
        gone = (row for row in self.vendor.shared(scan.native) if row.deleted_at and not row.merged_into)
        rows = [row for row in gone if row.deleted_at and _is_within(scan, self.vendor.ways.rounded(row.deleted_at))]
        return [one for row in rows for one in self._told(row, ())]

    def _told(self, row: Row, fields: Sequence[str]) -> Iterator[NativeRecord]:
        """A row of a scan, behind those that were merged into it where the survivor tells of them."""
        for crm_id in row.swallowed:
            yield _swallowed(row, crm_id)
        yield self.native_of(row, fields)

    def _key(self, row: Row) -> Any:
        return int(row.id) if self.vendor.ways.is_text else (row.stamp.isoformat(), row.id)

    def _position(self, row: Row) -> str:
        return row.id if self.vendor.ways.is_text else f"{row.stamp.isoformat()} {row.id}"

    def _begin(self) -> str:
        return "0" if self.vendor.ways.is_text else "0 0"

    def _bound(self, position: str) -> Any:
        if not position:
            return None
        return int(position) if self.vendor.ways.is_text else tuple(position.split(" "))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(
        self,
        native: str,
        key_field: str,
        changes: Sequence[RecordWrite],
        *,
        time_left_s: Callable[[], float],
        witness: Witness = UNWITNESSED,
    ) -> Iterator[list[WriteOutcome]]:
        return Writer(self, native, key_field, time_left_s, witness).write(changes)


def _is_within(scan: Scan, moment: datetime) -> bool:
    return (scan.from_at is None or scan.from_at <= moment) and moment <= scan.until_at


def _swallowed(survivor: Row, crm_id: str) -> NativeRecord:
    return NativeRecord(survivor.native, crm_id, survivor.stamp, {}, is_deleted=True, merged_into=survivor.id)
