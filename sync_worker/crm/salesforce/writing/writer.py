"""Writing by collections of 200: a known record by its id, a first create as an upsert by our key.

`allOrNone=false`: one bad record does not take the others with it. Sforce-Auto-Assign is FALSE on everything but a first create that
asks for assignment: the vendor's default would re-route a lead at every status we push.
Source: REST API Developer Guide, "Update Multiple Records" and "Upsert Multiple Records" (200 records a call), "Assignment Rule Header".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sync_worker.crm.batches import as_refusal_of_the_call, batches, check_connection, is_later, not_answered, timeout
from sync_worker.crm.blame import RowsRejected, halves
from sync_worker.crm.faults import BadAnswer
from sync_worker.crm.port import BeforeSend, RecordWrite, WriteOutcome, Wrote
from sync_worker.crm.salesforce.connection import faults
from sync_worker.crm.salesforce.connection.faults import Governed
from sync_worker.crm.salesforce.connection.ids import canonical, id_18, id_in
from sync_worker.crm.salesforce.connection.session import Client, SalesforceConnection
from sync_worker.crm.salesforce.connection.wire import CONNECT_TIMEOUT_S
from sync_worker.errors import OF_THE_CALL, StoreDown, SyncError, TransientError, UncertainWrite, WriteRejected

BATCH_COUNT = 200  # the vendor's limit for one collections call
ASSIGN, SAVE_DUPLICATES = "Sforce-Auto-Assign", "Sforce-Duplicate-Rule-Header"

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Row]
RecordOf: TypeAlias = Callable[[RecordWrite], Row]


def write(desk: SalesforceDesk, changes: Sequence[RecordWrite], *, assigns_on_create: bool) -> Iterator[list[WriteOutcome]]:
    """See `crm/port.py`. **Raises** ConnectionDown, RateLimited and CallRefused before anything of the batch was written."""
    known = [change for change in changes if change.crm_id]
    new = [change for change in changes if not change.crm_id]
    for batch in batches(known, BATCH_COUNT, name_of=_name):
        outcomes = desk.update(batch)
        yield outcomes
        check_connection(outcomes)
    for batch in batches(new, BATCH_COUNT, name_of=_name):
        outcomes = desk.create(batch, assigns=assigns_on_create)
        yield outcomes
        check_connection(outcomes)


@dataclass(frozen=True, slots=True)
class SalesforceDesk:
    """Sends batches of one record type while there is time."""

    connection: SalesforceConnection
    native: str
    key_field: str
    time_left_s: Callable[[], float]
    before_send: BeforeSend

    def update(self, batch: Sequence[RecordWrite]) -> list[WriteOutcome]:
        """Known records, by their ids."""
        return self._send(batch, "composite/sobjects", self._known, {ASSIGN: "FALSE"})

    def create(self, batch: Sequence[RecordWrite], *, assigns: bool) -> list[WriteOutcome]:
        """First creates. What a duplicate rule stops is sent once more with leave to save, and says so: a registration stands alone."""
        headers = {ASSIGN: "TRUE" if assigns else "FALSE"}
        outcomes = self._upsert(batch, headers)
        stopped = {outcome.ref for outcome in outcomes if _is_duplicate(outcome)}
        again = [change for change in batch if change.ref in stopped]
        if not again:
            return outcomes
        saved = {outcome.ref: outcome for outcome in self._insist(again, headers)}
        return [_warned(saved[outcome.ref], outcome) if outcome.ref in saved else outcome for outcome in outcomes]

    def _insist(self, again: Sequence[RecordWrite], headers: Mapping[str, str]) -> list[WriteOutcome]:
        """Never raises: the batch has been written in part, and its outcomes must not be lost."""
        try:
            return self._upsert(again, {**headers, SAVE_DUPLICATES: "allowSave=true"})
        except OF_THE_CALL as error:
            return [WriteOutcome(change.ref, Wrote.LATER, error=error) for change in again]

    def _upsert(self, batch: Sequence[RecordWrite], headers: Mapping[str, str]) -> list[WriteOutcome]:
        outcomes = self._send(batch, f"composite/sobjects/{self.native}/{self.key_field}", self._new, headers)
        return [self._unless_key_taken(outcome) for outcome in outcomes]

    def _unless_key_taken(self, outcome: WriteOutcome) -> WriteOutcome:
        """Another create with our key was faster, or is not visible yet: the next upsert meets its record."""
        error = outcome.error
        if isinstance(error, WriteRejected) and error.code == faults.DUPLICATE_VALUE and error.field in ("", self.key_field):
            return replace(outcome, wrote=Wrote.LATER, error=TransientError(str(error)))
        return outcome

    def _known(self, change: RecordWrite) -> Row:
        return {"attributes": {"type": self.native}, "id": change.crm_id, **change.fields}

    def _new(self, change: RecordWrite) -> Row:
        return {"attributes": {"type": self.native}, **change.fields, self.key_field: change.key}

    def _send(self, batch: Sequence[RecordWrite], path: str, record_of: RecordOf, headers: Mapping[str, str]) -> list[WriteOutcome]:
        """One request, and smaller ones where that of many records was too much, or was refused as a whole for one of them."""
        try:
            outcomes = self._ask(batch, path, [record_of(change) for change in batch], headers)
        except RowsRejected as refusal:
            if len(batch) == 1:
                return [not_answered(batch[0], refusal)]
            return self._by_halves(batch, lambda part: self._send(part, path, record_of, headers))
        governed = {outcome.ref for outcome in outcomes if isinstance(outcome.error, Governed)}
        if not governed or len(batch) == 1:
            return outcomes
        again = [change for change in batch if change.ref in governed]
        smaller = {outcome.ref: outcome for outcome in self._by_halves(again, lambda part: self._send(part, path, record_of, headers))}
        return [smaller.get(outcome.ref, outcome) for outcome in outcomes]

    def _by_halves(self, batch: Sequence[RecordWrite], send: Callable[[Sequence[RecordWrite]], list[WriteOutcome]]) -> list[WriteOutcome]:
        """The same in two requests. Raises only what came before anything of the batch was written."""
        outcomes: list[WriteOutcome] = []
        for half in filter(None, halves(batch)):
            try:
                outcomes += send(half)
            except OF_THE_CALL as error:
                if not outcomes:
                    raise
                outcomes += [not_answered(change, error) for change in half]
        return outcomes

    def _ask(self, batch: Sequence[RecordWrite], path: str, records: Rows, headers: Mapping[str, str]) -> list[WriteOutcome]:
        """One request. **Raises** RowsRejected, and what is said of no record: ConnectionDown, RateLimited, CallRefused."""
        body = {"allOrNone": False, "records": records}

        def send(client: Client) -> Rows:
            return _checked(client.restful(path, method="PATCH", json=body, headers=headers, timeout=self._timeout()), batch)

        try:
            self._timeout()  # before a log-in, too
            self.before_send([change.ref for change in batch])
            with as_refusal_of_the_call():
                rows = self.connection.write(send, doing=f"writing {len(batch)} {self.native}", may_wait=self._timeout)
        except (*OF_THE_CALL, StoreDown, RowsRejected):
            raise
        except SyncError as error:
            return [not_answered(change, error) for change in batch]
        outcomes = [_outcome(change, row) for change, row in zip(batch, rows, strict=True)]
        self.connection.hear(outcome.error for outcome in outcomes)
        return outcomes

    def _timeout(self) -> tuple[float, float]:
        """For the connect and for the answer. **Raises** TimeIsUp."""
        return timeout(self.time_left_s(), longest_connect_s=CONNECT_TIMEOUT_S)


def _outcome(change: RecordWrite, row: Mapping[str, Any]) -> WriteOutcome:
    if row.get("success"):
        crm_id = id_in(row, "id") or id_18(change.crm_id or "")
        if not crm_id:
            lost = UncertainWrite(f"Salesforce wrote record {change.ref} and does not say under which id")
            return WriteOutcome(change.ref, Wrote.UNCERTAIN, error=lost)
        return WriteOutcome(change.ref, Wrote.CREATED if row.get("created") else Wrote.WRITTEN, crm_id=crm_id)
    error = faults.of_record(row.get("errors"), ref=change.crm_id or change.ref)
    return WriteOutcome(change.ref, Wrote.LATER if is_later(error) else Wrote.REJECTED, error=error)


def _checked(rows: Any, batch: Sequence[RecordWrite]) -> Rows:
    """The results, in the order of the changes. **Raises** BadAnswer: the records were sent, and what became of them is unknown."""
    if not isinstance(rows, list) or len(rows) != len(batch) or not all(isinstance(row, dict) for row in rows):
        raise BadAnswer(f"no list of {len(batch)} results")
    for change, row in zip(batch, rows, strict=True):
        if change.crm_id and row.get("id") and canonical(str(row["id"])) != canonical(change.crm_id):
            raise BadAnswer(f"the result of {row['id']} in the place of that of {change.crm_id}")
    return rows


def _is_duplicate(outcome: WriteOutcome) -> bool:
    return isinstance(outcome.error, WriteRejected) and outcome.error.code == faults.DUPLICATES_DETECTED


def _warned(saved: WriteOutcome, stopped: WriteOutcome) -> WriteOutcome:
    """**Shapes** a warning only where the record was written in the end."""
    if saved.wrote not in (Wrote.WRITTEN, Wrote.CREATED):
        return saved
    return replace(saved, warning=f"saved in spite of a duplicate rule: {stopped.error}")


def _name(change: RecordWrite) -> str:
    """What tells one record of a request from another."""
    return canonical(change.crm_id) or change.crm_id if change.crm_id else str(change.key).strip().lower()
