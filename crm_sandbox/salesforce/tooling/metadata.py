"""A custom field's Metadata: read into a `Field`, and written from one. Spelled as the Tooling API spells it (`valueName`, not `fullName`).

Source: Metadata API Developer Guide, CustomField; Tooling API, CustomField.
"""

import re
from dataclasses import replace
from typing import Any

from crm_sandbox.salesforce.schema.fields import LENGTHS
from crm_sandbox.salesforce.schema.schema import Field, Kind
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

Metadata = dict[str, Any]
MAX_RESTRICTED = 1000  # values, active and not
MAX_MULTI = 500  # values of a multi-select
_MAX_LABEL = 40
_MAX_TEXT = 255
_KINDS: dict[str, Kind] = {
    "Text": "string",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
}
_TYPES = {kind: name for name, kind in _KINDS.items() if name != "TextArea"}
_NEEDED = {
    "Text": ("length",),
    "LongTextArea": ("length", "visibleLines"),
    "Checkbox": ("defaultValue",),
    "Number": ("precision", "scale"),
    "Currency": ("precision", "scale"),
    "Percent": ("precision", "scale"),
    "Picklist": ("valueSet",),
    "MultiselectPicklist": ("valueSet", "visibleLines"),
    "Lookup": ("referenceTo", "relationshipName"),
}


def integrity(words: str, *fields: str) -> SalesforceRefusal:
    """What the vendor says of a field that cannot be as it is asked for."""
    return SalesforceRefusal("FIELD_INTEGRITY_EXCEPTION", words, fields=list(fields))


def field_of(name: str, body: Metadata, *, before: Field | None = None) -> Field:
    """A field as an admin words it; a list forgets no value that it had before.

    Raises: Refusal for what is missing or too large.
    """
    kind = _KINDS.get(str(body.get("type")))
    if kind is None:
        raise SalesforceRefusal("INVALID_FIELD", f"'{body.get('type')}' is not a valid value for the enum 'FieldType'", fields=["Metadata"])
    for needed in ("label", *_NEEDED.get(str(body["type"]), ())):
        if body.get(needed) is None:
            raise SalesforceRefusal("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{needed}]", fields=[needed])
    if len(str(body["label"])) > _MAX_LABEL:
        raise SalesforceRefusal(
            "STRING_TOO_LONG", f"Label: data value too large: {body['label']} (max length={_MAX_LABEL})", fields=["label"]
        )
    field = Field(
        name,
        kind,
        str(body["label"]),
        length=_length(kind, body),
        precision=int(body.get("precision") or 0),
        scale=int(body.get("scale") or 0),
        is_nillable=kind != "boolean" and not body.get("required"),
        is_external_id=bool(body.get("externalId")),
        is_unique=bool(body.get("unique")),
        is_id_lookup=bool(body.get("externalId")),
        refers_to=(str(body["referenceTo"]),) if kind == "reference" else (),
        relationship=re.sub("__c$", "__r", name) if kind == "reference" else None,
        child_relationship=str(body["relationshipName"]) if kind == "reference" else None,
        default=str(body["defaultValue"]).lower() == "true" if kind == "boolean" else None,
    )
    if kind not in ("picklist", "multipicklist"):
        return field
    known = replace(field, values=before.values, retired=before.retired) if before else field
    return _with_values(known, body["valueSet"])


def _with_values(field: Field, value_set: Metadata) -> Field:
    """The field with the list that is wished. A value that is left out is not gone: it is inactive from then on.

    Raises: Refusal for a list that is too long, or has a value twice.
    """
    wished = (value_set.get("valueSetDefinition") or {}).get("value") or []
    names = [str(value.get("valueName") or value.get("label") or "") for value in wished]
    if len({name.casefold() for name in names}) < len(names):
        twice = next(name for index, name in enumerate(names) if name.casefold() in [one.casefold() for one in names[:index]])
        raise SalesforceRefusal("DUPLICATE_VALUE", f"Duplicate value found: {twice}", fields=[])
    active = tuple(name for name, value in zip(names, wished, strict=True) if value.get("isActive") is not False)
    retired = tuple(name for name in (*field.values, *field.retired, *names) if name not in active)
    is_restricted = bool(value_set.get("restricted"))
    _refuse_too_many(field, len(active) + len(set(retired)), is_restricted=is_restricted)
    return replace(field, values=active, retired=tuple(dict.fromkeys(retired)), is_restricted=is_restricted)


def metadata_of(field: Field) -> Metadata:
    """The field as the vendor words it: every key, most of them null. Inactive values are told of a closed list alone."""
    told = [(value, True) for value in field.values] + [(value, False) for value in field.retired if field.is_restricted]
    definition = {
        "sorted": False,
        "value": [{"label": name, "valueName": name, "default": False, "isActive": active, "color": None} for name, active in told],
    }
    is_list, is_number = field.kind in ("picklist", "multipicklist"), field.precision > 0
    return {
        "label": field.label,
        "type": "TextArea" if field.kind == "textarea" and not field.is_long_text else _TYPES[field.kind],
        "required": False,
        "unique": field.is_unique,
        "externalId": field.is_external_id,
        "caseSensitive": False if field.is_unique else None,
        "length": field.length if field.kind == "string" or field.is_long_text else None,
        "precision": field.precision if is_number else None,
        "scale": field.scale if is_number else None,
        "defaultValue": str(bool(field.default)).lower() if field.kind == "boolean" else None,
        "visibleLines": 4 if field.kind == "multipicklist" else None,
        "referenceTo": next(iter(field.refers_to), None),
        "relationshipName": field.child_relationship,
        "deleteConstraint": "SetNull" if field.kind == "reference" else None,
        "valueSet": {"restricted": field.is_restricted, "valueSetName": None, "valueSetDefinition": definition} if is_list else None,
        "description": None,
        "inlineHelpText": None,
    }


def _length(kind: Kind, body: Metadata) -> int:
    if body["type"] == "TextArea":
        return _MAX_TEXT
    if kind != "string":
        return int(body.get("length") or LENGTHS.get(kind, 0))
    length = int(body["length"])
    if not 1 <= length <= _MAX_TEXT:
        raise integrity(f"Text field length must be between 1 and {_MAX_TEXT}", "length")
    return length


def _refuse_too_many(field: Field, count: int, *, is_restricted: bool) -> None:
    most = MAX_MULTI if field.kind == "multipicklist" else MAX_RESTRICTED if is_restricted else None
    if most is not None and count > most:
        words = f"You have reached the maximum number of {most} values, active and inactive, for the picklist {field.label}"
        raise SalesforceRefusal("LIMIT_EXCEEDED", words, fields=[])
