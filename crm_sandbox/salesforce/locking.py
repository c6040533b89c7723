"""The rows of a call are locked before the call waits and works, and let go when it is answered.

Parts of composites are looked at too; what a part takes from the answer of another (`@{ref.id}`) locks nothing. Bulk jobs lock nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_sandbox.calls import Call
from crm_sandbox.salesforce.data.locks import rows_of
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.values import kept
from crm_sandbox.salesforce.schema.schema import SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.ids import to_18

_WRITING = frozenset({"row_create", "row_update", "row_upsert", "row_delete", "collections_write", "composite", "composite_batch"})
Item = dict[str, Any]


class RowLocking:
    """An ASGI application around the routes and their latency."""

    def __init__(self, app: ASGIApp, state: SalesforceState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with its rows locked."""
        call: Call | None = scope.get("sandbox.call")
        locks = self._state.row_locks
        rows = self._rows(scope, call) if call is not None and self._may_meet_another(scope, call) else set[str]()
        if not rows:
            await self._app(scope, receive, send)
            return
        claim = await locks.take(rows, self._state.clock.now())
        scope["sandbox.locked"] = claim.refused
        try:
            await self._app(scope, receive, send)
        finally:
            locks.release(claim)

    def _may_meet_another(self, scope: Scope, call: Call) -> bool:
        """Whether the call writes, and waits or has come while others have locked rows: without a wait it is done in one go."""
        is_writing = call.kind in _WRITING and not scope.get("sandbox.late")
        return is_writing and bool(self._state.row_locks.claims or self._state.latency.of(call))

    def _rows(self, scope: Scope, call: Call) -> set[str]:
        with suppress(orjson.JSONDecodeError):
            body = orjson.loads(call.body) if call.body else {}
            url = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
            return set().union(*_rows_of_request(self._state.org, call.method, url, body))
        return set()


def _rows_of_request(org: Org, method: str, url: str, body: Any) -> Iterator[set[str]]:
    """The rows of each record that a request writes."""
    address = urlsplit(url)
    parts = [unquote(part) for part in address.path.split("/services/data/", 1)[-1].strip("/").split("/")[1:]]
    body = body if isinstance(body, dict) else {}
    if parts in (["composite"], ["composite", "batch"]):
        for part in _items(body.get("compositeRequest") or body.get("batchRequests")):
            inner = part.get("body") or part.get("richInput")
            yield from _rows_of_request(org, str(part.get("method", "GET")), str(part.get("url", "")), inner)
    elif parts == ["composite", "sobjects"] and method == "DELETE":
        for one in parse_qs(address.query).get("ids", [""])[0].split(","):
            yield _rows_by_id(org, one, {})
    elif parts[:2] == ["composite", "sobjects"]:
        for item in _items(body.get("records")):
            yield _rows_of_item(org, method, parts[2:], item)
    elif parts[:1] == ["sobjects"]:
        yield _rows_of_single(org, parts[1:], body)


def _rows_of_item(org: Org, method: str, key: list[str], item: Item) -> set[str]:
    """One record of a collection; `key`: the record type and the external id of an upsert."""
    if len(key) == 2:
        return _rows_by_key(org, org.objects.get(key[0].lower()), key[1], item)
    return _rows_of_new(org, item) if method == "POST" else _rows_by_id(org, str(_member(item, "Id") or ""), item)


def _rows_of_single(org: Org, parts: list[str], body: Item) -> set[str]:
    """One record at its own address: its type, its type and id, or its type, external id and that id's value."""
    if len(parts) == 2:
        return _rows_by_id(org, parts[1], body)
    if len(parts) > 2:
        return _rows_by_key(org, org.objects.get(parts[0].lower()), parts[1], {**body, parts[1]: "/".join(parts[2:])})
    return _rows_of_new(org, {**body, "attributes": {"type": parts[0]}}) if parts else set()


def _rows_of_new(org: Org, item: Item) -> set[str]:
    attributes = item.get("attributes")
    sobject = org.objects.get(str(attributes.get("type")).lower()) if isinstance(attributes, dict) else None
    return set() if sobject is None else rows_of(org, sobject, None, item)


def _rows_by_id(org: Org, text: str, item: Item) -> set[str]:
    record_id = to_18(text) or ""
    sobject = org.sobject_of(record_id) if record_id else None
    before = None if sobject is None else org.store.get(sobject, record_id)
    return set() if sobject is None or before is None else rows_of(org, sobject, before, item)


def _rows_by_key(org: Org, sobject: SObject | None, key: str, item: Item) -> set[str]:
    field = None if sobject is None else sobject.field(key)
    value = _member(item, key)
    if sobject is None or field is None or value is None:
        return set() if sobject is None else rows_of(org, sobject, None, item)
    if field.kind == "id":
        return _rows_by_id(org, str(value), item)
    with suppress(SalesforceRefusal):
        found = org.store.ids_with(sobject, field, kept(field, value))
        return _rows_by_id(org, found[0], item) if len(found) == 1 else rows_of(org, sobject, None, item)
    return set()


def _items(found: Any) -> list[Item]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _member(item: Item, name: str) -> Any:
    return next((value for key, value in item.items() if key.lower() == name.lower()), None)
