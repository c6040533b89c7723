"""What the addresses of notes and of files have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.people.visibility import Viewer
from sync_worker.steps.deals.attached.either import remove
from sync_worker.steps.people.users import viewer_of
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import attached
from sync_worker.store.deals.attached import A, Attached
from sync_worker.web.api.core import visibility
from sync_worker.web.api.core.authentication import PersonalVisit, again
from sync_worker.web.api.core.paging import Paging, Place, Some
from sync_worker.web.api.core.problems import Refused

T = TypeVar("T")


def writer(tx: Tx, visit: PersonalVisit) -> Viewer:
    """The person who acts."""
    return viewer_of(tx, visit.tenant, visit.user)


def done(result: T | Refusal) -> T:
    """What a step made. **Raises** Refused, which ends the transaction without a change."""
    if isinstance(result, Refusal):
        raise Refused(result)
    return result


def place_of(one: Attached) -> Place:
    """Where it stands in the list of its deal."""
    return one.added_at.isoformat(timespec="microseconds"), one.id


def shown(one: Attached) -> dict[str, Any]:
    """What every one of them shows."""
    author = one.author
    return {
        "id": one.id,
        "deal_id": one.deal_id,
        "author_id": author.user_id,
        "author": author.name,
        "author_role": author.role,
        "author_side": author.side,
        "added_at": one.added_at,
    }


def some_of(visit: PersonalVisit, kind: type[A], deal_id: str, page: Paging) -> Some[A]:
    """A page of what is attached to the deal, the newest first. **Raises** Refused where the person does not see the deal."""
    with visit.tenant.store.reading(visit.portal) as tx:
        visibility.looked_at(tx, visit, deal_id)
        found = attached.listed(tx, kind, deal_id, after=page.moment(), limit=page.looked_for)
    return page.cut(found, place_of)


def removed(visit: PersonalVisit, deal_id: str, find: Callable[[Tx, StoredDeal], A | Refusal]) -> Response:
    """Removes what is found on the deal, in the name of the person as of now. **Raises** Refused."""
    with visit.tenant.store.transaction(visit.portal) as tx:
        now = again(tx, visit)
        stored = visibility.looked_at(tx, now, deal_id)
        done(remove(tx, visit.tenant, stored, done(find(tx, stored)), writer(tx, now)))
    tell_feed(visit)
    return Response(status_code=204)


def tell_feed(visit: PersonalVisit) -> None:
    """The event is committed: a worker may send it at once."""
    if visit.tenant.portal.feed:
        visit.api.follow_ups(visit.portal, [DELIVER])
