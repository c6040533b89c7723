"""What a record type is made of. No values here, only their kinds; `objects.py` has the types of this org."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "id",
    "string",
    "textarea",
    "picklist",
    "multipicklist",
    "boolean",
    "currency",
    "double",
    "int",
    "percent",
    "date",
    "datetime",
    "email",
    "phone",
    "url",
    "reference",
    "address",
]

ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode", "Latitude", "Longitude", "GeocodeAccuracy")
TEXT_KINDS = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url"})
ID_KINDS = frozenset({"id", "reference"})
NUMBER_KINDS = frozenset({"currency", "double", "int", "percent"})
LONG_TEXT_LENGTH = 256  # characters; a text longer than 255 is a "long" one, and shrinks query pages


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type, spelled as describe spells it."""

    name: str
    kind: Kind
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    is_restricted: bool = False
    is_nillable: bool = True
    is_createable: bool = True
    is_updateable: bool = True
    is_external_id: bool = False
    is_unique: bool = False
    is_id_lookup: bool = False
    is_calculated: bool = False
    is_name: bool = False
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    default: str | bool | None = None

    @property
    def is_custom(self) -> bool:
        """Whether an admin made it."""
        return self.name.endswith("__c")

    @property
    def is_required(self) -> bool:
        """Whether a record cannot be without it, and the org does not fill it in for the client."""
        return self.is_createable and not self.is_nillable and self.default is None and self.kind != "boolean"

    @property
    def is_upsert_key(self) -> bool:
        """Whether records can be addressed by it."""
        return self.is_external_id or self.is_id_lookup

    @property
    def is_filterable(self) -> bool:
        """Whether a query may compare, order or group by it."""
        return self.kind != "address" and not self.is_long_text

    @property
    def is_long_text(self) -> bool:
        """Whether selecting it makes query pages smaller."""
        return self.kind == "textarea" and self.length >= LONG_TEXT_LENGTH


@dataclass(frozen=True, slots=True)
class SObject:
    """A record type."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: tuple[Field, ...]
    is_writable: bool = True
    is_mergeable: bool = False

    def field(self, name: str) -> Field | None:
        """The field of that name, whatever its case."""
        small = name.lower()
        return next((field for field in self.fields if field.name.lower() == small), None)

    def compound_of(self, field: Field) -> str | None:
        """The name of the address that a field is a part of."""
        for whole in self.fields:
            stem = whole.name.removesuffix("Address")
            if whole.kind == "address" and field.name.startswith(stem) and field.name.removeprefix(stem) in ADDRESS_PARTS:
                return whole.name
        return None
