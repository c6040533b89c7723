"""Journeys: the vendor's admins make them, try them on a deal and read their log; an operator releases or discards held mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.values import values_of
from sync_worker.domain.tell.journeys.journey import Journey, Trigger, WrittenJourney, recipient_label
from sync_worker.domain.tell.journeys.ruling import MeantPerson
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.answer import Keep
from sync_worker.steps.tell.journeys import hold, keep
from sync_worker.steps.tell.journeys.keep import WrongJourney
from sync_worker.steps.tell.journeys.preview import preview
from sync_worker.steps.tell.journeys.standing import adopt, standing, standing_one
from sync_worker.steps.tell.journeys.words import side_labels
from sync_worker.store.core.engine import Tx
from sync_worker.store.people.answers import Answer
from sync_worker.store.tell import journey_log, mails
from sync_worker.store.tell import journeys as store
from sync_worker.store.tell.journey_log import JourneyLogRow
from sync_worker.store.tell.journeys import StoredJourney
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking, Operating, PersonalVisit, again
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import MistakeView, Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.core.views import JSON, location_of
from sync_worker.web.api.core.visibility import deal_seen, refuse_onlookers
from sync_worker.web.api.tell import journey_shapes

router = portal_router("journeys")

Key: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The key of the journey.")]
Saved: TypeAlias = StoredJourney | Refusal | WrongJourney


@router.get("/journeys", responses=problems(400))
def list_journeys(visit: Looking, page: PageOf) -> shapes.PageView[journey_shapes.JourneyView]:
    """Lists the journeys by key. For the admins of the vendor."""
    _enter(visit)
    with visit.tenant.store.reading(visit.portal) as tx:
        held = mails.held_counts(tx)
        some = page.rising(standing(tx, visit.tenant), lambda one: (one.key,))
    return shapes.PageView(items=[_shown(visit.tenant, one, held.get(one.key, 0)) for one in some.items], next=some.next)


@router.post("/journeys", status_code=201, response_model=journey_shapes.JourneyView, responses=problems(400, 409))
def add_journey(visit: Acting, said: journey_shapes.NewJourneyBody, once: OnceOnly) -> Response:
    """Makes a journey. If it could reach many users, the number must be confirmed in `confirm_users`."""
    wish = _wish(said.key, said)

    def work(keep_answer: Keep) -> Answer:
        return _saved(visit, keep_answer, 201, lambda finish: keep.add(visit.tenant, wish, actor=visit.actor, finish=finish))

    return once.answer(visit, work)


@router.get("/journeys/{journey}", responses=problems(400, 404))
def get_journey(visit: Looking, journey: Key) -> journey_shapes.JourneyView:
    """Returns one journey. For the admins of the vendor."""
    _enter(visit)
    with visit.tenant.store.reading(visit.portal) as tx:
        return _found(tx, visit.tenant, journey)


@router.put("/journeys/{journey}", response_model=journey_shapes.JourneyView, responses=problems(400, 404, 409))
def put_journey(visit: Acting, journey: Key, said: journey_shapes.JourneyBody, once: OnceOnly) -> Response:
    """Replaces the journey by a new version."""
    wish = _wish(journey, said)

    def work(keep_answer: Keep) -> Answer:
        return _saved(visit, keep_answer, 200, lambda finish: keep.change(visit.tenant, wish, actor=visit.actor, finish=finish))

    return once.answer(visit, work)


@router.delete("/journeys/{journey}", status_code=204, response_class=Response, responses=problems(400, 404, 409))
def remove_journey(visit: Acting, journey: Key) -> Response:
    """Removes the journey: it sends nothing any more. Its versions and its log stay."""
    _refuse(keep.delete(visit.tenant, journey, actor=visit.actor))
    return Response(status_code=204)


@router.put("/journeys/{journey}/on", responses=problems(400, 404, 409))
def enable_journey(visit: Acting, journey: Key) -> journey_shapes.JourneyView:
    """Switches the journey on."""
    return _switched(visit, journey, is_on=True)


@router.put("/journeys/{journey}/off", responses=problems(400, 404, 409))
def disable_journey(visit: Acting, journey: Key) -> journey_shapes.JourneyView:
    """Switches the journey off. Mails that are written already are sent."""
    return _switched(visit, journey, is_on=False)


@router.post("/journeys/{journey}/preview", response_model=journey_shapes.JourneyPreviewView, responses=problems(400, 404))
def preview_journey(visit: Acting, journey: Key, said: journey_shapes.JourneyPreviewBody, once: OnceOnly) -> Response:
    """Shows who would get which mail, if the trigger came for this deal now. Nothing is sent."""

    def work(_keep: object) -> Answer:
        _enter(visit)
        with visit.tenant.store.reading(visit.portal) as tx:
            stored, deal = standing_one(tx, visit.tenant, journey), deal_seen(tx, visit, said.deal)
            if isinstance(stored, Refusal):
                return of_refusal(Refused(stored))
            if deal is None:
                unknown = Refusal("deal_unknown", f"there is no deal {said.deal}", "a person who sees the deal", field="deal")
                return of_refusal(Refused(unknown))
            found = preview(tx, visit.tenant, stored.journey, deal.deal)
        told = [
            journey_shapes.PreviewedMailView(**_person(one), email=one.user.email, subject=text.subject, body=text.body)
            for one, text in found.told
        ]
        not_told = [journey_shapes.UntoldPersonView(**_person(one), why=one.why_not) for one in found.not_told]
        return _said(journey_shapes.JourneyPreviewView(told=told, not_told=not_told, reasons=list(found.reasons)))

    return once.answer(visit, work)


@router.get("/journeys/{journey}/versions", responses=problems(400, 404))
def list_journey_versions(visit: Looking, page: PageOf, journey: Key) -> shapes.PageView[journey_shapes.JourneyVersionView]:
    """Lists every version of the journey, the latest first. For the admins of the vendor."""
    _enter(visit)
    with visit.tenant.store.reading(visit.portal) as tx:
        _found(tx, visit.tenant, journey)
        some = page.falling(store.versions(tx, journey), lambda one: (f"{one.version:09}",))
    return shapes.PageView(items=[_version(visit.tenant, one) for one in some.items], next=some.next)


@router.get("/journeys/{journey}/log", responses=problems(400, 404))
def list_journey_log(visit: Looking, page: PageOf, journey: Key) -> shapes.PageView[journey_shapes.JourneyLogView]:
    """Lists whom the journey told, whom not, and why, the latest first. For the admins of the vendor."""
    _enter(visit)
    with visit.tenant.store.reading(visit.portal) as tx:
        _found(tx, visit.tenant, journey)
        rows = journey_log.page(tx, journey, before=page.moment(), limit=page.looked_for)
    some = page.cut(rows, lambda row: (row.at.isoformat(), row.id))
    return shapes.PageView(items=[_logged(row) for row in some.items], next=some.next)


@router.post("/journeys/{journey}/release", response_model=journey_shapes.HeldMailsView, responses=problems(409))
def release_journey_mails(visit: Operating, journey: Key, said: journey_shapes.HeldMailsBody, once: OnceOnly) -> Response:
    """Sends the mails of the journey that wait for a person. For operators."""

    def work(_keep: object) -> Answer:
        done = hold.release(visit.tenant, journey, actor=visit.token.name, reason=said.reason)
        visit.api.follow_ups(visit.portal, hold.follow_ups(done))
        return _counted(done)

    return once.answer(visit, work)


@router.post("/journeys/{journey}/discard", response_model=journey_shapes.HeldMailsView, responses=problems(409))
def discard_journey_mails(visit: Operating, journey: Key, said: journey_shapes.HeldMailsBody, once: OnceOnly) -> Response:
    """Discards the mails of the journey that wait for a person: they are never sent. For operators."""

    def work(_keep: object) -> Answer:
        return _counted(hold.discard(visit.tenant, journey, actor=visit.token.name, reason=said.reason))

    return once.answer(visit, work)


# ── in and out ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _enter(visit: PersonalVisit) -> None:
    """**Raises** Refused for those who do not keep journeys. What stands in files is there from here on."""
    refuse_onlookers(visit, keep.keeping_refusal)
    adopt(visit.tenant)


def _wish(key: str, said: journey_shapes.JourneyBody) -> WrittenJourney:
    filters = tuple(Condition(one.field, one.operator, tuple(_value(value) for value in one.values)) for one in said.filters)
    journey = Journey(key, said.name, said.trigger, filters, tuple(said.recipients), said.subject, said.body)
    return WrittenJourney(journey, said.enabled, said.confirm_users or 0)


def _value(value: journey_shapes.FilterValue) -> str:
    return next(iter(values_of(value)), "")


def _saved(visit: PersonalVisit, keep_answer: Keep, status: int, save: Callable[[keep.Finish], Saved]) -> Answer:
    """What is shown of a journey that is saved is made, and kept, inside its commit."""
    made: list[Answer] = []

    def finish(tx: Tx, stored: StoredJourney) -> None:
        again(tx, visit)
        headers = location_of(visit.portal, "journeys", stored.key) if status == 201 else {}
        shown = _shown(visit.tenant, stored, mails.held_counts(tx).get(stored.key, 0))
        made.append(_said(shown, status, **headers))
        keep_answer(tx, made[-1])

    saved = save(finish)
    if isinstance(saved, WrongJourney):
        first, *others = saved.refusals
        every = tuple(MistakeView(field=one.field, detail=one.why) for one in (first, *others)) if others else ()
        return of_refusal(Refused(first, errors=every))
    return of_refusal(Refused(saved)) if isinstance(saved, Refusal) else made[-1]


def _switched(visit: PersonalVisit, key: str, *, is_on: bool) -> journey_shapes.JourneyView:
    _refuse(keep.switch(visit.tenant, key, is_on=is_on, actor=visit.actor))
    with visit.tenant.store.reading(visit.portal) as tx:
        return _found(tx, visit.tenant, key)


def _refuse(done: StoredJourney | Refusal) -> None:
    """**Raises** Refused."""
    if isinstance(done, Refusal):
        raise Refused(done)


def _found(tx: Tx, tenant: Tenant, key: str) -> journey_shapes.JourneyView:
    found = standing_one(tx, tenant, key)
    if isinstance(found, Refusal):
        raise Refused(found)
    return _shown(tenant, found, mails.held_counts(tx).get(key, 0))


def _shown(tenant: Tenant, stored: StoredJourney, held: int) -> journey_shapes.JourneyView:
    return journey_shapes.JourneyView(
        key=stored.key,
        enabled=stored.is_on,
        managed_by="file" if stored.file else "api",
        held_mails=held,
        **_version(tenant, stored).model_dump(),
    )


def _version(tenant: Tenant, stored: StoredJourney) -> journey_shapes.JourneyVersionView:
    journey, labels = stored.journey, side_labels(tenant.portal)
    recipients = [journey_shapes.JourneyRecipientView(recipient=one, label=recipient_label(one, labels)) for one in journey.recipients]
    filters = [journey_shapes.JourneyFilterView(**one.to_document()) for one in journey.filters]
    return journey_shapes.JourneyVersionView(
        version=stored.version,
        name=journey.name,
        trigger=Trigger(journey.trigger),
        filters=filters,
        recipients=recipients,
        subject=journey.subject,
        body=journey.body,
        saved_at=stored.saved_at,
        saved_by=stored.saved_by,
    )


def _person(one: MeantPerson) -> dict[str, str]:
    return {"user": one.user.id, "name": one.user.name, "recipient": one.recipient}


def _logged(row: JourneyLogRow) -> journey_shapes.JourneyLogView:
    named = {name: getattr(row, name) for name in ("at", "version", "event", "outcome", "why")}
    return journey_shapes.JourneyLogView(**named, deal=row.deal_id, user=row.user_id or None, recipient=row.recipient or None)


def _counted(done: int | Refusal) -> Answer:
    return of_refusal(Refused(done)) if isinstance(done, Refusal) else _said(journey_shapes.HeldMailsView(count=done))


def _said(body: shapes.View, status: int = 200, **headers: str) -> Answer:
    return Answer(status, body.model_dump_json(), {**JSON, **headers})
