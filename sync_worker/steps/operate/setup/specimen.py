"""SPECIMEN: one record as the CRM has it now, so that a mapping can be tried on it. Nothing is stored but what describe says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.errors import ConfigError
from sync_worker.mapping.compile import RecordMap, compile_mapping
from sync_worker.nearest import choose_from
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.setup.survey import remember


def specimen(tenant: Tenant, crm_id: str, *, record: str = "") -> tuple[RecordMap, NativeRecord]:
    """The record of this id, and how the portal reads it. Fields that the CRM does not show are left out.

    **Shapes** `record`: company, lead, opportunity or deal; each is asked for in turn where none is named.
    **Raises** ConfigError: there is none, or no such record type; and what every call of `Crm` raises.
    """
    known = list(tenant.plain_mapping.records)
    if record and record not in known:
        raise ConfigError(f"--record {record}: no such record — {choose_from(record, known)}")
    for name in [record] if record else known:
        reader = _reader(tenant, name)
        found = tenant.crm.fetch(reader.native, [tenant.crm.canonical_id(crm_id)], fields=reader.native_fields)
        if living := _living(found):
            return reader, living
    looked = record or ", ".join(known)
    raise ConfigError(f"--id {crm_id}: the CRM of {tenant.name} shows no such record (looked for: {looked}) — copy the id from the CRM")


def _reader(tenant: Tenant, name: str) -> RecordMap:
    native = tenant.plain_mapping.records[name].native
    described = remember(tenant, (native,))
    reader = compile_mapping(tenant.grammar, tenant.portal, described).records[name]
    return replace(reader, native_fields=tuple(field for field in reader.native_fields if field in described[native].fields))


def _living(found: Iterable[NativeRecord]) -> NativeRecord | None:
    return next((one for one in found if not (one.is_deleted or one.is_gone)), None)
