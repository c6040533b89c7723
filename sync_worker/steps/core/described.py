"""DESCRIBED: the mapping compared with what the CRM describes, and the attributes that rest because the CRM does not show them.

A field that may not rest alone makes its record type unfit: it is neither read nor written until the CRM shows the field (`record_rest`).
An attribute that may rest alone (domain/sync/ingest/resting.py) is left out of its record type while it is hidden or removed. Its last
values and what both sides agreed on stay as they are, and one problem says so. The commit that closes the problem orders a backfill of the
field: granting access to a field changes no stamp in the CRM, and the cursor has passed its records. For the same reason an optional field
that the CRM shows again is read for all records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from sync_worker.config.portal import Portal
from sync_worker.crm.port import Crm, Schema
from sync_worker.domain.core.problem import Problem
from sync_worker.errors import SchemaChanged, TransientError
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import CompiledMapping, RecordMap, compile_mapping
from sync_worker.mapping.load import LoadedMapping
from sync_worker.services import Services
from sync_worker.store.core import catalogs, failures
from sync_worker.store.core.catalogs import FRESH_S
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import Failure, FailureFilter, OpenRow
from sync_worker.store.operate.halts import Halt
from sync_worker.store.sync import backfills

RESTS: Final = "attribute_rests"
ATTRIBUTES: Final = "attributes"  # in the place of a record: the problem is about none
VISIBLE: Final = "the CRM shows the field again, or the mapping does not name it any more"
LOOK_AGAIN_S: Final = 600  # between two describes of a record type of which an attribute rests
BY: Final = "sync-worker"  # who ordered the backfill


@dataclass(frozen=True, slots=True)
class Ports:
    """One portal, and the ways of one thread to its data and its CRM. **Shapes** `admin`: its record types, over another connection."""

    portal: Portal
    store: Store
    crm: Crm
    services: Services
    admin: Callable[[], Schema] | None = None


class LastDescribed(NamedTuple):
    """What the CRM said last of its record types, and the mapping held against that.

    **Shapes** by native record name. `at`: when it was said; a record type that was never described is in neither, and one that is to be
    described again is not in `at`.
    """

    mapping: CompiledMapping
    catalogs: Mapping[str, Catalog]
    at: Mapping[str, datetime]


class Described:
    """One tenant's mapping, as the CRM describes its record types."""

    def __init__(self, ports: Ports, grammar: LoadedMapping, halted: Callable[[], Halt | None]) -> None:
        self._portal, self._store, self._crm, self._services = ports.portal, ports.store, ports.crm, ports.services
        self._grammar = grammar
        self._halted = halted
        self._mapping: CompiledMapping | None = None
        self._mapped_at: datetime | None = None
        self._last: LastDescribed | None = None
        self._described_at: dict[str, datetime] = {}
        self._hidden: dict[str, str] = {}  # native record types that the CRM does not show at all → its words

    @property
    def shape(self) -> dict[str, tuple[tuple[str, ...], str]]:
        """What is asked of each record type, and what it lacks, as compiled last; empty where nothing is compiled."""
        records = self._mapping.records if self._mapping else {}
        return {name: (record.native_fields, self._lack(record)) for name, record in records.items()}

    @property
    def unfit(self) -> frozenset[str]:
        """The record types that lack what they cannot do without, as compiled last."""
        records = self._mapping.records if self._mapping else {}
        return frozenset(name for name, record in records.items() if self._lack(record))

    @property
    def is_due(self) -> bool:
        """Whether the next run begins with describes: some record type was not described within a day. No call is made."""
        if not self._is_stale(self._services.clock()) or self._halted() is not None:
            return False
        with self._store.reading(self._portal.name) as tx:
            described_at, oldest = catalogs.described_at(tx), tx.now - timedelta(seconds=FRESH_S)
        return any(native not in described_at or described_at[native] <= oldest for native in self._natives())

    def mapping(self, *, may_describe: bool) -> CompiledMapping:
        """Held against a describe of at most a day ago, record types that are unfit included.

        **Shapes** `may_describe` False: as it was compiled last, if it was, even if that is long ago. So it is in a portal that a person
        has paused, too: what the CRM said last counts until it is resumed.
        """
        now = self._services.clock()
        if self._mapping is None or (may_describe and self._is_stale(now)):
            if self._halted() is None:
                self._mapping, self._mapped_at = self._up_to_date(), now
            elif self._mapping is None:
                self._mapping = self._compiled()
        assert self._mapping is not None  # noqa: S101  # just taken
        return self._mapping

    def last(self) -> LastDescribed:
        """The mapping by what the CRM said last, even if that is long ago. No call is made."""
        with self._store.reading(self._portal.name) as tx:
            return self.last_in(tx)

    def last_in(self, tx: Tx) -> LastDescribed:
        """The same, for work that is in a transaction."""
        at = catalogs.described_at(tx)
        if self._last is None or self._last.at != at:
            said = {native: catalog for native in sorted(self._natives()) if (catalog := catalogs.last(tx, native))}
            compiled = compile_mapping(self._grammar, self._portal, said, used_by_rules=self._portal.rule_fields)
            self._last = LastDescribed(compiled, said, at)
        return self._last

    def keep_up(self) -> None:
        """Takes what another process has had described since, and writes down what rests by that. Never called inside a transaction."""
        if self._mapping is not None and self._is_news():
            self._mapping = self._compiled()
        self._tell(self.mapping(may_describe=True))

    def fit(self, record_name: str) -> RecordMap:
        """The record type as compiled last. **Raises** SchemaChanged naming every field that is gone and may not rest alone."""
        record = self.mapping(may_describe=False).records[record_name]
        if lack := self._lack(record):
            raise SchemaChanged(f"portal {self._portal.name}: {lack}", record=record_name)
        return record

    def again(self, record_name: str) -> RecordMap:
        """The record type as the CRM describes it now. **Raises** as `fit` does; never called inside a transaction."""
        self._asked([self._grammar.grammar.records.named()[record_name].native])
        self._mapping = self._compiled()
        self._tell(self._mapping)
        return self.fit(record_name)

    def looked_at(self, record_name: str) -> RecordMap:
        """The record type; described again where it is unfit, or where an attribute of it rests and was not looked at for ten minutes.

        **Raises** as `fit` does.
        """
        record = self.mapping(may_describe=False).records[record_name]
        if self._lack(record) or (record.resting and self._is_look_due(record.native)):
            return self.again(record_name)
        return record

    def forget(self) -> None:
        """The next use of the mapping asks the CRM again."""
        self._mapping = None
        self._hidden.clear()
        with self._store.side_transaction(self._portal.name) as tx:
            catalogs.forget(tx)

    @cached_property
    def _plain(self) -> CompiledMapping:
        return compile_mapping(self._grammar, self._portal)

    def _up_to_date(self) -> CompiledMapping:
        was_described = self._was_described()
        compiled = self._compiled()
        if was_described and (any(map(self._lack, compiled.records.values())) or not self._is_told(compiled)):
            self.forget()  # the cache may be older than the field
            compiled = self._compiled()
        return compiled

    def _compiled(self) -> CompiledMapping:
        kept = {native: self._kept(native) for native in sorted(self._natives())}
        fresh = self._asked([native for native, catalog in kept.items() if catalog is None])
        described = {native: catalog for native in kept if (catalog := kept[native] or fresh.get(native))}
        with self._store.reading(self._portal.name) as tx:
            self._described_at = catalogs.described_at(tx)
        return compile_mapping(self._grammar, self._portal, described, used_by_rules=self._portal.rule_fields)

    def _lack(self, record: RecordMap) -> str:
        """What the record type cannot do without and the CRM does not show, and what to do; "" where there is nothing."""
        if record.native in self._hidden:
            return f"{self._hidden[record.native]}; grant access to it, or correct the mapping"
        if not record.lacks:
            return ""
        return (
            f"the CRM shows this user no {', '.join(record.lacks)}; "
            "create the fields, grant access to them, or correct the mapping; an association needs a label of that name, "
            "or a field in its place (`sync-worker check` lists them all)"
        )

    def _is_look_due(self, native: str) -> bool:
        with self._store.reading(self._portal.name) as tx:
            described_at = catalogs.described_at(tx).get(native)
            return described_at is None or tx.now - described_at >= timedelta(seconds=LOOK_AGAIN_S)

    def _is_news(self) -> bool:
        """Whether all record types stand described, and not as they did when the mapping was compiled."""
        with self._store.reading(self._portal.name) as tx:
            described_at = catalogs.described_at(tx)
        return described_at != self._described_at and described_at.keys() >= self._natives() - self._hidden.keys()

    def _is_stale(self, now: datetime) -> bool:
        return self._mapping is None or self._mapped_at is None or now - self._mapped_at > timedelta(seconds=FRESH_S)

    def _was_described(self) -> bool:
        with self._store.reading(self._portal.name) as tx:
            return bool(catalogs.described_at(tx))

    def _natives(self) -> set[str]:
        return {record.native for record in self._grammar.grammar.records.named().values()}

    def _kept(self, native: str) -> Catalog | None:
        """What the CRM said of one record type within a day; None where it is to be asked."""
        halt = self._halted()
        with self._store.reading(self._portal.name) as tx:
            cached = catalogs.last(tx, native) if halt else catalogs.get(tx, native)
        if halt and cached is None:
            raise TransientError(
                f"portal {self._portal.name} is paused by {halt.actor}, and its CRM was not asked for the fields of {native} before; "
                f"to go on: sync-worker portals resume {self._portal.name}"
            )
        return cached

    def _asked(self, natives: Sequence[str]) -> dict[str, Catalog]:
        """Asks the CRM, and keeps what it says; without those that it does not show this user."""
        found: dict[str, Catalog] = {}
        for native, said in self._crm.describe_each(natives).items():
            if isinstance(said, SchemaChanged):
                self._hidden[native] = str(said)
                continue
            self._hidden.pop(native, None)
            with self._store.side_transaction(self._portal.name) as tx:
                keep(tx, self._plain, said)
            found[native] = said
        return found

    def _is_told(self, mapping: CompiledMapping) -> bool:
        """Whether every attribute that rests has its problem."""
        resting = _resting(mapping.records.values())
        with self._store.reading(self._portal.name) as tx:
            told = failures.open_fields(tx, resting.keys(), ATTRIBUTES, "pull", RESTS)
        return all(fields <= told[name] for name, fields in resting.items())

    def _tell(self, mapping: CompiledMapping) -> None:
        """Opens a problem for each attribute that begins to rest, and closes those of the others. A hidden record type says nothing."""
        shown = [record for record in mapping.records.values() if record.native not in self._hidden]
        resting = _resting(shown)
        with self._store.reading(self._portal.name) as tx:
            if failures.open_fields(tx, resting.keys(), ATTRIBUTES, "pull", RESTS) == resting:
                return
        with self._store.side_transaction(self._portal.name) as tx:
            for record in shown:
                tell(tx, record, self._services.new_id)


