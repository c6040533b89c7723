"""Keys as they stand in the CRM now, held against what the database knows: those that are not ours, those that two records share, and those
of records that the database lost. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sync_worker.domain.sync.ingest.own_key import FOREIGN, TAKEN, has_our_form
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.operate.setup.company_data import DataProblem, Keyed
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, links

LOOKED_UP_COUNT = 2000  # keys in one look at the database


@dataclass(slots=True)
class KeyData:
    """**Shapes** `lost_counts`: by native type, records that carry a key of ours which the database does not know."""

    problems: list[DataProblem] = field(default_factory=list)
    lost_counts: dict[str, int] = field(default_factory=dict)


def judge_keys(
    tenant: Tenant, records: Mapping[str, RecordMap], described: Mapping[str, Catalog], keyed: Mapping[str, Sequence[Keyed]]
) -> KeyData:
    """**Shapes** `keyed`: by record, the live ones that carry a key. **Raises** StoreDown."""
    data = KeyData()
    for name, found in keyed.items():
        if not records[name].is_key_missing:
            _judge(tenant, records[name], described[records[name].native], found, data)
    return data


def _judge(tenant: Tenant, record: RecordMap, catalog: Catalog, keyed: Sequence[Keyed], data: KeyData) -> None:
    first: dict[str, Keyed] = {}
    for start in range(0, len(keyed), LOOKED_UP_COUNT):
        some = keyed[start : start + LOOKED_UP_COUNT]
        with tenant.store.reading(tenant.name) as tx:
            homes = _homes(tx, record, {one.key for one in some})
        for one in some:
            other = first.setdefault(one.key, one)
            if one.key in homes and (home := homes[one.key]) not in ("", one.crm_id):
                data.problems.append(_problem(record, catalog, one, TAKEN, f"empty: it is the key of {home}"))
            elif other is not one:
                data.problems.append(_problem(record, catalog, one, TAKEN, f"empty on this record, or on {other.crm_id}"))
            elif one.key not in homes and has_our_form(one.key):
                data.lost_counts[record.native] = data.lost_counts.get(record.native, 0) + 1
            elif one.key not in homes:
                data.problems.append(_problem(record, catalog, one, FOREIGN, "empty, or the portal's own id"))


def _homes(tx: Tx, record: RecordMap, keys: set[str]) -> dict[str, str]:
    """For each key that we know the record of this type that it belongs to; "" where it has none."""
    if record.record == COMPANY:
        return {key: crm_id or "" for key, crm_id in companies.places(tx, keys).items()}
    homes = links.homes(tx, keys)
    return {key: home.crm_id if (home := homes.get(key)) and home.object == record.record else "" for key in deals.by_ids(tx, keys)}


def _problem(record: RecordMap, catalog: Catalog, one: Keyed, code: str, wanted: str) -> DataProblem:
    return DataProblem(code, record.native, catalog.id_field, one.crm_id, one.name, record.key_field, one.key, wanted)
