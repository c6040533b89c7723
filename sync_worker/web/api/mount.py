"""Where the API's addresses join the application: every file's router, the page of each code, and the OpenAPI that says the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from sync_worker.bootstrap import Installation
from sync_worker.domain.core.problem import CODES
from sync_worker.web.api.associations import companies
from sync_worker.web.api.core.authentication import Api
from sync_worker.web.api.core.document import completed
from sync_worker.web.api.core.follow_up import FollowUps
from sync_worker.web.api.core.problems import of_refusal
from sync_worker.web.api.core.route import of_http, response_of
from sync_worker.web.api.deals import deals, files, forms, insights, moves, notes, prices, quotes, sheet
from sync_worker.web.api.distributors import distributors
from sync_worker.web.api.operate import brake, failures, halts, inquiries, operate, replays, runs, status
from sync_worker.web.api.people import groups, tokens, users
from sync_worker.web.api.tell import events, journeys, notifications
from sync_worker.web.webhooks.debounce import Send

ROUTERS: Final = (
    forms.router,
    users.router,
    notifications.router,
    groups.router,
    companies.router,
    distributors.router,
    distributors.uploads,
    deals.router,
    sheet.router,
    insights.router,
    moves.router,
    notes.router,
    files.router,
    files.uploads,
    prices.router,
    quotes.router,
    journeys.router,
    operate.router,
    failures.router,
    replays.router,
    runs.router,
    halts.router,
    status.router,
    inquiries.router,
    brake.router,
    tokens.router,
)


def mount(app: FastAPI, installation: Installation, send: Send) -> None:
    """Adds the API; what it makes due is sent to the workers."""
    follow_ups = FollowUps(send)
    app.state.api = Api(installation, follow_ups)
    app.state.at_end.callback(follow_ups.close)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.add_api_route("/codes/{code}", _code, include_in_schema=False)
    app.exception_handler(HTTPException)(_nowhere)
    app.servers = [{"url": installation.settings.public_url or "/", "description": "This installation."}]
    app.webhooks.routes.extend(events.router.routes)
    app.openapi = partial(_openapi, app, app.openapi)  # type: ignore[method-assign]  # FastAPI's own way to change it


def _code(code: str) -> Response:
    """What a code means, and what to do: where a problem's `type` leads."""
    words = CODES.get(code)
    return PlainTextResponse(f"{code}: {words}\n" if words else f"{code}: there is no such code\n", 200 if words else 404)


async def _nowhere(_request: Request, error: HTTPException) -> Response:
    """An address or a method that does not exist."""
    return response_of(of_refusal(of_http(error)))


def _openapi(app: FastAPI, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Made once, when somebody first asks for it."""
    if app.openapi_schema is None:
        app.openapi_schema = completed(make())
    return app.openapi_schema
