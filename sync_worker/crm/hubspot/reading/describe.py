"""Describe, in our words: a record type's properties, and the labels of its associations to companies as fields of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync_worker.crm.hubspot.associations.associations import AssociationCalls
from sync_worker.crm.hubspot.connection.faults import MISSING_SCOPES
from sync_worker.crm.hubspot.connection.session import HubspotConnection
from sync_worker.crm.hubspot.reading import options
from sync_worker.crm.hubspot.reading.search import ID
from sync_worker.errors import AuthFailed, ConnectionDown, SchemaChanged
from sync_worker.mapping.catalog import Catalog, CatalogField, FieldType

_TYPES: Mapping[str, FieldType] = {
    "string": "text",
    "phone_number": "text",
    "number": "number",
    "bool": "boolean",
    "date": "date",
    "datetime": "datetime",
    "enumeration": "picklist",
}


def describe(connection: HubspotConnection, associations: AssociationCalls, native: str) -> Catalog:
    """**Raises** SchemaChanged where the account has no such record type, or the token may not see it."""
    try:
        found = properties(connection, native)
        labels = {field.name: field for field in associations.catalog(native)}
    except AuthFailed:
        raise
    except ConnectionDown as error:
        if isinstance(error, SchemaChanged) or MISSING_SCOPES in str(error):
            raise SchemaChanged(f"HubSpot does not show record type {native!r} to this token: {error}") from error
        raise
    return Catalog(native=native, fields=found | labels)


def properties(connection: HubspotConnection, native: str) -> dict[str, CatalogField]:
    """The properties alone, by name."""
    answer = connection.read(
        lambda apis: apis.properties.get_all(native, _preload_content=False), doing=f"describing {native}", is_counted=False
    )
    return {row["name"]: field_of(row) for row in answer["results"] if isinstance(row.get("name"), str) and row["name"]}


def field_of(row: Mapping[str, Any]) -> CatalogField:
    """One property as the API shows it."""
    kind = _TYPES.get(str(row.get("type")), "other")
    if row.get("name") == ID:
        kind = "id"
    if kind == "picklist" and row.get("fieldType") == "checkbox":
        kind = "multi_picklist"
    is_writable = not (_is_read_only(row.get("modificationMetadata")) or row.get("calculated"))
    told = options.told(row) if kind in ("picklist", "multi_picklist") else []
    return CatalogField(
        name=str(row["name"]),
        type=kind,
        label=str(row.get("label") or ""),
        is_createable=is_writable,
        is_updateable=is_writable,
        is_unique=bool(row.get("hasUniqueValue")),
        is_restricted=bool(told),
        values=options.listed(told) if told else None,
        hidden=options.hidden(told),
        labels=options.labels(told),
    )


def _is_read_only(changes: Any) -> bool:
    return isinstance(changes, Mapping) and bool(changes.get("readOnlyValue"))
