"""A SOQL tree → SQL with bound parameters, for one org and one user's sight of it.

SOQL knows two truth values: a comparison with null is false, and NOT of it is true. Text is compared without case,
ids exactly (15 characters count as their 18). What a client may not filter, and how a value must be spelled, is checked
here, in the vendor's words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sync_worker.sandbox.salesforce import stamps
from sync_worker.sandbox.salesforce.errors import Refusal
from sync_worker.sandbox.salesforce.ids import to_18
from sync_worker.sandbox.salesforce.org import Org
from sync_worker.sandbox.salesforce.schema import ID_KINDS, NUMBER_KINDS, TEXT_KINDS, Field, SObject
from sync_worker.sandbox.salesforce.soql import Comparison, Condition, Junction, Literal, Membership, Name, Query, place
from sync_worker.sandbox.salesforce.store import fold, quoted

_HELP = "Please reference your WSDL or the describe call for the appropriate names."
_NULL_OPS = {"=": "IS", "!=": "IS NOT"}
MAX_OFFSET = 2000  # rows
_ORDERED = frozenset({"<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: `rows_sql` gives the row numbers of the whole result, in order."""

    sobject: SObject
    fields: tuple[Field, ...]
    rows_sql: str
    bound: tuple[Any, ...]
    is_count: bool


def translate(org: Org, query: Query, *, include_deleted: bool) -> Plan:
    """The plan of a query.

    Raises: Refusal INVALID_TYPE, INVALID_FIELD, INVALID_QUERY_FILTER_OPERATOR.
    """
    return _Translation(org, query).plan(include_deleted=include_deleted)


