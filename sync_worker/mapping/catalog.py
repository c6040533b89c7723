"""What a CRM's describe says of one record type, in our words; `optional` and `from_crm` are decided by it.

Every CRM adapter makes these; nothing here knows which CRM it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

FieldType: TypeAlias = Literal["text", "number", "boolean", "date", "datetime", "picklist", "multi_picklist", "reference", "id", "other"]

ASSOCIATION = "association:"


def association_field(label: str) -> str:
    """The native field that an association to a company travels as: `association:portal_partner` for *Portal Partner*.

    People rename labels for their looks; case, spaces and signs make no difference.
    """
    return ASSOCIATION + re.sub(r"[\W_]+", "_", label.casefold()).strip("_")


@dataclass(frozen=True, slots=True)
class CatalogField:
    """One field as the CRM describes it.

    **Shapes** `values`: picklist values that a write may use, `None` where the field is not a picklist; `hidden`: those of them that people
    are not offered any more. `inactive`: on the list too, and records keep them, but the CRM takes them in no write. `labels`: value → what
    people of the CRM read, for those values that read otherwise.
    """

    name: str
    type: FieldType
    label: str = ""
    is_createable: bool = True
    is_updateable: bool = True
    is_filterable: bool = True
    is_unique: bool = False
    is_restricted: bool = False
    length: int = 0
    values: tuple[str, ...] | None = None
    hidden: tuple[str, ...] = ()
    inactive: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    refers_to: tuple[str, ...] = ()

    @property
    def offered(self) -> tuple[str, ...]:
        """The picklist values that people can choose."""
        return tuple(value for value in self.values or () if value not in self.hidden)


_KEPT = tuple(one.name for one in fields(CatalogField))  # `asdict` copies every value, which takes ten times as long


@dataclass(frozen=True, slots=True)
class Catalog:
    """One record type as the CRM describes it, fields by native name."""

    native: str
    fields: Mapping[str, CatalogField]

    @property
    def id_field(self) -> str:
        """The CRM's own name for a record's id; "id" where it describes none."""
        return next((one.name for one in self.fields.values() if one.type == "id"), "id")

    def to_document(self) -> dict[str, Any]:
        """JSON form, for the store's cache."""
        return {"native": self.native, "fields": [{name: getattr(one, name) for name in _KEPT} for one in self.fields.values()]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Catalog:
        """The inverse of `to_document`."""
        fields = (
            CatalogField(
                **{
                    **kept,
                    "values": None if kept["values"] is None else tuple(kept["values"]),
                    "hidden": tuple(kept["hidden"]),
                    "inactive": tuple(kept.get("inactive", ())),  # absent from what an older version kept
                    "refers_to": tuple(kept["refers_to"]),
                }
            )
            for kept in document["fields"]
        )
        return cls(native=document["native"], fields={one.name: one for one in fields})
