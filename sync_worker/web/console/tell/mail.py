"""Mail: what waits, what was sent, what failed; and one letter to try whether the mail server takes it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request, Response

from sync_worker.errors import RecordError, TransientError
from sync_worker.steps.tell.by_hand import send_sample
from sync_worker.store.tell import mails
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, Operating
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_COUNT: Final = 50
STANDINGS: Final = {
    "waits": "a worker sends it when it is due",
    "held": "its journey waits for a person",
    "sent": "the mail server took it",
    "given_up": "the mail server refused it too often",
    "discarded": "a person discarded it",
}
"""How a letter stands, in words."""


@router.get("/mail")
def show_mail(request: Request, visit: Operating) -> Response:
    """How many letters stand how, and the latest of them."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            counts, rows = mails.counts(tx), mails.listed(tx, limit=SHOWN_COUNT)
        has_server = visit.tenant.post is not None
        return visit.context(here="Mail", counts=counts, rows=rows, standings=STANDINGS, has_server=has_server)

    return visit.console.pages.show_live(request, "tell/mail", look)


@router.post("/mail/test")
def test(change: Changing) -> Response:
    """Sends one letter, and shows whether the mail server took it."""
    visit, address = change.visit, change.text("to")
    if visit.tenant.post is None:
        raise TurnedAway(409, "Nothing was sent", "There is no mail server: set SYNC_WORKER_SMTP_URL. See docs/mail.md.")
    if "@" not in address:
        raise TurnedAway(422, "Nothing was sent", "To: write an address, as ann@example.com.")
    try:
        is_taken, words = True, send_sample(visit.tenant, address)
    except (RecordError, TransientError) as error:
        is_taken, words = False, str(error)
    return visit.console.pages.show("tell/tried.html", visit.context(here="Mail", is_taken=is_taken, answer=words, back="mail"))
