"""Describe, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simple_salesforce.exceptions import SalesforceResourceNotFound

from sync_worker.boundary.headers import whole
from sync_worker.crm.faults import BadAnswer
from sync_worker.crm.salesforce.connection.session import Client, SalesforceConnection
from sync_worker.errors import SchemaChanged
from sync_worker.mapping.catalog import Catalog, CatalogField, FieldType

_TYPES: Mapping[str, FieldType] = {
    "string": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "combobox": "text",
    "int": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "picklist": "picklist",
    "multipicklist": "multi_picklist",
    "reference": "reference",
    "id": "id",
}


def describe(connection: SalesforceConnection, native: str) -> Catalog:
    """**Raises** SchemaChanged where the org has no such record type, or hides it from this user."""
    return Catalog(native=native, fields={field["name"]: _field(field) for field in _fields(connection, native)})


def types(connection: SalesforceConnection, native: str) -> dict[str, str]:
    """The vendor's own type of each field."""
    return {field["name"]: str(field.get("type")) for field in _fields(connection, native)}


def _fields(connection: SalesforceConnection, native: str) -> list[Mapping[str, Any]]:
    def ask(client: Client) -> Any:
        try:
            answer = client.restful(f"sobjects/{native}/describe")
        except SalesforceResourceNotFound as error:
            raise SchemaChanged(
                f"Salesforce does not show {native} to the integration user — give it access, or correct `records` in the mapping"
            ) from error
        if not isinstance(answer, dict) or not isinstance(answer.get("fields"), list):
            raise BadAnswer("no description")
        return answer

    fields: list[Any] = connection.read(ask, doing=f"describing {native}", is_counted=False)["fields"]
    return [field for field in fields if isinstance(field, Mapping) and isinstance(field.get("name"), str) and field["name"]]


def _listed(field: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The values of a list, each with its text."""
    found = field.get("picklistValues")
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("value"), str)]


def _field(field: Mapping[str, Any]) -> CatalogField:
    kind = _TYPES.get(str(field.get("type")), "other")
    listed = _listed(field)
    is_list = kind in ("picklist", "multi_picklist")
    labels = {value["value"]: str(value["label"]) for value in listed if value.get("label") not in (None, "", value["value"])}
    return CatalogField(
        name=field["name"],
        type=kind,
        label=str(field.get("label") or ""),
        is_createable=bool(field.get("createable", True)),  # where nothing is said, the first write tells
        is_updateable=bool(field.get("updateable", True)),
        is_filterable=bool(field.get("filterable", True)),
        is_unique=bool(field.get("unique")),
        is_restricted=bool(field.get("restrictedPicklist")),
        length=whole(str(field.get("length"))) or 0,
        values=tuple(value["value"] for value in listed if value.get("active", True)) if is_list else None,
        inactive=tuple(value["value"] for value in listed if not value.get("active", True)) if is_list else (),
        labels=labels if is_list else {},
        refers_to=tuple(map(str, told)) if isinstance(told := field.get("referenceTo"), list) else (),
    )
