"""Where the console's pages join the application. Nothing of it is there unless `SYNC_WORKER_CONSOLE` is on."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse

from sync_worker.bootstrap import Installation
from sync_worker.web.console.associations import companies, company, contract_values, rules
from sync_worker.web.console.core import entrance, login
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Console
from sync_worker.web.console.core.pages import ROOT, Pages
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.deals import correct, deal, deals, insights, prices
from sync_worker.web.console.distributors import distributors, terms
from sync_worker.web.console.operate import brake, configuration, connection, edit, failures, halts, inquiries, replays, runs, status
from sync_worker.web.console.people import groups
from sync_worker.web.console.sync import conflicts
from sync_worker.web.console.tell import feed, journeys, mail

ROUTERS: Final = (
    entrance.router,
    login.router,
    status.router,
    halts.router,
    failures.router,
    replays.router,
    brake.router,
    runs.router,
    inquiries.router,
    configuration.router,
    edit.router,
    feed.router,
    mail.router,
    connection.router,
    connection.back,
    conflicts.router,
    deals.router,
    deal.router,
    correct.router,
    insights.router,
    prices.router,
    journeys.router,
    groups.router,
    companies.router,
    company.router,
    contract_values.router,
    rules.router,
    distributors.router,
    terms.router,
    terms.uploads,
)
FILES: Final = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}

NOT_THERE: Final = TurnedAway(404, "There is no such page", "The address is mistyped, or what it was about is gone.")

nowhere = console_router("/console")


def mount_console(app: FastAPI, installation: Installation) -> None:
    """Adds the pages; what they make due is sent to the workers, as the API does."""
    app.state.console = Console(installation, app.state.api.follow_ups, Pages(), login.provider_of(installation))
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.routes.extend(nowhere.routes)


@nowhere.get("/files/{name}")
def show_file(name: str) -> Response:
    """How pages look, and what shows news."""
    if name not in FILES:
        raise NOT_THERE
    return FileResponse(ROOT / "core" / name, media_type=FILES[name], headers={"Cache-Control": "max-age=300"})


@nowhere.api_route("/{_path:path}", methods=["GET", "POST"])
def show_nothing(_path: str) -> Response:
    """An address that leads nowhere."""
    raise NOT_THERE
