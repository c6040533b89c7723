"""Answers as the vendor sends them: JSON with its content type, refusals as a list, and what a fault order says instead."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from sync_worker.sandbox.faults import Fault
from sync_worker.sandbox.salesforce.errors import Refusal
from sync_worker.sandbox.wire import Reply

JSON_TYPE = "application/json;charset=UTF-8"
HTML_PAGE = b"""<html><head><title>Service Not Available</title></head>
<body><h1>We are down for maintenance</h1><p>Salesforce Edge: Service Not Available</p></body></html>"""

_STATUS_BY_CODE = {
    "INVALID_SESSION_ID": 401,
    "INVALID_AUTH_HEADER": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "API_DISABLED_FOR_ORG": 403,
    "API_CURRENTLY_DISABLED": 403,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
    "TXN_SECURITY_METERING_ERROR": 403,
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "UNKNOWN_EXCEPTION": 500,
    "SERVER_UNAVAILABLE": 503,
}
_WORDS_BY_CODE = {
    "INVALID_SESSION_ID": "Session expired or invalid",
    "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
    "API_DISABLED_FOR_ORG": "API is not enabled for this Organization or Partner",
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record or 1 records",
    "SERVER_UNAVAILABLE": "Server too busy",
    "UNKNOWN_EXCEPTION": "An unexpected error occurred. Please include this ErrorId if you contact support",
    "QUERY_TIMEOUT": "Your query request was running for too long.",
    "INVALID_QUERY_LOCATOR": "invalid query locator",
    "ENTITY_IS_LOCKED": "the entity is locked for editing",
    "INSUFFICIENT_ACCESS_OR_READONLY": "entity is read-only",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "insufficient access rights on cross-reference id",
}
_CODE_BY_STATUS = {401: "INVALID_SESSION_ID", 403: "REQUEST_LIMIT_EXCEEDED", 404: "NOT_FOUND", 503: "SERVER_UNAVAILABLE"}
_BODYLESS = frozenset({204, 304, 406, 412, 420})


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, {"content-type": JSON_TYPE, **(headers or {})})


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body or a content type."""
    return Response(None, status, headers)


def refuse(refusal: Refusal) -> Response:
    """A refusal of a single request."""
    if refusal.status == 300:
        return answer(refusal.extra["urls"], 300)
    headers = {"www-authenticate": "Token"} if refusal.status == 401 else None
    return answer([refusal.single()], refusal.status, headers)


def ordered_refusal(code: str, message: str | None, *, status: int | None = None, fields: Sequence[str] = ()) -> Refusal:
    """A refusal by order of a fault, in the vendor's words if they are known."""
    words = message or _WORDS_BY_CODE.get(code, f"{code} by order")
    return Refusal(code, words, status=status or _STATUS_BY_CODE.get(code, 400), fields=fields or None)


def ordered_reply(fault: Fault) -> Reply:
    """What a fault order answers in place of the real answer."""
    if fault.body == "html":
        return Reply(fault.status or 503, [(b"content-type", b"text/html; charset=UTF-8")], HTML_PAGE)
    if fault.body is not None:
        return Reply(fault.status or 500, [(b"content-type", JSON_TYPE.encode())], orjson.dumps(fault.body))
    if fault.error_code is None and fault.status in _BODYLESS:
        return Reply(fault.status or 406, [], b"")
    code = fault.error_code or _CODE_BY_STATUS.get(fault.status or 500, "UNKNOWN_EXCEPTION")
    refusal = ordered_refusal(code, fault.message, status=fault.status)
    return Reply(refusal.status, [(b"content-type", JSON_TYPE.encode())], orjson.dumps([refusal.single()]))
