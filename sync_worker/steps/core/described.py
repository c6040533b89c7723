"""DESCRIBED: the mapping held against what the CRM describes, and the attributes that rest because the CRM does not show them.

An attribute that may rest alone (domain/sync/resting.py) is left out of its record type while it is hidden or removed: its last values and
what both sides agreed on stay as they are. One problem says so. The commit that closes the problem orders a backfill of the field: to grant
access to a field bumps no stamp in the CRM, and the cursor has passed its records.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sync_worker.crm.port import Crm
from sync_worker.errors import SchemaChanged, TransientError
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import CompiledMapping, RecordMap, compile_mapping
from sync_worker.mapping.load import LoadedMapping
from sync_worker.portal import Portal
from sync_worker.services import Services
from sync_worker.store.core import catalogs, failures
from sync_worker.store.core.catalogs import FRESH_S
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import Failure, OpenRow
from sync_worker.store.operate.halts import Halt
from sync_worker.store.sync import backfills

RESTS: Final = "attribute_rests"
ATTRIBUTES: Final = "attributes"  # in the place of a record: the problem is about none
VISIBLE: Final = "the CRM shows the field again, or the mapping does not name it any more"
LOOK_AGAIN_S: Final = 600  # between two describes of a record type of which an attribute rests
BY: Final = "sync-worker"  # who ordered the backfill


class Described:
    """One tenant's mapping, as the CRM describes its record types."""

    def __init__(
        self, portal: Portal, grammar: LoadedMapping, store: Store, crm: Crm, services: Services, halted: Callable[[], Halt | None]
    ) -> None:
        self._portal = portal
        self._grammar = grammar
        self._store = store
        self._crm = crm
        self._services = services
        self._halted = halted
        self._mapping: CompiledMapping | None = None
        self._mapped_at: datetime | None = None
        self._described_at: dict[str, datetime] = {}

    @property
    def native_fields(self) -> dict[str, tuple[str, ...]]:
        """What is asked of each record type, as compiled last; empty where nothing is compiled."""
        return {name: record.native_fields for name, record in self._mapping.records.items()} if self._mapping else {}

    def mapping(self, *, may_describe: bool) -> CompiledMapping:
        """Held against a describe of at most a day ago. **Raises** SchemaChanged naming every field that is gone and may not rest alone.

        **Shapes** `may_describe` False: as it was compiled last, if it was, however old that is. So it is in a portal that a person has
        paused, too: what the CRM said last counts until it is resumed.
        """
        now = self._services.clock()
        is_stale = self._mapped_at is None or now - self._mapped_at > timedelta(seconds=FRESH_S)
        if self._mapping is None or (is_stale and may_describe):
            if self._halted() is None:
                self._take(self._up_to_date())
                self._mapped_at = now
            elif self._mapping is None:
                self._take(self._compiled())
        assert self._mapping is not None  # noqa: S101  # just taken
        return self._mapping

    def keep_up(self) -> None:
        """Takes what another process has had described since, and writes down what rests by that. Never called inside a transaction."""
        if self._mapping is not None and self._is_news():
            compiled = self._compiled()
            if not compiled.missing:  # where more is missing, work goes on by what is known until the CRM refuses it
                self._mapping = compiled
        self._tell(self.mapping(may_describe=True))

    def again(self, record_name: str) -> RecordMap:
        """The record type as the CRM describes it now. **Raises** as `mapping` does; never called inside a transaction."""
        fresh = self._crm.describe(self.mapping(may_describe=False).records[record_name].native)
        with self._store.side_transaction(self._portal.name) as tx:
            catalogs.save(tx, fresh)
        self._take(self._compiled())
        return self.mapping(may_describe=False).records[record_name]

    def looked_at(self, record_name: str) -> RecordMap:
        """The record type; described again where an attribute of it rests and nobody has looked for ten minutes."""
        record = self.mapping(may_describe=False).records[record_name]
        if not record.resting:
            return record
        with self._store.reading(self._portal.name) as tx:
            described_at = catalogs.described_at(tx).get(record.native)
            is_due = described_at is None or tx.now - described_at >= timedelta(seconds=LOOK_AGAIN_S)
        if is_due:
            record = self.again(record_name)
            self._tell(self.mapping(may_describe=False))
        return record

    def forget(self) -> None:
        """The next use of the mapping asks the CRM again."""
        self._mapping = None
        with self._store.side_transaction(self._portal.name) as tx:
            catalogs.forget(tx)

    def _up_to_date(self) -> CompiledMapping:
        compiled = self._compiled()
        if compiled.missing or not self._is_told(compiled):  # the cache may be older than the field
            self.forget()
            compiled = self._compiled()
        return compiled

    def _compiled(self) -> CompiledMapping:
        described = {native: self._catalog(native) for native in sorted(self._natives())}
        with self._store.reading(self._portal.name) as tx:
            self._described_at = catalogs.described_at(tx)
        return compile_mapping(self._grammar, self._portal, described, used_by_rules=self._portal.rule_fields)

    def _is_news(self) -> bool:
        """Whether all record types stand described, and not as they did when the mapping was compiled."""
        with self._store.reading(self._portal.name) as tx:
            described_at = catalogs.described_at(tx)
        return described_at != self._described_at and described_at.keys() >= self._natives()

    def _natives(self) -> set[str]:
        return {record.native for record in self._grammar.grammar.records.named().values()}

    def _catalog(self, native: str) -> Catalog:
        halt = self._halted()
        with self._store.reading(self._portal.name) as tx:
            cached = catalogs.last(tx, native) if halt else catalogs.get(tx, native)
        if cached:
            return cached
        if halt:
            raise TransientError(
                f"portal {self._portal.name} is paused by {halt.actor}, and its CRM was not asked for the fields of {native} before; "
                f"to go on: sync-worker portals resume {self._portal.name}"
            )
        fresh = self._crm.describe(native)
        with self._store.side_transaction(self._portal.name) as tx:
            catalogs.save(tx, fresh)
        return fresh

    def _take(self, compiled: CompiledMapping) -> None:
        if compiled.missing:
            raise SchemaChanged(
                f"portal {self._portal.name}: the CRM shows this user no {', '.join(compiled.missing)}; "
                "create the fields, grant access to them, or correct the mapping; an association needs a label of that name, "
                "or a field in its place (`sync-worker check` lists them all)"
            )
        self._mapping = compiled

    def _is_told(self, mapping: CompiledMapping) -> bool:
        """Whether every attribute that rests has its problem."""
        with self._store.reading(self._portal.name) as tx:
            resting = ((record, {one.field for one in record.resting}) for record in mapping.records.values() if record.resting)
            return all(fields <= _open(tx, record).keys() for record, fields in resting)

    def _tell(self, mapping: CompiledMapping) -> None:
        """Opens a problem for each attribute that begins to rest, and closes those of the others."""
        with self._store.reading(self._portal.name) as tx:
            is_so = all(_open(tx, record).keys() == {one.field for one in record.resting} for record in mapping.records.values())
        if is_so:
            return
        with self._store.side_transaction(self._portal.name) as tx:
            for record in mapping.records.values():
                tell(tx, record, self._services.new_id)


def tell(tx: Tx, record: RecordMap, new_id: Callable[[], str]) -> None:
    """In this commit: what rests of this record type has its problem, and what is back is read for all records that are here."""
    told, resting = _open(tx, record), {one.field: one for one in record.resting}
    failures.record(tx, [_problem(record, field, resting[field].native, new_id()) for field in sorted(resting.keys() - told.keys())])
    back = sorted(told.keys() - resting.keys())
    failures.close(tx, [told[field].id for field in back], VISIBLE)
    for field in back:
        if field in record.fields:  # a field that only we write too: the reading shows what is owed by now
            backfills.order(tx, record.record, field, by=BY, is_queued=True)


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
