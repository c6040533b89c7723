"""CENSUS: what the CRM holds that would be ours, and we do not. Only ids and stamps are asked for.

A poll sees what changed since the last one, a little overlap included. A record that becomes visible later than that with an old stamp (a
long transaction, sharing that was widened) is in no poll and in no notice: it is found here.

    held             a company or a link of that CRM id is known, dead or alive: the comparison looks at it by its id
    failed           it was read and could not be applied: its failure says so, and is replayed when a person has mended it
    stranger         it was read, with this very stamp, and is not ours
    missing          all others: they are to be read
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sync_worker.crm.port import Roll
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.findings import STAGE
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.ours import marks
from sync_worker.store.core import companies, cursors, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links
from sync_worker.store.sync import strangers


def missing(tenant: Tenant, record: RecordMap) -> Iterator[tuple[Roll, list[str]]]:
    """Pages, each with the CRM ids of it that are missing here. None before a first load has ended: it brings them all.

    **Raises** the port's errors, StoreDown.
    """
    with tenant.store.reading(tenant.name) as tx:
        cursor = cursors.get(tx, record.record)
    if cursor is None or cursor.high_water_at is None:
        return
    for roll in tenant.crm.census(record.native, marks(tenant.portal, record)):
        with tenant.store.reading(tenant.name) as tx:
            yield roll, _missing_of(tx, record, roll)


def still_missing(tenant: Tenant, record: RecordMap, crm_ids: Collection[str]) -> list[str]:
    """Those of these that were not brought in meanwhile: our own creates of this minute are linked by now."""
    if not crm_ids:
        return []
    with tenant.store.reading(tenant.name) as tx:
        held = _held(tx, record, crm_ids)
    return sorted(set(crm_ids) - held)


def _missing_of(tx: Tx, record: RecordMap, roll: Roll) -> list[str]:
    unknown = set(roll.stamps) - _held(tx, record, roll.stamps.keys())
    if not unknown:
        return []
    failed = {row.record for row in failures.open_rows(tx, record.record, unknown, STAGE)}
    read_as = strangers.stamps(tx, record.record, unknown)
    return sorted(crm_id for crm_id in unknown - failed if crm_id not in read_as or read_as[crm_id] < roll.stamps[crm_id])


def _held(tx: Tx, record: RecordMap, crm_ids: Collection[str]) -> set[str]:
    held = companies.ids_by_crm_id(tx, crm_ids) if record.record == COMPANY else links.by_crm_ids(tx, record.record, crm_ids)
    return set(held)
