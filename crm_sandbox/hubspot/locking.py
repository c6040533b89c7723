"""The records of a call are locked while it waits and works. A call that writes one of them meanwhile is refused with 423 as a whole.

Creates and associations lock nothing.
"""

from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_sandbox.calls import Call
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.locks import RecordKey
from crm_sandbox.hubspot.wire.replies import refuse
from crm_sandbox.hubspot.wire.trouble import ordered_refusal

_ROWS, _BATCHES = frozenset({"update", "archive"}), frozenset({"batch_update", "batch_upsert", "batch_archive"})


class RecordLocking:
    """An ASGI application around the routes and their latency."""

    def __init__(self, app: ASGIApp, state: HubspotState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with its records locked, or refuse it."""
        call: Call | None = scope.get("sandbox.call")
        locks = self._state.record_locks
        keys = frozenset(self._keys(scope, call)) if call is not None and self._may_meet_another(scope, call) else frozenset[RecordKey]()
        if not locks.take(keys, self._state.clock.now()):
            await refuse(ordered_refusal("LOCKED"))(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            locks.release(keys)

    def _may_meet_another(self, scope: Scope, call: Call) -> bool:
        """Whether the call waits, or has come while others have locked records: without a wait it is done in one go."""
        return not scope.get("sandbox.late") and (not self._state.record_locks.is_idle or bool(self._state.latency.of(call)))

    def _keys(self, scope: Scope, call: Call) -> list[RecordKey]:
        parts = [unquote(part) for part in scope["path"].strip("/").split("/")]
        if call.kind in _ROWS:
            asked = parse_qs(scope["query_string"].decode("latin-1")).get("idProperty", [None])[0]
            return self._key(parts[1], parts[2], asked)
        body = _json(call.body)
        if call.kind == "merge":
            return [key for name in ("primaryObjectId", "objectIdToMerge") for key in self._key(parts[1], body.get(name), None)]
        inputs = body.get("inputs") if call.kind in _BATCHES else None
        rows = [one for one in inputs if isinstance(one, dict)] if isinstance(inputs, list) else []
        return [key for one in rows for key in self._key(parts[1], one.get("id"), one.get("idProperty"))]

    def _key(self, type_name: str, key: Any, id_property: str | None) -> list[RecordKey]:
        """What tells the record from others; nothing where the call says it wrongly, which is refused later."""
        text = "" if key is None else str(key).strip()
        try:
            shelf = self._state.portal.shelf(type_name)
            record = self._state.portal.find(shelf, text, id_property)
        except HubspotRefusal:
            return []
        if record is not None:
            return [(shelf.type.name, str(record.id))]
        return [(shelf.type.name, f"{id_property}={text.lower()}")] if id_property and text else []


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
