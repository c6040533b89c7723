"""What a CRM record makes of a company, by one portal's file and mapping."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import unfit_name
from sync_worker.domain.core.company import Arrival, Company, arrive
from sync_worker.domain.core.problem import Problem
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.findings import text_problem
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.core import documents


class CompanyReader:
    """What a CRM record makes of a company, by this portal's file and mapping."""

    def __init__(self, tenant: Tenant, record: RecordMap) -> None:
        self._tenant = tenant
        self._record = record
        self._vendor_crm_id = tenant.vendor_crm_id
        self._attribute_names = frozenset(name for name, field in record.fields.items() if field.is_attribute)
        rules = tenant.portal.associations.mode == "rules"
        self._rule_fields = frozenset(tenant.portal.rule_fields) & record.fields.keys()
        self._has_contracts = tenant.portal.two_tier and not rules
        self._mapped = frozenset(map(tenant.crm.canonical_id, tenant.portal.associations.contract_values.values()))
        self._keys = tuple(dict.fromkeys(field.native for field in record.fields.values()))
        how = [tenant.mapping.hash, tenant.vendor_crm_id, tenant.portal.associations.mode, sorted(self._mapped), sorted(self._rule_fields)]
        self._seed = hashlib.blake2b(documents.dump(how).encode(), digest_size=8)

    def digest(self, native: NativeRecord) -> int:
        """What arrival makes of the record depends on this alone, and on the company as it was made so."""
        found = self._seed.copy()
        found.update(documents.dump({key: native.fields[key] for key in self._keys if key in native.fields}).encode())
        return int.from_bytes(found.digest(), signed=True)

    def arrival(self, native: NativeRecord, known: Company | None, *, lost_id: str = "") -> Arrival:
        """**Shapes** `lost_id`: its id, where the database lost it and the record has kept it.

        **Raises** InvalidRecord for a company of ours without a name.
        """
        reading = self._record.normalize(native.fields)
        arrival = arrive(
            reading.values,
            unreadable={mistake.field: str(mistake.value) for mistake in reading.mistakes},
            unlisted={one.field: one.what for one in reading.unlisted},
            crm_id=native.crm_id,
            company_id=known.id if known else lost_id or self._tenant.identity(COMPANY, native.crm_id),
            known=known,
            is_vendor=native.crm_id == self._vendor_crm_id,
            attribute_names=self._attribute_names,
            rule_fields=self._rule_fields,
        )
        unfit = unfit_name(arrival.company, is_mapped=native.crm_id in self._mapped) if self._has_contracts and arrival.company else None
        told = filter(None, (unfit, text_problem(native) if arrival.company else None))
        hints = {mistake.field: mistake.hint for mistake in reading.mistakes}
        return arrival._replace(problems=(*(_with_hint(problem, hints) for problem in arrival.problems), *told))


def _with_hint(problem: Problem, hints: Mapping[str, str]) -> Problem:
    """What the mapping could not read is told with what it can read, and where that is written."""
    hint = hints.get(problem.field)
    return replace(problem, message=f"{problem.message} — {hint}") if hint else problem
