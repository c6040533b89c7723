"""Field-level security by permission sets: which guarded fields the integration user sees, and which of them it may edit.

Fields of the seed are open to everybody, until a control hides one. A field made by API is guarded: it is seen through a permission set.
"""

from dataclasses import replace

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.schema.permission_types import ASSIGNMENT, FIELD_PERMISSIONS, OBJECT_PERMISSIONS, PERMISSION_SET
from crm_sandbox.salesforce.schema.schema import SObject
from crm_sandbox.salesforce.wire import errors
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

_KEYS = {
    FIELD_PERMISSIONS: ("ParentId", "Field"),
    OBJECT_PERMISSIONS: ("ParentId", "SobjectType"),
    ASSIGNMENT: ("AssigneeId", "PermissionSetId"),
    PERMISSION_SET: ("Name",),
}

PERMISSION_TYPES = frozenset(_KEYS)


def refuse_bad_permission(org: Org, sobject: SObject, record: Values, record_id: str | None) -> None:
    """The vendor's checks of a permission that is about to be saved.

    Raises: Refusal DUPLICATE_VALUE, FIELD_INTEGRITY_EXCEPTION.
    """
    if sobject.name not in _KEYS:
        return
    keys = _KEYS[sobject.name]
    where = " AND ".join(f'"{name}" = ?' for name in keys)
    for other in org.store.select(sobject, ["Id"], where, [record.get(name) for name in keys]):
        if other["Id"] != record_id:
            raise errors.duplicate_value(keys[-1], other["Id"])
    if sobject.name == FIELD_PERMISSIONS:
        _refuse_bad_field(org, record)
    if record.get("PermissionsEdit") and not record.get("PermissionsRead"):
        raise _integrity("Can't grant edit access without read access", "PermissionsEdit")


def apply_access(org: Org) -> None:
    """Each guarded field as the integration user's permission sets leave it."""
    assigned = {row["PermissionSetId"] for row in _rows(org, ASSIGNMENT) if row["AssigneeId"] == org.people.integration}
    granted = [row for row in _rows(org, FIELD_PERMISSIONS) if row["ParentId"] in assigned and row["PermissionsRead"]]
    edits = {row["Field"]: False for row in granted} | {row["Field"]: True for row in granted if row["PermissionsEdit"]}
    for (table, name), made in org.guarded.items():
        may_edit = edits.get(f"{table}.{name}")
        sobject = org.sobject(table)
        org.put_field(sobject, replace(made, is_createable=bool(may_edit), is_updateable=bool(may_edit)))
        org.hide(sobject, made, hidden=may_edit is None)


def _refuse_bad_field(org: Org, record: Values) -> None:
    table, _, name = str(record.get("Field")).partition(".")
    sobject = org.objects.get(table.lower())
    field = sobject.field(name) if sobject else None
    if sobject is None or field is None or record.get("SobjectType") != sobject.name:
        words = f"Field Name: bad value for restricted picklist field: {record.get('Field')}"
        raise SalesforceRefusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, fields=["Field"])
    if not field.is_custom and not field.is_nillable:
        raise _integrity(f"Field Name: {record['Field']} is not permissionable", "Field")
    reads = [row for row in _rows(org, OBJECT_PERMISSIONS) if row["ParentId"] == record["ParentId"] and row["SobjectType"] == sobject.name]
    if not any(row["PermissionsRead"] for row in reads):
        words = f"Permission Read {field.name} depends on permission(s): Read {sobject.name}"
        raise _integrity(words, "PermissionsRead")


def _integrity(words: str, field: str) -> SalesforceRefusal:
    return SalesforceRefusal("FIELD_INTEGRITY_EXCEPTION", words, fields=[field])


def _rows(org: Org, name: str) -> list[Values]:
    sobject = org.sobject(name)
    return org.store.select(sobject, [field.name for field in sobject.fields], '"IsDeleted" = 0')
