"""A list that travels to a statement as one parameter and is rows there: a batch is one statement, not one for each of its ids."""

from __future__ import annotations

from collections.abc import Collection

import orjson
from sqlalchemy import ColumnElement, Text, func, literal
from sqlalchemy.dialects import postgresql

from sync_worker.store.core.engine import Tx


def each(tx: Tx, texts: Collection[str]) -> ColumnElement[str]:
    """A column to select from: the texts in their order, so that two writers meet in one."""
    ordered = sorted(texts)
    if tx.is_postgresql:
        return func.unnest(literal(ordered, postgresql.ARRAY(Text))).column_valued("text")
    return func.json_each(orjson.dumps(ordered).decode()).table_valued("value").c.value
