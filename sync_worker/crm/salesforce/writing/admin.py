"""The Salesforce `Schema`: fields and list values by the Tooling API, and the right to see them by a permission set of our own.

No user sees a field made by API, not even the one who made it. So each one is put into the permission set `sync_worker`, which is made
where there is none and assigned to the user we are; an admin assigns it to the other users who should see the fields.

Source: Tooling API, "CustomField"; Object Reference, "FieldPermissions" (a field's permission needs the object's).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from simple_salesforce.format import format_soql

from sync_worker.crm.salesforce.connection import faults
from sync_worker.crm.salesforce.connection.session import SalesforceConnection
from sync_worker.crm.salesforce.writing.custom_fields import global_set, is_ours_to_make, metadata, with_values
from sync_worker.crm.salesforce.writing.lead_mapping import lead_mapping
from sync_worker.errors import AuthFailed, ConnectionDown, SchemaRefused, WriteRejected
from sync_worker.mapping.required_schema import FieldWish

PERMISSION_SET = "sync_worker"
THERE_ALREADY = frozenset({faults.DUPLICATE_VALUE, "DUPLICATE_DEVELOPER_NAME"})
ATTEMPTS = 3  # another tool may write the whole list between our reading and our writing
PERMISSIONS = "it needs Customize Application, Manage Profiles and Permission Sets, and Assign Permission Sets while it provisions"
_LISTS = threading.Lock()  # one list at a time in this process
_PATH = "Setup → Object Manager → {} → Fields & Relationships"


class SalesforceSchema:
    """One org's record types, changed by the user we are. See `crm/port.py` for what each call promises."""

    most_options: int | None = 500  # of a custom multi-select picklist. Source: Salesforce Help, "Picklist Limitations"

    def __init__(self, connection: SalesforceConnection) -> None:
        self._connection = connection
        self._set_id = ""
        self._opened: set[str] = set()

    def by_hand(self, wish: FieldWish) -> str:
        if is_ours_to_make(wish.name):
            return ""
        path = _PATH.format(wish.native)
        if wish.name.endswith("__c"):
            return f"{path} → {wish.name}: a managed package brings it; install the package, or override the field in the portal file"
        listed = f", and its values hold {', '.join(wish.values)}" if wish.values else ""
        return f"{path} → {wish.name}: a standard field; see that it is on, that this user may see and edit it{listed}"

    def create(self, wish: FieldWish) -> None:
        with _explained(wish):
            body = {"FullName": wish.subject, "Metadata": metadata(wish)}
            self._insert("tooling/sobjects/CustomField", body, doing=f"making {wish.subject}")
            self._grant(wish)

    def add_values(self, wish: FieldWish, values: Sequence[str]) -> None:
        if manual := self.by_hand(wish):
            raise SchemaRefused(f"{wish.subject}: the API does not change a standard list — {manual}")
        with _LISTS, _explained(wish):
            field = self._field_id(wish)
            for _ in range(ATTEMPTS):
                found = self._read(f"tooling/sobjects/CustomField/{field}", doing=f"reading {wish.subject}")["Metadata"]
                if shared := global_set(found):
                    raise SchemaRefused(
                        f"{wish.subject} takes its values from the global value set {shared} — "
                        f"Setup → Picklist Value Sets → {shared}: add {', '.join(values)}"
                    )
                changed = with_values(found, values)
                if changed is None:
                    return
                self._write(
                    f"tooling/sobjects/CustomField/{field}", "PATCH", {"Metadata": changed}, doing=f"adding values to {wish.subject}"
                )
            raise SchemaRefused(f"{wish.subject}: somebody else changes the list at the same time — run it again")

    def conversion(self, native: str, into: str) -> Mapping[str, str] | None:
        return lead_mapping(self._connection, into) if native == "Lead" else None

    # ── who sees it ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, wish: FieldWish) -> None:
        """The field in our permission set, which reads its record type, and which we have."""
        parent = self._permission_set()
        for native in ("Account", wish.native):  # an opportunity's permission needs an account's
            self._open(parent, native)
        soql = "SELECT Id, PermissionsEdit FROM FieldPermissions WHERE ParentId = {} AND SobjectType = {} AND Field = {}"
        rights = {"PermissionsRead": True, "PermissionsEdit": wish.is_written}
        rows = self._query(format_soql(soql, parent, wish.native, wish.subject))
        if not rows:
            body = {"ParentId": parent, "SobjectType": wish.native, "Field": wish.subject, **rights}
            self._insert("sobjects/FieldPermissions", body, doing=f"granting {wish.subject}")
        elif wish.is_written and not rows[0]["PermissionsEdit"]:
            self._write(f"sobjects/FieldPermissions/{rows[0]['Id']}", "PATCH", rights, doing=f"granting {wish.subject}")

    def _permission_set(self) -> str:
        """The id of our permission set, made and assigned to us where it was not."""
        if not self._set_id:
            soql = format_soql("SELECT Id FROM PermissionSet WHERE Name = {}", PERMISSION_SET)
            body = {"Name": PERMISSION_SET, "Label": "sync-worker", "Description": "What sync-worker made for the partner portal."}
            found = self._query(soql)
            if not found:
                self._insert("sobjects/PermissionSet", body, doing="making our permission set")
                found = self._query(soql)
            assigned = {"AssigneeId": self._connection.user_id, "PermissionSetId": found[0]["Id"]}
            self._insert("sobjects/PermissionSetAssignment", assigned, doing="assigning our permission set")
            self._set_id = str(found[0]["Id"])
        return self._set_id

    def _open(self, parent: str, native: str) -> None:
        if native in self._opened:
            return
        rights = {"PermissionsRead": True, "PermissionsCreate": True, "PermissionsEdit": True}
        body = {"ParentId": parent, "SobjectType": native, **rights}
        self._insert("sobjects/ObjectPermissions", body, doing=f"granting {native}")
        self._opened.add(native)

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _field_id(self, wish: FieldWish) -> str:
        soql = "SELECT Id FROM CustomField WHERE TableEnumOrId = {} AND DeveloperName = {} AND NamespacePrefix = null"
        rows = self._query(format_soql(soql, wish.native, wish.name.removesuffix("__c")), path="tooling/query")
        if not rows:
            raise SchemaRefused(f"{wish.subject}: the Tooling API shows this user no such field — {PERMISSIONS}")
        return str(rows[0]["Id"])

    def _insert(self, path: str, body: Mapping[str, Any], *, doing: str) -> None:
        """A record that exists from now on."""
        try:
            self._write(path, "POST", body, doing=doing)
        except WriteRejected as refusal:
            if refusal.code not in THERE_ALREADY:
                raise

    def _write(self, path: str, method: str, body: Mapping[str, Any], *, doing: str) -> None:
        self._connection.write(lambda client: client.restful(path, method=method, json=body), doing=doing)

    def _read(self, path: str, *, doing: str) -> Any:
        return self._connection.read(lambda client: client.restful(path), doing=doing)

    def _query(self, soql: str, *, path: str = "query") -> list[Mapping[str, Any]]:
        answer = self._connection.read(lambda client: client.restful(path, params={"q": soql}), doing="looking for what is there")
        if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
            raise SchemaRefused("Salesforce sent no list of what is there — run it again")
        rows: list[Mapping[str, Any]] = answer["records"]
        return rows


@contextmanager
def _explained(wish: FieldWish) -> Iterator[None]:
    """The vendor's refusal with the field it is about, and what it mostly needs."""
    try:
        yield
    except AuthFailed:
        raise
    except (WriteRejected, ConnectionDown) as refusal:
        raise SchemaRefused(f"{wish.subject}: {refusal} — if the user may not: {PERMISSIONS}") from refusal
