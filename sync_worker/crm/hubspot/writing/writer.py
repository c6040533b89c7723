"""Writing by batches of 100: a known record by its id, a first create as an upsert by our unique property, then their associations.

    rows of one call ─▶ update or upsert, 100 a request ─▶ associations of all of them, 2,000 pairs a request ─▶ one outcome a change
                                                       half                                              half

Each row carries a trace id: with it, HubSpot writes the good rows of a request and names the bad ones (207); without it one bad row rejects
all. Rows are matched by that id and by the record's, never by order. What the answer shows of a record is its read-back. Before each
further call for a record, `on_half` hears what stands there by now.
Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis (100 rows a request), …/docs/api-reference/error-handling (207)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync_worker.crm.batches import TimeIsUp, as_refusal_of_the_call, batches, check_connection, is_later, not_answered, timeout
from sync_worker.crm.blame import RowsRejected, sorted_out
from sync_worker.crm.hubspot.associations.associations import AssociationCalls
from sync_worker.crm.hubspot.associations.label_plan import Pairs
from sync_worker.crm.hubspot.connection import faults
from sync_worker.crm.hubspot.connection.session import Ask, HubspotConnection
from sync_worker.crm.hubspot.connection.wire import CONNECT_TIMEOUT_S
from sync_worker.crm.hubspot.reading import records
from sync_worker.crm.port import Half, RecordWrite, Witness, WriteOutcome, Wrote
from sync_worker.errors import OF_THE_CALL, RateLimited, Stopped, StoreDown, SyncError, TransientError, UncertainWrite, WriteRejected
from sync_worker.mapping.catalog import ASSOCIATION

ROW_COUNT = 100  # rows a request; the vendor's limit
BATCH_COUNT = 400  # changes settled together: four requests, and one for their associations

Row = Mapping[str, Any]


def write(desk: HubspotDesk, changes: Sequence[RecordWrite]) -> Iterator[list[WriteOutcome]]:
    """See `crm/port.py`. **Raises** ConnectionDown, RateLimited and CallRefused before anything of the batch was written."""
    if any(name.startswith(ASSOCIATION) for change in changes for name in change.fields):
        desk.associations.check(desk.native, {name for change in changes for name in change.fields})
    known = [change for change in changes if change.crm_id]
    new = [change for change in changes if not change.crm_id]
    for batch in [*batches(known, BATCH_COUNT, name_of=_name), *batches(new, BATCH_COUNT, name_of=_name)]:
        outcomes = desk.send(batch)
        yield outcomes
        check_connection(outcomes)


@dataclass(slots=True)
class _Batch:
    """Changes on their way.

    **Shapes** `done`: an outcome a ref; `is_new`: refs of records that were made just now; `taken`: refs whose properties a call of this
    batch has written.
    """

    changes: Sequence[RecordWrite]
    done: dict[str, WriteOutcome] = field(default_factory=dict)
    is_new: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

    def labelled(self) -> dict[str, RecordWrite]:
        """The changes with associations to write, of records that are there, by record id."""
        return {crm_id: change for change in self.changes if _labelled(change) and (crm_id := self.done[change.ref].crm_id)}


@dataclass(frozen=True, slots=True)
class HubspotDesk:
    """Sends batches of one record type while there is time."""

    connection: HubspotConnection
    associations: AssociationCalls
    native: str
    key_field: str
    time_left_s: Callable[[], float]
    witness: Witness

    def send(self, changes: Sequence[RecordWrite]) -> list[WriteOutcome]:
        """One batch: its properties request by request, then its associations."""
        batch = _Batch(changes)
        rows = [change for change in changes if not change.crm_id or _properties(change)]
        for start in range(0, len(rows), ROW_COUNT):
            try:
                self._write(batch, rows[start : start + ROW_COUNT])
            except OF_THE_CALL as error:
                if not batch.done:
                    raise
                for change in rows[start:]:
                    batch.done.setdefault(change.ref, WriteOutcome(change.ref, Wrote.LATER, error=error))
                break
        for change in changes:  # what has labels alone
            batch.done.setdefault(change.ref, WriteOutcome(change.ref, Wrote.WRITTEN, crm_id=change.crm_id))
        self._associate(batch)
        return [batch.done[change.ref] for change in changes]

    # ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, batch: _Batch, part: Sequence[RecordWrite]) -> None:
        """One request, and others where HubSpot refuses it as a whole."""
        try:
            self._timeout()  # before a log-in, too
            self.witness.before_send([change.ref for change in part])
            with as_refusal_of_the_call():
                answer = self.connection.write(self._rows(part), doing=f"writing {len(part)} {self.native}", may_wait=self._timeout)
        except (*OF_THE_CALL, StoreDown):
            raise
        except RowsRejected as error:
            names = error.names
            refused, again = sorted_out(part, lambda change: not names.isdisjoint(_called(change)))
            batch.done |= {change.ref: self._refused(change, error) for change in refused}
            for less in again:
                self._write(batch, less)
        except SyncError as error:
            batch.done |= {change.ref: not_answered(change, error) for change in part}
        else:
            self._take(batch, part, answer)

    def _rows(self, part: Sequence[RecordWrite]) -> Ask:
        inputs = [self._row(change) for change in part]
        is_update = bool(part[0].crm_id)

        def send(apis: Any) -> Any:
            call = apis.batch.update if is_update else apis.batch.upsert
            return call(self.native, {"inputs": inputs}, _preload_content=False, _request_timeout=self._timeout)

        return send

    def _row(self, change: RecordWrite) -> dict[str, Any]:
        properties = _properties(change)
        if change.crm_id:
            return {"id": change.crm_id, "properties": properties, "objectWriteTraceId": change.ref}
        properties[self.key_field] = change.key
        return {"id": change.key, "idProperty": self.key_field, "properties": properties, "objectWriteTraceId": change.ref}

    def _take(self, batch: _Batch, part: Sequence[RecordWrite], answer: Row) -> None:
        """The outcomes of one answer; a row that it does not speak of may have been written."""
        names = dict(_names(part))
        rows = {ref: row for row in answer.get("results") or () if row.get("id") and (ref := self._ref_of(row, names))}
        told = [(error, _traces(error)) for error in faults.errors_of(answer)]
        errors = {ref: error for error, refs in told for ref in refs}
        nameless = [error for error, refs in told if not refs]
        if len(part) == len(answer.get("results") or ()) == 1 and not told:
            rows = {part[0].ref: answer["results"][0]} if answer["results"][0].get("id") else {}
        for change in part:
            if change.ref in rows:
                batch.done[change.ref] = self._written(batch, change, rows[change.ref])
            elif error := errors.get(change.ref) or _about(change, nameless):
                found = faults.of_record(error, ref=change.crm_id or change.ref)
                batch.done[change.ref] = self._refused(change, found)
            else:
                lost = UncertainWrite(f"HubSpot's answer does not speak of record {change.crm_id or change.ref}")
                batch.done[change.ref] = WriteOutcome(change.ref, Wrote.UNCERTAIN, error=lost)
        self.connection.hear(batch.done[change.ref].error for change in part)

    def _ref_of(self, row: Row, names: Mapping[str, str]) -> str:
        """Whose row it is: by its trace id, its id, or our key."""
        said = (row.get("objectWriteTraceId"), row.get("id"), records.held(row).get(self.key_field))
        return next((names[name] for one in said if (name := str(one).lower()) in names), "")

    def _written(self, batch: _Batch, change: RecordWrite, row: Row) -> WriteOutcome:
        wrote = Wrote.CREATED if row.get("new") is True else Wrote.WRITTEN
        batch.taken.add(change.ref)
        if wrote is Wrote.CREATED:
            batch.is_new.add(change.ref)
        return WriteOutcome(change.ref, wrote, crm_id=str(row["id"]), record=records.shown(self.native, row))

    def _refused(self, change: RecordWrite, found: SyncError) -> WriteOutcome:
        """A key that another create of ours took meanwhile is not a refusal: the next upsert meets its record."""
        is_taken = isinstance(found, WriteRejected) and found.code == faults.UNIQUE_TAKEN and found.field in ("", self.key_field)
        if is_taken and not change.crm_id:
            found = TransientError(str(found))
        return WriteOutcome(change.ref, Wrote.LATER if is_later(found) else Wrote.REJECTED, error=found)

    # ── associations ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _associate(self, batch: _Batch) -> None:
        """The labels of what was written. What the CRM does never raises: the batch has been written in part, and its outcomes stand."""
        changes = batch.labelled()
        wishes = {crm_id: _labelled(change) for crm_id, change in changes.items()}
        if not wishes:
            return
        try:
            self.witness.before_send([change.ref for change in batch.changes if change.crm_id and not _properties(change)])
            plan = self.associations.plan(self.native, wishes, self._there(batch, wishes))
        except StoreDown:
            raise
        except SyncError as error:
            self._tell(batch, {crm_id: {} for crm_id in wishes})
            found = dict.fromkeys(wishes, error)
        else:
            self._tell(batch, {crm_id: plan.standing(crm_id) for crm_id in plan.crm_ids})
            found = self.associations.write(self.native, plan, self._timeout, lambda standing: self._between(changes, standing))
        for crm_id, change in changes.items():
            outcome = batch.done[change.ref]
            if crm_id in found:
                batch.done[change.ref] = not_answered(change, _halfway(found[crm_id]))
            elif outcome.record:
                outcome.record.fields = {**outcome.record.fields, **wishes[crm_id]}

    def _tell(self, batch: _Batch, standing: Mapping[str, Row]) -> None:
        """The properties are written, the associations are still to come. **Shapes** `standing`: record id → its labels' fields."""
        changes = batch.labelled()
        halves = [
            Half(changes[crm_id].ref, crm_id, {**self._sent(changes[crm_id]), **labels})
            for crm_id, labels in standing.items()
            if changes[crm_id].ref in batch.taken
        ]
        if halves:
            self.witness.on_half(halves)

    def _between(self, changes: Mapping[str, RecordWrite], standing: Mapping[str, Row]) -> None:
        """One call for the associations is done, another is to come."""
        self.witness.on_half([Half(changes[crm_id].ref, crm_id, labels) for crm_id, labels in standing.items()])

    def _sent(self, change: RecordWrite) -> Row:
        """The properties of a change that was taken, its key among them if it was a create."""
        return _properties(change) if change.crm_id else {**_properties(change), self.key_field: change.key}

    def _there(self, batch: _Batch, wishes: Mapping[str, Any]) -> Mapping[str, Pairs]:
        """What the records are associated with now; those made just now are with nothing."""
        made = {batch.done[ref].crm_id for ref in batch.is_new}
        known = [crm_id for crm_id in wishes if crm_id not in made]
        return self.associations.read(self.native, known) if known else {}

    def _timeout(self) -> tuple[float, float]:
        """For the connect and for the answer. **Raises** TimeIsUp."""
        return timeout(self.time_left_s(), longest_connect_s=CONNECT_TIMEOUT_S)


