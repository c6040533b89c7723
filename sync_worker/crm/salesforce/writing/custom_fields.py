"""A wish as a custom field's Metadata, spelled for the Tooling API. No call is made here.

Lists are closed: a value that is not listed is refused when it is written, and is not added to the list.
Source: Metadata API Developer Guide, "CustomField" and "ValueSet"; the Tooling API says `valueName` where it says `fullName`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sync_worker.mapping.required_schema import KEY_LENGTH, FieldKind, FieldWish

Metadata: TypeAlias = dict[str, Any]
TEXT_LENGTH = 255
DIGITS = 18  # of a number, decimals included
VISIBLE_LINES = 6
RELATION_LENGTH = 40
MONEY = "amount"  # converts into Opportunity.Amount, which takes only a currency

_PLAIN: Mapping[FieldKind, Metadata] = {
    "key": {"type": "Text", "length": KEY_LENGTH, "unique": True, "externalId": True, "caseSensitive": False},
    "text": {"type": "Text", "length": TEXT_LENGTH},
    "text_area": {"type": "TextArea"},  # 255 characters; two long ones would make pages of 200 records out of pages of 2,000
    "integer": {"type": "Number", "precision": DIGITS, "scale": 0},
    "boolean": {"type": "Checkbox", "defaultValue": "false"},
    "date": {"type": "Date"},
}


def is_ours_to_make(name: str) -> bool:
    """Whether the name is that of a custom field of the org's own: no standard field, nothing of a managed package."""
    return name.endswith("__c") and "__" not in name.removesuffix("__c")


def metadata(wish: FieldWish) -> Metadata:
    """What a create of the field says."""
    return {"label": wish.label[:40], "required": False, "description": "Made by sync-worker for the partner portal."} | _of_kind(wish)


def with_values(found: Mapping[str, Any], values: Sequence[str]) -> Metadata | None:
    """The field's Metadata with these values on its list and active; None where they are already.

    The list goes back whole: the vendor takes what is left out for what should be inactive.
    """
    value_set = dict(found.get("valueSet") or {})
    definition = dict(value_set.get("valueSetDefinition") or {})
    listed = [dict(value) for value in definition.get("value") or ()]
    active = {value.get("valueName") for value in listed if value.get("isActive") is not False}
    wanted = [value for value in dict.fromkeys(values) if value not in active]
    if not wanted:
        return None
    for value in listed:
        if value.get("valueName") in wanted:
            value["isActive"] = True
    known = {value.get("valueName") for value in listed}
    definition["value"] = listed + [_value(name) for name in wanted if name not in known]
    return {**found, "valueSet": {**value_set, "valueSetDefinition": definition}}


def global_set(found: Mapping[str, Any]) -> str:
    """The name of the global value set that the field takes its list from, "" where it has its own."""
    return str((found.get("valueSet") or {}).get("valueSetName") or "")


def _of_kind(wish: FieldWish) -> Metadata:
    if wish.kind == "picklist":
        return {"type": "Picklist", "valueSet": _list(wish.values)}
    if wish.kind == "multi_picklist":
        return {"type": "MultiselectPicklist", "visibleLines": VISIBLE_LINES, "valueSet": _list(wish.values)}
    if wish.kind == "decimal":
        return {"type": "Currency" if MONEY in wish.fields else "Number", "precision": DIGITS, "scale": wish.places}
    return _lookup(wish) if wish.kind == "reference" else _PLAIN[wish.kind]


def _lookup(wish: FieldWish) -> Metadata:
    """The name of the relationship must be the only one of its kind on the company: Lead and Opportunity each have such a field."""
    relation = f"{wish.native}_{wish.name.removesuffix('__c')}"[:RELATION_LENGTH].rstrip("_")
    return {
        "type": "Lookup",
        "referenceTo": wish.refers_to,
        "relationshipName": relation,
        "relationshipLabel": f"{wish.native} ({wish.label})"[:80],
        "deleteConstraint": "SetNull",
    }


def _list(values: Sequence[str]) -> Metadata:
    return {"restricted": True, "valueSetDefinition": {"sorted": False, "value": [_value(name) for name in values]}}


def _value(name: str) -> Metadata:
    return {"label": name, "valueName": name, "default": False, "isActive": True}
