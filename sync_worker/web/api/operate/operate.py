"""What an operator does: decides conflicts, has the feed tell again. The holder of the token acts."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.tell.event import gone_words
from sync_worker.steps.operate.resolve import Dispute, disputes, resolve
from sync_worker.steps.tell.by_hand import tell_again
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.store.core import feed
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Operating, Word
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf, cursor_of, refused_cursor
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.operate import operate_shapes
from sync_worker.web.api.operate.acts import answered, waits
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
        done = resolve(visit.tenant, conflict_id, take=said.take, actor=visit.holder, reason=said.reason)
        if isinstance(done, Refusal):
            return of_refusal(Refused(done))
        visit.api.follow_ups(visit.portal, done.follow_ups)
        return answered(
            operate_shapes.ResolvedView(is_applied=done.is_applied, conflict=_conflict(done.dispute), waits=waits(visit, done.halt))
        )

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
        count = tell_again(visit.tenant, said.from_seq, actor=visit.holder)
        if isinstance(count, Refusal):
            return of_refusal(Refused(count))
        visit.api.follow_ups(visit.portal, [DELIVER])
        return answered(operate_shapes.OwedView(count=count), 202)

    return once.answer(visit, work)


def _gone(why: str, *, field: str, allowed: str) -> Refusal:
    return Refusal("place_gone", why, "read everything once, then go on from the oldest place there is", (allowed,), field)


def _seq(seq: str) -> int:
    if not (seq.isascii() and seq.isdecimal() and len(seq) < 19):
        raise refused_cursor()
    return int(seq)


def _conflict(one: Dispute) -> operate_shapes.ConflictView:
    return operate_shapes.ConflictView(**{name: getattr(one, name) for name in operate_shapes.ConflictView.model_fields})
