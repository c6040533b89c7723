"""LATE WRITES: sends whose outcome was never learned are kept, and looked for until their time is over: the CRM may still commit them.

    read back, not there             ─▶ kept ─▶ the record is read after the call's time-out, and when the send's time is over ─▶ dropped
    answered, but the claim was lost ─▶ kept as of now

Reading recognizes them (`recognize.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sync_worker.crm.batches import LONGEST_CALL_S
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.sync.push.late_write import COMMIT_LATE, Send
from sync_worker.steps.core.crm_links import first_record, homes
from sync_worker.steps.core.described import about
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import notices, unlearned

LOOK_COUNT: Final = 400  # sends looked for at once
CALL: Final = timedelta(seconds=LONGEST_CALL_S)
READ_WITHIN: Final = timedelta(minutes=10)  # from the last look, whose reading may wait for another reader, to the end


def kept(object_: str, record_id: str, sent: Mapping[str, Base], sent_at: datetime) -> Send:
    """A send of that moment, as it is kept."""
    return Send(object_, record_id, sent_at, until_at=sent_at + CALL + COMMIT_LATE, look_at=sent_at + CALL, sent=sent)


def look_for_late_writes(tenant: Tenant) -> set[FollowUp]:
    """Has the records of sends that are due read again. A create without a record is looked for by its key. Returns what follows."""
    with tenant.store.reading(tenant.name) as tx:
        due = unlearned.due(tx, LOOK_COUNT)
        found = {record_id: (home.object, home.crm_id) for record_id, home in homes(tx, {send.record_id for send in due}).items()}
    if not due:
        return set()
    found |= _by_key(tenant, [send for send in due if send.record_id not in found])
    with tenant.store.transaction(tenant.name) as tx:
        looked = [send for send in due if send.look_at <= send.until_at]
        unlearned.drop(tx, [send for send in due if send.look_at > send.until_at])
        _look_again(tx, looked)
        return _notice(tx, {found[send.record_id] for send in looked if send.record_id in found})


def _by_key(tenant: Tenant, sends: Sequence[Send]) -> dict[str, tuple[str, str]]:
    """Our id → record type and CRM id."""
    found: dict[str, tuple[str, str]] = {}
    for object_ in sorted({send.object for send in sends}):
        record = tenant.mapping.records[first_record(tenant, object_)]
        keys = sorted({send.record_id for send in sends if send.object == object_})
        with about(record.record):
            natives = tenant.crm.find_by_key(record.native, record.key_field, keys, fields=(record.key_field,))
        found |= {str(native.fields[record.key_field]): (record.record, native.crm_id) for native in natives}
    return found


def _look_again(tx: Tx, sends: Sequence[Send]) -> None:
    """After the time-out comes the end of its time; after that there is nothing more to see."""
    for send in sends:
        is_over = send.until_at <= tx.shared_now
        unlearned.look_later(tx, [send], tx.shared_now + READ_WITHIN if is_over else send.until_at)


def _notice(tx: Tx, records: Collection[tuple[str, str]]) -> set[FollowUp]:
    for name in sorted({name for name, _ in records}):
        notices.add(tx, name, [crm_id for of, crm_id in records if of == name])
    return {FollowUp(Work.REFRESH, name) for name, _ in records}
