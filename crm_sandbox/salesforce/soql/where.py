"""The WHERE of a SOQL tree → SQL with bound parameters.

SOQL knows two truth values: a comparison with null is false, and NOT of it is true. Text is compared without case,
ids exactly (15 characters count as their 18). What a client may not filter, and how a value must be spelled, is checked
here, in the vendor's words.
"""

from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import fold, quoted
from crm_sandbox.salesforce.schema.schema import TEXT_KINDS, Field
from crm_sandbox.salesforce.soql.literals import read, stretch
from crm_sandbox.salesforce.soql.names import Names, SoqlColumn, sobject_named
from crm_sandbox.salesforce.soql.parser import place
from crm_sandbox.salesforce.soql.tree import Condition, Junction, Literal, Name, Semijoin, SoqlComparison, SoqlMembership
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

_NULL_OPS = {"=": "IS", "!=": "IS NOT"}
_ORDERED = frozenset({"<", "<=", ">", ">="})


class Conditions:
    """Conditions on one record type; `bound` grows with them, in the order of the marks in the SQL."""

    def __init__(self, org: Org, text: str, names: Names, bound: list[Any], *, include_deleted: bool) -> None:
        self._org, self._text, self._names = org, text, names
        self._bound, self._include_deleted = bound, include_deleted

    def filterable(self, name: Name) -> SoqlColumn:
        """A column that may stand in a WHERE, an ORDER BY or a GROUP BY.

        Raises: Refusal INVALID_FIELD.
        """
        column = self._names.column(name)
        if not column.field.is_filterable:
            words = f"field '{column.field.name}' can not be filtered in a query call"
            raise place(self._text, name.start, "INVALID_FIELD", words)
        return column

    def sql(self, node: Condition) -> str:
        """One condition.

        Raises: Refusal INVALID_FIELD, INVALID_QUERY_FILTER_OPERATOR, MALFORMED_QUERY.
        """
        if isinstance(node, Junction):
            return _joined(f" {node.op} ", [self.sql(part) for part in node.parts])
        if isinstance(node, SoqlComparison):
            return self._comparison(node)
        if isinstance(node, SoqlMembership):
            return self._membership(node)
        if isinstance(node, Semijoin):
            return self._semijoin(node)
        return f"NOT coalesce({self.sql(node.part)}, 0)"

    def _comparison(self, node: SoqlComparison) -> str:
        column = self.filterable(node.name)
        field = column.field
        if node.op == "LIKE":
            return self._like(column, node)
        if node.op in _ORDERED and field.kind in ("boolean", "multipicklist"):
            raise self._bad_operator(node.name, f"invalid operator on {field.kind} field")
        if node.value.kind == "date_word" and field.kind in ("date", "datetime"):
            return self._in_stretch(column, node)
        sql, value = self._case(column, self._value(field, node.value))
        self._bound.append(value)
        op = _NULL_OPS.get(node.op, node.op) if value is None or node.op == "!=" else node.op
        return f"{sql} {op} ?"

    def _in_stretch(self, column: SoqlColumn, node: SoqlComparison) -> str:
        start, end = stretch(column.field, node.value, self._org.clock.now().date(), self._text)
        if node.op in ("=", "!="):
            self._bound += [start, end]
            inside = f"({column.sql} >= ? AND {column.sql} < ?)"
            return inside if node.op == "=" else f"NOT coalesce({inside}, 0)"
        op, bound = {"<": ("<", start), "<=": ("<", end), ">": (">=", end), ">=": (">=", start)}[node.op]
        self._bound.append(bound)
        return f"{column.sql} {op} ?"

    def _like(self, column: SoqlColumn, node: SoqlComparison) -> str:
        if column.field.kind not in TEXT_KINDS or column.field.kind == "multipicklist":
            raise self._bad_operator(node.name, f"invalid operator on {column.field.kind} field")
        self._value(column.field, node.value)  # checks its spelling
        sql, value = self._case(column, node.value.pattern())
        self._bound.append(value)
        return rf"{sql} LIKE ? ESCAPE '\'"

    def _membership(self, node: SoqlMembership) -> str:
        column = self.filterable(node.name)
        if node.op in ("INCLUDES", "EXCLUDES"):
            return self._inclusion(column, node)
        values = [self._value(column.field, literal) for literal in node.values]
        has_null = any(value is None for value in values)
        sql, folds = self._folded(column, values)
        bound = [fold(value) if folds else value for value in values if value is not None]
        self._bound.extend(bound)
        listed = f"{sql} IN ({', '.join('?' * len(bound))})"
        if node.op == "IN":
            return f"({listed} OR {sql} IS NULL)" if has_null else listed
        return f"NOT coalesce({listed}, {1 if has_null else 0})"

    def _semijoin(self, node: Semijoin) -> str:
        column = self.filterable(node.name)
        sobject = sobject_named(self._org, node.sobject, self._text)
        inner = Conditions(
            self._org, self._text, Names(self._org, self._text, sobject, table="s"), self._bound, include_deleted=self._include_deleted
        )
        selected = inner.filterable(node.field).sql
        where = ['s."IsDeleted" = 0'] if sobject.field("IsDeleted") and not self._include_deleted else []
        where += [inner.sql(node.where)] if node.where is not None else []
        where.append(f"{selected} IS NOT NULL")
        found = f"{column.sql} IN (SELECT {selected} FROM {quoted(sobject.name)} AS s WHERE {' AND '.join(where)})"  # noqa: S608
        return found if node.op == "IN" else f"NOT coalesce({found}, 0)"

    def _inclusion(self, column: SoqlColumn, node: SoqlMembership) -> str:
        if column.field.kind != "multipicklist":
            raise self._bad_operator(node.name, "includes or excludes operator only valid on multipicklist field")
        choices = [str(self._value(column.field, literal) or "") for literal in node.values]
        sql, folds = self._folded(column, choices)
        lowered = sql if folds else f"lower({sql})"
        alternatives = []
        for choice in choices:
            parts = [part.strip() for part in choice.split(";")]
            tests = " AND ".join([f"instr(';' || {lowered} || ';', ?) > 0"] * len(parts))
            self._bound.extend(f";{fold(part)};" for part in parts)
            alternatives.append(f"({tests})")
        included = f"coalesce({' OR '.join(alternatives)}, 0)"
        return included if node.op == "INCLUDES" else f"NOT {included}"

    @staticmethod
    def _folded(column: SoqlColumn, values: list[Any]) -> tuple[str, bool]:
        """How the column is written for these values: folded when SQLite's own NOCASE (ASCII) would not do."""
        folds = column.field.kind in TEXT_KINDS and any(isinstance(value, str) and not value.isascii() for value in values)
        return (f"fold({column.sql})" if folds else column.sql), folds

    def _case(self, column: SoqlColumn, value: Any) -> tuple[str, Any]:
        sql, folds = self._folded(column, [value])
        return sql, fold(value) if folds else value

    def _bad_operator(self, name: Name, words: str) -> SalesforceRefusal:
        return place(self._text, name.start, "INVALID_QUERY_FILTER_OPERATOR", words)

    def _value(self, field: Field, literal: Literal) -> Any:
        return read(field, literal, self._text)


def _joined(joint: str, parts: list[str]) -> str:
    """The parts joined two by two: SQLite allows no deep expressions, and a thousand in a row would be one."""
    while len(parts) > 1:
        pairs = [parts[place : place + 2] for place in range(0, len(parts), 2)]
        parts = [f"({joint.join(pair)})" if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]