class _Translation:
    def __init__(self, org: Org, query: Query) -> None:
        self._org, self._query = org, query
        self._bound: list[Any] = []
        found = org.objects.get(query.sobject.text.lower())
        if found is None:
            words = (
                f"sObject type '{query.sobject.text}' is not supported. If you are attempting to use a custom object, "
                f"be sure to append the '__c' after the entity name. {_HELP}"
            )
            raise place(query.text, query.sobject.start, "INVALID_TYPE", words)
        self._sobject = found

    def plan(self, *, include_deleted: bool) -> Plan:
        query, sobject = self._query, self._sobject
        fields = self._selected()
        conditions = ['"IsDeleted" = 0'] if sobject.field("IsDeleted") and not include_deleted else []
        if query.where is not None:
            conditions.append(self._condition(query.where))
        where = " AND ".join(conditions) or "1"
        order = ", ".join(self._order(term.name, term.is_descending, term.nulls_last) for term in query.orders)
        if query.offset > MAX_OFFSET:
            raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        limit = -1 if query.limit is None else query.limit
        sql = (
            f"SELECT n FROM {quoted(sobject.name)} WHERE {where} ORDER BY {order or 'n'} "  # noqa: S608
            f"LIMIT {limit} OFFSET {query.offset}"
        )
        return Plan(sobject, fields, sql, tuple(self._bound), is_count=not query.fields)

    def _selected(self) -> tuple[Field, ...]:
        seen: dict[Field, None] = {}
        for name in self._query.fields:
            field = self._field(name)
            if field in seen:
                raise place(self._query.text, name.start, "INVALID_FIELD", f"duplicate field selected: {name.text}")
            seen[field] = None
        return tuple(seen)

    def _field(self, name: Name) -> Field:
        if "." in name.text:
            relation = name.text.split(".")[0]
            words = f"Didn't understand relationship '{relation}' in field path. {_HELP}"
            raise place(self._query.text, name.start, "INVALID_FIELD", words)
        field = self._org.field(self._sobject, name.text)
        if field is None:
            words = (
                f"No such column '{name.text}' on entity '{self._sobject.name}'. If you are attempting to use a custom "
                f"field, be sure to append the '__c' after the custom field name. {_HELP}"
            )
            raise place(self._query.text, name.start, "INVALID_FIELD", words)
        return field

    def _filterable(self, name: Name) -> Field:
        field = self._field(name)
        if field.is_long_text:
            words = f"field '{field.name}' can not be filtered in a query call"
            raise place(self._query.text, name.start, "INVALID_FIELD", words)
        return field

    def _order(self, name: Name, is_descending: bool, nulls_last: bool) -> str:
        field = self._filterable(name)
        if field.kind == "multipicklist":
            words = f"field '{field.name}' can not be sorted in a query call"
            raise place(self._query.text, name.start, "INVALID_FIELD", words)
        nulls = "LAST" if nulls_last else "FIRST"
        # A column without nulls is ordered by the index alone; saying NULLS would cost a sort where DESC meets FIRST.
        tail = f" NULLS {nulls}" if field.is_nillable else ""
        return f"{quoted(field.name)} {'DESC' if is_descending else 'ASC'}{tail}"

    def _condition(self, node: Condition) -> str:
        if isinstance(node, Junction):
            return "(" + f" {node.op} ".join(self._condition(part) for part in node.parts) + ")"
        if isinstance(node, Comparison):
            return self._comparison(node)
        if isinstance(node, Membership):
            return self._membership(node)
        return f"NOT coalesce({self._condition(node.part)}, 0)"

    def _comparison(self, node: Comparison) -> str:
        field = self._filterable(node.name)
        if node.op == "LIKE":
            return self._like(field, node)
        if node.op in _ORDERED and field.kind in ("boolean", "multipicklist"):
            raise self._bad_operator(node.name, f"invalid operator on {field.kind} field")
        value = self._value(field, node.value)
        column, value = self._case(field, value)
        self._bound.append(value)
        op = _NULL_OPS.get(node.op, node.op) if value is None or node.op == "!=" else node.op
        return f"{column} {op} ?"

    def _like(self, field: Field, node: Comparison) -> str:
        if field.kind not in TEXT_KINDS or field.kind == "multipicklist":
            raise self._bad_operator(node.name, f"invalid operator on {field.kind} field")
        self._value(field, node.value)  # checks its spelling
        column, value = self._case(field, node.value.pattern())
        self._bound.append(value)
        return rf"{column} LIKE ? ESCAPE '\'"

    def _membership(self, node: Membership) -> str:
        field = self._filterable(node.name)
        if node.op in ("INCLUDES", "EXCLUDES"):
            return self._inclusion(field, node)
        values = [self._value(field, literal) for literal in node.values]
        has_null = any(value is None for value in values)
        column, folds = self._column(field, values)
        bound = [fold(value) if folds else value for value in values if value is not None]
        self._bound.extend(bound)
        listed = f"{column} IN ({', '.join('?' * len(bound))})"
        if node.op == "IN":
            return f"({listed} OR {column} IS NULL)" if has_null else listed
        return f"NOT coalesce({listed}, {1 if has_null else 0})"

    def _inclusion(self, field: Field, node: Membership) -> str:
        if field.kind != "multipicklist":
            raise self._bad_operator(node.name, "includes or excludes operator only valid on multipicklist field")
        choices = [str(self._value(field, literal) or "") for literal in node.values]
        column, folds = self._column(field, choices)
        alternatives = []
        for choice in choices:
            parts = [part.strip() for part in choice.split(";")]
            tests = " AND ".join([f"instr(';' || {self._lower(column, folds)} || ';', ?) > 0"] * len(parts))
            self._bound.extend(f";{fold(part)};" for part in parts)
            alternatives.append(f"({tests})")
        included = f"coalesce({' OR '.join(alternatives)}, 0)"
        return included if node.op == "INCLUDES" else f"NOT {included}"

    @staticmethod
    def _lower(column: str, folds: bool) -> str:
        return column if folds else f"lower({column})"

    @staticmethod
    def _column(field: Field, values: list[Any]) -> tuple[str, bool]:
        """How the column is written for these values: folded when SQLite's own NOCASE (ASCII) would not do."""
        folds = field.kind in TEXT_KINDS and any(isinstance(value, str) and not value.isascii() for value in values)
        return (f"fold({quoted(field.name)})" if folds else quoted(field.name)), folds

    def _case(self, field: Field, value: Any) -> tuple[str, Any]:
        column, folds = self._column(field, [value])
        return column, fold(value) if folds else value

    def _bad_operator(self, name: Name, words: str) -> Refusal:
        return place(self._query.text, name.start, "INVALID_QUERY_FILTER_OPERATOR", words)

    def _value(self, field: Field, literal: Literal) -> Any:
        if literal.kind == "null":
            return None
        wanted, is_quoted, read = _spelling(field)
        if literal.kind not in wanted:
            quotes = "should be enclosed in quotes" if is_quoted else "should not be enclosed in quotes"
            kind = {"datetime": "dateTime", "picklist": "string", "id": "string"}.get(field.kind, field.kind)
            words = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
            raise place(self._query.text, literal.start, "INVALID_FIELD", words)
        try:
            return read(literal)
        except ValueError as error:
            code = "INVALID_QUERY_FILTER_OPERATOR" if field.kind in ID_KINDS else "MALFORMED_QUERY"
            raise place(self._query.text, literal.start, code, str(error)) from None


def _spelling(field: Field) -> tuple[tuple[str, ...], bool, Callable[[Literal], Any]]:
    """Which literals fit the field, whether they are quoted, and how they are read."""
    if field.kind in ID_KINDS:
        return ("string",), True, _read_id
    if field.kind in TEXT_KINDS:
        return ("string",), True, lambda literal: literal.plain() or None
    if field.kind in NUMBER_KINDS:
        return ("number", "int"), False, lambda literal: float(literal.text)
    if field.kind == "boolean":
        return ("boolean",), False, lambda literal: int(literal.text.lower() == "true")
    return (field.kind,), False, _read_datetime if field.kind == "datetime" else _read_date


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
