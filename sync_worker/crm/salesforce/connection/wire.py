"""The HTTP session of one thread: a time-out on each request, a deadline for each answer, no log-in of the machine's.

It keeps what the last answer said of waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests

from sync_worker.boundary import text
from sync_worker.boundary.adapter import DeadlineAdapter
from sync_worker.boundary.headers import retry_after_s

API_VERSION = "62.0"  # Winter '25; every org still accepts it, and resultPages and duplicate headers are in
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 120.0  # the vendor ends a query then. Source: Salesforce Developer Limits Quick Reference, "SOQL and SOSL Limits"
_USAGE = re.compile(r"(?<![-\w])api-usage=(\d+)/(\d+)")  # beside it may stand per-app-api-usage


@dataclass(frozen=True, slots=True)
class Heard:
    """What stood around the last answer. **Shapes** `location`: where a redirect leads; `at`: the address that was asked."""

    retry_after_s: float | None = None
    location: str | None = None
    at: str = ""


NOTHING_HEARD: Final = Heard()


class SalesforceWire(requests.Session):
    """Keep-alive, for one thread. `base_url` sends every request to a sandbox on loopback: simple-salesforce insists on https.

    **Shapes** `retry_after_s`: what the last answer asked for, None where it asked for nothing; `location`: where it redirects to; `told`:
    what it said of the org's day, calls used and allowed; `asked`: the address that it came from.
    """

    def __init__(self, base_url: str | None, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock
        self.retry_after_s: float | None = None
        self.location: str | None = None
        self.asked = ""
        self.told: tuple[int, int] | None = None
        self.trust_env = base_url is None  # proxies and certificates of the machine are for the world outside, not for loopback
        self.auth = _as_it_is
        self.hooks["response"].append(self._listen)
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(base_url))

    def heard(self) -> Heard:
        """What stood around the last answer."""
        return Heard(self.retry_after_s, self.location, self.asked)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Follows no redirect: what we send is for the address that the log-in named, and for no other."""
        return super().send(request, **{**options, "allow_redirects": False})

    def _listen(self, answer: requests.Response, *_args: Any, **_options: Any) -> None:
        self.retry_after_s = retry_after_s(answer.headers, now=self._clock())
        self.location = answer.headers.get("Location")
        self.asked = answer.url
        used = _USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
        self.told = (int(used[1]), int(used[2])) if used else None


class _Adapter(DeadlineAdapter):
    """Fills in the time-out, and the sandbox's address where there is one. A whole answer has a deadline."""

    def __init__(self, base_url: str | None) -> None:
        self._base = urlsplit(base_url) if base_url else None
        super().__init__()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if self._base and request.url:
            request.headers["X-Orig-Host"] = urlsplit(request.url).netloc  # the sandbox's org can move to another host, too
            request.url = urlunsplit(urlsplit(request.url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        return super().send(request, stream, timeout or (CONNECT_TIMEOUT_S, READ_TIMEOUT_S), verify, cert, proxies)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authorization as we set it: without this, requests would put what ~/.netrc has for the host in its place."""
    return request


def decoded(answer: requests.Response) -> Any:
    """What an answer holds. An answer that is not JSON comes as its text."""
    try:
        return text.loads(answer.content)
    except orjson.JSONDecodeError:
        return answer.text
