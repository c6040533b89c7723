"""What a body says of a property: checked, and made one.

Source: https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from typing import Any, get_args

from crm_sandbox.hubspot.schema.schema import (
    FIELD_TYPES,
    MAX_OPTION_CHARS,
    MAX_OPTIONS,
    NAME,
    Group,
    Kind,
    ObjectType,
    Option,
    Property,
)
from crm_sandbox.hubspot.wire import errors, stamps
from crm_sandbox.hubspot.wire.routing import Body

_KEYS = {  # the vendor's names of what may be said of a property, and ours
    "label": "label",
    "description": "description",
    "groupName": "group",
    "displayOrder": "order",
    "hidden": "is_hidden",
    "formField": "is_form_field",
    "fieldType": "field_type",
}


def property_of(kind: ObjectType, body: Body, now_ms: int) -> Property:
    """A new property of a record type.

    Raises: Refusal.
    """
    name, now = str(body.get("name", "")).lower(), stamps.write(now_ms)
    if name in kind.properties:
        raise errors.property_exists(name)
    if not NAME.fullmatch(name):
        raise errors.invalid(f"Property name {name!r} must be of small letters, digits and underscores, and begin with a letter")
    missing = [key for key in ("label", "type", "fieldType", "groupName") if not body.get(key)]
    if missing:
        raise errors.invalid(f"Some required fields were not set: [{', '.join(missing)}]")
    if body["type"] not in get_args(Kind):
        raise errors.invalid(f"type {body['type']} is not one of {list(get_args(Kind))}")
    _check_field_type(body["type"], body["fieldType"])
    options = _options(body.get("options") or [])
    if body["type"] == "enumeration" and not options:
        raise errors.invalid("An enumeration needs options")
    if body["type"] == "bool" and {option.value for option in options} not in ({"true", "false"}, set()):
        raise errors.invalid("A boolean's options are true and false")
    more = {ours: body[key] for key, ours in _KEYS.items() if key in body}
    more["group"] = group_of(kind, str(body["groupName"])).name
    return Property(
        name,
        body["type"],
        options=options or (Option("true", "Yes"), Option("false", "No", 1)) if body["type"] == "bool" else options,
        is_unique=bool(body.get("hasUniqueValue", False)),
        created_at=now,
        updated_at=now,
        **more,
    )


def changes_of(kind: ObjectType, prop: Property, body: Body) -> dict[str, Any]:
    """What a body changes of a property; options that it does not name are gone.

    Raises: Refusal.
    """
    changes = {_KEYS[key]: value for key, value in body.items() if key in _KEYS}
    if prop.is_vendors and any(getattr(prop, name) != value for name, value in changes.items()):
        raise errors.invalid(f"Property {prop.name} has a read only definition")
    if body.get("type") not in (None, prop.kind):
        raise errors.invalid(f"The type of property {prop.name} cannot be changed from {prop.kind} to {body['type']}")
    if "options" in body:
        if prop.has_fixed_options:
            raise errors.invalid(f"Property {prop.name} has read only options")
        changes["options"] = _options(body["options"])
        if prop.kind == "enumeration" and not changes["options"]:
            raise errors.invalid("An enumeration needs options")
    if "group" in changes:
        group_of(kind, changes["group"])
    if "field_type" in changes:
        _check_field_type(prop.kind, changes["field_type"])
    return changes


def _check_field_type(kind: Kind, field_type: Any) -> None:
    if field_type not in FIELD_TYPES[kind]:
        raise errors.invalid(f"fieldType {field_type} does not fit type {kind}; {list(FIELD_TYPES[kind])} do")


def _options(wishes: Any) -> tuple[Option, ...]:
    if not isinstance(wishes, list) or not all(isinstance(wish, dict) and wish.get("label") and "value" in wish for wish in wishes):
        raise errors.bad_json("options must be a list of {label, value, displayOrder, hidden}")
    found = tuple(
        Option(str(one["value"]), str(one["label"]), int(one.get("displayOrder") or 0), bool(one.get("hidden")), one.get("description"))
        for one in wishes
    )
    values, labels = [one.value for one in found], [one.label for one in found]
    if len(set(values)) < len(values) or len(set(labels)) < len(labels):
        raise errors.invalid("Property options must have unique labels and values")
    if padded := [value for value in values if value != value.strip() or not value]:
        raise errors.invalid(f"Property option values must not be blank, nor begin or end with white space: {padded}")
    if len(found) > MAX_OPTIONS:
        raise errors.invalid(f"A property has at most {MAX_OPTIONS} options, not {len(found)}")
    if any(len(one.value) + len(one.label) + len(one.description or "") > MAX_OPTION_CHARS for one in found):
        raise errors.invalid(f"An option's label, value and description have at most {MAX_OPTION_CHARS} characters together")
    return found


def group_of(kind: ObjectType, name: str) -> Group:
    """A heading of a record type.

    Raises: Refusal.
    """
    found = kind.groups.get(name)
    if found is None:
        raise errors.not_found(f"Property group {name} does not exist")
    return found
