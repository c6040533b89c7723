"""Named value transforms: how one field's native value is read, and its inverse, how a value of ours is spelled on the wire.

A transform is a pair of plain functions. `read` takes what a CRM sends and gives the canonical value; `spell` takes the canonical value and
gives what a write carries. The law: `read(spell(v)) == v` for every canonical `v`. Blank (null, or text of spaces) reads as `None`, a set
as `()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as day_time
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

from sync_worker.domain.core.values import Value

Spelling: TypeAlias = Literal["json", "text"]
Kind: TypeAlias = Literal["text", "decimal", "integer", "boolean", "date", "set", "reference"]
Read: TypeAlias = Callable[[Any], Value]
Spell: TypeAlias = Callable[[Value], Any]

MAX_PLACES = 6  # beyond it Decimal's own text turns into 0E-7
MOST_DIGITS = 40  # before the point; what a database column and a context hold
MAX_INTEGER = 2**63 - 1  # what a database column holds
NOON = day_time(12)  # a day written as a moment: the same day for any reader within eleven hours of the portal's zone
WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
MILLISECONDS = re.compile(r"-?[0-9]{11,15}(?:\.0)?")  # with fewer digits a number is a year, 20261231, or seconds
COMPACT = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?")
DECIMAL = re.compile(r"decimal\(([0-9])\)")
FLAGS = {"true": True, "false": False}
# name as written → the kind of value it gives; `decimal(n)` stands for seven of them.
KINDS: Mapping[str, Kind] = {
    "text": "text",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "datetime_to_date": "date",
    "multi_select": "set",
    "company_ref": "reference",
}
NAMES = (*(name for name in KINDS if name != "text"), *(f"decimal({places})" for places in range(MAX_PLACES + 1)))


class ValueMistake(ValueError):
    """A value the transform or the value map cannot take. `code` is stable, `what` is for people, `allowed` where there is a list.

    **Shapes** `members`: of a set, those that cannot be taken; `rest`: the set without them, which can. None of a single value.
    """

    def __init__(
        self, code: str, what: str, allowed: tuple[str, ...] = (), *, members: tuple[str, ...] = (), rest: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.allowed = allowed
        self.members = members
        self.rest = rest


@dataclass(frozen=True, slots=True)
class WireForm:
    """How this CRM spells emptiness, truth and numbers in a write."""

    null: str | None = None
    boolean: Spelling = "json"
    number: Spelling = "json"


@dataclass(frozen=True, slots=True)
class Transform:
    """One reading and its inverse."""

    kind: Kind
    read: Read
    spell: Spell


def kind_of(name: str) -> Kind | None:
    """The kind of value a transform gives; `None` where there is no such transform."""
    match = DECIMAL.fullmatch(name)
    if match:
        return "decimal" if int(match[1]) <= MAX_PLACES else None
    return KINDS.get(name)


def decimal_places(name: str | None) -> int:
    """The n of `decimal(n)`."""
    match = DECIMAL.fullmatch(name or "")
    return int(match[1]) if match else 0


def transform_named(name: str, *, wire: WireForm, zone: tzinfo) -> Transform:
    """The transform as written in the mapping (`decimal(2)`); `name` must have a kind."""
    match = DECIMAL.fullmatch(name)
    if match:
        return _decimal(int(match[1]), wire)
    return _MAKERS[name](wire, zone)


# ── text and references ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_text(raw: Any) -> str | None:
    """Text as it is; blank is `None`; numbers and booleans as JSON writes them."""
    if type(raw) is str:
        return raw if raw and not raw.isspace() else None
    if raw is None:
        return None
    if type(raw) is bool:
        return "true" if raw else "false"
    if type(raw) in (int, float):
        return str(raw)
    raise ValueMistake("not_text", f"is {_seen(raw)}, not text")


def _text(wire: WireForm, zone: tzinfo) -> Transform:
    def spell(value: Value) -> Any:
        if value is None or value == "":
            return wire.null
        return value if type(value) is str else _refuse("not_text", "text", value)

    return Transform("text", read_text, spell)


def _reference(wire: WireForm, zone: tzinfo) -> Transform:
    def read(raw: Any) -> Value:
        if type(raw) is float or type(raw) is bool:
            raise ValueMistake("not_a_reference", f"is {_seen(raw)}, not a record id")
        if isinstance(raw, list):
            raise ValueMistake("not_a_reference", f"names {len(raw)} records ({', '.join(map(str, raw))}), and one is wanted")
        found = read_text(raw)
        return found.strip() if found else None

    return Transform("reference", read, _text(wire, zone).spell)


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _number(raw: Any) -> Decimal | None:
    if type(raw) is str:
        raw = raw.strip()
        if not raw:
            return None
        if not NUMBER.fullmatch(raw):
            raise ValueMistake("not_a_number", f"is {_seen(raw)}, not a number")
        return Decimal(raw)
    if raw is None:
        return None
    if type(raw) is int:
        return Decimal(raw)
    number = Decimal(repr(raw)) if type(raw) is float else raw
    if not isinstance(number, Decimal) or not number.is_finite():
        raise ValueMistake("not_a_number", f"is {_seen(raw)}, not a number")
    return number


def _decimal(places: int, wire: WireForm) -> Transform:
    step = Decimal(1).scaleb(-places)

    def read(raw: Any) -> Value:
        number = _number(raw)
        if number is None:
            return None
        try:
            quantized = number.quantize(step, context=WIDE)
        except InvalidOperation:
            raise ValueMistake("not_a_number", f"is {_seen(raw)}, too large a number") from None
        return quantized or quantized.copy_abs()  # -0.00 would differ from 0.00 in plain form

    def spell(value: Value) -> Any:
        if value is None:
            return wire.null
        if type(value) is not Decimal:
            return _refuse("not_a_number", "a decimal number", value)
        return f"{value:f}" if wire.number == "text" else _json_number(value)

    return Transform("decimal", read, spell)


def _json_number(value: Decimal) -> float | str:
    """A float where it says exactly this number; otherwise the digits as text, which CRMs accept: money must not lose cents."""
    number = float(value)
    return number if Decimal(repr(number)) == value else f"{value:f}"


def money(wire: WireForm) -> Transform:
    """An amount as exact as it was written: how many decimals it has, its currency says (`compile.py`)."""

    def read(raw: Any) -> Value:
        number = _number(raw)
        if number is not None and number.adjusted() > MOST_DIGITS:
            raise ValueMistake("not_a_number", f"is {_seen(raw)}, too large a number")
        return number

    return Transform("decimal", read, _decimal(0, wire).spell)


def _integer(wire: WireForm, zone: tzinfo) -> Transform:
    def read(raw: Any) -> Value:
        number = _number(raw)
        if number is None:
            return None
        if abs(number) > MAX_INTEGER or number != number.to_integral_value():
            raise ValueMistake("not_an_integer", f"is {_seen(raw)}, not a whole number")
        return int(number)

    def spell(value: Value) -> Any:
        if value is None:
            return wire.null
        if type(value) is not int:
            return _refuse("not_an_integer", "a whole number", value)
        return str(value) if wire.number == "text" else value

    return Transform("integer", read, spell)


# ── truth ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _boolean(wire: WireForm, zone: tzinfo) -> Transform:
    def read(raw: Any) -> Value:
        if raw is None or type(raw) is bool:
            return raw
        word = raw.strip().lower() if type(raw) is str else "?"
        if word in FLAGS:
            return FLAGS[word]
        if word:
            raise ValueMistake("not_a_boolean", f"is {_seen(raw)}, neither true nor false", ("true", "false"))
        return None

    def spell(value: Value) -> Any:
        if value is None:
            return wire.null
        if type(value) is not bool:
            return _refuse("not_a_boolean", "true or false", value)
        return spell_flag(value, wire)

    return Transform("boolean", read, spell)


def spell_flag(value: bool, wire: WireForm) -> bool | str:
    """A boolean as this CRM's writes carry it."""
    if wire.boolean == "json":
        return value
    return "true" if value else "false"


