"""Failures: looked at, previewed, tried again, discarded, released. The holder of the token acts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.values import plain
from sync_worker.domain.operate.recovery import meaning_of, remedy_of
from sync_worker.steps.core.brake import CODE
from sync_worker.steps.operate.intervene import REPLAY, begin_release, begin_replay, discard, is_open, is_replayable
from sync_worker.steps.operate.known_codes import unknown_code
from sync_worker.steps.operate.preview import Preview, preview
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.operate import interventions
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Operating, Visit, Word
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf, moment_of
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.operate import failure_shapes
from sync_worker.web.api.operate.acts import answered, waits

router = portal_router("operator")

SHOWN_CHANGES: Final = 200

FailureId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]


@router.get("/failures")
def list_failures(
    visit: Operating, page: PageOf, code: Word = None, record: Word = None, resolved: bool = False
) -> shapes.PageView[failure_shapes.FailureView]:
    """Lists the open failures by cause, the newest first within each. With `resolved`, the closed ones are in the list as well."""
    last = page.place(4)
    after = (last[0], last[1], moment_of(last[2]), last[3]) if last else None
    with visit.tenant.store.reading(visit.portal) as tx:
        if refused := unknown_code(tx, code):
            raise Refused(refused)
        rows = failures.page(tx, FailureFilter(code=code, record=record), include_resolved=resolved, after=after, limit=page.looked_for)
    some = page.cut(rows, lambda row: (row.failure.kind, row.failure.code, row.first_seen_at.isoformat(), row.failure.id))
    return shapes.PageView(items=[failure_shapes.FailureView(**_failure(row)) for row in some.items], next=some.next)


@router.post("/failures/replay", status_code=202, response_model=failure_shapes.ReplayOwedView, responses=problems(409))
def replay_failures(visit: Operating, said: failure_shapes.TryBody, once: OnceOnly) -> Response:
    """Asks the workers to try failures again. A failure is resolved when its record passes.

    `GET /replays/{id}` says how far it is and how it ended. If a person has paused the portal, the replay begins when the portal is
    resumed; `waits` says so.
    """

    def work(_keep: object) -> Answer:
        tenant, rows = visit.tenant, _chosen(visit, said)
        if not rows:
            return answered(failure_shapes.ReplayOwedView(count=0, id=None, waits=None), 202)
        words = " ".join(f"{name}={value}" for name, value in (("code", said.code), ("record", said.record)) if value)
        asked = begin_replay(tenant, rows, selection=f"API replay {words}", actor=visit.holder, reason=said.reason, is_queued=True)
        visit.api.follow_ups(visit.portal, [REPLAY])
        return answered(failure_shapes.ReplayOwedView(count=len(rows), id=asked.id, waits=waits(visit, tenant.halted())), 202)

    return once.answer(visit, work)


@router.post("/failures/preview", response_model=failure_shapes.ReplayPreviewView, responses=problems(409))
def preview_replay(visit: Operating, said: failure_shapes.ChosenBody, once: OnceOnly) -> Response:
    """Says what a replay would change on both sides, and what it would cost. Both sides are read, and nothing is kept."""

    def work(_keep: object) -> Answer:
        if halt := visit.tenant.halted():
            raise Refused(Refusal("portal_paused", str(waits(visit, halt)), "an operator: POST /operate/resume"))
        return answered(_preview(preview(visit.tenant, _chosen(visit, said))))

    return once.answer(visit, work)


def _preview(found: Preview) -> failure_shapes.ReplayPreviewView:
    return failure_shapes.ReplayPreviewView(
        count=found.count,
        superseded=found.superseded,
        would_fail=[failure_shapes.WouldFailView(failure_id=id_, why=why) for id_, why in sorted(found.would_fail.items())],
        changes=[failure_shapes.FieldChangeView(**asdict(one)) for one in found.changes[:SHOWN_CHANGES]],
        change_count=len(found.changes),
        written=found.written,
        calls=found.calls,
        minutes=found.minutes,
    )


@router.post("/failures/discard", response_model=failure_shapes.DiscardedView, responses=problems(404))
def discard_failures(visit: Operating, said: failure_shapes.DiscardBody, once: OnceOnly) -> Response:
    """Closes failures that need no work any more. Their records are not tried again until they change."""

    def work(_keep: object) -> Answer:
        with visit.tenant.store.reading(visit.portal) as tx:
            rows = [_found(tx, id_) for id_ in dict.fromkeys(said.ids)]
        still = [row for row in rows if is_open(row)]
        if still:
            words = f"API discard {len(still)} failures"
            discard(visit.tenant, still, selection=words, actor=visit.holder, reason=said.reason)
        return answered(failure_shapes.DiscardedView(count=len(still)))

    return once.answer(visit, work)


@router.get("/failures/{failure_id}", responses=problems(404))
def get_failure(visit: Operating, failure_id: FailureId) -> failure_shapes.FailureStoryView:
    """Returns one failure whole: what to do, the record as it came, and what was done about it."""
    with visit.tenant.store.reading(visit.portal) as tx:
        row = _found(tx, failure_id)
        history = interventions.history(tx, row.failure.id)
    failure, remedy = row.failure, remedy_of(row.failure.code, stage=row.failure.stage)
    payload = {name: value if isinstance(value, dict) else plain(value) for name, value in (failure.payload or {}).items()}
    return failure_shapes.FailureStoryView(
        **_failure(row),
        what_to_do=meaning_of(failure.code),
        replay=remedy.words,
        is_replayable=remedy.is_replayable,
        waits_for=failure.waits_for,
        run_id=failure.run_id,
        payload=payload,
        history=[_try(one) for one in history],
    )


@router.post("/failures/{failure_id}/release", status_code=202, response_model=failure_shapes.ReleaseOwedView, responses=problems(404, 409))
def release_failure(visit: Operating, failure_id: FailureId, said: failure_shapes.WhyBody, once: OnceOnly) -> Response:
    """Asks the workers to do once what the brake holds back, because a person has looked at it.

    The failure is resolved when it is done. If a person has paused the portal, it is done when the portal is resumed; `waits` says so.
    """

    def work(_keep: object) -> Answer:
        with visit.tenant.store.reading(visit.portal) as tx:
            row = _found(tx, failure_id)
        if row.failure.code != CODE or not is_open(row):
            why = f"failure {failure_id} is not held by the brake, or not any more"
            raise Refused(Refusal("not_held", why, "POST /failures/replay tries other failures again"))
        asked = begin_release(visit.tenant, row, actor=visit.holder, reason=said.reason)
        visit.api.follow_ups(visit.portal, [REPLAY])
        return answered(failure_shapes.ReleaseOwedView(id=asked.id, waits=waits(visit, visit.tenant.halted())), 202)

    return once.answer(visit, work)


def _chosen(visit: Visit, said: failure_shapes.ChosenBody) -> list[FailureRow]:
    """The open failures that the body names and that a replay helps. **Raises** Refused."""
    wanted = FailureFilter(code=said.code, record=said.record)
    if wanted == failures.EVERY:
        raise Refused(Refusal("field_missing", "name the code or the record", "one of the two", ("code", "record"), "code"))
    with visit.tenant.store.reading(visit.portal) as tx:
        if refused := unknown_code(tx, said.code):
            raise Refused(refused)
        return [row for row in failures.listed(tx, wanted) if is_replayable(row)]


def _found(tx: Tx, failure_id: str) -> FailureRow:
    row = failures.by_ids(tx, [failure_id]).get(failure_id)
    if row is None:
        raise Refused(Refusal("failure_unknown", f"there is no failure {failure_id}", "an id from GET /failures"))
    return row


def _failure(row: FailureRow) -> dict[str, Any]:
    named = ("id", "kind", "code", "object", "record", "name", "stage", "field", "message")
    times = ("first_seen_at", "last_seen_at", "count", "resolved_at", "discarded_at")
    known = {name: getattr(row.failure, name) for name in named} | {name: getattr(row, name) for name in times}
    return {**known, "resolution": row.resolution or ""}


def _try(one: interventions.Try) -> failure_shapes.TryView:
    at, outcome = one.tried_at or one.asked_at, one.outcome or "left"
    return failure_shapes.TryView(at=at, verb=one.verb, actor=one.actor, reason=one.reason, outcome=outcome, became=one.became)
