"""What each Salesforce answer means to us: one table, by error code (an errorCode beats the HTTP status: 403 is both quota and permission).

Source: REST API Developer Guide, "Status Codes and Error Responses"; the words in messages are the vendor's own, ours come around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import requests
from simple_salesforce.exceptions import SalesforceError

from sync_worker.errors import (
    AuthFailed,
    RateLimited,
    SchemaChanged,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
)

DAILY_WAIT_S = 900.0  # the daily allowance rolls over 24 h: some of it comes back every few minutes
BURST_WAIT_S = 5.0  # concurrent long calls end within seconds

LOCATOR_LOST = "INVALID_QUERY_LOCATOR"
SESSION_ENDED = "INVALID_SESSION_ID"
DUPLICATES_DETECTED = "DUPLICATES_DETECTED"

CODES: Mapping[str, type[SyncError]] = {
    SESSION_ENDED: AuthFailed,
    "INVALID_AUTH_HEADER": AuthFailed,
    "invalid_grant": AuthFailed,
    "invalid_client": AuthFailed,
    "invalid_client_id": AuthFailed,
    "unsupported_grant_type": AuthFailed,
    "inactive_user": AuthFailed,
    "API_DISABLED_FOR_ORG": AuthFailed,
    "API_CURRENTLY_DISABLED": AuthFailed,
    "TXN_SECURITY_METERING_ERROR": AuthFailed,
    "REQUEST_LIMIT_EXCEEDED": RateLimited,
    "SERVER_UNAVAILABLE": TransientError,
    "UNKNOWN_EXCEPTION": TransientError,
    "UNABLE_TO_LOCK_ROW": TransientError,
    "ENTITY_IS_LOCKED": TransientError,
    LOCATOR_LOST: TransientError,
    "QUERY_TIMEOUT": TooLarge,
    "OPERATION_TOO_LARGE": TooLarge,
    "INVALID_FIELD": SchemaChanged,
    "INVALID_TYPE": SchemaChanged,
    "MALFORMED_QUERY": SchemaChanged,
    "QUERY_TOO_COMPLICATED": SchemaChanged,
}
"""Everything not listed is about one record: WriteRejected, with the vendor's code."""

Errors: TypeAlias = Sequence[Mapping[str, Any]]


class LocatorLost(TransientError):
    """The query cursor is gone (expired, or its session is): start again from the last position."""


def of_call(error: Exception, *, doing: str, is_write: bool = False) -> SyncError:
    """Our error for a call that failed as a whole. `doing` says what was asked, in words for people."""
    if isinstance(error, SalesforceError):
        return _of_answer(error.status, error.content, doing=doing, is_write=is_write)
    if isinstance(error, requests.RequestException):
        return _of_silence(error, doing=doing, is_write=is_write)
    if isinstance(error, ValueError):
        return _unsure(f"Salesforce sent something that is not JSON while {doing}", is_write=is_write)
    raise error


def of_record(errors: Errors, *, ref: str) -> SyncError:
    """Our error for one record of a collection call that the CRM refused."""
    first = errors[0] if errors else {}
    code = str(first.get("statusCode") or first.get("errorCode") or "UNKNOWN")
    fields = [str(field) for field in first.get("fields") or ()]
    named = f" (fields: {', '.join(fields)})" if fields else ""
    message = f"Salesforce refused record {ref}: {code}: {first.get('message', '')}{named}"
    kind = CODES.get(code)
    if kind is TransientError or "UNABLE_TO_LOCK_ROW" in str(first.get("message", "")):
        return TransientError(message)
    return WriteRejected(message, code=code, field=fields[0] if fields else "")


def of_token_answer(status: int, content: Any) -> SyncError:
    """Our error for a token endpoint that did not give a token."""
    if isinstance(content, Mapping) and "error" in content:
        words = f"{content['error']}: {content.get('error_description', '')}"
        return AuthFailed(f"Salesforce refused the credentials ({words}); correct crm.auth in the portal file or the variables it names")
    if status in (429, 500, 502, 503, 504):
        return TransientError(f"Salesforce's log-in answered HTTP {status}")
    return AuthFailed(f"Salesforce's log-in answered HTTP {status}: {_excerpt(content)}")


def code_of(error: SalesforceError) -> str:
    """The first errorCode in an error answer, "" where the body is HTML or empty."""
    return _code_and_message(error.content)[0]


def _of_answer(status: int, content: Any, *, doing: str, is_write: bool) -> SyncError:
    code, message = _code_and_message(content)
    words = f"Salesforce answered {code or f'HTTP {status}'} while {doing}: {message or _excerpt(content)}"
    if code == "REQUEST_LIMIT_EXCEEDED":
        is_daily = "TotalRequests" in message
        wait_s = DAILY_WAIT_S if is_daily else BURST_WAIT_S
        return RateLimited(words, retry_after_s=wait_s, scope="daily" if is_daily else "burst")
    if code == LOCATOR_LOST:
        return LocatorLost(words)
    if code in CODES:
        surely_unwritten = code in ("SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW")
        if CODES[code] is TransientError and is_write and not surely_unwritten:
            return UncertainWrite(words)
        return CODES[code](words)
    if status == 401:
        return AuthFailed(words)
    if status == 429:
        return RateLimited(words, retry_after_s=BURST_WAIT_S, scope="burst")
    if status >= 500 or status in (406, 420):
        return _unsure(words, is_write=is_write)
    return WriteRejected(words, code=code or str(status))


def _of_silence(error: requests.RequestException, *, doing: str, is_write: bool) -> SyncError:
    """A refused or timed-out connect surely did nothing; anything later may have."""
    words = f"Salesforce did not answer while {doing}: {type(error).__name__}"
    never_sent = isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in str(error)
    return TransientError(words) if never_sent else _unsure(words, is_write=is_write)


def _unsure(words: str, *, is_write: bool) -> SyncError:
    return UncertainWrite(words) if is_write else TransientError(words)


def _code_and_message(content: Any) -> tuple[str, str]:
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, Mapping):
        return "", ""
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("error") or ""
    message = first.get("message") or first.get("exceptionMessage") or first.get("error_description") or ""
    return str(code), " ".join(str(message).split())


def _excerpt(content: Any) -> str:
    return " ".join(str(content).split())[:200]
