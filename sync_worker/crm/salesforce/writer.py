"""Writing by collections of 200: a known record by its id, a first create as an upsert by our key.

`allOrNone=false`: one bad record does not take the others with it. Sforce-Auto-Assign is FALSE on everything but a first create that
asks for assignment: the vendor's default would re-route a lead at every status we push.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sync_worker.crm.port import Change, Outcome, Wrote
from sync_worker.crm.salesforce import faults
from sync_worker.crm.salesforce.session import CONNECT_TIMEOUT_S, Client, Connection
from sync_worker.errors import ConnectionDown, SyncError, TransientError, UncertainWrite, WriteRejected

BATCH_COUNT = 200  # the vendor's limit for one collections call
LONGEST_CALL_S = 120.0
SHORTEST_CALL_S = 5.0  # with less time left no call is begun
ASSIGN, SAVE_DUPLICATES = "Sforce-Auto-Assign", "Sforce-Duplicate-Rule-Header"


def write(
    connection: Connection,
    native: str,
    key_field: str,
    changes: Sequence[Change],
    *,
    assigns_on_create: bool,
    time_left_s: Callable[[], float],
) -> Iterator[list[Outcome]]:
    """See `crm/port.py`. **Raises** ConnectionDown and RateLimited before anything of the batch was written."""
    known = [change for change in changes if change.crm_id]
    new = [change for change in changes if not change.crm_id]
    for batch in _batches(known):
        yield _send(connection, batch, _update(native, batch), {ASSIGN: "FALSE"}, time_left_s=time_left_s)
    for batch in _batches(new):
        headers = {ASSIGN: str(assigns_on_create).upper()}
        yield _create(connection, native, key_field, batch, headers, time_left_s=time_left_s)


def _create(
    connection: Connection,
    native: str,
    key_field: str,
    batch: Sequence[Change],
    headers: Mapping[str, str],
    *,
    time_left_s: Callable[[], float],
) -> list[Outcome]:
    """Creates; what a duplicate rule stops is sent once more with leave to save, and says so: a registration is always its own record."""
    outcomes = _send(connection, batch, _upsert(native, key_field, batch), headers, time_left_s=time_left_s)
    stopped = {outcome.ref: outcome for outcome in outcomes if _is_duplicate(outcome)}
    again = [change for change in batch if change.ref in stopped]
    if not again:
        return outcomes
    insisting = {**headers, SAVE_DUPLICATES: "allowSave=true"}
    saved = {
        outcome.ref: outcome for outcome in _send(connection, again, _upsert(native, key_field, again), insisting, time_left_s=time_left_s)
    }
    return [_warned(saved[outcome.ref], outcome) if outcome.ref in saved else outcome for outcome in outcomes]


def _send(
    connection: Connection,
    batch: Sequence[Change],
    call: Callable[[Client, Mapping[str, Any]], Any],
    headers: Mapping[str, str],
    *,
    time_left_s: Callable[[], float],
) -> list[Outcome]:
    timeout_s = min(LONGEST_CALL_S, time_left_s() - 1)
    if timeout_s < SHORTEST_CALL_S:
        return [Outcome(change.ref, Wrote.NOT_BEGUN) for change in batch]
    options = {"headers": headers, "timeout": (min(CONNECT_TIMEOUT_S, timeout_s), timeout_s)}
    try:
        rows = connection.write(lambda client: call(client, options), doing=f"writing {len(batch)} records")
    except UncertainWrite as error:
        return [Outcome(change.ref, Wrote.UNCERTAIN, error=error) for change in batch]
    except ConnectionDown:
        raise
    except TransientError as error:
        return [Outcome(change.ref, Wrote.LATER, error=error) for change in batch]
    except WriteRejected as error:
        return [Outcome(change.ref, Wrote.REJECTED, error=error) for change in batch]
    return [_outcome(change, row) for change, row in zip(batch, rows, strict=True)]


def _update(native: str, batch: Sequence[Change]) -> Callable[[Client, Mapping[str, Any]], Any]:
    records = [{"attributes": {"type": native}, "id": change.crm_id, **change.fields} for change in batch]
    body = {"allOrNone": False, "records": records}
    return lambda client, options: client.restful("composite/sobjects", method="PATCH", json=body, **options)


def _upsert(native: str, key_field: str, batch: Sequence[Change]) -> Callable[[Client, Mapping[str, Any]], Any]:
    records = [{"attributes": {"type": native}, **change.fields, key_field: change.key} for change in batch]
    body = {"allOrNone": False, "records": records}
    path = f"composite/sobjects/{native}/{key_field}"
    return lambda client, options: client.restful(path, method="PATCH", json=body, **options)


def _outcome(change: Change, row: Mapping[str, Any]) -> Outcome:
    if row.get("success"):
        wrote = Wrote.CREATED if row.get("created") else Wrote.WRITTEN
        return Outcome(change.ref, wrote, crm_id=row.get("id") or change.crm_id)
    error: SyncError = faults.of_record(row.get("errors") or (), ref=change.crm_id or change.ref)
    return Outcome(change.ref, Wrote.LATER if isinstance(error, TransientError) else Wrote.REJECTED, error=error)


def _is_duplicate(outcome: Outcome) -> bool:
    return isinstance(outcome.error, WriteRejected) and outcome.error.code == faults.DUPLICATES_DETECTED


def _warned(saved: Outcome, stopped: Outcome) -> Outcome:
    return Outcome(saved.ref, saved.wrote, saved.crm_id, saved.error, warning=str(stopped.error))


def _batches(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changes), BATCH_COUNT):
        yield changes[start : start + BATCH_COUNT]
