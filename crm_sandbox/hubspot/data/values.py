"""What a write may say of a property: text, whatever JSON it came as; checked, and brought into the spelling that is kept.

"" and null clear. A checkbox set that begins with a semicolon adds to what there is.
Source: https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from crm_sandbox.hubspot.schema.schema import Option, Property
from crm_sandbox.hubspot.wire import errors, stamps
from crm_sandbox.hubspot.wire.errors import BadValue

MAX_TEXT = 65_536
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class _Unfit(Exception):
    """A value that will not do: the vendor's code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def as_text(value: Any) -> str:
    """A JSON value as the vendor keeps it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return str(value)
    raise errors.bad_json(f"Cannot deserialize a value of type java.lang.String from {type(value).__name__}")


def kept(prop: Property, options: tuple[Option, ...], value: Any, before: str | None, *, is_dated: bool) -> str | BadValue:
    """The text that is kept for a value, or what is wrong with it. `is_dated`: in the words of the dated API."""
    text = as_text(value)
    if text == "":
        return ""
    try:
        return _kept(prop, options, text, before, is_dated=is_dated)
    except _Unfit as unfit:
        is_listed = is_dated or unfit.code != "INVALID_OPTION"
        return BadValue(prop.name, unfit.code, unfit.message, is_listed=is_listed)


def _kept(prop: Property, options: tuple[Option, ...], text: str, before: str | None, *, is_dated: bool) -> str:
    if prop.kind == "enumeration" and prop.field_type == "checkbox":
        return _set(options, text, before, is_dated=is_dated)
    if prop.kind == "bool":
        return _one(options, text.lower(), is_dated=is_dated)
    if prop.kind == "enumeration":
        return _one(options, text, is_dated=is_dated)
    if prop.kind == "number":
        return _number(text)
    if prop.kind == "date":
        return _day(text)
    if prop.kind == "datetime":
        return _moment(text)
    if len(text) > MAX_TEXT:
        raise _Unfit("PROPERTY_VALUE_TOO_LONG", f"Property values cannot exceed {MAX_TEXT} characters")
    return text


def _one(options: tuple[Option, ...], text: str, *, is_dated: bool) -> str:
    if any(option.value == text for option in options):
        return text
    raise _Unfit("INVALID_OPTION", f"{text} was not one of the allowed options: {_listed(options, is_dated=is_dated)}")


def _set(options: tuple[Option, ...], text: str, before: str | None, *, is_dated: bool) -> str:
    adds = text.startswith(";")
    found = [part for part in text.split(";") if part]
    for part in found:
        _one(options, part, is_dated=is_dated)
    old = (before or "").split(";") if adds else []
    return ";".join(part for part in dict.fromkeys([*old, *found]) if part)


def _listed(options: tuple[Option, ...], *, is_dated: bool) -> str:
    return f"[{', '.join(option.to_text() if is_dated else option.label for option in options)}]"


def _number(text: str) -> str:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        raise _Unfit("INVALID_INTEGER", f"{text} was not a valid number.") from None
    if not found.is_finite():
        raise _Unfit("INVALID_INTEGER", f"{text} was not a valid number.")
    return format(found, "f")


def _day(text: str) -> str:
    at_ms = stamps.read(text.strip())
    if at_ms is None or not (_DAY.fullmatch(text.strip()) or text.strip().lstrip("-").isdigit()):
        raise _Unfit("INVALID_DATE", f"{text} was not a valid date.")
    if at_ms % stamps.DAY_MS:
        raise _Unfit("INVALID_DATE", f"{text} is at {stamps.write(at_ms)[11:19]} UTC, not midnight!")
    return stamps.day(at_ms)


def _moment(text: str) -> str:
    at_ms = stamps.read(text.strip())
    if at_ms is None:
        raise _Unfit("INVALID_LONG", f"{text} was not a valid long.")
    return stamps.write(at_ms)
