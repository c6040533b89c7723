"""Fields of the usual kinds, made with few words.

Custom labels are the API name without its affixes, as an admin who is in a hurry makes them.
"""

from collections.abc import Sequence
from typing import Any

from crm_sandbox.salesforce.schema.schema import Field, Kind

LENGTHS: dict[Kind, int] = {  # of fields that are made without one
    "string": 255,
    "textarea": 255,
    "picklist": 255,
    "multipicklist": 4099,
    "email": 80,
    "phone": 40,
    "url": 255,
    "reference": 18,
}
DIGITS: dict[Kind, tuple[int, int]] = {"currency": (18, 2), "percent": (18, 2), "double": (18, 0), "int": (9, 0)}  # precision, scale


def added(name: str, kind: Kind, **said: Any) -> Field:
    """A field as an admin words it who says no more than is needed; what is left out is as the vendor's wizard has it."""
    precision, scale = DIGITS.get(kind, (0, 0))
    usual = {"label": name.removesuffix("__c"), "length": LENGTHS.get(kind, 0), "precision": precision, "scale": scale}
    is_check = kind == "boolean"
    return Field(name, kind, **{**usual, **({"is_nillable": False, "default": False} if is_check else {}), **said})


def _label(name: str) -> str:
    """A label as an admin in a hurry makes it."""
    return name.removesuffix("__c").replace("_", " ")


def text(name: str, length: int = 255, label: str | None = None) -> Field:
    """A line of text."""
    return Field(name, "string", label or _label(name), length=length)


def area(name: str) -> Field:
    """A short text of several lines."""
    return Field(name, "textarea", _label(name), length=255)


def choice(name: str, values: Sequence[str], *, restricted: bool = False, label: str | None = None) -> Field:
    """A picklist."""
    return Field(name, "picklist", label or _label(name), length=255, values=tuple(values), is_restricted=restricted)


def multi(name: str, values: Sequence[str]) -> Field:
    """A multi-select."""
    return Field(name, "multipicklist", _label(name), length=4099, values=tuple(values))


def plain(name: str, kind: Kind, label: str | None = None) -> Field:
    """A field with nothing to it but its kind."""
    return Field(name, kind, label or _label(name))


def money(name: str, label: str | None = None) -> Field:
    """An amount with cents."""
    return Field(name, "currency", label or _label(name), precision=18, scale=2)


def count(name: str) -> Field:
    """A whole number, kept as a double, as custom fields are."""
    return Field(name, "double", _label(name), precision=8, scale=0)


def check(name: str) -> Field:
    """A checkbox."""
    return Field(name, "boolean", _label(name), is_nillable=False, default=False)


def lookup(name: str, refers_to: str, label: str, relationship: str) -> Field:
    """A link to another record."""
    return Field(name, "reference", label, length=18, refers_to=(refers_to,), relationship=relationship)


def key(name: str) -> Field:
    """An external id."""
    return Field(name, "string", _label(name), length=36, is_external_id=True, is_unique=True, is_id_lookup=True)


def system(name: str, kind: Kind, label: str, *, nillable: bool = False, refers_to: str = "") -> Field:
    """A field that only the vendor writes."""
    return Field(
        name,
        kind,
        label,
        length=18 if kind in ("id", "reference") else 0,
        is_nillable=nillable,
        is_createable=False,
        is_updateable=False,
        is_id_lookup=kind == "id",
        refers_to=(refers_to,) if refers_to else (),
        relationship=name.removesuffix("Id") if refers_to else None,
    )


def head(label: str, *, merges_into: str | None = None) -> list[Field]:
    """What every record begins with."""
    fields = [system("Id", "id", f"{label} ID"), system("IsDeleted", "boolean", "Deleted")]
    if merges_into:
        fields.append(system("MasterRecordId", "reference", "Master Record ID", nillable=True, refers_to=merges_into))
    return fields


def stamps() -> list[Field]:
    """Who made and changed a record, and when."""
    return [
        system("CreatedDate", "datetime", "Created Date"),
        system("CreatedById", "reference", "Created By ID", refers_to="User"),
        system("LastModifiedDate", "datetime", "Last Modified Date"),
        system("LastModifiedById", "reference", "Last Modified By ID", refers_to="User"),
        system("SystemModstamp", "datetime", "System Modstamp"),
    ]


def name(label: str, length: int) -> Field:
    """The name of a record."""
    return Field("Name", "string", label, length=length, is_nillable=False, is_name=True)


def owner() -> Field:
    """Whose record it is."""
    return Field("OwnerId", "reference", "Owner ID", 18, refers_to=("User",), relationship="Owner")


def address(name: str, label: str) -> Field:
    """A compound of the fields that bear its first word; no request writes it or filters by it."""
    return Field(name, "address", label, is_createable=False, is_updateable=False)
