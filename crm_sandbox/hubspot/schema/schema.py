"""What a record type looks like: its properties, their options and groups. Properties are values; a change makes a new one."""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from crm_sandbox.hubspot.wire import errors

Kind = Literal["string", "number", "bool", "enumeration", "date", "datetime"]
FIELD_TYPES = {
    "string": ("text", "textarea", "file", "phonenumber", "html"),
    "number": ("number", "calculation_equation"),
    "bool": ("booleancheckbox", "calculation_equation"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
MAX_UNIQUE = 10  # unique properties of a record type, the vendor's own not counted
MAX_OPTIONS = 5_000  # of one enumeration
MAX_OPTION_CHARS = 3_000  # of an option's label, value and description together


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of an enumeration: `value` is kept, `label` is shown."""

    value: str
    label: str
    order: int = 0
    hidden: bool = False
    description: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the vendor shows it."""
        shape = {"label": self.label, "value": self.value, "displayOrder": self.order, "hidden": self.hidden}
        return shape if self.description is None else {**shape, "description": self.description}

    def to_text(self) -> str:
        """As the dated API writes it into the words of a refusal."""
        hidden = str(self.hidden).lower()
        return f'label: "{self.label}"\nvalue: "{self.value}"\ndisplay_order: {self.order}\nhidden: {hidden}\n'


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a record type. `is_external`: its options are another list's, and not shown with it."""

    name: str
    kind: Kind = "string"
    field_type: str = "text"
    label: str = ""
    group: str = ""
    options: tuple[Option, ...] = ()
    description: str = ""
    order: int = -1
    is_unique: bool = False
    is_hidden: bool = False
    is_form_field: bool = False
    is_read_only: bool = False
    is_vendors: bool = False
    has_fixed_options: bool = False
    is_external: bool = False
    values: frozenset[str] = field(init=False, compare=False)
    created_at: str | None = None
    updated_at: str | None = None
    archived_at: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozenset(option.value for option in self.options))

    @property
    def is_set(self) -> bool:
        """Whether it holds several values, joined by semicolons."""
        return self.kind == "enumeration" and self.field_type == "checkbox"

    def in_group(self, group: str) -> "Property":
        """The same under another heading."""
        return replace(self, group=group)

    def to_dict(self) -> dict[str, Any]:
        """As the properties API shows it."""
        shape: dict[str, Any] = {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.kind,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [option.to_dict() for option in self.options],
            "displayOrder": self.order,
            "calculated": False,
            "externalOptions": self.is_external,
            "hasUniqueValue": self.is_unique,
            "hidden": self.is_hidden,
            "hubspotDefined": self.is_vendors,
            "modificationMetadata": {
                "archivable": not self.is_vendors,
                "readOnlyDefinition": self.is_vendors,
                "readOnlyOptions": self.has_fixed_options,
                "readOnlyValue": self.is_read_only,
            },
            "formField": self.is_form_field,
            "dataSensitivity": "non_sensitive",
            "archived": self.archived_at is not None,
        }
        stamps = {"createdAt": self.created_at, "updatedAt": self.updated_at, "archivedAt": self.archived_at}
        return shape | {name: stamp for name, stamp in stamps.items() if stamp is not None}


@dataclass(slots=True)
class Group:
    """A heading that properties stand under."""

    name: str
    label: str
    order: int = -1

    def to_dict(self) -> dict[str, Any]:
        """As the properties API shows it."""
        return {"name": self.name, "label": self.label, "displayOrder": self.order, "archived": False}


@dataclass(slots=True)
class ObjectType:
    """A record type. `shown` are the properties an answer has when none are asked for; `modified` is its stamp's name."""

    name: str
    singular: str
    type_id: str
    first_id: int
    label: str
    primary: str
    shown: tuple[str, ...]
    modified: str
    properties: dict[str, Property]
    groups: dict[str, Group]
    archived: dict[str, Property] = field(default_factory=dict)

    @property
    def upper(self) -> str:
        """As refusals name it."""
        return self.singular.upper()

    def add(self, found: Property) -> None:
        """A new property.

        Raises: Refusal, when one unique property too many.
        """
        own = [prop for prop in self.properties.values() if prop.is_unique and not prop.is_vendors]
        if found.is_unique and len(own) >= MAX_UNIQUE:
            raise errors.invalid(f"The limit of {MAX_UNIQUE} unique properties for object type {self.type_id} has been reached")
        self.properties[found.name] = found

    def archive(self, name: str, at: str) -> None:
        """A property put away: records neither show nor take it.

        Raises: Refusal, when it is the vendor's.
        """
        if self.properties[name].is_vendors:
            raise errors.invalid(f"Property {name} is defined by HubSpot and cannot be archived")
        self.archived[name] = replace(self.properties.pop(name), archived_at=at)

    def change(self, name: str, **changes: Any) -> Property:
        """A property changed."""
        self.properties[name] = replace(self.properties[name], **changes)
        return self.properties[name]