@contextmanager
def about(record_name: str) -> Iterator[None]:
    """Inside, the CRM is asked for records of this type, and a SchemaChanged names it."""
    try:
        yield
    except SchemaChanged as changed:
        raise SchemaChanged(str(changed), record=changed.record or record_name) from changed


def keep(tx: Tx, mapping: CompiledMapping, fresh: Catalog) -> None:
    """Keeps what the CRM has just said of a record type. An optional field that it did not show before is read for all records.

    **Shapes** `mapping`: as its file says.
    """
    before = catalogs.last(tx, fresh.native)
    catalogs.save(tx, fresh)
    if before is None:  # what is there from the first describe on is read by the first load
        return
    new = fresh.fields.keys() - before.fields.keys()
    for record in mapping.records.values():
        for one in record.fields.values():
            if record.native == fresh.native and one.is_optional and one.native in new:
                backfills.order(tx, record.record, one.field, by=BY, is_queued=True)


def tell(tx: Tx, record: RecordMap, new_id: Callable[[], str]) -> None:
    """In this commit: what rests of this record type has its problem, and what is back is read for all records that are here."""
    told, resting = _open(tx, record), {one.field: one for one in record.resting}
    failures.record(tx, [_problem(record, field, resting[field].native, new_id()) for field in sorted(resting.keys() - told.keys())])
    back = sorted(told.keys() - resting.keys())
    failures.close(tx, [told[field].id for field in back], VISIBLE)
    for field in back:
        if field in record.fields:  # a field that only we write too: the reading shows what is owed by now
            backfills.order(tx, record.record, field, by=BY, is_queued=True)


