"""Queries answered in pages, with a locator for the next page.

The result is the list of row numbers as of the first page; values are read when their page is. A locator belongs to
the token that opened it, lasts 15 minutes from its last use, and each user has ten: the oldest gives way.
"""

from __future__ import annotations  # array[int] has no run-time form yet

from array import array
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.soql.parser import parse
from crm_sandbox.salesforce.soql.result import aggregated, records, row_numbers, too_complicated
from crm_sandbox.salesforce.soql.sql import SqlPlan, translate
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.ids import ALPHABET

PAGE_SIZE = 2000  # rows; the default and the most
MIN_PAGE_SIZE = 200
LOCATOR_LIFE = timedelta(minutes=15)  # since its last use
MAX_LOCATORS = 10  # open at a time for one user
_LONG_TEXT_PAGE_SIZE = 1000  # recorded: one long text field halves the page
_LONG_TEXTS_PAGE_SIZE = 200  # documented: two or more custom ones


@dataclass(slots=True)
class OpenResult:
    """An open result."""

    plan: SqlPlan
    numbers: array[int]
    token: str
    page_size: int
    used_at: datetime


class Queries:
    """The open results of an org."""

    def __init__(self, org: Org, rng: Random) -> None:
        self._org, self._rng = org, rng
        self._cursors: OrderedDict[str, OpenResult] = OrderedDict()

    def first(self, text: str, *, token: str, version: str, batch_size: int, include_deleted: bool) -> Values:
        """The first page of a query.

        Raises: Refusal for a query that does not hold.
        """
        plan = self.plan(text, include_deleted=include_deleted)
        if plan.keys:
            return aggregated(self._org, plan)
        numbers = row_numbers(self._org, plan)
        if plan.is_count:
            return {"totalSize": len(numbers), "done": True, "records": []}
        page_size = _page_size(plan, batch_size)
        cursor = OpenResult(plan, numbers, token, page_size, self._org.clock.now())
        if len(numbers) <= page_size:
            return self._page(cursor, "", 0, version)
        locator = "0r8" + "".join(self._rng.choices(ALPHABET, k=15))
        self._cursors[locator] = cursor
        mine = [name for name, other in self._cursors.items() if other.token == token]
        for name in mine[:-MAX_LOCATORS]:
            del self._cursors[name]
        return self._page(cursor, locator, 0, version)

    def plan(self, text: str, *, include_deleted: bool) -> SqlPlan:
        """What a query means.

        Raises: Refusal.
        """
        try:
            return translate(self._org, parse(text), include_deleted=include_deleted)
        except RecursionError:
            raise too_complicated() from None

    def more(self, locator: str, *, token: str, version: str) -> Values:
        """A later page: `locator` is the part behind `/query/`, with the row to begin at.

        Raises: Refusal INVALID_QUERY_LOCATOR when it is unknown, expired or another session's.
        """
        name, _, start = locator.partition("-")
        cursor = self._cursors.get(name)
        now = self._org.clock.now()
        is_alive = cursor is not None and cursor.token == token and now - cursor.used_at <= LOCATOR_LIFE
        if cursor is None or not is_alive or not start.isdigit() or int(start) >= len(cursor.numbers):
            raise SalesforceRefusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        cursor.used_at = now
        return self._page(cursor, name, int(start), version)

    def object_of(self, locator: str) -> str | None:
        """The record type that a locator is about, if it is known."""
        cursor = self._cursors.get(locator.partition("-")[0])
        return None if cursor is None else cursor.plan.sobject.name

    def _page(self, cursor: OpenResult, name: str, start: int, version: str) -> Values:
        end = start + cursor.page_size
        page: dict[str, Any] = {"totalSize": len(cursor.numbers), "done": end >= len(cursor.numbers)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{name}-{end}"
        return page | {"records": records(self._org, cursor.plan, cursor.numbers[start:end], version)}


def _page_size(plan: SqlPlan, batch_size: int) -> int:
    long_texts = [field for field in plan.fields if field.is_long_text]
    most = _LONG_TEXT_PAGE_SIZE if long_texts else PAGE_SIZE
    if sum(field.is_custom for field in long_texts) > 1:
        most = _LONG_TEXTS_PAGE_SIZE
    return min(max(batch_size, MIN_PAGE_SIZE), most)
