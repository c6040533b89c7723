"""Answers as the vendor sends them: JSON with its content type, refusals as a list, and what a fault order says instead."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from crm_sandbox.calls import Call
from crm_sandbox.faults import Fault
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.refusal import OAuthRefusal
from crm_sandbox.salesforce.wire.soap_fault import SoapFault
from crm_sandbox.salesforce.wire.words import STATUS_BY_CODE, WORDS_BY_CODE
from crm_sandbox.wire import Reply

JSON_TYPE = "application/json;charset=UTF-8"
HTML_PAGE = b"""<html><head><title>Service Not Available</title></head>
<body><h1>We are down for maintenance</h1><p>Salesforce Edge: Service Not Available</p></body></html>"""

_JSON_HEADER = (b"content-type", JSON_TYPE.encode())
_CODE_BY_STATUS = {
    401: "INVALID_SESSION_ID",
    403: "REQUEST_LIMIT_EXCEEDED",
    404: "NOT_FOUND",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "SERVER_UNAVAILABLE",
}
_BODYLESS = frozenset({204, 304, 406, 412, 420})


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, {"content-type": JSON_TYPE, **(headers or {})})


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body or a content type."""
    return Response(None, status, headers)


def refuse(refusal: SalesforceRefusal) -> Response:
    """A refusal of a single request."""
    if refusal.status == 300:
        return answer(refusal.extra["urls"], 300)
    headers = {"www-authenticate": "Token"} if refusal.status == 401 else None
    return answer([refusal.single()], refusal.status, headers)


def ordered_refusal(code: str, message: str | None, *, status: int | None = None, fields: Sequence[str] = ()) -> SalesforceRefusal:
    """A refusal by order of a fault, in the vendor's words if they are known."""
    return SalesforceRefusal(code, _words(code, message), status=status or STATUS_BY_CODE.get(code, 400), fields=fields or None)


def _words(code: str, message: str | None) -> str:
    return message or WORDS_BY_CODE.get(code, f"{code} by order")


def ordered_reply(fault: Fault, call: Call) -> Reply:
    """What a fault order answers in place of the real answer: in OAuth's shape at the token endpoint, as a SOAP fault at login()."""
    if fault.body == "html":
        return Reply(fault.status or 503, [(b"content-type", b"text/html; charset=UTF-8")], HTML_PAGE)
    if fault.body is not None:
        return Reply(fault.status or 500, [_JSON_HEADER], orjson.dumps(fault.body))
    if fault.error_code is None and fault.status in _BODYLESS:
        return Reply(fault.status or 406, [], b"")
    if fault.error_code is not None and call.kind == "soap_login":
        envelope = SoapFault(fault.error_code, _words(fault.error_code, fault.message)).envelope()
        return Reply(fault.status or 500, [(b"content-type", b"text/xml;charset=UTF-8")], envelope)
    if fault.error_code is not None and fault.error_code.islower():  # OAuth's codes are small, the API's are not
        body = OAuthRefusal(fault.error_code, _words(fault.error_code, fault.message)).body
        return Reply(fault.status or 400, [_JSON_HEADER], orjson.dumps(body))
    code = fault.error_code or _CODE_BY_STATUS.get(fault.status or 500, "UNKNOWN_EXCEPTION")
    refusal = ordered_refusal(code, fault.message, status=fault.status)
    return Reply(refusal.status, [_JSON_HEADER], orjson.dumps([refusal.single()]))
