"""Native records of companies in our words, by one portal's file and mapping."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import Company
from sync_worker.domain.sync.ingest.companies.arrival import Arrival, arrive
from sync_worker.domain.sync.ingest.companies.plain import CompanyColumns
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord, CompanyRules
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.findings import text_problem
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import documents


class CompanyReader:
    """Reads native records. **Shapes** `rules`: what the portal's file and mapping say of companies."""

    def __init__(self, tenant: Tenant, record: RecordMap) -> None:
        associations = tenant.portal.associations
        mapped = frozenset(map(tenant.crm.canonical_id, associations.contract_values.values()))
        rule_fields = frozenset(tenant.portal.rule_fields) & record.fields.keys()
        self._record = record
        self._keys = tuple(dict.fromkeys(field.native for field in record.fields.values() if field.native != record.key_field))
        self.rules = CompanyRules(
            tenant.vendor_crm_id,
            attribute_names=frozenset(name for name, field in record.fields.items() if field.is_attribute),
            rule_fields=rule_fields,
            has_contracts=tenant.portal.two_tier and associations.mode != "rules",
            mapped=mapped,
        )
        how = [tenant.mapping.hash, tenant.vendor_crm_id, associations.mode, sorted(mapped), sorted(rule_fields)]
        self._seed = hashlib.blake2b(documents.encoded(how), digest_size=8)

    def digest(self, native: NativeRecord) -> int:
        """What arrival makes of the record depends on this alone, and on the company as it was made so; our key on it does not count."""
        found, fields = self._seed.copy(), native.fields
        found.update(documents.encoded({key: fields[key] for key in self._keys if key in fields}))
        return int.from_bytes(found.digest(), signed=True)

    def key_on(self, native: NativeRecord) -> Any:
        """What stands in our key field, as the CRM spells it."""
        return native.fields.get(self._record.key_field)

    def columns(self, natives: Sequence[tuple[NativeRecord, str]]) -> CompanyColumns:
        """Live records, each with the id of its company, field by field."""
        columns = self._record.columns([native.fields for native, _ in natives])
        return CompanyColumns([native.crm_id for native, _ in natives], [id_ for _, id_ in natives], columns.values, columns.odd)

    def read(self, native: NativeRecord, *, new_id: str = "") -> CompanyRecord:
        """The live record in our words."""
        reading = self._record.normalize(native.fields)
        mistakes, key_field = reading.mistakes, self._record.key_field
        return CompanyRecord(
            native.crm_id,
            native.modified_at,
            native.fields.get(key_field),
            key_field in native.fields,
            new_id,
            values=reading.values,
            spellings=reading.spellings,
            unreadable={mistake.field: str(mistake.value) for mistake in mistakes} if mistakes else _NONE,
            unlisted={one.field: one.what for one in reading.unlisted} if reading.unlisted else _NONE,
            hints={mistake.field: mistake.hint for mistake in mistakes} if mistakes else _NONE,
            text=text_problem(native),
            digest=self.digest(native),
        )

    def glance(self, native: NativeRecord, *, becomes: str = "") -> CompanyRecord:
        """The record without its values: it is as it was, or gone. **Shapes** `becomes` as in `CompanyRecord`."""
        key = native.fields.get(self._record.key_field)
        return CompanyRecord(native.crm_id, native.modified_at, key, is_deleted=native.is_deleted, is_gone=native.is_gone, becomes=becomes)

    def arrival(self, native: NativeRecord, known: Company) -> Arrival:
        """What the record makes of a company that is known. **Raises** InvalidRecord for a company without a name."""
        return arrive(self.read(native), known, self.rules)


_NONE: dict[str, Any] = {}
