"""The application. `create_app()` takes no arguments, so that any ASGI server can build it."""

from __future__ import annotations

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
    app = FastAPI(title="sync-worker", description="Keeps a partner portal and its CRM telling the same story.")

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """This process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    def ready(response: Response) -> dict[str, str]:
        """This process can work: the database is there, and of this version."""
        try:
            is_ready = is_current(store)
        except StoreDown as error:
            response.status_code = 503
            return {"status": "not ready", "why": str(error)}
        if not is_ready:
            response.status_code = 503
            return {"status": "not ready", "why": "the database is not of this version; run `sync-worker db upgrade`"}
        return {"status": "ready"}

    return app
