"""The feed: what the portal's receiver is owed and how it answers; telling again, pausing, going on, trying."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.tell.delivery import DeliveryOutcome, ending_of
from sync_worker.steps.tell.by_hand import pause_feed, ping, resume_feed, tell_again
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.store.core import feed
from sync_worker.store.operate import interventions
from sync_worker.store.tell import deliveries
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, Operating
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_COUNT: Final = 50
ACTS_COUNT: Final = 10  # the latest pauses, and what ended them
MOST_DIGITS: Final = 18


@router.get("/feed")
def show_feed(request: Request, visit: Operating) -> Response:
    """How the feed stands, and the latest events."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            standing, (owed, since_at) = deliveries.standing(tx), deliveries.owed(tx)
            events, reach = feed.latest(tx, limit=SHOWN_COUNT), feed.reach(tx)
            acts = interventions.listed(tx, "pause_feed", "resume_feed")[-ACTS_COUNT:][::-1]
        receiver = visit.tenant.receiver.url if visit.tenant.receiver else None
        found = {"standing": standing, "owed": owed, "since_at": since_at, "events": events[::-1], "reach": reach, "receiver": receiver}
        return visit.context(here="Feed", acts=acts, **found)

    return visit.console.pages.show_live(request, "tell/feed", look)


@router.post("/feed/pause")
def pause(change: Changing) -> Response:
    """Nothing is sent until a person lets it go on."""
    reason = change.text("reason", is_required=True)
    pause_feed(change.visit.tenant, actor=change.visit.actor, reason=reason)
    return _back(change.visit.address)


@router.post("/feed/resume")
def resume(change: Changing) -> Response:
    """Goes on with everything owed."""
    visit = change.visit
    resume_feed(visit.tenant, actor=visit.actor, reason=change.text("reason"))
    visit.console.follow_ups(visit.portal, [DELIVER])
    return _back(visit.address)


@router.post("/feed/replay")
def replay(change: Changing) -> Response:
    """Sends every event from a number on again."""
    visit, number = change.visit, change.text("from")
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS and int(number)):
        raise TurnedAway(422, "Nothing was changed", "From: write the number of an event, as the list shows it.")
    done = tell_again(visit.tenant, int(number), actor=visit.actor)
    if isinstance(done, Refusal):
        oldest = f" The oldest event there is has the number {done.allowed[0]}." if done.allowed else ""
        raise TurnedAway(409, "Nothing was changed", f"{done.why}.{oldest}")
    visit.console.follow_ups(visit.portal, [DELIVER])
    return _back(visit.address)


@router.post("/feed/test")
def test(change: Changing) -> Response:
    """Sends one `ping`, and shows what the receiver answered."""
    visit = change.visit
    answer = ping(visit.tenant)
    is_taken = ending_of(answer) is DeliveryOutcome.DELIVERED
    return visit.console.pages.show("tell/tried.html", visit.context(here="Feed", is_taken=is_taken, answer=str(answer), back="feed"))


def _back(address: str) -> Response:
    return RedirectResponse(f"{address}/feed", 303)
