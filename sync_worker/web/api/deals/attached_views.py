"""What the addresses of notes and of files have in common."""

from __future__ import annotations

from typing import Any, TypeVar

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.people.visibility import Viewer
from sync_worker.steps.people.users import viewer_of
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.attached import Attached
from sync_worker.web.api.core.authentication import PersonalVisit
from sync_worker.web.api.core.paging import Place
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


def tell_feed(visit: PersonalVisit) -> None:
    """The event is committed: a worker may send it at once."""
    if visit.tenant.portal.feed:
        visit.api.follow_ups(visit.portal, [DELIVER])
