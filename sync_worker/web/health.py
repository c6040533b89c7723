"""Whether a process answers and can work; and the door of workers and the schedule, which answer nothing else.

The door is Starlette alone. FastAPI and the models of the API are loaded by processes that serve them: they are a third of a start.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sync_worker.bootstrap import Queue
from sync_worker.errors import StoreDown, TransientError
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.version import is_current, try_to_write
from sync_worker.web.answers import Answers
from sync_worker.web.standards import Standards


def health_door(store: Store, queue: Queue) -> Starlette:
    """Health alone. `queue`: this process cannot work without it."""

    def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    def ready(_request: Request) -> JSONResponse:
        why = not_ready(store, queue)
        return JSONResponse({"status": "not ready", "why": why}, 503) if why else JSONResponse({"status": "ready"})

    routes = [Route("/health/live", live), Route("/health/ready", ready)]
    return Starlette(routes=routes, middleware=[Middleware(Answers), Middleware(Standards)])


def not_ready(store: Store, queue: Queue | None = None) -> str:
    """Why no work can be done, in words for people; "" where it can."""
    try:
        if queue:
            queue.reached()
        if not is_current(store):
            return "the database is not of this version; run `sync-worker db upgrade`"
        try_to_write(store)
        return ""
    except (StoreDown, TransientError) as error:
        return str(error)
