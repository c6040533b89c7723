"""A call that failed, in words for people: which host was asked, and its status, or what became of the connection."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Final
from urllib.parse import urlsplit

from urllib3.exceptions import ConnectTimeoutError, DecodeError, NewConnectionError, ProtocolError, ProxyError, ReadTimeoutError

from sync_worker.boundary.text import storable

SERVER_FAILED: Final = 500


def told(error: BaseException, *, at: str = "") -> str:
    """` (acme.my.salesforce.com): connection refused`. `at`: the address that was asked, where the error does not know it."""
    return f"{named(_url_of(error) or at)}: {reason(error)}"


def named(url: str) -> str:
    """` (acme.my.salesforce.com)`; "" where the address is not known."""
    host = _host_of(url)
    return f" ({host})" if host else ""


def status_of(status: int, code: str) -> str:
    """What an answer said: the vendor's code; where the server failed, its HTTP status too."""
    if code and status >= SERVER_FAILED:
        return f"HTTP {status} ({code})"
    return code or f"HTTP {status}"


def is_of_the_server(status: int) -> bool:
    """Whether the server that was asked answered itself, so that the clock of its `Date` is its own: no redirect, no failure."""
    return not 300 <= status < 400 and status < SERVER_FAILED


def reason(error: BaseException) -> str:
    """What became of the connection: `connection refused`."""
    proxy = "the proxy failed: " if any(isinstance(one, ProxyError) for one in _chain(error)) else ""
    return proxy + _reason(error)


def redirected(words: str, location: str | None, *, remedy: str) -> str:
    """A redirect is not followed: a person says whether the new address is right."""
    return f"{words}: {not_followed(location)}; {remedy}"


def not_followed(location: str | None) -> str:
    """What became of a redirect: `it redirects to https://new.example/events, and redirects are not followed`."""
    where = " ".join(storable(moved_to(location)).split()) or "an address that it does not name"
    return f"it redirects to {where}, and redirects are not followed"


def moved_to(location: str | None) -> str:
    """What a redirect says: the new address, without what may be secret in it; "" where there is none."""
    parts = urlsplit(location or "")
    return f"{parts.scheme}://{_host_of(location or '')}{parts.path}" if parts.netloc else parts.path


def _reason(error: BaseException) -> str:
    return next(filter(None, map(_words, _chain(error))), "") or (
        "the connection broke before the answer was whole"
        if any(isinstance(one, ProtocolError) for one in _chain(error))
        else "no connection"
    )


def _words(error: BaseException) -> str:
    """Of this error alone; "" where it only wraps another one."""
    match error:
        case ConnectTimeoutError() if not isinstance(error, NewConnectionError):
            return "no connection in time"
        case ReadTimeoutError() | TimeoutError(strerror=None):
            return "no answer in time"
        case UnicodeDecodeError() | DecodeError():
            return "the answer cannot be decoded"
        case RemoteDisconnected():
            return "the connection was closed without an answer"
        case socket.gaierror():
            return f"the name of the host is not known ({error.strerror or 'no address'})"
        case ssl.SSLCertVerificationError():
            return f"the certificate is not accepted ({getattr(error, 'verify_message', '') or 'it cannot be verified'})"
        case ssl.SSLError():
            return f"TLS failed ({error.reason or 'no reason given'})"
        case OSError(strerror=str(words)) if words:
            return words[:1].lower() + words[1:]
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it wraps, the outermost first."""
    waiting, seen = [error], list[BaseException]()
    while waiting:
        one = waiting.pop(0)
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        inner = (getattr(one, "reason", None), getattr(one, "original_error", None), one.__cause__, *one.args, one.__context__)
        waiting += [other for other in inner if isinstance(other, BaseException)]


def _url_of(error: BaseException) -> str:
    """The address that a request had, as far as its error tells."""
    url = getattr(getattr(error, "request", None), "url", None)
    return url if isinstance(url, str) else ""


def _host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