# ── days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _date(wire: WireForm, zone: tzinfo) -> Transform:
    def read(raw: Any) -> Value:
        found = _day_or_moment(raw)
        if not isinstance(found, datetime):
            return found
        if found.time() == day_time(0) and found.utcoffset() == timedelta(0):
            return found.date()  # some CRMs send a date as its midnight in UTC, in milliseconds or as text
        raise ValueMistake("not_a_date", f"is {_seen(raw)}, a moment and not a day; transform: datetime_to_date takes it")

    def spell(value: Value) -> Any:
        if value is None:
            return wire.null
        return value.isoformat() if _is_day(value) else _refuse("not_a_date", "a day", value)  # type: ignore[union-attr]

    return Transform("date", read, spell)


def _datetime_to_date(wire: WireForm, zone: tzinfo) -> Transform:
    def read(raw: Any) -> Value:
        found = _day_or_moment(raw)
        if not isinstance(found, datetime):
            return found
        try:
            return found.astimezone(zone).date()
        except OverflowError:
            raise ValueMistake("not_a_date", f"is {_seen(raw)}, outside the calendar") from None

    def spell(value: Value) -> Any:
        if value is None:
            return wire.null
        if not _is_day(value):
            return _refuse("not_a_date", "a day", value)
        try:
            moment = datetime.combine(value, NOON, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type]
        except OverflowError:
            return _refuse("not_a_date", "a day inside the calendar", value)
        return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

    return Transform("date", read, spell)


