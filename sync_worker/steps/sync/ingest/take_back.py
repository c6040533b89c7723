"""TAKE BACK: after a backup was restored, what only the portal writes is taken from the CRM: it is the portal's own last word.

A comparison has found where the two sides differ. Only a person knows that the database is the older one, so only a person asks for this:
otherwise a value that differs there is somebody's edit, and is put back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.deals.deal_edit import ReadChanges, edited
from sync_worker.domain.sync.ingest.deals.arrival import own_last_words
from sync_worker.domain.sync.ingest.deals.change import DealChange
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant
from sync_worker.steps.sync.ingest.compare import PAGE_COUNT, WHOLE, Comparison
from sync_worker.steps.sync.ingest.deals.write import write_deals
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, links

NOTE = "taken from the CRM after a restore"


def take_back(tenant: Tenant, comparison: Comparison) -> int:
    """How many deals have changed. **Raises** the port's errors, StoreDown."""
    found: dict[str, dict[str, set[str]]] = {}
    for one in comparison.differences:
        if one.record != COMPANY and one.field != WHOLE and _is_ours_alone(tenant.mapping.records[one.record], one.field):
            found.setdefault(one.record, {}).setdefault(one.crm_id, set()).add(one.field)
    count = 0
    with tenant.run("restore", DEAL) as run_id:
        for record_name, fields in sorted(found.items()):
            record, crm_ids = tenant.mapping.records[record_name], sorted(fields)
            for start in range(0, len(crm_ids), PAGE_COUNT):
                natives = tenant.crm.fetch(record.native, crm_ids[start : start + PAGE_COUNT], fields=record.native_fields)
                with tenant.store.transaction(tenant.name) as tx:
                    count += _take(tx, tenant, record, natives, fields, run_id)
    return count


def _is_ours_alone(record: RecordMap, name: str) -> bool:
    return name in record.fields and record.fields[name].direction == "push"


def _take(
    tx: Tx, tenant: Tenant, record: RecordMap, natives: Sequence[NativeRecord], fields: Mapping[str, Collection[str]], run_id: str
) -> int:
    linked = links.by_crm_ids(tx, record.record, [native.crm_id for native in natives])
    known = deals.by_ids(tx, {link.deal_id for link in linked.values()})
    changes: list[DealChange] = []
    for native in natives:
        link = linked.get(native.crm_id)
        if link is None or not link.is_current or native.is_deleted or native.is_converted:
            continue
        reading = record.normalize(native.fields)
        said = own_last_words({name: value for name, value in reading.values.items() if name in fields[native.crm_id]})
        stored = known[link.deal_id]
        edit = edited(stored, ReadChanges(said, frozenset(said), dict.fromkeys(said, NOTE)), run_id)
        if not edit.history:
            continue
        base = {name: Base(comparable(value), reading.spellings.get(name)) for name, value in said.items()}
        moved = replace(link, base={**link.base, **base})
        changes.append(DealChange(stored.deal.id, (edit._replace(is_known=True),), (moved,)))  # its people were told of it before
    write_deals(tx, tenant, changes, run_id)
    return len(changes)
