"""The searches we send: by a key set over the id, so that no two pages overlap and no end of 10,000 is met.

A page's place is the last id it gave: equal stamps by the thousand, as after bulk edits, make no loop, and what changes meanwhile only
leaves the window. The index lags by seconds, which the look-back covers, and may be stale: every id found is read again by itself, except
an echo of our own write, whose values come with the search where its body has room for their names.
No call is made here.
Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sync_worker.crm.port import Scan

STAMP = "hs_lastmodifieddate"  # of companies and deals
ID = "hs_object_id"
MERGED = "hs_merged_object_ids"
PAGE_COUNT = 200  # ids a search; the page above has this limit
MOST_BODY_CHARS = 3_000  # of a search's body; the page above has this limit too


def changed(scan: Scan, after_id: str, properties: Sequence[str] = (ID,)) -> dict[str, Any]:
    """The body that asks for the next ids of a window, with these properties where it has room for their names."""
    filters = [*_window(scan), *_between(after_id, scan.up_to)]
    either = [[*filters, _holds(name)] for name in (scan.only_with, *scan.or_with)] if scan.only_with else [filters]
    body = {**_body([], limit=PAGE_COUNT), "filterGroups": [{"filters": group} for group in either]}
    whole = {**body, "properties": list(properties)}
    return whole if len(json.dumps(whole)) <= MOST_BODY_CHARS else body  # as the vendor's client spells it


def stretch(scan: Scan | None, above_id: str, up_to_id: str, *, direction: str) -> dict[str, Any]:
    """The body that asks how many ids of a scan, or of all that there are, lie in a stretch, and for the first or the last of them."""
    asked = changed(scan, "") if scan else _body([], limit=1)
    groups = [{"filters": [*group["filters"], *_between(above_id, up_to_id)]} for group in asked["filterGroups"]]
    return {**asked, "filterGroups": groups, "sorts": [{"propertyName": ID, "direction": direction}], "limit": 1}


def touched(since: datetime, after_id: str) -> dict[str, Any]:
    """The body that asks for the next ids changed since, and what each has swallowed in a merge."""
    filters = [_filter(STAMP, "GTE", _milliseconds(since)), *([_filter(ID, "GT", after_id)] if after_id else ())]
    return {**_body(filters, limit=PAGE_COUNT), "properties": [ID, MERGED]}


def holding(any_of: Sequence[str], after_id: str) -> dict[str, Any]:
    """The body that asks for the next ids and stamps of records in which one of these fields holds a value."""
    beyond = [_filter(ID, "GT", after_id)] if after_id else []
    groups = [{"filters": [_holds(name), *beyond]} for name in any_of]
    return {**_body([], limit=PAGE_COUNT), "filterGroups": groups, "properties": [ID, STAMP]}


def counted(with_field: str | None) -> dict[str, Any]:
    """The body that asks how many records there are, all or those with a value in a field, and for the last id of them."""
    return {**_body([_holds(with_field or ID)], limit=1), "sorts": [{"propertyName": ID, "direction": "DESCENDING"}]}


def _between(above_id: str, up_to_id: str) -> Iterator[dict[str, str]]:
    if above_id:
        yield _filter(ID, "GT", above_id)
    if up_to_id:
        yield _filter(ID, "LTE", up_to_id)


def _window(scan: Scan) -> Iterator[dict[str, str]]:
    if scan.from_at:
        yield _filter(STAMP, "GTE", _milliseconds(scan.from_at))
    yield _filter(STAMP, "LTE", _milliseconds(scan.until_at))


def _holds(name: str) -> dict[str, str]:
    return {"propertyName": name, "operator": "HAS_PROPERTY"}


def _filter(name: str, operator: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


def _body(filters: list[dict[str, str]], *, limit: int) -> dict[str, Any]:
    order = [{"propertyName": ID, "direction": "ASCENDING"}]
    return {"filterGroups": [{"filters": filters}], "sorts": order, "properties": [ID], "limit": limit}


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
