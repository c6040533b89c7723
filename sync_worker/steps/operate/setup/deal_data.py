"""The deals as the CRM has them: values that the mapping cannot read, and the keys they carry. Read now, page by page; nothing is stored.

The same codes as an ingest gives. A deal is the portal's where it carries a key or, where deals may begin in the CRM, where its owner is
a company of the portal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from sync_worker.crm.port import NativeRecord, Scan
from sync_worker.domain.sync.ingest.own_key import key_of
from sync_worker.mapping.catalog import ASSOCIATION, Catalog
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.setup.company_data import DataProblem, Keyed, of_mistake
from sync_worker.steps.sync.ingest.ours import marks


@dataclass(slots=True)
class DealData:
    """**Shapes** of one record type that deals live in. `read_count`: those that are the portal's."""

    read_count: int = 0
    problems: list[DataProblem] = field(default_factory=list)
    keyed: list[Keyed] = field(default_factory=list)


def read_deals(tenant: Tenant, record: RecordMap, catalog: Catalog, company_ids: Collection[str]) -> DealData:
    """The live records of this type. **Shapes** `company_ids`: CRM ids of the portal's companies. **Raises** what every call raises."""
    data = DealData()
    is_read = record.record in tenant.deal_records()
    owner = record.fields["owner_company"].native if "owner_company" in record.fields else ""
    for native in _marked(tenant, record, catalog):
        reading, key = record.normalize(native.fields), key_of(native.fields.get(record.key_field))
        name = str(native.fields.get(record.fields["name"].native) or "") if "name" in record.fields else ""
        if key:
            data.keyed.append(Keyed(native.crm_id, name, key))
        if is_read and (key or _ids(native.fields.get(owner)) & set(company_ids)):
            data.read_count += 1
            data.problems += [of_mistake(native, catalog.id_field, name, one, one.code) for one in reading.mistakes]
    return data


def _marked(tenant: Tenant, record: RecordMap, catalog: Catalog) -> Iterator[NativeRecord]:
    """The live records that may be the portal's."""
    if found := [name for name in marks(tenant.portal, record) if name in catalog.fields]:
        fields = tuple(name for name in record.native_fields if name in catalog.fields and not name.startswith(ASSOCIATION))
        scan = Scan(record.native, fields, None, tenant.crm.now(), only_with=found[0], or_with=tuple(found[1:]))
        for page in tenant.crm.changed_since(scan):
            yield from (one for one in page.records if not (one.is_deleted or one.is_gone or one.is_converted or one.merged_into))


def _ids(owner: object) -> set[str]:
    return set(map(str, owner)) if isinstance(owner, (list, tuple)) else {str(owner)}
