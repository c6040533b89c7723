"""What goes with every answer: the request's id, for the caller and for all that the request causes; how long it took; and that no cache
keeps it, and no browser guesses its type.

An address may hold a secret, so only the route's own pattern is ever counted, never the path.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_worker.telemetry import metrics
from sync_worker.telemetry.correlation import following, request_id

HEADER: Final = "X-Request-ID"
_METHODS: Final = {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"}


class Answers:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, began_s = request_id(Headers(scope=scope).get(HEADER)), time.perf_counter()

        def count(status: int) -> None:
            metrics.answered(*_label(scope), status=status, duration_s=time.perf_counter() - began_s)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
                count(message["status"])
            await send(message)

        with following(request=request):
            try:
                await self._app(scope, receive, answer)
            except Exception:
                count(500)  # the server around us answers it
                raise


class WebhookTally(Collector):
    """What the webhooks of this process have counted. **Shapes** `counts`: (portal, what) → how many."""

    def __init__(self, counts: Mapping[tuple[str, str], int]) -> None:
        self._counts = counts

    def describe(self) -> list[Metric]:
        """Nothing is asked when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "sync_worker_webhooks", "Requests taken and refused, events heard and skipped.", labels=["portal", "what"]
        )
        for labels, count in dict(self._counts).items():
            family.add_metric(labels, count)
        yield family


def _label(scope: Scope) -> tuple[str, str]:
    """(route, method); whatever leads nowhere is one and the same."""
    endpoint = scope.get("endpoint")
    path = next(
        (
            getattr(route, "path_format", route.path)
            for route in scope["app"].routes
            if endpoint and getattr(route, "endpoint", None) == endpoint
        ),
        None,
    )
    if path is None or scope["method"] not in _METHODS:
        return "other", "other"
    return path, scope["method"]
