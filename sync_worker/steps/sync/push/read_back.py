"""READ BACK: what became of writes whose answer was lost. Found by key or id, compared with what was sent, and ready again.

What does not stand there may still come: it is kept (`late_writes.py`).

A record that carries the key of a create is ours: what the call with the key carried is its base. Of everything else only what stands there
as sent is agreed (`facts.py`); the rest is merged when the record is read again, before anything more is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.link import Link
from sync_worker.domain.sync.push.attempts import MOST_UNANSWERED, unanswered_wait_s
from sync_worker.errors import RecordError
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import HOMES, first_record, owe_deals
from sync_worker.steps.core.described import about
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.park import park
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.facts import agreed, found_by_key, gaps
from sync_worker.steps.sync.push.late_writes import kept
from sync_worker.store.core import portals, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices, outbox, unlearned
from sync_worker.store.sync.outbox import OutboxRow


def read_back(tenant: Tenant, claim: Claim, run_id: str) -> tuple[Counts, set[FollowUp]]:
    """What became of writes whose answer was lost: found by key or id, their fields compared with what was sent, and ready again."""
    parked_count, to_read = 0, set[str]()
    with tenant.store.reading(tenant.name) as tx:
        current = HOMES[claim.object].current(tx, [row.record_id for row in claim.rows])
    found = {**_found_by_key(tenant, claim, current), **_found_by_id(tenant, current)}
    with tenant.store.transaction(tenant.name) as tx:
        outbox.hold(tx, claim.rows)
        for row in claim.rows:
            native = found.get(row.record_id)
            record_name = current[row.record_id].object if row.record_id in current else first_record(tenant, row.object)
            if native:
                _take_over(tx, tenant, row, record_name, native)
                if row.object == COMPANY and row.record_id not in current:
                    owe_deals(tx, [row.record_id], run_id)
                to_read.add(record_name)
            if _stands(row, tenant.mapping.records[record_name], native):
                outbox.arrived(tx, row, claim.token)
            else:
                parked_count += _keep_looking(tx, tenant, claim, row, run_id)
        counts = Counts(claimed=len(claim.rows), unchanged=len(claim.rows) - parked_count, parked=parked_count)
        runs.count(tx, run_id, counts)
    return counts, {FollowUp(Work.REFRESH, record_name) for record_name in to_read}


def _keep_looking(tx: Tx, tenant: Tenant, claim: Claim, row: OutboxRow, run_id: str) -> bool:
    """A send that does not stand there may still come: the CRM may lose every write of it, and then it is not sent without end.

    Whether the record is parked.
    """
    unlearned.keep(tx, [kept(row.object, row.record_id, row.sent or {}, row.sent_at or tx.shared_now)])
    if row.unanswered < MOST_UNANSWERED:
        outbox.not_there(tx, row, claim.token, _next_send_at(tx, tenant, row))
        return False
    payload = {name: base.crm for name, base in (row.sent or {}).items()}
    park(tx, tenant, claim, row, _never_learned(row), run_id, payload=payload)
    return True


def _next_send_at(tx: Tx, tenant: Tenant, row: OutboxRow) -> datetime:
    """The wait is counted from the send: what its claim took to expire is part of it."""
    wait = timedelta(seconds=unanswered_wait_s(row.unanswered, tenant.services.random.random()))
    return max(tx.shared_now, (row.sent_at or tx.shared_now) + wait)


def _never_learned(row: OutboxRow) -> RecordError:
    words = (
        f"{row.object} {row.record_id} was sent {row.unanswered} times, and no send was answered; the CRM does not show what was sent. "
        "Look in the CRM and in the worker's log for what ends its calls, then replay"
    )
    return RecordError(words, code="outcome_never_learned")


def _stands(row: OutboxRow, record: RecordMap, native: NativeRecord | None) -> bool:
    """Whether everything that was sent stands there."""
    return native is not None and agreed(row.sent or {}, record, native).keys() >= (row.sent or {}).keys()


def _found_by_key(tenant: Tenant, claim: Claim, current: Mapping[str, Link]) -> dict[str, NativeRecord]:
    """First creates: whichever record carries the key is ours."""
    keys = [row.record_id for row in claim.rows if row.record_id not in current]
    if not keys:
        return {}
    record = tenant.mapping.records[first_record(tenant, claim.object)]
    with about(record.record):
        natives = tenant.crm.find_by_key(record.native, record.key_field, keys, fields=record.native_fields)
    return {str(native.fields[record.key_field]): native for native in natives}


def _found_by_id(tenant: Tenant, current: Mapping[str, Link]) -> dict[str, NativeRecord]:
    found: dict[str, NativeRecord] = {}
    for object_ in sorted({link.object for link in current.values()}):
        record = tenant.mapping.records[object_]
        ours = {link.crm_id: record_id for record_id, link in current.items() if link.object == object_}
        with about(object_):
            natives = tenant.crm.fetch(record.native, sorted(ours), fields=record.native_fields)
        found |= {ours[native.crm_id]: native for native in natives}
    return found


def _take_over(tx: Tx, tenant: Tenant, row: OutboxRow, record_name: str, native: NativeRecord) -> None:
    """The link is kept, and what the CRM is seen to hold as we sent it is agreed; the rest is merged when the record is read again."""
    record, sent = tenant.mapping.records[record_name], row.sent or {}
    homes = HOMES[row.object]
    known = homes.by_crm_ids(tx, record_name, [native.crm_id]).get(native.crm_id)
    link = known or Link(record_name, native.crm_id, row.record_id)
    if known:
        base = {**agreed(sent, record, native), **gaps(known.base, sent, record, native.fields)}
    else:
        base = found_by_key(sent, record, native)
    homes.save(tx, [replace(link, base={**link.base, **base}, settled_no=portals.draw_read_no(tx))])
    notices.add(tx, record_name, [native.crm_id])
