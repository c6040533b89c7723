"""The application. `create_app()` takes no arguments, so that any ASGI server can build it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import dramatiq
from fastapi import FastAPI, Response

from sync_worker import metrics
from sync_worker.actors import register
from sync_worker.bootstrap import Installation, broker, join, reach
from sync_worker.errors import StoreDown, TransientError
from sync_worker.store.engine import Store
from sync_worker.store.migrate import is_current
from sync_worker.web.answers import Answers, Tally
from sync_worker.web.api.mount import mount
from sync_worker.web.webhooks.bell import Send
from sync_worker.web.webhooks.routes import Webhooks


def create_app() -> FastAPI:
    """The web process. **Raises** ConfigError for a wrong environment or portal file.

    Without Redis there is nobody here to wake: the schedule of `run`, beside this process, finds what was noticed.
    """
    installation = join()
    settings = installation.settings
    app = serving(installation, register(broker(settings), installation).send if settings.redis_url else _nobody)
    app.state.at_end.callback(installation.close)
    return app


def serving(installation: Installation, send: Send) -> FastAPI:
    """Everything that is asked over HTTP; what that makes due is sent to whoever works. **Raises** ConfigError."""
    app = healthy(installation.store)
    webhooks = Webhooks(installation, send)
    app.router.routes.extend(webhooks.routes)
    app.state.at_end.callback(webhooks.close)
    mount(app, installation, send)
    app.state.at_end.enter_context(metrics.showing(Tally(webhooks.counts)))
    return app


def healthy(store: Store, queue: dramatiq.Broker | None = None) -> FastAPI:
    """Health alone. `queue`: the one that this process cannot work without. `state.at_end`: what is to be let go when the server ends."""
    at_end = ExitStack()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with at_end:
            yield

    app = FastAPI(title="sync-worker", description="Keeps a partner portal and its CRM telling the same story.", lifespan=lifespan)
    app.state.at_end = at_end
    app.add_middleware(Answers)

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """This process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    def ready(response: Response) -> dict[str, str]:
        """This process can work: the database is there, and of this version; so is the queue, where it lives on it."""
        why = _not_ready(store, queue)
        if why:
            response.status_code = 503
            return {"status": "not ready", "why": why}
        return {"status": "ready"}

    return app


def _nobody(_portal: str, _verb: str, _record: str) -> None:
    """Nobody works here."""


def _not_ready(store: Store, queue: dramatiq.Broker | None) -> str:
    """Why no work can be done, in words for people; "" where it can."""
    try:
        if queue:
            reach(queue)
        return "" if is_current(store) else "the database is not of this version; run `sync-worker db upgrade`"
    except (StoreDown, TransientError) as error:
        return str(error)
