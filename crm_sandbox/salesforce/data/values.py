"""What a write may put into a field: each kind's own checks, and the value as it will be kept.

A JSON value of the wrong type is the vendor's JSON_PARSER_ERROR; a right type with a bad value has an error of its own.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from crm_sandbox.salesforce.schema.schema import Field
from crm_sandbox.salesforce.wire import errors, stamps
from crm_sandbox.salesforce.wire.ids import to_18

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")
_JSON_WORDS = {bool: "VALUE_TRUE", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", str: "VALUE_STRING"}
Keeper = Callable[[Field, Any], Any]
_JSON_KINDS = {"multipicklist": "string", "picklist": "string", "textarea": "string", "reference": "reference"}


def kept(field: Field, value: Any) -> Any:
    """The value as it will be stored; `""` is null, and a null checkbox is false.

    Raises: Refusal, with the vendor's code.
    """
    if isinstance(value, str) and field.kind != "boolean":
        value = value.strip() or None
    if value is None:
        return False if field.kind == "boolean" else None
    keeper: Keeper = _KEEPERS.get(field.kind, _text)
    return keeper(field, value)


def _wrong_type(field: Field, value: Any) -> errors.SalesforceRefusal:
    kind = _JSON_KINDS.get(field.kind, "string" if field.kind in ("email", "phone", "url") else field.kind)
    if isinstance(value, (dict, list)):
        word, shown = ("START_OBJECT", "{") if isinstance(value, dict) else ("START_ARRAY", "[")
    else:
        word, shown = _JSON_WORDS[type(value)], str(value).lower() if isinstance(value, bool) else str(value)
        word = "VALUE_FALSE" if value is False else word
    return errors.bad_json(
        f"Cannot deserialize instance of {kind} from {word} value {shown} or request may be missing a required field at [line:1, column:1]"
    )


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    if len(value) > field.length:
        words = f"{field.label}: data value too large: {value} (max length={field.length})"
        raise errors.SalesforceRefusal("STRING_TOO_LONG", words, fields=[field.name])
    return value


def _off_list(field: Field, value: str) -> errors.SalesforceRefusal:
    words = f"{field.label}: bad value for restricted picklist field: {value}"
    return errors.SalesforceRefusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, fields=[field.name])


def _picklist(field: Field, value: Any) -> str:
    text = _text(field, value)
    if field.is_restricted and text not in field.values:
        raise _off_list(field, text)
    return text


def _multipicklist(field: Field, value: Any) -> str | None:
    chosen = dict.fromkeys(part.strip() for part in _text(field, value).split(";") if part.strip())
    for part in chosen:
        if field.is_restricted and part not in field.values:
            raise _off_list(field, part)
    listed = [part for part in field.values if part in chosen]
    return ";".join([*listed, *(part for part in chosen if part not in field.values)]) or None


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _wrong_type(field, value)
    return value


def _decimal(field: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _wrong_type(field, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _wrong_type(field, value) from None
    if not number.is_finite():
        raise _wrong_type(field, value)
    return number


def _number(field: Field, value: Any) -> float | int:
    number = _decimal(field, value)
    if field.kind == "int" and number != number.to_integral_value():
        raise _wrong_type(field, value)
    if abs(number) >= Decimal(10) ** (field.precision - field.scale):
        words = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise errors.SalesforceRefusal("NUMBER_OUTSIDE_VALID_RANGE", words, fields=[field.name])
    return int(number) if field.kind == "int" else float(number)  # what the API sends is stored as it is: the scale is for people's eyes


def _date(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not stamps.is_date(value):
        raise _wrong_type(field, value)
    return value


def _datetime(field: Field, value: Any) -> str:
    moment = stamps.read(value) if isinstance(value, str) else None
    if moment is None:
        raise _wrong_type(field, value)
    return stamps.write(moment)


def _email(field: Field, value: Any) -> str:
    text = _text(field, value)
    if not _EMAIL.fullmatch(text):
        words = f"{field.label}: invalid email address: {text}"
        raise errors.SalesforceRefusal("INVALID_EMAIL_ADDRESS", words, fields=[field.name])
    return text


def _reference(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field, value)
    record_id = to_18(value)
    if record_id is None:
        raise errors.malformed_id(field.label, value, [field.name])
    return record_id


_KEEPERS: dict[str, Keeper] = {
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "currency": _number,
    "double": _number,
    "int": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "email": _email,
    "reference": _reference,
}
