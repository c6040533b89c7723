"""A property's list of options, as values: what one list becomes when values are added. Pure.

HubSpot replaces the whole list by what it is sent, so everything that stands there goes along, hidden options hidden. It takes no list
without options: where nothing is known to stand there yet, one hidden option holds the place.
Source: https://knowledge.hubspot.com/properties/property-field-types-in-hubspot (the two limits)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Option: TypeAlias = dict[str, Any]

PLACEHOLDER = "none_yet"
MOST = 5_000  # options of one property
LONGEST = 3_000  # characters of an option's label, value and description together
SEPARATOR = ";"  # between the values of a set of checkboxes


def told(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The options that a property shows."""
    found = row.get("options")
    return [option for option in found if isinstance(option, Mapping)] if isinstance(found, list) else []


def listed(told: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The values of a list; hidden ones too, since records keep them and writes may use them. The placeholder is not a value."""
    values = [option.get("value") for option in told]
    return tuple(str(value) for value in values if value is not None and value != PLACEHOLDER)


def hidden(told: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The values of a list that people are not offered any more."""
    return listed(option for option in told if option.get("hidden"))


def labels(told: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Value → what people read, for those that read otherwise."""
    shown = {str(option.get("value")): str(option["label"]) for option in told if option.get("label")}
    return {value: shown[value] for value in listed(told) if shown.get(value, value) != value}


def first(values: Sequence[str]) -> list[Option]:
    """The options of a new property."""
    return merged((), values) or [{"label": "None yet", "value": PLACEHOLDER, "displayOrder": 0, "hidden": True}]


def merged(told: Iterable[Mapping[str, Any]], values: Iterable[str]) -> list[Option]:
    """What stands there, as it stands, and behind it the values that are new. One that was hidden can be chosen again."""
    found = kept(told)
    by_value = {option["value"]: option for option in found}
    labels = {str(option["label"]).casefold() for option in found}
    place = 1 + max((int(option["displayOrder"]) for option in found), default=-1)
    for value in dict.fromkeys(values):
        if value in by_value:
            by_value[value]["hidden"] = False
            continue
        label = _label(value, labels)
        labels.add(label.casefold())
        found.append({"label": label, "value": value, "displayOrder": place, "hidden": False})
        place += 1
    return found


def kept(told: Iterable[Mapping[str, Any]]) -> list[Option]:
    """The options of a list as a write names them."""
    return [_kept(option) for option in told]


def unfit(values: Iterable[str]) -> dict[str, str]:
    """The values that cannot be options, and why."""
    found: dict[str, str] = {}
    for value in values:
        if SEPARATOR in value:
            found[value] = f"holds a {SEPARATOR!r}, which stands between the values of a set"
        elif not value.strip() or value != value.strip():
            found[value] = "is blank, or begins or ends with a space"
        elif 2 * len(value) > LONGEST:
            found[value] = f"is longer than an option may be ({LONGEST} characters with its label)"
    return found


def _kept(option: Mapping[str, Any]) -> Option:
    shape = {
        "label": option.get("label") or option["value"],
        "value": option["value"],
        "displayOrder": option.get("displayOrder") or 0,
        "hidden": bool(option.get("hidden")),
    }
    return shape if option.get("description") is None else {**shape, "description": option["description"]}


def _label(value: str, taken: set[str]) -> str:
    """What people read: no two options of a list may be called the same."""
    spoken = value.replace("_", " ").capitalize() if value.islower() else value
    return next((label for label in (spoken, value) if label.casefold() not in taken), f"{value} (portal)")
