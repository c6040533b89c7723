"""CHECK: is the CRM reachable, and has it what the portal file and the mapping name? Changes nothing but the describe cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sync_worker.errors import SchemaChanged
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import RecordMap, compile_mapping
from sync_worker.mapping.fields import FieldMap
from sync_worker.steps.tenant import Tenant
from sync_worker.store import catalogs, failures, portals
from sync_worker.store.failures import Failure


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. **Shapes** `remedy` is empty exactly when it is in order."""

    subject: str
    is_ok: bool
    words: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One record whose data a person should correct in the CRM.

    **Shapes** `field`: API name, "" where no one field is to blame; `id_field`: what the CRM calls a record's id.
    """

    code: str
    native: str
    id_field: str
    crm_id: str
    name: str
    field: str
    message: str


def check(tenant: Tenant) -> list[Finding]:
    """Everything that was looked at, in the order of set-up. **Raises** AuthFailed, TransientError: then nothing else can be known."""
    crm_now = tenant.crm.now()
    found = [Finding("connection", True, f"the CRM answers; its clock says {crm_now:%Y-%m-%d %H:%M:%S} UTC")]
    described: dict[str, Catalog] = {}
    for native in dict.fromkeys(record.native for record in tenant.plain_mapping.records.values()):
        try:
            described[native] = tenant.crm.describe(native)
        except SchemaChanged as error:
            found.append(Finding(native, False, str(error), f"grant the integration user access to {native}"))
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.enter(tx, tenant.portal.associations.mode)
        for catalog in described.values():
            catalogs.save(tx, catalog)
    compiled = compile_mapping(tenant.grammar, tenant.portal, described)
    for record in compiled.records.values():
        if record.native in described:
            found += _of_record(record, described[record.native])
    return found


def data_problems(tenant: Tenant) -> list[DataProblem]:
    """What is wrong with the CRM's data, as of the last reads; the records are applied as far as they make sense."""
    records = tenant.plain_mapping.records
    with tenant.store.reading(tenant.name) as tx:
        found = [row.failure for row in failures.listed(tx)]
        ids = {name: catalog.id_field if (catalog := catalogs.get(tx, record.native)) else "id" for name, record in records.items()}
    wrong = [failure for failure in found if failure.stage == "ingest" and failure.object in records]
    return [_data_problem(records[failure.object], failure, ids[failure.object]) for failure in wrong]


def _data_problem(record: RecordMap, failure: Failure, id_field: str) -> DataProblem:
    canonical = failure.field.partition("[")[0]  # a value of a set stands in brackets
    field = record.fields.get(canonical)
    native = field.native if field else ""
    return DataProblem(failure.code, record.native, id_field, failure.record, failure.name, native, failure.message)


def _of_record(record: RecordMap, catalog: Catalog) -> Iterator[Finding]:
    yield _of_key(record, catalog)
    missing = {field.field for field in record.missing}
    for field in record.fields.values():
        if field.field not in missing:
            yield _of_field(record, field, catalog)
    for field in record.missing:
        subject = f"{record.native}.{field.native}"
        remedy = "create the association label, or keep the company in a field: `native:` instead of `association:` in the mapping"
        yield Finding(
            subject,
            False,
            f"missing or hidden ({field.field})",
            remedy if field.is_association else "create the field, grant access, or correct the mapping",
        )


def _of_key(record: RecordMap, catalog: Catalog) -> Finding:
    subject, key = f"{record.native}.{record.key_field}", catalog.fields.get(record.key_field)
    if key is None:
        return Finding(subject, False, "our key is missing or hidden", "create it: text(36), unique, external id")
    if not key.is_unique:
        return Finding(subject, False, "our key is not unique", "mark it unique and as an external id")
    return Finding(subject, True, "our key, unique")


def _of_field(record: RecordMap, field: FieldMap, catalog: Catalog) -> Finding:
    subject, described = f"{record.native}.{field.native}", catalog.fields.get(field.native)
    if described is None:
        return Finding(subject, True, f"not there, and optional ({field.field})")
    may_write = described.is_updateable if field.write in ("always", "update") else described.is_createable
    if field.direction != "pull" and not may_write:
        return Finding(subject, False, f"read-only for this user ({field.field})", "grant edit access to the field")
    unlisted = _unlisted(field, described.values)
    if unlisted and described.is_restricted:
        words = f"the picklist lacks {', '.join(unlisted)} ({field.field})"
        return Finding(subject, False, words, "add the values, or correct the mapping")
    return Finding(subject, True, f"{described.type} ({field.field})")


def _unlisted(field: FieldMap, values: tuple[str, ...] | None) -> list[str]:
    """What we would write and the picklist does not have."""
    if values is None or field.allowed is None or field.direction == "pull":
        return []
    spelled = {str(field.spell(allowed)) for allowed in field.allowed}
    return sorted(spelled - set(values) - {"None", ""})
