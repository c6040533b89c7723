"""What every request of one thread goes through: the dated path, the token, a time-out, the portal's pace, one connection pool.

hubspot-api-client builds a pool for each of its api objects on every access and spells the numbered versions, which end in 2027. Here
its api objects are made once, share one pool, and their addresses are moved to the dated version.
Source: https://developers.hubspot.com/changelog/legacy-apis-and-legacy-apps-whats-going-unsupported-and-when
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias
from urllib.request import getproxies, proxy_bypass

import urllib3

from sync_worker.boundary import deadline
from sync_worker.crm.hubspot.connection.login import HOST
from sync_worker.crm.hubspot.connection.pace import Pace, day_of

API_VERSION = "2026-09"  # of the CRM's addresses; each is supported for 18 months
PLATFORM_VERSION = "2026-03"  # of log-in and account
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
_NUMBERED = re.compile(r"/crm/v\d/(?P<room>\w+)(?=/)")

Request: TypeAlias = Callable[..., Any]


def dated(url: str) -> str:
    """The address under the version we speak: `/crm/v3/objects/deals` → `/crm/objects/2026-09/deals`."""
    return _NUMBERED.sub(rf"/crm/\g<room>/{API_VERSION}", url, count=1)


def spelled(params: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Parameters as HubSpot describes them: `true` and `false` in small letters, where the client writes Python's words."""
    return [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in params]


@dataclass(frozen=True, slots=True)
class Apis:
    """The client's api objects that we use, each made once."""

    basic: Any
    batch: Any
    search: Any
    properties: Any
    property_batches: Any
    groups: Any
    associations: Any
    labels: Any
    label_limits: Any


class HubspotWire:
    """For one thread at a time.

    **Shapes** `token`: what the next requests carry; `told`: what the last answer said of the account's day, calls used and allowed.
    """

    def __init__(self, base_url: str | None, pace: Pace) -> None:
        self.host = base_url or HOST
        self.token = ""
        self.told: tuple[int, int] | None = None
        self._pace = pace
        self._pool = _pool(self.host, is_outside=base_url is None)
        self.apis = self._apis()

    def plain(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """An answer of whatever status to a request outside of the client, the token not sent. **Raises** urllib3's errors."""
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
        return self._pool.request(method, f"{self.host}{path}", timeout=timeout, redirect=False, **options)

    def _apis(self) -> Apis:
        from hubspot import HubSpot  # its modules take a third of a second and 30 MB: only where a portal needs them

        crm = HubSpot(api_factory=self._api).crm
        labelled = crm.associations.v4
        return Apis(
            basic=crm.objects.basic_api,
            batch=crm.objects.batch_api,
            search=crm.objects.search_api,
            properties=crm.properties.core_api,
            property_batches=crm.properties.batch_api,
            groups=crm.properties.groups_api,
            associations=labelled.batch_api,
            labels=labelled.schema.definitions_api,
            label_limits=labelled.schema.definition_configurations_api,
        )

    def _api(self, package: Any, name: str, _config: Any) -> Any:
        client = package.ApiClient(configuration=package.Configuration(host=self.host))
        client.rest_client.pool_manager = self._pool
        client.rest_client.request = partial(self._request, client.rest_client.request)
        return getattr(package, name)(api_client=client)

    def _request(self, send: Request, method: str, url: str, *, headers: Any = None, _request_timeout: Any = None, **rest: Any) -> Any:
        """One request, paced; a time-out given as a function is asked when the request starts."""
        if rest.get("query_params"):
            rest["query_params"] = spelled(rest["query_params"])
        with self._pace.call(is_search=url.endswith("/search")):
            timeout = _request_timeout() if callable(_request_timeout) else _request_timeout
            answer = send(
                method,
                dated(url),
                headers={**(headers or {}), "Authorization": f"Bearer {self.token}"},
                _request_timeout=timeout or (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                **rest,
            )
        self._pace.hear(answer.headers)
        self.told = day_of(answer.headers)
        return answer


def _pool(host: str, *, is_outside: bool) -> urllib3.PoolManager:
    """No retries, no redirects, a deadline for each answer. The machine's proxy is for the world outside, not for loopback."""
    proxy = getproxies().get("https") if is_outside and not proxy_bypass(host.partition("://")[2]) else None
    pool = urllib3.ProxyManager(proxy, retries=False, maxsize=2) if proxy else urllib3.PoolManager(retries=False, maxsize=2)
    pool.pool_classes_by_scheme = deadline.POOLS
    return pool
