"""Writes to the vendor in memory: rows, then the labels of what was written, each call with what may befall it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sync_worker.crm.batches import TimeIsUp
from sync_worker.crm.port import UNWITNESSED, Half, RecordWrite, Witness, WriteOutcome, Wrote
from sync_worker.errors import CallRefused, FieldRefused, RateLimited, SyncError, TransientError, UncertainWrite, WriteRejected, WritesRest
from tests.simulation.fast.vendor import INVALID_FIELD, Refused, Row

if TYPE_CHECKING:
    from tests.simulation.fast.port import FastCrm

REPLY_LOST, DROPPED, LATE = "a reply to a write is lost", "a write is dropped", "a write is committed after we gave it up"
CALL_REFUSED, MAINTENANCE = "a whole call is refused", "the CRM takes no writes"
PAUSED = "a worker is paused after its last look at the deadline"
LOCKED, ROW_REFUSED = "a row is locked", "a row is refused"
LABEL_LOST, LABEL_DROPPED, LABEL_REFUSED = "the reply between two calls is lost", "the second call is dropped", "the second call is refused"

LEAST_LEFT_S = 5.0

Wish = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """Changes on their way. **Shapes** `done`: an outcome a ref; `taken`: refs whose row a call of this batch has written."""

    changes: Sequence[RecordWrite]
    done: dict[str, WriteOutcome] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes of one record type."""

    crm: FastCrm
    native: str
    key_field: str
    time_left_s: Callable[[], float]
    witness: Witness

    def write(self, changes: Sequence[RecordWrite]) -> Iterator[list[WriteOutcome]]:
        """Updates first, then creates."""
        for part in ([one for one in changes if one.crm_id], [one for one in changes if not one.crm_id]):
            for batch in self._batches(part):
                outcomes = self._send(batch)
                yield outcomes

    def _batches(self, changes: Sequence[RecordWrite]) -> Iterator[list[RecordWrite]]:
        batch: list[RecordWrite] = []
        for change in changes:
            if len(batch) == self.crm.write_count or any(_name(one) == _name(change) for one in batch):
                yield batch
                batch = []
            batch.append(change)
        if batch:
            yield batch

    def _send(self, changes: Sequence[RecordWrite]) -> list[WriteOutcome]:
        batch = Batch(changes)
        rows = [change for change in changes if not change.crm_id or self._parted(change)[0]]
        if rows:
            self._send_rows(batch, rows)
        for change in changes:  # what has labels alone
            batch.done.setdefault(change.ref, WriteOutcome(change.ref, Wrote.WRITTEN, crm_id=change.crm_id))
        self._send_labels(batch)
        return [batch.done[change.ref] for change in changes]

    def _check_time(self) -> None:
        if self.time_left_s() < LEAST_LEFT_S:
            raise TimeIsUp("too little time is left")

    def _parted(self, change: RecordWrite) -> tuple[Wish, Wish]:
        """(properties, labels)."""
        is_label = self.crm.vendor.ways.is_label
        labels = {name: value for name, value in change.fields.items() if is_label(name)}
        return {name: value for name, value in change.fields.items() if not is_label(name)}, labels

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _send_rows(self, batch: Batch, rows: Sequence[RecordWrite]) -> None:
        """**Raises** RateLimited and CallRefused: nothing was written."""
        try:
            self._check_time()
            self.witness.before_send([change.ref for change in rows])
            if self.witness is not UNWITNESSED:
                self.crm.vendor.on_send([change.ref for change in rows])
            outcomes = self.crm.call("write", lambda: self._written(rows))
        except TimeIsUp:
            outcomes = [WriteOutcome(change.ref, Wrote.NOT_BEGUN) for change in rows]
        for outcome in outcomes:
            batch.done[outcome.ref] = outcome
            if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED):
                batch.taken.add(outcome.ref)

    def _written(self, rows: Sequence[RecordWrite]) -> list[WriteOutcome]:
        """What the worker hears of one call. The last look at the deadline has gone before."""
        self._check_time()
        vendor = self.crm.vendor
        if vendor.trouble.strikes("write", PAUSED):
            vendor.pause()
        told = vendor.trouble.strikes("write", CALL_REFUSED, MAINTENANCE, DROPPED, LATE, REPLY_LOST)
        if told == CALL_REFUSED:
            raise CallRefused("the CRM answers 503")
        if told == MAINTENANCE:
            rest = WritesRest("the CRM is in maintenance", code="crm_in_maintenance", rest_s=60.0)
            return [WriteOutcome(change.ref, Wrote.LATER, error=rest) for change in rows]
        if told == LATE:
            vendor.do_later(vendor.late_s, lambda: self._commit_late(rows))
        elif told != DROPPED:
            outcomes = [self._row(change) for change in rows]
            if told != REPLY_LOST:
                return outcomes
        lost = UncertainWrite("the CRM did not answer")
        return [WriteOutcome(change.ref, Wrote.UNCERTAIN, error=lost) for change in rows]

    def _commit_late(self, rows: Sequence[RecordWrite]) -> None:
        for change in rows:
            self._row(change)

    def _row(self, change: RecordWrite) -> WriteOutcome:
        told = self.crm.vendor.trouble.strikes("write", LOCKED, ROW_REFUSED)
        if told == LOCKED:
            return WriteOutcome(change.ref, Wrote.LATER, error=TransientError("unable to obtain exclusive access to this record"))
        try:
            if told:
                raise Refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no")
            return self._put(change)
        except Refused as refused:
            kind = FieldRefused if refused.code == INVALID_FIELD else WriteRejected
            return WriteOutcome(change.ref, Wrote.REJECTED, error=kind(str(refused), code=refused.code, field=refused.field))

    def _put(self, change: RecordWrite) -> WriteOutcome:
        """**Raises** Refused."""
        properties, _ = self._parted(change)
        row = self._known(change)
        wrote = Wrote.WRITTEN if row else Wrote.CREATED
        if row:
            self.crm.vendor.edit(row, properties, by_us=True)
        else:
            row = self.crm.vendor.create(self.native, {**properties, self.key_field: change.key}, by_us=True)
        record = self.crm.native_of(row, [*properties, self.key_field]) if self.crm.vendor.ways.shows_writes else None
        return WriteOutcome(change.ref, wrote, crm_id=row.id, record=record)

    def _known(self, change: RecordWrite) -> Row | None:
        """The row that a change is about; None: it makes one. **Raises** Refused."""
        vendor = self.crm.vendor
        if change.crm_id:
            row = vendor.find(change.crm_id)
            if row is None:
                raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            return row
        found = vendor.by_key(self.native, self.key_field, str(change.key))
        if len(found) > 1:
            raise Refused("DUPLICATE_EXTERNAL_ID", "more than one record has this key")
        return found[0] if found else None

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _send_labels(self, batch: Batch) -> None:
        """What befalls the second call never raises: the first one has been made, and its outcomes stand."""
        wishes = {change.ref: labels for change in batch.changes if (labels := self._parted(change)[1]) and batch.done[change.ref].crm_id}
        changes = {change.ref: change for change in batch.changes if change.ref in wishes}
        if not changes:
            return
        try:
            self.witness.before_send([ref for ref in changes if ref not in batch.taken])
        except TimeIsUp as error:
            batch.done |= {ref: _unfinished(ref, error) for ref in changes}
            return
        self._tell_halves(batch, changes, wishes)
        for plan in (self._ends_first, self._makes, self._ends):
            due = {
                ref: pairs for ref in wishes if _is_written(batch.done[ref]) and (pairs := plan(batch.done[ref].crm_id or "", wishes[ref]))
            }
            if due:
                self._label_call(batch, due, wishes)
        for ref in wishes:
            record = batch.done[ref].record
            if record and _is_written(batch.done[ref]):
                record.fields = {**record.fields, **wishes[ref]}

    def _tell_halves(self, batch: Batch, changes: Mapping[str, RecordWrite], wishes: Mapping[str, Wish]) -> None:
        """The rows are written, their labels are still to come."""
        halves = []
        for ref, change in changes.items():
            crm_id = batch.done[ref].crm_id or ""
            if ref in batch.taken and any(plan(crm_id, wishes[ref]) for plan in (self._makes, self._ends)):
                key = {} if change.crm_id else {self.key_field: change.key}
                halves.append(Half(ref, crm_id, {**self._parted(change)[0], **key, **self._standing(crm_id, wishes[ref])}))
        if halves:
            self.witness.on_half(halves)

    def _standing(self, crm_id: str, wish: Wish) -> Wish:
        row = self.crm.vendor.find(crm_id)
        return self.crm.vendor.shown(row, wish) if row else {}

    def _ends_first(self, crm_id: str, wish: Wish) -> list[tuple[str, str, bool]]:
        """Where an admin allows one company under a label, the old one has to go first."""
        limited = self.crm.vendor.limited
        return [pair for pair in self._ends(crm_id, wish) if pair[0] in limited and wish[pair[0]]]

    def _makes(self, crm_id: str, wish: Wish) -> list[tuple[str, str, bool]]:
        row = self.crm.vendor.find(crm_id)
        return [
            (label, company, True)
            for label, company in wish.items()
            if row and company and company not in self.crm.vendor.holders(row, label)
        ]

    def _ends(self, crm_id: str, wish: Wish) -> list[tuple[str, str, bool]]:
        row = self.crm.vendor.find(crm_id)
        held = {label: self.crm.vendor.holders(row, label) if row else set() for label in wish}
        return [(label, company, False) for label in wish for company in sorted(held[label]) if company != wish[label]]

    def _label_call(self, batch: Batch, due: Mapping[str, list[tuple[str, str, bool]]], wishes: Mapping[str, Wish]) -> None:
        try:
            self._check_time()
            refused = self.crm.call("label", lambda: self._labelled(batch, due))
        except (TimeIsUp, RateLimited, TransientError) as error:
            batch.done |= {ref: _unfinished(ref, error) for ref in due}
            return
        except SyncError as error:
            batch.done |= {ref: WriteOutcome(ref, Wrote.UNCERTAIN, error=error) for ref in due}
            return
        batch.done |= {ref: WriteOutcome(ref, Wrote.REJECTED, error=error) for ref, error in refused.items()}
        half = [ref for ref in due if ref not in refused and self._is_ahead(batch.done[ref].crm_id or "", wishes[ref])]
        if half:
            self.witness.on_half(
                [Half(ref, crm_id, self._standing(crm_id, wishes[ref])) for ref in half if (crm_id := batch.done[ref].crm_id)]
            )

    def _is_ahead(self, crm_id: str, wish: Wish) -> bool:
        return bool(self._makes(crm_id, wish) or self._ends(crm_id, wish))

    def _labelled(self, batch: Batch, due: Mapping[str, list[tuple[str, str, bool]]]) -> dict[str, SyncError]:
        """One call. **Raises** UncertainWrite, CallRefused."""
        self._check_time()
        told = self.crm.vendor.trouble.strikes("label", LABEL_LOST, LABEL_DROPPED, LABEL_REFUSED)
        if told == LABEL_REFUSED:
            raise TransientError("the CRM answers 423")
        refused: dict[str, SyncError] = {}
        if told != LABEL_DROPPED:
            for ref, pairs in due.items():
                try:
                    self._label(batch.done[ref].crm_id or "", pairs)
                except Refused as error:
                    refused[ref] = WriteRejected(str(error), code=error.code)
        if told:
            raise UncertainWrite("the CRM did not answer")
        return refused

    def _label(self, crm_id: str, pairs: Sequence[tuple[str, str, bool]]) -> None:
        row = self.crm.vendor.find(crm_id)
        if row is None or not row.is_live:
            raise Refused("OBJECT_NOT_FOUND", crm_id)
        for label, company, is_made in pairs:
            if is_made:
                self.crm.vendor.add_label(row, label, company)
            else:
                self.crm.vendor.end_label(row, label, [company])


def _name(change: RecordWrite) -> str:
    return change.crm_id or str(change.key).lower()


def _is_written(outcome: WriteOutcome) -> bool:
    return outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)


def _unfinished(ref: str, error: SyncError) -> WriteOutcome:
    return WriteOutcome(ref, Wrote.LATER, error=TransientError(f"the record was written, its associations were not: {error}"))
