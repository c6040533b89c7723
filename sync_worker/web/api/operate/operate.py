"""What an operator does: decides conflicts, has failures tried again, has the feed tell again. The holder of the token acts."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.operate.status import halt_words
from sync_worker.domain.tell.event import gone_words
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.operate.intervene import begin_replay, is_replayable
from sync_worker.steps.operate.known_codes import unknown_code
from sync_worker.steps.operate.resolve import Dispute, disputes, resolve
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.store.core import failures, feed
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.operate.halts import Halt
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Operating, Visit, Word
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf, cursor_of, moment_of, refused_cursor
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.core.views import JSON
from sync_worker.web.api.operate import operate_shapes
from sync_worker.web.api.tell import feed_shapes

router = portal_router("operator")

ConflictId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]


@router.get("/conflicts")
def list_conflicts(
    visit: Operating, page: PageOf, deal: Word = None, resolved: bool = False
) -> shapes.PageView[operate_shapes.ConflictView]:
    """Lists the fields that both sides changed, the latest first. With `resolved`, the resolved ones are in the list as well."""
    found = disputes(visit.tenant, deal_id=deal, include_resolved=resolved, before=page.moment(), limit=page.looked_for)
    some = page.cut(found, lambda one: (one.opened_at.isoformat(), one.id))
    return shapes.PageView(items=[_conflict(one) for one in some.items], next=some.next)


@router.post("/conflicts/{conflict_id}/resolve", response_model=operate_shapes.ResolvedView, responses=problems(404, 409))
def resolve_conflict(visit: Operating, conflict_id: ConflictId, said: operate_shapes.ResolveBody, once: OnceOnly) -> Response:
    """Decides a conflict: takes the value of one side, if both sides still have the values that the conflict shows.

    If a person has paused the portal, the decision is kept and is applied when the portal is resumed; `waits` says so.
    """

    def work(_keep: object) -> Answer:
        done = resolve(visit.tenant, conflict_id, take=said.take, actor=_actor(visit), reason=said.reason)
        if isinstance(done, Refusal):
            return of_refusal(Refused(done))
        visit.api.follow_ups(visit.portal, done.follow_ups)
        return _said(
            operate_shapes.ResolvedView(is_applied=done.is_applied, conflict=_conflict(done.dispute), waits=_waits(visit, done.halt))
        )

    return once.answer(visit, work)


@router.get("/failures")
def list_failures(
    visit: Operating, page: PageOf, code: Word = None, record: Word = None, resolved: bool = False
) -> shapes.PageView[operate_shapes.FailureView]:
    """Lists the open failures by cause, the newest first within each. With `resolved`, the closed ones are in the list as well."""
    last = page.place(4)
    after = (last[0], last[1], moment_of(last[2]), last[3]) if last else None
    with visit.tenant.store.reading(visit.portal) as tx:
        if refused := unknown_code(tx, code):
            raise Refused(refused)
        rows = failures.page(tx, FailureFilter(code=code, record=record), include_resolved=resolved, after=after, limit=page.looked_for)
    some = page.cut(rows, lambda row: (row.failure.kind, row.failure.code, row.first_seen_at.isoformat(), row.failure.id))
    return shapes.PageView(items=[_failure(row) for row in some.items], next=some.next)


@router.post("/failures/replay", status_code=202, response_model=operate_shapes.ReplayOwedView, responses=problems(409))
def replay_failures(visit: Operating, said: operate_shapes.TryBody, once: OnceOnly) -> Response:
    """Asks the workers to try failures again. A failure is resolved when its record passes.

    `GET /replays/{id}` says how far it is and how it ended. If a person has paused the portal, the replay begins when the portal is
    resumed; `waits` says so.
    """

    def work(_keep: object) -> Answer:
        tenant, wanted = visit.tenant, FailureFilter(code=said.code, record=said.record)
        if wanted == failures.EVERY:
            return of_refusal(
                Refused(Refusal("field_missing", "name the code or the record", "one of the two", ("code", "record"), "code"))
            )
        with tenant.store.reading(visit.portal) as tx:
            if refused := unknown_code(tx, said.code):
                return of_refusal(Refused(refused))
            rows = [row for row in failures.listed(tx, wanted) if is_replayable(row)]
        if not rows:
            return _said(operate_shapes.ReplayOwedView(count=0, id=None, waits=None), 202)
        words = " ".join(f"{name}={value}" for name, value in (("code", said.code), ("record", said.record)) if value)
        asked = begin_replay(tenant, rows, selection=f"API replay {words}", actor=_actor(visit), reason=said.reason, is_queued=True)
        visit.api.follow_ups(visit.portal, [FollowUp(Work.REPLAY)])
        return _said(operate_shapes.ReplayOwedView(count=len(rows), id=asked.id, waits=_waits(visit, tenant.halted())), 202)

    return once.answer(visit, work)


@router.get("/feed/events", responses=problems(410))
def list_events(visit: Operating, page: PageOf) -> shapes.PageView[feed_shapes.EventView]:
    """Lists the events that the portal was told, or is still to be told, in the order of the commits.

    Events are kept for the time of `feed.keep`. A cursor in front of the oldest one is refused, because events behind it are gone:
    read everything once, then go on from the cursor in `allowed`.
    """
    place = page.place(1)
    with visit.tenant.store.reading(visit.portal) as tx:
        after, (oldest, last) = _seq(place[0]) if place else 0, feed.reach(tx)
        if place and after + 1 < oldest:
            raise Refused(_gone(gone_words(after + 1, oldest, last), field="cursor", allowed=cursor_of(str(oldest - 1))))
        found = feed.listed(tx, after=after, limit=page.looked_for)
    some = page.cut(found, lambda told: (str(told.seq),))
    items = [feed_shapes.EventView(seq=told.seq, id=told.id, type=told.kind, timestamp=told.at, data=told.data) for told in some.items]
    return shapes.PageView(items=items, next=some.next)


@router.post("/feed/replay", status_code=202, response_model=operate_shapes.OwedView, responses=problems(404, 409, 410))
def replay_events(visit: Operating, said: operate_shapes.ReplayBody, once: OnceOnly) -> Response:
    """Sends every event from this one on again, with the ids they had. An event older than `feed.keep` is gone and is refused."""

    def work(_keep: object) -> Answer:
        tenant = visit.tenant
        if tenant.receiver is None:
            return of_refusal(Refused(Refusal("address_unknown", "this portal has no feed", "an operator, who adds `feed` to its file")))
        with tenant.store.side_transaction(visit.portal) as tx:
            oldest, last = feed.reach(tx)
            if said.from_seq < oldest:
                return of_refusal(Refused(_gone(gone_words(said.from_seq, oldest, last), field="from_seq", allowed=str(oldest))))
            count = feed.replay(tx, said.from_seq)
        tenant.log.info("feed replay asked for", actor=_actor(visit), from_seq=said.from_seq, events=count)
        visit.api.follow_ups(visit.portal, [DELIVER])
        return _said(operate_shapes.OwedView(count=count), 202)

    return once.answer(visit, work)


def _gone(why: str, *, field: str, allowed: str) -> Refusal:
    return Refusal("place_gone", why, "read everything once, then go on from the oldest place there is", (allowed,), field)


def _waits(visit: Visit, halt: Halt | None) -> str | None:
    if halt is None:
        return None
    return f"the portal is paused {halt_words(halt.actor, halt.at, halt.reason, visit.tenant.services.clock())}"


def _actor(visit: Visit) -> str:
    return f"{visit.token.name} (token {visit.token.id})"


def _said(body: shapes.View, status: int = 200) -> Answer:
    return Answer(status, body.model_dump_json(), JSON)


def _seq(seq: str) -> int:
    if not (seq.isascii() and seq.isdecimal() and len(seq) < 19):
        raise refused_cursor()
    return int(seq)


def _conflict(one: Dispute) -> operate_shapes.ConflictView:
    return operate_shapes.ConflictView(**{name: getattr(one, name) for name in operate_shapes.ConflictView.model_fields})


def _failure(row: FailureRow) -> operate_shapes.FailureView:
    named = ("id", "kind", "code", "object", "record", "name", "stage", "field", "message")
    known = {name: getattr(row.failure, name) for name in named}
    times = ("first_seen_at", "last_seen_at", "count", "resolved_at", "discarded_at")
    return operate_shapes.FailureView(**known, **{name: getattr(row, name) for name in times}, resolution=row.resolution or "")
