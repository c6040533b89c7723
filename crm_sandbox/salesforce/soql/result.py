"""The rows of a plan: their numbers, and then their values as JSON has them, parents nested in their children."""

from __future__ import annotations  # array[int] has no run-time form yet

import sqlite3
from array import array
from collections.abc import Sequence
from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import Values, as_json, quoted
from crm_sandbox.salesforce.soql.names import Parent
from crm_sandbox.salesforce.soql.sql import SqlPlan
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

Row = tuple[Any, ...]


def too_complicated() -> SalesforceRefusal:
    """A query that the store cannot take in."""
    words = "Query is either selecting too many fields or the filter conditions are too complicated."
    return SalesforceRefusal("QUERY_TOO_COMPLICATED", words)


def row_numbers(org: Org, plan: SqlPlan) -> array[int]:
    """The numbers of all rows, in order.

    Raises: Refusal QUERY_TOO_COMPLICATED.
    """
    try:
        return array("q", org.store.numbers(plan.rows_sql, plan.bound))
    except sqlite3.OperationalError:
        raise too_complicated() from None


def aggregated(org: Org, plan: SqlPlan) -> Values:
    """The whole answer of a query that counts or groups."""
    rows = org.store.db.execute(plan.rows_sql, plan.bound).fetchall()
    shapes: list[Values] = [{"attributes": {"type": "AggregateResult"}, **dict(zip(plan.keys, row, strict=True))} for row in rows]
    for shape in shapes:
        shape.update({key: shape[key] == 1 for key in plan.truths})
    return {"totalSize": len(shapes), "done": True, "records": shapes}


def rows(org: Org, plan: SqlPlan, numbers: Sequence[int], columns: Sequence[str]) -> list[Row]:
    """`columns` (SQL) of the rows of these numbers, in their order; rows gone since the numbers were taken are left out."""
    marks = ", ".join("?" * len(numbers))
    sql = f"SELECT t.n, {', '.join(columns)} FROM {quoted(plan.sobject.name)} AS t WHERE t.n IN ({marks})"  # noqa: S608
    row_by_number = {row[0]: row for row in org.store.db.execute(sql, list(numbers))}
    return [row_by_number[number] for number in numbers if number in row_by_number]


def records(org: Org, plan: SqlPlan, numbers: Sequence[int], version: str) -> list[Values]:
    """The rows of these numbers as JSON has them."""
    parents = list({parent.path: parent for column in plan.columns for parent in column.parents}.values())
    columns = ['t."Id"', *(parent.id_sql for parent in parents), *(column.sql for column in plan.columns)]
    found = rows(org, plan, numbers, columns)
    url = f"/services/data/v{version}/sobjects/"
    if parents:
        shapes = [_nested(plan, parents, row, url) for row in found]
    else:
        keys, name, own_url = [column.key for column in plan.columns], plan.sobject.name, f"{url}{plan.sobject.name}/"
        heads = [{"type": name, "url": own_url + row[1]} for row in found]
        shapes = [{"attributes": head, **dict(zip(keys, row[2:], strict=True))} for head, row in zip(heads, found, strict=True)]
    _as_json(plan, shapes)
    return [org.shown(plan.sobject, shape) for shape in shapes]


def _nested(plan: SqlPlan, parents: list[Parent], row: Row, url: str) -> Values:
    ids = {parent.path: parent_id for parent, parent_id in zip(parents, row[2:], strict=False)}
    shape: Values = {"attributes": {"type": plan.sobject.name, "url": f"{url}{plan.sobject.name}/{row[1]}"}}
    for column, value in zip(plan.columns, row[2 + len(parents) :], strict=True):
        holder: Values = shape
        for parent in column.parents:
            if ids[parent.path] is None:
                holder[parent.path[-1]] = None
                break
            head = {"type": parent.sobject.name, "url": f"{url}{parent.sobject.name}/{ids[parent.path]}"}
            holder = holder.setdefault(parent.path[-1], {"attributes": head})
        else:
            holder[column.key] = value
    return shape


def _as_json(plan: SqlPlan, shapes: list[Values]) -> None:
    for column in plan.columns:
        change = as_json(column.field)
        if change is None:
            continue
        for shape in shapes:
            holder: Values | None = shape
            for parent in column.parents:
                holder = None if holder is None else holder[parent.path[-1]]
            if holder is not None:
                holder[column.key] = change(holder[column.key])
