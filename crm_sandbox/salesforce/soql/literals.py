"""A literal of a query → the value that is compared, by the kind of field it stands beside. How it must be spelled is checked here."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from crm_sandbox.salesforce.schema.schema import ID_KINDS, NUMBER_KINDS, TEXT_KINDS, Field
from crm_sandbox.salesforce.soql.date_words import span
from crm_sandbox.salesforce.soql.parser import place
from crm_sandbox.salesforce.soql.tree import Literal
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.salesforce.wire.ids import to_18

MAX_STRING = 4_000  # characters of one quoted value


def read(field: Field, literal: Literal, text: str) -> Any:
    """The value of a literal beside a field.

    Raises: Refusal INVALID_FIELD for the wrong kind, INVALID_QUERY_FILTER_OPERATOR for a bad id, MALFORMED_QUERY.
    """
    if literal.kind == "null":
        return None
    wanted, is_quoted, reader = _spelling(field)
    if literal.kind not in wanted:
        quotes = "should be enclosed in quotes" if is_quoted else "should not be enclosed in quotes"
        kind = {"datetime": "dateTime", "picklist": "string", "id": "string"}.get(field.kind, field.kind)
        words = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
        raise place(text, literal.start, "INVALID_FIELD", words)
    try:
        return reader(literal)
    except ValueError as error:
        code = "INVALID_QUERY_FILTER_OPERATOR" if field.kind in ID_KINDS else "MALFORMED_QUERY"
        raise place(text, literal.start, code, str(error)) from None


def stretch(field: Field, literal: Literal, today: date, text: str) -> tuple[str, str]:
    """The first value inside of a stretch of days, and the first behind it, as the field's column keeps them.

    Raises: Refusal MALFORMED_QUERY.
    """
    try:
        start, end = span(literal.text, today)
    except ValueError as error:
        raise place(text, literal.start, "MALFORMED_QUERY", str(error)) from None
    if field.kind == "date":
        return start.isoformat(), end.isoformat()
    first, last = (stamps.comparable(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in (start, end))
    return first, last


def _spelling(field: Field) -> tuple[tuple[str, ...], bool, Callable[[Literal], Any]]:
    """Which literals fit the field, whether they are quoted, and how they are read."""
    if field.kind in ID_KINDS:
        return ("string",), True, _read_id
    if field.kind in TEXT_KINDS:
        return ("string",), True, _read_text
    if field.kind in NUMBER_KINDS:
        return ("number", "int"), False, lambda literal: float(literal.text)
    if field.kind == "boolean":
        return ("boolean",), False, lambda literal: int(literal.text.lower() == "true")
    return (field.kind,), False, _read_datetime if field.kind == "datetime" else _read_date


def _read_text(literal: Literal) -> str | None:
    text = literal.plain()
    if len(text) > MAX_STRING:
        raise ValueError(f"filter value is too long: {len(text)} characters, {MAX_STRING} at most")
    return text or None


def _read_id(literal: Literal) -> str | None:
    text = literal.plain()
    record_id = to_18(text)
    if record_id is None and text:
        raise ValueError(f"invalid ID field: {text}")
    return record_id


def _read_datetime(literal: Literal) -> str:
    moment = stamps.read(literal.text)
    if moment is None:
        raise ValueError(f"invalid date: {literal.text}")
    return stamps.comparable(moment)


def _read_date(literal: Literal) -> str:
    if not stamps.is_date(literal.text):
        raise ValueError(f"invalid date: {literal.text}")
    return literal.text
