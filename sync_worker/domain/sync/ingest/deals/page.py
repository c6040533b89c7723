"""A page of deals' records, judged: a record finds its deal, or one begins with it; what the CRM ends stays here and says so.

Records come in the order in which they are to be taken: what lost a merge moves before its survivor arrives.
"""

from __future__ import annotations

from collections.abc import Collection

from sync_worker.domain.core.link import Link
from sync_worker.domain.core.ruling import FAILED, SKIPPED, Ruling
from sync_worker.domain.sync.ingest.deals.association_gap import association_gaps
from sync_worker.domain.sync.ingest.deals.begin import began
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals, SoFar, ruled
from sync_worker.domain.sync.ingest.deals.key import adopted, copied, lost_id
from sync_worker.domain.sync.ingest.deals.known import met
from sync_worker.domain.sync.ingest.deals.leave import converted, gone
from sync_worker.domain.sync.ingest.deals.record import DealRecord, linked
from sync_worker.domain.sync.ingest.echoes import confirmed


def judge_deals(records: Collection[DealRecord], held: HeldDeals) -> list[DealRuling]:
    """One ruling for each record, in their order."""
    rulings, so_far = list[DealRuling](), SoFar(held, {record.stripped_key for record in records})
    for record in records:
        ruling = _judge(record, held, so_far)
        if record.crm_id in held.indexed:
            ruling = confirmed(ruling, held.object, held.indexed, is_idle=ruling.change is None or ruling.change.is_idle)
        if ruling.change:
            so_far = so_far.after(ruling.change)
        rulings.append(ruling)
    return rulings


def _judge(record: DealRecord, held: HeldDeals, so_far: SoFar) -> DealRuling:
    """Which way the record takes."""
    crm_id, link = record.crm_id, so_far.link(record.crm_id) or adopted(record, held, so_far)
    if link and link.settled_no > held.read_no:
        return Ruling(crm_id, SKIPPED, "late", read_again=((held.object, crm_id),))
    if link and not link.is_current:
        return Ruling(crm_id, SKIPPED, "superseded")
    if record.is_deleted:
        return gone(record, link, held, so_far)
    if crm_id in held.failed_before:
        return Ruling(crm_id, SKIPPED, "failed_before")
    if link:
        return converted(record, link, held, so_far) if record.is_converted else _taken(record, link, held)
    if home := so_far.home(record.stripped_key):
        return copied(record, home, held)
    if not record.is_converted and (record.names_owner or lost_id(record, held)):
        return _taken(record, None, held)
    stranger = DealChange(stranger_at=record.modified_at) if record.is_marked else None
    return Ruling(crm_id, SKIPPED, "not_ours", is_judged=True, change=stranger)


def _taken(record: DealRecord, link: Link | None, held: HeldDeals) -> DealRuling:
    """A live record of a deal that is known, or that begins with it; it waits where a company that it names is not known."""
    between = association_gaps(link.base, held.sent.get(link.deal_id, {}), record.associations) if link else {}
    found = linked(record, held.companies, between)
    if found.failure:
        return ruled(record, FAILED, *found.problems)._replace(failure=found.failure)
    return met(record, link, found, held) if link else began(record, found, held)
