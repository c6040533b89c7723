"""COMPARE: every deal held against its CRM record, field by field. Reads only: what differs is said, not mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.deal import Deal
from sync_worker.domain.reconcile import comparable
from sync_worker.domain.values import Plain, Value
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.deal_shelf import REFERENCES
from sync_worker.steps.tenant import Tenant
from sync_worker.store import companies, deals, links
from sync_worker.store.links import Link

PAGE_COUNT = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that the two sides hold otherwise. **Shapes** `field` "" = the CRM shows no record."""

    deal_id: str
    crm_id: str
    field: str
    portal: Plain
    crm: Plain


def compare(tenant: Tenant) -> tuple[int, list[Difference]]:
    """(fields compared, those that differ), over every live deal that has a CRM record."""
    count, found, after = 0, list[Difference](), ""
    while True:
        with tenant.store.reading(tenant.name) as tx:
            page = [stored.deal for stored in deals.page(tx, after=after, limit=PAGE_COUNT)]
            held = {deal.id: deal for deal in page}
            current = {deal_id: link for deal_id, link in links.current(tx, held).items() if link.deleted_at is None}
            named = {str(deal.values[name]) for deal in page for name in REFERENCES if deal.values.get(name)}
            crm_ids = companies.crm_ids_by_id(tx, named)
        compared = list(_records(tenant, held, current, crm_ids))
        count += len(compared)
        found += [difference for difference in compared if difference.portal != difference.crm]
        if len(page) < PAGE_COUNT:
            return count, found
        after = page[-1].id


def _records(tenant: Tenant, held: Mapping[str, Deal], current: Mapping[str, Link], crm_ids: dict[str, str]) -> Iterator[Difference]:
    """Every field of these deals, as each side holds it."""
    for record_name in sorted({link.object for link in current.values()}):
        record = tenant.mapping.records[record_name]
        deal_ids = {link.crm_id: deal_id for deal_id, link in current.items() if link.object == record_name}
        natives = {native.crm_id: native for native in tenant.crm.fetch(record.native, sorted(deal_ids), fields=record.native_fields)}
        for crm_id, deal_id in sorted(deal_ids.items()):
            yield from _fields(record, held[deal_id], natives.get(crm_id), crm_id, crm_ids)


def _fields(record: RecordMap, deal: Deal, native: NativeRecord | None, crm_id: str, crm_ids: dict[str, str]) -> Iterator[Difference]:
    if native is None:
        yield Difference(deal.id, crm_id, "", "a deal", None)
        return
    reading = record.normalize(native.fields)
    for name, field in record.fields.items():
        if field.write not in ("always", "update") or field.direction == "pull":
            continue
        ours: Value = deal.values.get(name)
        if name in REFERENCES and ours:
            ours = crm_ids.get(str(ours), str(ours))
        yield Difference(deal.id, crm_id, name, comparable(ours), comparable(reading.values.get(name)))
