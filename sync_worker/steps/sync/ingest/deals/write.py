"""What rulings on deals say is written here, column by column: deals, history, links, conflicts, the outbox; and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.deals.deal_edit import CRM_ACTOR, DealEdit, NewDeals
from sync_worker.domain.sync.ingest.deals.change import DealChange
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.standing import close_decided, stand
from sync_worker.steps.deals.twins import part_twins
from sync_worker.steps.distributors.parents import end_waivers
from sync_worker.steps.sync.ingest.recognize import settle_recognized
from sync_worker.steps.tell.notify import ChangedDeal, tell_changes
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.sync import outbox


def add_deals(tx: Tx, chunk: Chunk, new: NewDeals) -> None:
    """Writes the deals that begin with plain records. The CRM is owed our key on each, and what their beginning gave them."""
    if new.ids:
        deals.add(tx, new, chunk.run_id)
        links.add(tx, chunk.record.record, new)
        outbox.owe(tx, DEAL, new.ids, chunk.run_id)


def write_deals(tx: Tx, tenant: Tenant, changes: Sequence[DealChange], run_id: str) -> bool:
    """Writes all of it, the outbox last. Whether the CRM is owed something."""
    edits = [edit for change in changes for edit in change.edits if edit.history]
    settle_recognized(tx, tenant, [change.recognized for change in changes if change.recognized], run_id)
    for change in (change for change in changes if change.settled):
        conflicts.settle(tx, change.deal_id, change.settled)
    gone = [change.deal_id for change in changes if change.unparks]  # their refused writes need no one to look at them any more
    unparked = outbox.unpark(tx, DEAL, gone) if gone else 0
    deals.save(tx, list({edit.deal.id: edit.stored for edit in edits}.values()))
    deals.record_changes(tx, [one for edit in edits for one in edit.history])
    links.save(tx, [link for change in changes for link in change.links])
    new_id = tenant.services.new_id
    conflicts.record(tx, [(new_id(), change.deal_id, conflict) for change in changes for conflict in change.conflicts], run_id)
    owing = {change.deal_id for change in changes if change.is_owed}
    outbox.owe(tx, DEAL, owing, run_id)
    _follow(tx, tenant, changes, edits, run_id)
    return bool(owing or unparked)


def _follow(tx: Tx, tenant: Tenant, changes: Sequence[DealChange], edits: Sequence[DealEdit], run_id: str) -> None:
    """What the deals' changes mean beside them: problems that stand or are over, and who is told."""
    before, after = _first(edits), {edit.deal.id: edit for edit in edits}
    changed = [(deal, after[deal_id].deal) for deal_id, deal in before.items()]
    part_twins(tx, changed)
    close_decided(tx, changed)
    end_waivers(tx, changed)
    stand(tx, tenant, [one for change in changes for one in change.standing], run_id)
    tell_changes(tx, tenant, [*_news(edits, before, changes)], actor=CRM_ACTOR)


def _news(edits: Sequence[DealEdit], before: Mapping[str, Deal], changes: Sequence[DealChange]) -> Iterator[ChangedDeal]:
    """What people are told: each deal once, with what they were not told yet of a conversion."""
    untold = {change.deal_id: change.untold for change in changes if change.untold}
    last = {edit.deal.id: edit for change in changes for edit in change.edits if edit.history or edit.deal.id in untold}
    known = {edit.deal.id for edit in edits if edit.is_known}
    reasons = {edit.deal.id: edit.reason for edit in edits if edit.reason}
    for deal_id, edit in last.items():
        if deal_id not in known:
            then = before.get(deal_id, edit.deal if deal_id in untold else None)
            yield ChangedDeal(then and then.changed(untold.get(deal_id, {})), edit.deal, edit.stored.version, reasons.get(deal_id, ""))


def _first(edits: Sequence[DealEdit]) -> dict[str, Deal]:
    """Each deal as it was before the first of its edits; one that begins here was not."""
    found: dict[str, Deal] = {}
    for edit in edits:
        if edit.before is not None:
            found.setdefault(edit.before.id, edit.before)
    return found
