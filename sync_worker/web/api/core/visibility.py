"""Sight: what a request may show. The one place that every address with a person asks.

The person who acts must see it, and so must the person that `visible_to` names. What one of the two may not see is answered as if it were
not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.flags import FlagReader
from sync_worker.domain.people.visibility import can_see
from sync_worker.steps.deals.flag import reader_of
from sync_worker.steps.deals.quote import WHO_SEES, visible
from sync_worker.steps.people.users import reps_of, viewer_of
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals
from sync_worker.store.deals.quotes import StoredQuote
from sync_worker.web.api.core.authentication import PersonalVisit
from sync_worker.web.api.core.problems import Refused


def deals_seen(tx: Tx, visit: PersonalVisit, deal_ids: Collection[str]) -> dict[str, StoredDeal]:
    """Those of these deals that everybody who looks may see, by id."""
    known = deals.by_ids(tx, set(deal_ids))
    reps = reps_of(tx, {stored.deal.owner_user for stored in known.values()})
    viewers = [viewer_of(tx, visit.tenant, user) for user in visit.onlookers]
    return {
        deal_id: stored
        for deal_id, stored in known.items()
        if all(can_see(viewer, stored.deal, reps.get(stored.deal.owner_user or "")) for viewer in viewers)
    }


def deal_seen(tx: Tx, visit: PersonalVisit, deal_id: str) -> StoredDeal | None:
    """The deal, if it exists and everybody who looks may see it."""
    return deals_seen(tx, visit, [deal_id]).get(deal_id)


def looked_at(tx: Tx, visit: PersonalVisit, deal_id: str) -> StoredDeal:
    """The same. **Raises** Refused: a deal that does not exist and a deal out of sight have one answer."""
    stored = deal_seen(tx, visit, deal_id)
    if stored is None:
        names = " and ".join(user.name for user in visit.onlookers)
        raise Refused(Refusal("deal_unknown", f"there is no deal {deal_id} that {names} may see", "a person who sees the deal"))
    return stored


def quotes_seen(tx: Tx, visit: PersonalVisit, deal: Deal) -> list[StoredQuote]:
    """The deal's quotes whose pricing everybody who looks may see, the newest first."""
    first, *others = [visible(tx, visit.tenant, deal, actor) for actor in visit.actors]
    shared = set.intersection({one.id for one in first}, *({one.id for one in seen} for seen in others))
    return [one for one in first if one.id in shared]


def quote_seen(tx: Tx, visit: PersonalVisit, deal_id: str, quote_id: str) -> StoredQuote:
    """One of them. **Raises** Refused where the deal or the quote is out of sight."""
    deal = looked_at(tx, visit, deal_id).deal
    found = next((one for one in quotes_seen(tx, visit, deal) if one.id == quote_id), None)
    if found is None:
        raise Refused(Refusal("quote_unknown", f"deal {deal_id} has no quote {quote_id}", WHO_SEES))
    return found


def refuse_onlookers(visit: PersonalVisit, rule: Callable[[Actor], Refusal | None]) -> None:
    """**Raises** Refused with the rule's reason for the first of those who look that it keeps out."""
    for actor in visit.actors:
        if refused := rule(actor):
            raise Refused(refused)


def reader(visit: PersonalVisit) -> FlagReader:
    """As whom flags are read: as the one who is shown least."""
    return min(map(reader_of, visit.actors))
