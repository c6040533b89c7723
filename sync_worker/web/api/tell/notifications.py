"""A user's notifications, for the bell of the portal. They are for that user alone, who acts in the request."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.tell.wording import for_people, line_of
from sync_worker.steps.people.answer import Keep
from sync_worker.steps.tell import notifications as steps
from sync_worker.store.people.answers import Answer
from sync_worker.store.tell.notifications import NotificationFilter, NotificationRow
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking, PersonalVisit
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import Moment, PageOf
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.tell import notification_shapes as shapes

router = portal_router("notifications")

UserId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The portal's own id of the user.")]
Id: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The id of the notification.")]


@router.get("/users/{user_id}/notifications", responses=problems(400))
def list_notifications(
    visit: Looking,
    user_id: UserId,
    page: PageOf,
    unread: Annotated[bool, Query(description="Whether only those are listed that the user has not read.")] = False,
    since: Annotated[Moment | None, Query(description="Only those that were written at this moment or later.")] = None,
) -> shapes.NotificationsView:
    """Lists what the user was told, the newest first. What is about a deal that the user may not see any more is not in the list."""
    _refuse_others(visit, user_id)
    wanted = NotificationFilter(is_unread=unread, since=since)
    with visit.tenant.store.reading(visit.portal) as tx:
        found = steps.listed(tx, visit.tenant, visit.user, wanted, after=page.moment(), limit=page.looked_for)
        count = steps.unread_count(tx, visit.tenant, visit.user)
    some = page.cut(found, lambda row: (row.at.isoformat(timespec="microseconds"), row.notification.id))
    return shapes.NotificationsView(items=[_shown(row) for row in some.items], next=some.next, unread=count)


@router.get("/users/{user_id}/notifications/unread", responses=problems(400))
def get_unread_count(visit: Looking, user_id: UserId) -> shapes.UnreadView:
    """Says how many notifications the user has not read."""
    _refuse_others(visit, user_id)
    with visit.tenant.store.reading(visit.portal) as tx:
        return shapes.UnreadView(unread=steps.unread_count(tx, visit.tenant, visit.user))


@router.post("/users/{user_id}/notifications/{notification_id}/read", response_model=shapes.NotificationView, responses=problems(400, 404))
def mark_notification_read(visit: Acting, user_id: UserId, notification_id: Id, once: OnceOnly) -> Response:
    """Marks one notification as read. If it was read before, it stays as it was."""
    _refuse_others(visit, user_id)

    def work(keep: Keep) -> Answer:
        with visit.tenant.store.side_transaction(visit.portal) as tx:
            row = steps.mark_read(tx, visit.tenant, visit.user, notification_id)
            if isinstance(row, Refusal):
                return of_refusal(Refused(row))
            answer = Answer(200, _shown(row).model_dump_json(), views.JSON)
            keep(tx, answer)
            return answer

    return once.answer(visit, work)


@router.post("/users/{user_id}/notifications/read", response_model=shapes.UnreadView, responses=problems(400))
def mark_all_notifications_read(
    visit: Acting,
    user_id: UserId,
    once: OnceOnly,
    until: Annotated[
        Moment | None, Query(description="Only those that were written until this moment: what the user has not seen stays.")
    ] = None,
) -> Response:
    """Marks all notifications of the user as read, and says how many are still unread."""
    _refuse_others(visit, user_id)

    def work(keep: Keep) -> Answer:
        with visit.tenant.store.side_transaction(visit.portal) as tx:
            steps.mark_all_read(tx, visit.tenant, visit.user, until)
            left = shapes.UnreadView(unread=steps.unread_count(tx, visit.tenant, visit.user))
            answer = Answer(200, left.model_dump_json(), views.JSON)
            keep(tx, answer)
            return answer

    return once.answer(visit, work)


def _refuse_others(visit: PersonalVisit, user_id: str) -> None:
    """**Raises** Refused for the first of those who look whose notifications they are not."""
    for looker in visit.onlookers:
        if refused := steps.others_refusal(looker, user_id):
            raise Refused(refused)


def _shown(row: NotificationRow) -> shapes.NotificationView:
    line = row.notification
    words = for_people(line.words)
    return shapes.NotificationView(
        id=line.id,
        topic=line.topic,
        text=line_of(line.topic, line.words),
        why=words.get("because", ""),
        changes=[shapes.ShownChangeView(**change) for change in words.get("changes", ())],
        deal_id=line.deal_id,
        deal=words["deal"],
        created_at=row.at,
        read_at=row.read_at,
    )
