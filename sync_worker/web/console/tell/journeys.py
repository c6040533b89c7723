"""Journeys: which there are, and one of them with its log. One is made or changed after a preview; it is switched and deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.conditions.condition import Operator
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.people.visibility import Viewer, shares
from sync_worker.domain.tell.journeys.journey import Journey, Trigger, WrittenJourney, recipient_label
from sync_worker.steps.tell.journeys import keep
from sync_worker.steps.tell.journeys.preview import JourneyPreview, preview
from sync_worker.steps.tell.journeys.reach import reach_of
from sync_worker.steps.tell.journeys.standing import adopt, managed, standing, standing_one
from sync_worker.steps.tell.journeys.words import journey_words, side_labels
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, pipeline
from sync_worker.store.tell import journey_log, mails
from sync_worker.store.tell.journeys import StoredJourney
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleChange, ConsoleVisit, Managing
from sync_worker.web.console.core.named import conditions_of_form, row_count
from sync_worker.web.console.core.route import console_router

router = console_router()

DEALS_COUNT: Final = 30  # the latest, to try a journey on
LOG_COUNT: Final = 50
Save: TypeAlias = Callable[..., StoredJourney | Refusal | keep.WrongJourney]
NOTHING: Final = Journey("", "", Trigger.REGISTERED, (), (), "", "")


@router.get("/journeys")
def show_journeys(visit: Managing) -> Response:
    """Every journey by key."""
    tenant = visit.tenant
    adopt(tenant)
    with tenant.store.reading(visit.portal) as tx:
        held, found = mails.held_counts(tx), standing(tx, tenant)
    rows = [{"stored": one, "held": held.get(one.key, 0), "recipients": _labels(visit, one.journey)} for one in found]
    return visit.console.pages.show("tell/journeys.html", visit.context(here="Journeys", rows=rows))


@router.get("/new-journey")
def show_new_journey(visit: Managing) -> Response:
    """The form of a journey that is not there yet."""
    return visit.console.pages.show("tell/new_journey.html", _draft(visit, NOTHING))


@router.get("/journeys/{journey_key}/edit")
def edit_journey(visit: Managing, journey_key: str) -> Response:
    """The form, as the journey is."""
    with visit.tenant.store.reading(visit.portal) as tx:
        stored = _kept(managed(visit.tenant, journey_key) or standing_one(tx, visit.tenant, journey_key))
    return visit.console.pages.show("tell/new_journey.html", _draft(visit, stored.journey, key=journey_key, is_off=not stored.is_on))


@router.post("/new-journey/preview")
def preview_new_journey(change: Arranging) -> Response:
    """Whom it could reach, and who would get which mail for one deal. Nothing is kept and nothing is sent."""
    return _preview(change, _written(change))


@router.post("/journeys/{journey_key}/preview")
def preview_edited_journey(change: Arranging, journey_key: str) -> Response:
    """The same of a journey that is there, with the text that was written."""
    return _preview(change, replace(_written(change), key=journey_key), key=journey_key)


def _preview(change: ConsoleChange, journey: Journey, *, key: str = "") -> Response:
    visit, tenant = change.visit, change.visit.tenant
    if wrong := [f"{one.field}: {one.what}; {one.remedy}" for one in keep.wrong_in(tenant, journey)]:
        return visit.console.pages.show("tell/new_journey.html", _draft(visit, journey, key=key, wrong=wrong), status=422)
    with tenant.store.reading(visit.portal) as tx:
        tried = {"reach": reach_of(tx, tenant, journey), **_tried(tx, visit, journey, change.text("deal"))}
    return visit.console.pages.show("tell/new_journey.html", _draft(visit, journey, key=key, **tried, is_off=bool(change.text("is_off"))))


@router.post("/new-journey")
def make_journey(change: Arranging) -> Response:
    """Keeps the journey, if its reach is still what the person has seen, where it is large."""
    return _saved(change, keep.add, _written(change))


@router.post("/journeys/{journey_key}/edit")
def change_journey(change: Arranging, journey_key: str) -> Response:
    """Keeps the journey as it is written now, as its next version; with the same look at its reach."""
    return _saved(change, keep.change, replace(_written(change), key=journey_key))


@router.post("/journeys/{journey_key}/delete")
def delete_journey(change: Arranging, journey_key: str) -> Response:
    """It sends nothing any more. Mails that wait for an operator still wait."""
    visit = change.visit
    _kept(keep.delete(visit.tenant, journey_key, actor=visit.for_vendor))
    return RedirectResponse(f"{visit.address}/journeys", 303)


@router.get("/journeys/{journey_key}")
def show_journey(request: Request, visit: Managing, journey_key: str) -> Response:
    """The journey whole, what it would make of a deal, and whom it told."""
    tenant = visit.tenant
    adopt(tenant)
    with tenant.store.reading(visit.portal) as tx:
        stored = standing_one(tx, tenant, journey_key)
        if isinstance(stored, Refusal):
            raise TurnedAway(404, "There is no such journey", f"{stored.why}.")
        context = visit.context(
            here="Journeys", one=stored, recipients=_labels(visit, stored.journey), reach=reach_of(tx, tenant, stored.journey),
            held=mails.held_counts(tx).get(stored.key, 0), log=journey_log.page(tx, stored.key, limit=LOG_COUNT), deals=_deals(tx, visit),
            **_tried(tx, visit, stored.journey, request.query_params.get("deal", "").strip()),
        )  # fmt: skip
    return visit.console.pages.show("tell/journey.html", context)


@router.post("/journeys/{journey_key}/switch")
def switch_journey(change: Arranging, journey_key: str) -> Response:
    """On or off. Mails that are written already are sent."""
    visit, wanted = change.visit, change.text("to")
    if wanted not in ("on", "off"):
        raise TurnedAway(422, "Nothing was changed", "Say whether the journey is to be on or off.")
    _kept(keep.switch(visit.tenant, journey_key, is_on=wanted == "on", actor=visit.for_vendor))
    return RedirectResponse(f"{visit.address}/journeys/{journey_key}", 303)


def _saved(change: ConsoleChange, save: Save, journey: Journey) -> Response:
    visit, seen = change.visit, change.text("confirm_users")
    confirmed = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0
    saved = save(visit.tenant, WrittenJourney(journey, not change.text("is_off"), confirmed), actor=visit.for_vendor, finish=_no_more)
    if isinstance(saved, keep.WrongJourney):
        raise TurnedAway(422, "Nothing was changed", "; ".join(one.why for one in saved.refusals))
    _kept(saved)
    return RedirectResponse(f"{visit.address}/journeys/{journey.key}", 303)


def _kept(done: StoredJourney | Refusal) -> StoredJourney:
    """The journey. **Raises** TurnedAway."""
    if isinstance(done, Refusal):
        raise TurnedAway(404 if done.code == "journey_unknown" else 409, "Nothing was changed", f"{done.why}. Who may: {done.who_may}.")
    return done


def _written(change: ConsoleChange) -> Journey:
    """What the form says; `wrong_in` says what is wrong with it."""
    key, name, trigger, subject = (change.text(part) for part in ("key", "name", "trigger", "subject"))
    return Journey(key, name, trigger, conditions_of_form(change), tuple(change.texts("recipients")), subject, change.lines("body"))


def _draft(visit: ConsoleVisit, journey: Journey, **more: Any) -> dict[str, Any]:
    """The form, filled in, with what was found out about it."""
    tenant = visit.tenant
    words = journey_words(tenant.mapping, tenant.portal)
    with tenant.store.reading(visit.portal) as tx:
        latest = _deals(tx, visit)
    found = {"wrong": (), "reach": None, "shown": None, "deal": None, "is_off": False, "key": "", **more}
    labels = [(one, recipient_label(one, words.labels)) for one in words.recipients]
    return visit.context(
        here="Journeys", one=journey, triggers=list(Trigger), roles=labels, tags=words.tags, operators=list(Operator), deals=latest,
        fields=sorted(words.fields.values(), key=lambda field: field.name), row_count=row_count(journey.filters), **found,
    )  # fmt: skip


def _tried(tx: Tx, visit: ConsoleVisit, journey: Journey, deal_id: str) -> dict[str, Any]:
    """What the journey would make of this deal now. **Raises** TurnedAway."""
    if not deal_id:
        return {"shown": None, "deal": None}
    stored = deals.get(tx, deal_id)
    if stored is None:
        raise TurnedAway(404, "There is no such deal", "Choose one of the list, or write the id of a deal.")
    shown: JourneyPreview = preview(tx, visit.tenant, journey, stored.deal)
    return {"shown": shown, "deal": stored.deal}


def _deals(tx: Tx, visit: ConsoleVisit) -> Sequence[tuple[str, str]]:
    """(id, name) of the deals that changed last."""
    found = pipeline.seen(tx, shares(Viewer(visit.admin)), limit=DEALS_COUNT)
    rows = [one.stored.deal for one in found]
    return [(deal.id, str(deal.values.get("name") or deal.values.get("prospect_name") or deal.id)) for deal in rows]


def _labels(visit: ConsoleVisit, journey: Journey) -> list[str]:
    labels = side_labels(visit.tenant.portal)
    return [recipient_label(one, labels) for one in journey.recipients]


def _no_more(_tx: Tx, _stored: StoredJourney) -> None:
    """A page keeps nothing beside the journey."""
