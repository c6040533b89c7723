"""A SOQL tree → a plan: what is selected, and the SQL that gives the rows, for one org and one user's sight of it."""

from dataclasses import dataclass
from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import quoted
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.soql.names import Names, SoqlColumn, sobject_named
from crm_sandbox.salesforce.soql.parser import place
from crm_sandbox.salesforce.soql.tree import Item, Name, Order, Query
from crm_sandbox.salesforce.soql.where import Conditions
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

MAX_OFFSET = 2000  # rows
MAX_FIELDS_LIMIT = 200  # rows of a query with FIELDS(ALL) or FIELDS(CUSTOM)
_AGGREGATES = {
    "COUNT": "count({})",
    "COUNT_DISTINCT": "count(DISTINCT {})",
    "MIN": "min({})",
    "MAX": "max({})",
    "SUM": "sum({})",
    "AVG": "avg({})",
}


@dataclass(frozen=True, slots=True)
class SqlPlan:
    """What to run. Of rows: `rows_sql` gives their numbers, in order. Of aggregates: it gives `keys` and values, whole."""

    sobject: SObject
    columns: tuple[SoqlColumn, ...]
    rows_sql: str
    bound: tuple[Any, ...]
    is_count: bool = False
    keys: tuple[str, ...] = ()
    truths: frozenset[str] = frozenset()  # those keys whose values are true or false

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields selected, of parents too."""
        return tuple(column.field for column in self.columns)


def translate(org: Org, query: Query, *, include_deleted: bool) -> SqlPlan:
    """The plan of a query.

    Raises: Refusal INVALID_TYPE, INVALID_FIELD, INVALID_QUERY_FILTER_OPERATOR, MALFORMED_QUERY.
    """
    return _Translation(org, query, include_deleted=include_deleted).plan()


class _Translation:
    def __init__(self, org: Org, query: Query, *, include_deleted: bool) -> None:
        self._org, self._query, self._include_deleted = org, query, include_deleted
        self._bound: list[Any] = []
        self._sobject = sobject_named(org, query.sobject, query.text)
        self._names = Names(org, query.text, self._sobject, alias=query.alias)
        self._conditions = Conditions(org, query.text, self._names, self._bound, include_deleted=include_deleted)

    def plan(self) -> SqlPlan:
        query = self._query
        if query.groups or any(item.function in _AGGREGATES for item in query.items):
            return self._aggregate()
        columns = self._selected()
        tail = self._tail("t.n")
        sql = f"SELECT t.n FROM {quoted(self._sobject.name)} AS t {tail}"  # noqa: S608
        return SqlPlan(self._sobject, columns, sql, tuple(self._bound), is_count=not query.items)

    def _tail(self, order: str, group: str = "") -> str:
        """Everything behind FROM."""
        query = self._query
        conditions = ['t."IsDeleted" = 0'] if self._sobject.field("IsDeleted") and not self._include_deleted else []
        if query.where is not None:
            conditions.append(self._conditions.sql(query.where))
        order = ", ".join(self._order(term) for term in query.orders) or order
        if query.offset > MAX_OFFSET:
            raise SalesforceRefusal("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        limit = -1 if query.limit is None else query.limit
        where = " AND ".join(conditions) or "1"
        return f"WHERE {where} {group} ORDER BY {order} LIMIT {limit} OFFSET {query.offset}"

    def _aggregate(self) -> SqlPlan:
        keys: list[str] = []
        parts: list[str] = []
        truths: set[str] = set()
        groups = [self._conditions.filterable(name).sql for name in self._query.groups]
        for item in self._query.items:
            column = self._conditions.filterable(item.name)
            if item.function in _AGGREGATES:
                keys.append(item.alias or f"expr{sum(key.startswith('expr') for key in keys)}")
                parts.append(_AGGREGATES[item.function].format(column.sql))
            elif column.sql in groups:
                keys.append(item.alias or column.field.name)
                parts.append(column.sql)
                truths |= {keys[-1]} if column.field.kind == "boolean" else set()
            else:
                words = f"Field must be grouped or aggregated: {item.name.text}"
                raise place(self._query.text, item.name.start, "MALFORMED_QUERY", words)
        group = f"GROUP BY {', '.join(groups)}" if groups else ""
        tail = self._tail("1", group)
        sql = f"SELECT {', '.join(parts)} FROM {quoted(self._sobject.name)} AS t {tail}"  # noqa: S608
        return SqlPlan(self._sobject, (), sql, tuple(self._bound), keys=tuple(keys), truths=frozenset(truths))

    def _selected(self) -> tuple[SoqlColumn, ...]:
        seen: dict[str, SoqlColumn] = {}
        for item in self._query.items:
            for column in self._columns(item):
                if column.dotted in seen:
                    words = f"duplicate field selected: {item.name.text}"
                    raise place(self._query.text, item.name.start, "INVALID_FIELD", words)
                seen[column.dotted] = column
        return tuple(seen.values())

    def _columns(self, item: Item) -> list[SoqlColumn]:
        if item.function == "FIELDS":
            return self._every(item.name)
        return [self._names.column(item.name, alias=item.alias)]

    def _every(self, which: Name) -> list[SoqlColumn]:
        """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""
        word = which.text.upper()
        if word not in ("ALL", "STANDARD", "CUSTOM"):
            raise place(self._query.text, which.start, "MALFORMED_QUERY", f"unexpected token: '{which.text}'")
        if word != "STANDARD" and (self._query.limit is None or self._query.limit > MAX_FIELDS_LIMIT):
            words = f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}"
            raise SalesforceRefusal("MALFORMED_QUERY", words)
        fields = self._org.fields(self._sobject)
        wanted = [field for field in fields if word == "ALL" or field.is_custom == (word == "CUSTOM")]
        return [self._names.column(Name(field.name, which.start)) for field in wanted]

    def _order(self, term: Order) -> str:
        column = self._conditions.filterable(term.name)
        field = column.field
        if field.kind == "multipicklist":
            words = f"field '{field.name}' can not be sorted in a query call"
            raise place(self._query.text, term.name.start, "INVALID_FIELD", words)
        sql = _AGGREGATES.get(term.function or "", "{}").format(column.sql)
        nulls = "LAST" if term.nulls_last else "FIRST"
        # A column without nulls is ordered by the index alone; saying NULLS would cost a sort where DESC meets FIRST.
        tail = f" NULLS {nulls}" if field.is_nillable or column.parents else ""
        return f"{sql} {'DESC' if term.is_descending else 'ASC'}{tail}"
