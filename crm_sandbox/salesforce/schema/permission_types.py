"""The record types that say who may see and edit what; `access.py` says what follows from their records."""

from crm_sandbox.salesforce.schema import fields as make
from crm_sandbox.salesforce.schema.schema import Field, SObject

PERMISSION_SET, ASSIGNMENT = "PermissionSet", "PermissionSetAssignment"
FIELD_PERMISSIONS, OBJECT_PERMISSIONS = "FieldPermissions", "ObjectPermissions"
_OBJECT_RIGHTS = ("Create", "Read", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


def permission_objects() -> list[SObject]:
    """The record types that an admin's tool writes access into."""
    parent = make.lookup("ParentId", PERMISSION_SET, "Parent ID", "Parent")
    return [
        _type(PERMISSION_SET, "0PS", [make.text("Name", 80), make.text("Label", 80), make.text("Description", 255)]),
        _type(
            ASSIGNMENT,
            "0Pa",
            [
                make.lookup("PermissionSetId", PERMISSION_SET, "PermissionSet ID", "PermissionSet"),
                make.lookup("AssigneeId", "User", "Assignee ID", "Assignee"),
            ],
        ),
        _type(
            FIELD_PERMISSIONS,
            "01k",
            [parent, make.text("SobjectType", 40), make.text("Field", 120), make.check("PermissionsRead"), make.check("PermissionsEdit")],
        ),
        _type(
            OBJECT_PERMISSIONS, "110", [parent, make.text("SobjectType", 40), *(make.check(f"Permissions{one}") for one in _OBJECT_RIGHTS)]
        ),
    ]


def _type(name: str, prefix: str, own: list[Field]) -> SObject:
    return SObject(name, name, name, prefix, (*make.head(name), *own, *make.stamps()))
