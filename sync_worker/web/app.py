"""The application. `create_app()` takes no arguments, so that any ASGI server can build it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import Field

from sync_worker import garbage
from sync_worker.actors import register
from sync_worker.bootstrap import Installation, broker, join
from sync_worker.heartbeat import Heartbeat
from sync_worker.store.core.engine import Store
from sync_worker.telemetry import metrics
from sync_worker.web.answers import Answers, WebhookTally
from sync_worker.web.api.core.document import ABOUT
from sync_worker.web.api.core.route import by_name
from sync_worker.web.api.core.shapes import View
from sync_worker.web.api.mount import mount
from sync_worker.web.health import not_ready
from sync_worker.web.standards import Standards
from sync_worker.web.webhooks.debounce import Send
from sync_worker.web.webhooks.routes import WebhookAddresses


class Live(View):
    """This process answers."""

    status: Literal["live"]


class Ready(View):
    """This process can work."""

    status: Literal["ready"]


class NotReady(View):
    """This process cannot work now."""

    status: Literal["not ready"]
    why: Annotated[str, Field(description="What is missing, and what to do.")]


_NOT_READY: Final[dict[int | str, dict[str, Any]]] = {503: {"model": NotReady, "description": "This process cannot work now."}}
_OPEN: Final[Mapping[str, Any]] = {"tags": ["health"], "openapi_extra": {"security": []}, "generate_unique_id_function": by_name}
"""What is asked without a token."""
_PAGES: Final[Mapping[str, Any]] = {"static_url": "/docs/files", "swagger_ui_parameters": {"validatorUrl": None}}
"""/docs and /redoc load nothing from elsewhere, and send the document nowhere."""


def create_app() -> FastAPI:
    """The web process. **Raises** ConfigError for a wrong environment, or where no portal can work.

    Without Redis there is no worker to wake: the schedule of `run`, beside this process, finds what was noticed.
    """
    garbage.set_up()
    installation = join()
    installation.begin()
    settings = installation.settings
    app = serving(installation, register(broker(settings), installation).send if settings.redis_url else _to_no_worker)
    app.state.at_end.callback(installation.close)
    app.state.at_end.enter_context(Heartbeat(installation, "web"))
    return app


def serving(installation: Installation, send: Send) -> FastAPI:
    """Everything that is asked over HTTP; what that makes due is sent to the workers."""
    app = healthy(installation.store)
    webhooks = WebhookAddresses(installation, send)
    app.router.routes.extend(webhooks.routes)
    app.state.at_end.callback(webhooks.close)
    mount(app, installation, send)
    if installation.settings.console:
        from sync_worker.web.console.mount import mount_console

        mount_console(app, installation)
    app.state.at_end.enter_context(metrics.showing(WebhookTally(webhooks.counts)))
    return app


def healthy(store: Store) -> FastAPI:
    """Health alone, on which all else is mounted. `state.at_end`: what is to be let go when the server ends."""
    at_end = ExitStack()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with at_end:
            yield

    app = FastAPIOffline(**ABOUT, **_PAGES, redirect_slashes=False, lifespan=lifespan)
    app.state.at_end = at_end
    app.add_middleware(Standards)
    app.add_middleware(Answers)

    @app.get("/health/live", **_OPEN)
    def get_liveness() -> Live:
        """Says whether this process answers."""
        return Live(status="live")

    @app.get("/health/ready", response_model=Ready, responses=_NOT_READY, **_OPEN)
    def get_readiness() -> Ready | Response:
        """Says whether this process can work: it reaches the database, which fits this version."""
        why = not_ready(store)
        if why:
            return JSONResponse(NotReady(status="not ready", why=why).model_dump(), 503)
        return Ready(status="ready")

    return app


def _to_no_worker(_portal: str, _verb: str, _record: str, _share: str) -> None:
    """Without Redis no worker waits for work."""