def _day_or_moment(raw: Any) -> date | datetime | None:
    """A day, or an aware moment; text that says no zone is UTC, enough digits alone are milliseconds since 1970."""
    if raw is None:
        return None
    try:
        if type(raw) is str:
            return _parsed(raw.strip())
        return _since_epoch(repr(raw))  # repr: no other type than a number passes as one
    except (ValueError, OverflowError):
        raise ValueMistake("not_a_date", f"is {_seen(raw)}, not a date such as 2026-12-31") from None


def _parsed(text: str) -> date | datetime | None:
    if not text:
        return None
    if len(text) == 10 and text[4] == "-" and text[7] == "-":
        return date.fromisoformat(text)
    if "T" not in text:
        return _since_epoch(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _since_epoch(digits: str) -> datetime:
    """The moment of so many milliseconds. **Raises** ValueError for a number that means something else, or a day of 1970 at the most."""
    if not MILLISECONDS.fullmatch(digits) or COMPACT.fullmatch(digits):
        raise ValueError
    return EPOCH + timedelta(milliseconds=float(digits))


def _is_day(value: Value) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


# ── sets ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def members(raw: Any) -> tuple[str, ...]:
    """The members of a `;`-joined text or a list: trimmed, without blanks and repeats, sorted."""
    if raw is None or raw == "":
        return ()
    if type(raw) is str:
        if ";" not in raw:
            only = raw.strip()
            return (only,) if only else ()
        parts = raw.split(";")
    elif isinstance(raw, (list, tuple)):
        parts = [read_text(part) or "" for part in raw]
    else:
        raise ValueMistake("not_a_set", f"is {_seen(raw)}, not a list of values")
    return tuple(sorted({part.strip() for part in parts} - {""}))


def _multi_select(wire: WireForm, zone: tzinfo) -> Transform:
    def spell(value: Value) -> Any:
        if not value:
            return wire.null
        if not isinstance(value, tuple) or any(";" in member for member in value):
            return _refuse("not_a_set", "a set of values without semicolons", value)
        return ";".join(sorted(value))

    return Transform("set", members, spell)


def _refuse(code: str, wanted: str, value: Value) -> Any:
    raise ValueMistake(code, f"is {_seen(value)}, not {wanted}")


def _seen(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "…"


_MAKERS: Mapping[str, Callable[[WireForm, tzinfo], Transform]] = {
    "text": _text,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime_to_date": _datetime_to_date,
    "multi_select": _multi_select,
    "company_ref": _reference,
}