def told_to(tx: Tx, record: RecordMap, written: Collection[str]) -> tuple[Problem, ...]:
    """What to tell a person who wrote attributes that rest: the values are taken, and the CRM hears of them later."""
    resting = {one.field: one.native for one in record.resting if one.field in written}
    if not resting:
        return ()
    rows = failures.listed(tx, FailureFilter(code=RESTS, record=ATTRIBUTES))
    since = {row.failure.field: f" since {row.first_seen_at:%Y-%m-%d %H:%M} UTC" for row in rows if row.failure.object == record.record}
    return tuple(
        Problem(
            RESTS,
            field,
            f"{field} rests{since.get(field, '')}: the CRM does not show {record.native}.{native} to the worker's user. "
            "The value is kept here, and is written to the CRM once the field is shown again. "
            f"Grant the worker's user access to {record.native}.{native}, or create it again; nothing has to be written twice",
        )
        for field, native in sorted(resting.items())
    )


def _resting(records: Iterable[RecordMap]) -> dict[str, set[str]]:
    """The attributes that rest, by record type."""
    return {record.record: {one.field for one in record.resting} for record in records}


def _open(tx: Tx, record: RecordMap) -> dict[str, OpenRow]:
    return {row.field: row for row in failures.open_rows(tx, record.record, [ATTRIBUTES], "pull") if row.code == RESTS}


def _problem(record: RecordMap, field: str, native: str, id_: str) -> Failure:
    words = (
        f"the CRM does not show {record.native}.{native} to the worker's user any more, so the attribute {field} rests. "
        "Its last values stay, it is neither read nor written, and comparisons leave it out. Everything else of these records goes on. "
        f"Grant the user access to {record.native}.{native}, create it again, or take it out of the mapping. "
        "The worker looks for it every ten minutes, and then reads it for all records"
    )
    name = f"{record.native}.{native}"
    return Failure(id_, "problem", record.record, ATTRIBUTES, "pull", RESTS, words, "", field=field, name=name)
