"""What the vendor says when something goes wrong by order: each code with its words and status, each status with its code.

429s name their policy and no Retry-After; 477 alone has one. Pages of the edge are HTML, and not in UTF-8.
"""

import uuid
from typing import Any

import orjson

from crm_sandbox.calls import Call
from crm_sandbox.faults import Fault
from crm_sandbox.hubspot.wire.errors import BadValue, HubspotRefusal, invalid_values, unauthenticated
from crm_sandbox.hubspot.wire.limits import Policy
from crm_sandbox.hubspot.wire.paths import address_of, is_dated
from crm_sandbox.hubspot.wire.refusal import WORDS as TOKEN_WORDS
from crm_sandbox.hubspot.wire.refusal import TokenRefusal
from crm_sandbox.hubspot.wire.replies import JSON_TYPE
from crm_sandbox.wire import Headers, Reply

MIGRATION_RETRY_AFTER_S = 5
_JSON: Headers = [(b"content-type", JSON_TYPE.encode())]
_HTML: Headers = [(b"content-type", b"text/html")]
_PAGE = (
    "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center>"
    "<p>Une erreur s’est produite. Réessayez plus tard.</p></body></html>"
)
_EDGE = {502: "502 Bad Gateway", 504: "504 Gateway Time-out", 521: "521 Web server is down", 523: "523 Origin is unreachable"}
_EDGE |= {524: "524 A timeout occurred"}
_LIMIT_WORDS: dict[Policy, str] = {
    "DAILY": "You have reached your daily limit.",
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
}
_CODE_BY_STATUS = {
    400: "VALIDATION_ERROR",
    401: "EXPIRED_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    423: "LOCKED",
    429: "TEN_SECONDLY_ROLLING",
    477: "MIGRATION_IN_PROGRESS",
    503: "SERVICE_UNAVAILABLE",
}
_STATUS_BY_CODE = {code: status for status, code in _CODE_BY_STATUS.items()} | {"INVALID_AUTHENTICATION": 401, "INTERNAL_ERROR": 500}
_WORDS_BY_CODE = {
    "EXPIRED_AUTHENTICATION": "The OAuth token used to make this call expired 7 second(s) ago.",
    "OBJECT_NOT_FOUND": "resource not found",
    "LOCKED": "The requested resource is temporarily locked. Please try again in a moment.",
    "MIGRATION_IN_PROGRESS": "This account is being migrated between data centers. Please try again later.",
    "SERVICE_UNAVAILABLE": "The service is temporarily unavailable.",
    "INTERNAL_ERROR": "internal error",
    "CONFLICTING_UNIQUE_VALUE": "Another record already has that value.",
}
_OF_A_VALUE = ("INVALID_OPTION", "INVALID_INTEGER", "INVALID_DATE", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE", "CONFLICTING_UNIQUE_VALUE")


def over_limit(policy: Policy) -> HubspotRefusal:
    """A limiter says no."""
    more: dict[str, Any] = {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": str(uuid.uuid4())}
    if policy == "TEN_SECONDLY_ROLLING":
        more["groupName"] = "publicapi:private-apps:api-calls-ten-secondly:0"
    return HubspotRefusal(_LIMIT_WORDS[policy], "", 429, extra=more)


def missing_scopes(scopes: tuple[str, ...]) -> HubspotRefusal:
    """The token may do a lot, but not this."""
    link = "https://developers.hubspot.com/scopes"
    words = f"This app hasn't been granted all required scopes to make this call. Read more about required scopes here: {link}."
    needed = {"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": list(scopes)}}
    return HubspotRefusal(words, "MISSING_SCOPES", 403, errors=[needed], links={"scopes": link})


def expired(seconds: int) -> HubspotRefusal:
    """An OAuth token's half hour is over."""
    return HubspotRefusal(f"The OAuth token used to make this call expired {seconds} second(s) ago.", "EXPIRED_AUTHENTICATION", 401)


def ordered_refusal(code: str, message: str | None = None, *, status: int | None = None) -> HubspotRefusal:
    """A refusal by order of a fault, in the vendor's words if they are known."""
    found = _in_its_shape(code, message)
    if status is not None:
        found.status = status
    return found


def _in_its_shape(code: str, message: str | None) -> HubspotRefusal:
    words = message or _WORDS_BY_CODE.get(code, f"{code} by order")
    if policy := next((policy for policy in _LIMIT_WORDS if policy == code), None):
        return over_limit(policy)
    if code == "MISSING_SCOPES":
        return missing_scopes(tuple((message or "crm.objects.deals.write").split(",")))
    if code == "INVALID_AUTHENTICATION":
        return unauthenticated()
    if code in _OF_A_VALUE:
        name, _, rest = (message or "").partition(":")
        return invalid_values([BadValue(name or "dealname", code, rest.strip() or words)])
    return HubspotRefusal(words, code, _STATUS_BY_CODE.get(code, 400))


def ordered_reply(fault: Fault, call: Call) -> Reply:
    """What a fault order answers in place of the real answer."""
    status = fault.status or 500
    if fault.body == "html" or (status in _EDGE and fault.body is None and fault.error_code is None):
        status = fault.status or 502
        page = _PAGE.format(_EDGE.get(status, f"{status} Error"))
        return Reply(status, _HTML, page.encode("cp1252"))
    if fault.body == "":
        return Reply(status, [], b"")
    if fault.body is not None:
        return Reply(status, _JSON, orjson.dumps(fault.body))
    code = fault.error_code or _CODE_BY_STATUS.get(status, "INTERNAL_ERROR")
    if call.kind == "token" and code in TOKEN_WORDS:
        address = address_of(call.path)
        body = TokenRefusal(code, fault.message).body(is_dated=address is not None and is_dated(address.version))
        return Reply(fault.status or 400, _JSON, orjson.dumps(body))
    refusal = ordered_refusal(code, fault.message, status=fault.status)
    return Reply(refusal.status, _JSON + _retry_after(refusal, fault), orjson.dumps(refusal.body()))


def _retry_after(refusal: HubspotRefusal, fault: Fault) -> Headers:
    is_said = "retry-after" in {name.lower() for name in fault.headers or {}}
    return [(b"retry-after", str(MIGRATION_RETRY_AFTER_S).encode())] if refusal.status == 477 and not is_said else []
