"""The custom fields of an org as records of the Tooling API: each has an id, and a row that can be queried.

No user sees a new field: field-level security must be granted, as after any creation by API.
"""

import re
from typing import Any

from crm_sandbox.salesforce.data.access import apply_access
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import OrgTables
from crm_sandbox.salesforce.schema import fields as make
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.tooling.metadata import field_of, integrity, metadata_of
from crm_sandbox.salesforce.wire import errors
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.ids import to_18

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_MAX_FIELDS = 800  # of one record type


def _custom_field() -> SObject:
    found = [
        make.system("Id", "id", "Custom Field ID"),
        make.text("DeveloperName", 40),
        make.text("TableEnumOrId", 40),
        make.text("NamespacePrefix", 15),
        make.text("ManageableState", 40),
        *make.stamps(),
    ]
    return SObject("CustomField", "Custom Field", "Custom Fields", "00N", tuple(found))


class CustomFields:
    """What an admin's tool sees of the org. `shelf` is an org of its own, with the rows that `tooling/query` reads."""

    def __init__(self, org: Org) -> None:
        self._org = org
        row_type = _custom_field()
        objects = {row_type.name.lower(): row_type}
        self.shelf = Org(org.clock, objects, OrgTables(objects.values()))
        self._id_by_field: dict[tuple[str, str], str] = {}
        self.sync()

    def sync(self) -> None:
        """A row for every custom field that has none yet: the seed's, and those that came by a control."""
        for sobject in self._org.objects.values():
            for field in sobject.fields:
                if field.is_custom and (sobject.name, field.name) not in self._id_by_field:
                    self._note(sobject, field)

    def create(self, full_name: Any, body: Any) -> str:
        """A new field, which no user sees yet; its id.

        Raises: Refusal.
        """
        sobject, name = self._address(full_name)
        if not isinstance(body, dict):
            raise errors.required_missing(["Metadata"])
        if sobject.field(name) is not None:
            words = f"There is already a field named {name.removesuffix('__c')} on {sobject.label}."
            raise SalesforceRefusal("DUPLICATE_DEVELOPER_NAME", words, fields=["DeveloperName"])
        if sum(field.is_custom for field in sobject.fields) >= _MAX_FIELDS:
            raise SalesforceRefusal("LIMIT_EXCEEDED", f"Custom field limit reached for {sobject.label}", fields=[])
        field = field_of(name, body)
        self._refuse_bad_lookup(field)
        grown = self._org.add_field(sobject, field)
        self._org.guard(grown, field)
        apply_access(self._org)
        return self._note(grown, field)

    def read(self, record_id: str) -> dict[str, Any]:
        """One field whole."""
        sobject, field, row = self._found(record_id)
        return {
            "attributes": {"type": "CustomField"},
            "Id": row,
            "TableEnumOrId": sobject.name,
            "DeveloperName": field.name.removesuffix("__c"),
            "NamespacePrefix": None,
            "ManageableState": "unmanaged",
            "FullName": f"{sobject.name}.{field.name}",
            "Metadata": metadata_of(self._org.made(sobject, field)),
        }

    def update(self, record_id: str, body: Any) -> None:
        """The field as it is now wished: its whole Metadata, or a refusal.

        Raises: Refusal, FIELD_INTEGRITY_EXCEPTION for another type.
        """
        sobject, field, _ = self._found(record_id)
        if not isinstance(body, dict):
            raise errors.required_missing(["Metadata"])
        before = self._org.made(sobject, field)
        wished = field_of(field.name, body, before=before)
        if wished.kind != before.kind:
            raise integrity(f"Cannot change the type of {field.label} from {before.kind} to {wished.kind} in the sandbox", "type")
        self._org.change_field(sobject, wished)
        apply_access(self._org)

    def _refuse_bad_lookup(self, field: Field) -> None:
        if field.kind != "reference":
            return
        if field.refers_to[0].lower() not in self._org.objects:
            raise integrity(f"referenceTo value of '{field.refers_to[0]}' does not resolve to a valid sObject type", "referenceTo")
        taken = {
            one.child_relationship for sobject in self._org.objects.values() for one in sobject.fields if one.refers_to == field.refers_to
        }
        if field.child_relationship in taken:
            words = f"There is already a Child Relationship named {field.child_relationship} on {field.refers_to[0]}."
            raise SalesforceRefusal("DUPLICATE_DEVELOPER_NAME", words, fields=["RelationshipName"])

    def _address(self, full_name: Any) -> tuple[SObject, str]:
        """The record type and the field's API name of `Account.X__c`."""
        if not isinstance(full_name, str) or not full_name:
            raise errors.required_missing(["FullName"])
        table, _, name = full_name.partition(".")
        sobject = self._org.objects.get(table.lower())
        if sobject is None:
            raise SalesforceRefusal("INVALID_CROSS_REFERENCE_KEY", f"no record type {table}", fields=["FullName"])
        stem = name.removesuffix("__c")
        if not _NAME.fullmatch(stem) or len(stem) > 40:
            words = (
                "The Field Name can only contain alphanumeric characters, must begin with a letter, cannot end with an underscore, "
                "cannot contain two consecutive underscore characters, and must be unique across all fields"
            )
            raise integrity(f"{words}: {name}", "DeveloperName")
        return sobject, f"{stem}__c"

    def _found(self, record_id: str) -> tuple[SObject, Field, str]:
        self.sync()
        wanted = to_18(record_id)
        for (table, name), row in self._id_by_field.items():
            if row == wanted:
                sobject = self._org.sobject(table)
                field = sobject.field(name)
                assert field is not None  # noqa: S101 - fields are never taken away
                return sobject, field, row
        raise errors.not_found()

    def _note(self, sobject: SObject, field: Field) -> str:
        row_type, stamp = self.shelf.sobject("CustomField"), self._org.stamp()
        record_id = self.shelf.store.next_id(row_type.prefix)
        by = self._org.people.admin
        row = {"CreatedDate": stamp, "CreatedById": by, "LastModifiedDate": stamp, "LastModifiedById": by, "SystemModstamp": stamp}
        names = {"Id": record_id, "DeveloperName": field.name.removesuffix("__c"), "TableEnumOrId": sobject.name}
        self.shelf.store.insert(row_type, {**names, "ManageableState": "unmanaged", **row})
        self._id_by_field[sobject.name, field.name] = record_id
        return record_id
