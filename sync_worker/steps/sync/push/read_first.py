"""READ FIRST: a known record is read and merged before it is written, so that a value that was not seen yet is not written over."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence, Set

from sync_worker.domain.core.link import Home
from sync_worker.errors import SchemaChanged
from sync_worker.steps.core.crm_links import first_record, homes
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.record_rest import heed, resting
from sync_worker.steps.sync.read_by_id import batches_at_once
from sync_worker.store.core import cursors
from sync_worker.store.sync import notices, outbox

READ_COUNT = 2000  # known records read before they are written; so many for each batch that is read side by side


def read_first(tenant: Tenant, *, soon: Collection[str], known: frozenset[str]) -> tuple[set[str], set[FollowUp]]:
    """Reads and merges known records that are due: those to be written soon, and the next ones with them.

    Returns our ids of them, and what follows from the reading. **Shapes** `known`: by our ids, those that are read already.

    What the CRM says has not changed since the last poll is as we hold it. Where another reader has the lease, its records wait: a create
    never does.
    """
    if known.issuperset(soon):
        return set(), set()
    count = READ_COUNT * batches_at_once(tenant, tenant.mapping.records[first_record(tenant, DEAL)].native, READ_COUNT)
    with tenant.store.reading(tenant.name) as tx:
        due, asleep = homes(tx, {*outbox.due(tx, count), *soon} - known), resting(tx)
    read, follow_ups = set[str](), set[FollowUp]()
    for record_name in sorted({home.object for home in due.values()} - asleep.keys()):
        mine = {deal_id: home for deal_id, home in due.items() if home.object == record_name}
        record = tenant.mapping.records[record_name]
        try:
            found, following = _read(tenant, record_name, mine)
        except SchemaChanged as refused:
            heed(tenant, record, refused)
        else:
            read |= found
            follow_ups |= following
    return read, follow_ups


def _read(tenant: Tenant, record_name: str, mine: Mapping[str, Home]) -> tuple[set[str], Set[FollowUp]]:
    """Those of these records of one type that are as the CRM has them now, and what follows from the reading."""
    untouched = _untouched(tenant, record_name, [home.crm_id for home in mine.values()])
    read = {deal_id for deal_id, home in mine.items() if home.crm_id in untouched}
    touched = {deal_id: home.crm_id for deal_id, home in mine.items() if home.crm_id not in untouched}
    if not touched:
        return read, set()
    with tenant.store.side_transaction(tenant.name) as tx:
        notices.add(tx, record_name, touched.values())
    with tenant.turn.lasting(math.inf):  # what is read by half is not read
        done = refresh(tenant, record_name)
    return read if done.is_busy else read | touched.keys(), done.follow_ups


def _untouched(tenant: Tenant, record_name: str, crm_ids: Sequence[str]) -> set[str]:
    """Those that were not changed since the last poll, and that no notice names."""
    with tenant.store.reading(tenant.name) as tx:
        cursor = cursors.get(tx, record_name)
        noticed = notices.oldest(tx, record_name, READ_COUNT)
    if cursor is None or cursor.high_water_at is None or len(noticed) == READ_COUNT:
        return set()
    untouched = tenant.crm.untouched(tenant.mapping.records[record_name].native, crm_ids, since=cursor.high_water_at)
    return untouched - {notice.crm_id for notice in noticed}
