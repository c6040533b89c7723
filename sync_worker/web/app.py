"""The application. `create_app()` takes no arguments, so that any ASGI server can build it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response

from sync_worker.errors import StoreDown
from sync_worker.services import Services
from sync_worker.settings import read_settings
from sync_worker.store.engine import Store
from sync_worker.store.migrate import is_current


def create_app() -> FastAPI:
    """The web process: health for now. **Raises** ConfigError for a wrong environment."""
    settings = read_settings()
    store = Store(settings.database_url, clock=Services().clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(title="sync-worker", description="Keeps a partner portal and its CRM telling the same story.", lifespan=lifespan)

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """This process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    def ready(response: Response) -> dict[str, str]:
        """This process can work: the database is there, and of this version."""
        why = _not_ready(store)
        if why:
            response.status_code = 503
            return {"status": "not ready", "why": why}
        return {"status": "ready"}

    return app


def _not_ready(store: Store) -> str:
    """Why no work can be done, in words for people; "" where it can."""
    try:
        return "" if is_current(store) else "the database is not of this version; run `sync-worker db upgrade`"
    except StoreDown as error:
        return str(error)
