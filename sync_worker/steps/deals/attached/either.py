"""What notes and files of a deal have in common. The portal is told in the same commit, with ids and without words."""

from __future__ import annotations

from typing import Final, Literal

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.people.attached import Attachment, removal_refusal, room_refusal
from sync_worker.domain.people.visibility import Viewer
from sync_worker.domain.tell.event import By, attached_event
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import acting
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import attached
from sync_worker.store.deals.attached import Attached, DealFile, Note

_WHAT: Final = {Note: Attachment.NOTE, DealFile: Attachment.FILE}


def room(tx: Tx, kind: type[Attached], stored: StoredDeal) -> Refusal | None:
    """Why the deal takes no more of them."""
    return room_refusal(_WHAT[kind], stored.deal, attached.count(tx, kind, stored.deal.id))


def remove(tx: Tx, tenant: Tenant, stored: StoredDeal, one: Attached, viewer: Viewer) -> Refusal | None:
    """It is gone from the deal, or why this person does not remove it. The content of a file is removed by a sweep."""
    what, actor = _WHAT[type(one)], acting(viewer.user)
    if refused := removal_refusal(what, one.author.user_id, actor):
        return refused
    attached.remove(tx, one)
    tell(tx, "removed", stored, one, viewer)
    tenant.log.info("removed from a deal", deal=stored.deal.id, what=what, id=one.id, actor=actor.name)
    return None


def tell(tx: Tx, move: Literal["added", "changed", "removed"], stored: StoredDeal, one: Attached, viewer: Viewer) -> None:
    """The portal's receiver hears of it, where it wants to."""
    what, by = _WHAT[type(one)], By("portal", acting(viewer.user).name)
    ids = {f"{what}_id": one.id, "user_id": one.author.user_id}
    feed.tell(tx, [attached_event(f"deal.{what}_{move}", stored.deal.id, stored.version, ids, by)])
