"""RECORD REST: a record type that lacks a field it cannot do without rests alone; the other record types of its portal go on.

While it rests it is neither read nor written, and what the CRM is owed of it stays owed. One problem says why. Each rest is twice as
long as the one before, up to an hour. It ends with the first reading that passes, and at once by a `check` or `pull` in the foreground.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sync_worker.crm.port import WriteOutcome, Wrote
from sync_worker.domain.core.moments import utc
from sync_worker.domain.sync.ingest.resting import UNTIL_SOMEBODY_ACTS
from sync_worker.errors import FieldRefused, SchemaChanged, SyncError
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import HOMES, first_record
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import cursors, failures, portals
from sync_worker.store.core.cursors import Pause
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import Failure, FailureFilter
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow

CODE: Final = "schema_changed"
SCHEMA: Final = "schema"  # in the place of a record: the problem is about none
SHOWN: Final = "its records could be read again"


def let_rest(tenant: Tenant, error: SchemaChanged) -> None:
    """The record type that the error names rests from now on. Where another process has just said so, nothing is changed."""
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.enter(tx, tenant.portal.associations.mode)
        if error.record in resting(tx):
            return
        problem = _problem(tenant, error)
        failures.record(tx, [problem])
        told = failures.listed(tx, FailureFilter(code=CODE, record=SCHEMA))
        seen_count = max(row.count for row in told if row.failure.object == error.record)
        until_at = tx.shared_now + timedelta(seconds=UNTIL_SOMEBODY_ACTS.wait_s(seen_count))
        failures.reword(tx, replace(problem, message=f"{problem.message}; next try {utc(until_at)}"))
        cursors.pause(tx, error.record, until_at, code=CODE, because=str(error))
    tenant.log.warning("a record type rests", object=error.record, until=until_at.isoformat(), error=str(error))


def heed(tenant: Tenant, record: RecordMap, refused: SchemaChanged) -> None:
    """The CRM refused a call about this record type. Where it can do without the field by now, work goes on; otherwise the type rests.

    **Shapes** `record`: as the call was made by. Never called inside a transaction.
    """
    why = SchemaChanged(str(refused), record=record.record)
    if record.record not in tenant.described.unfit:
        try:
            if tenant.described.again(record.record).native_fields != record.native_fields:
                return
        except SchemaChanged as unfit:
            why = unfit
        except SyncError as error:
            tenant.log.warning("a refused record type could not be described", object=record.record, error=str(error))
    let_rest(tenant, why)


def resting(tx: Tx) -> dict[str, Pause]:
    """The record types that rest now because the CRM does not show a field of them."""
    return {name: pause for name, pause in cursors.paused(tx).items() if pause.code == CODE}


def passed(tx: Tx, record_name: str) -> None:
    """Records of this type were read. A rest that began meanwhile stays: this reading says nothing about it."""
    if record_name not in resting(tx):
        _close(tx, record_name)


def wake(tx: Tx, record_name: str) -> None:
    """A person has seen that the record type can be read: its rest is over, and what waited for its end is due."""
    _close(tx, record_name)
    _end(tx, record_name)


def wake_fit(tenant: Tenant) -> None:
    """Ends the rest of every record type that lacks nothing, as the CRM describes it now."""
    with tenant.store.reading(tenant.name) as tx:
        names = list(resting(tx))
    for name in names:
        with suppress(SchemaChanged):
            tenant.described.again(name)
            with tenant.store.side_transaction(tenant.name) as tx:
                wake(tx, name)


def try_again(store: Store, portal: str) -> None:
    """A process starts, perhaps with another mapping: no record type rests any more. The problems stay open."""
    with store.side_transaction(portal) as tx:
        for name in resting(tx):
            _end(tx, name)


def awake(tx: Tx, tenant: Tenant, claim: Claim) -> Sequence[OutboxRow]:
    """Those of the claim's rows whose record type does not rest; the others stay owed, and are due when its rest is over."""
    rows, asleep = claim.rows, resting(tx)
    if not asleep or not rows:
        return rows
    types = types_of(tx, tenant, rows)
    for name, pause in asleep.items():
        mine = [row for row in rows if types[row.record_id] == name]
        if mine and mine[0].state == "uncertain":
            outbox.leave(tx, mine, claim.token, pause.until_at)
        elif mine:
            outbox.put_off(tx, mine, claim.token, pause.until_at)
    return [row for row in rows if types[row.record_id] not in asleep]


def types_of(tx: Tx, tenant: Tenant, rows: Sequence[OutboxRow]) -> dict[str, str]:
    """Our id → the record type in which it lives, or will begin. **Shapes** `rows`: of one object."""
    homes = HOMES[rows[0].object].homes(tx, [row.record_id for row in rows])
    first = first_record(tenant, rows[0].object)
    return {row.record_id: homes[row.record_id].object if row.record_id in homes else first for row in rows}


def not_blamed(tenant: Tenant, record: RecordMap, outcomes: Sequence[WriteOutcome]) -> Sequence[WriteOutcome]:
    """The same, where refusals of fields are told apart: what the CRM does not show any more is not the record's mistake.

    Such a write counts as not begun: it is due at once, and is composed again or rests with its record type.
    """
    if not tenant.lists.is_field_lost(record, [outcome.error for outcome in outcomes]):
        return outcomes
    if record.record in tenant.described.unfit:
        try:
            tenant.described.fit(record.record)
        except SchemaChanged as unfit:
            let_rest(tenant, unfit)
    return [replace(one, wrote=Wrote.NOT_BEGUN, error=None) if isinstance(one.error, FieldRefused) else one for one in outcomes]


def _problem(tenant: Tenant, error: SchemaChanged) -> Failure:
    words = (
        f"{error}. Only records of type {error.record} rest: they are neither read nor written, and what the CRM is owed of them stays "
        f"owed. Everything else of the portal goes on. Once it is corrected, `sync-worker check {tenant.name}` lets them go on at once"
    )
    return Failure(tenant.services.new_id(), "problem", error.record, SCHEMA, "pull", CODE, words, "", name=error.record)


def _close(tx: Tx, record_name: str) -> None:
    rows = failures.open_rows(tx, record_name, [SCHEMA], "pull")
    failures.close(tx, [row.id for row in rows], SHOWN)


def _end(tx: Tx, record_name: str) -> None:
    pause = resting(tx).get(record_name)
    if pause:
        cursors.unpause(tx, record_name)
        outbox.hasten_all(tx, pause.until_at)