def _properties(change: RecordWrite) -> dict[str, Any]:
    return {name: value for name, value in change.fields.items() if not name.startswith(ASSOCIATION)}


def _labelled(change: RecordWrite) -> dict[str, Any]:
    return {name: value for name, value in change.fields.items() if name.startswith(ASSOCIATION)}


def _halfway(error: SyncError) -> SyncError:
    """An error of the associations, after the properties were written: the change as a whole is tried again, which repeats nothing."""
    if isinstance(error, (TimeIsUp, RateLimited, Stopped)):
        return TransientError(f"the record was written, its associations were not: {error}")
    return error


def _names(part: Sequence[RecordWrite]) -> Iterator[tuple[str, str]]:
    """Everything a row may be called → its ref."""
    for change in part:
        for name in _called(change):
            yield name, change.ref


def _called(change: RecordWrite) -> Iterator[str]:
    for name in (change.key if not change.crm_id else None, change.crm_id, change.ref):
        if name:
            yield name.lower()


def _about(change: RecordWrite, errors: Sequence[Row]) -> Row | None:
    """An error without trace id that names the record, or the only thing that is said of the whole request."""
    name = change.crm_id or str(change.key).lower()
    for error in errors:
        ids = {one.lower() for place in ("ids", "id") for one in faults.context_of(error, place)}
        if not ids or name in ids or str(error.get("id")).lower() == name:
            return error
    return None


def _traces(error: Row) -> list[str]:
    """The refs of the changes that an error names."""
    beside = error.get("objectWriteTraceId")
    return faults.context_of(error, "objectWriteTraceId") or ([str(beside)] if beside else [])


def _name(change: RecordWrite) -> str:
    """What tells one record of a request from another."""
    return change.crm_id or str(change.key).strip().lower()
