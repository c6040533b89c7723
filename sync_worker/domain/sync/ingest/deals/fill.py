"""A page of deals of which one field was read, judged: it is merged as any reading of it would be, and nothing else of them changes.

Some records show more than the field: they were deleted, came back, turned into another or lost a merge; a write of ours has an end that
is not known; a term beside the field has moved. These are left to an ordinary reading of the whole record, which follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import CONVERTED, Link
from sync_worker.domain.core.reconcile import FieldRule, comparable, owed
from sync_worker.domain.core.ruling import APPLIED, FAILED, READ_WHOLE, SKIPPED, UNCHANGED, Ruling, repeated
from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.domain.sync.ingest.deals.association_gap import association_gaps
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals
from sync_worker.domain.sync.ingest.deals.merging import meet
from sync_worker.domain.sync.ingest.deals.record import DealRecord, Linked, linked


@dataclass(frozen=True, slots=True)
class DealFill:
    """What is filled.

    **Shapes** `all_rules`: of every field of the record type, not only of those that were read. `unlearned`: ids of deals of which a send
    has an end that is not known.
    """

    part: Part
    all_rules: Mapping[str, FieldRule]
    unlearned: Set[str] = frozenset()


def judge_filled_deals(records: Collection[DealRecord], held: HeldDeals, fill: DealFill) -> list[DealRuling]:
    """One ruling for each record, in their order; of one that is there twice, the last counts.

    **Shapes** `held`: its rules are those of the fields that were read.
    """
    last = {record.crm_id: record for record in records}
    return [
        _judge(record, held.links.get(record.crm_id), held, fill) if last[record.crm_id] is record else repeated(record.crm_id)
        for record in records
    ]


def _judge(record: DealRecord, link: Link | None, held: HeldDeals, fill: DealFill) -> DealRuling:
    crm_id = record.crm_id
    if link is None:
        return Ruling(crm_id, SKIPPED, "not_ours")
    if link.settled_no > held.read_no:
        return _read_again(record, held, "late")
    if not link.is_current:
        return Ruling(crm_id, SKIPPED, "superseded")
    if record.is_deleted and link.deleted_at:
        return Ruling(crm_id, UNCHANGED)
    if _is_more(record, link, held, fill):
        return _read_again(record, held, READ_WHOLE)
    if crm_id in held.failed:
        return Ruling(crm_id, SKIPPED, "failed_before")  # read whole, this field with the others, when that is mended
    return _filled(record, link, held, fill)


def _is_more(record: DealRecord, link: Link, held: HeldDeals, fill: DealFill) -> bool:
    is_other = record.is_deleted or record.is_converted or link.deleted_at is not None or CONVERTED in link.base
    between = association_gaps(link.base, held.sent.get(link.deal_id, {}), record.associations)
    return is_other or link.deal_id in fill.unlearned or bool(between)


def _read_again(record: DealRecord, held: HeldDeals, why: str) -> DealRuling:
    return Ruling(record.crm_id, SKIPPED, why, record.name, read_again=((held.object, record.crm_id),))


def _filled(record: DealRecord, link: Link, held: HeldDeals, fill: DealFill) -> DealRuling:
    found, part = linked(record, held.companies), fill.part
    if found.failure:
        return Ruling(record.crm_id, FAILED, "", record.name, True, problems=found.problems, failure=found.failure)
    if _has_moved_beside(found, held.deals[link.deal_id].deal, part):
        return _read_again(record, held, READ_WHOLE)._replace(is_judged=True, problems=found.problems)
    met = meet(record, replace(link, crm_modified_at=None), found, held)  # it is not known when it was read before
    is_changed, base = met.edit.is_changed, met.base
    is_news = is_changed or met.settled or base != link.base
    rules = fill.all_rules if is_news else {name: rule for name, rule in fill.all_rules.items() if name == part.field}
    change = DealChange(
        link.deal_id,
        (met.edit,),
        (replace(link, base=base),) if is_news else (),  # its stamp stays that of the last whole reading
        conflicts=met.conflicts,
        settled=met.settled,
        standing=met.standing,
        is_owed=bool(owed(rules, base=base, portal=met.edit.deal.values, is_create=False, waiting=met.waiting)),
        asks_edits=met.asks_edits,
        recognized=met.recognized,
    )
    problems = (*found.problems, *(problem for problem in met.merged.problems if problem.field in part.fields))
    return Ruling(record.crm_id, APPLIED if is_changed else UNCHANGED, "", record.name, True, problems=problems, change=change)


def _has_moved_beside(found: Linked, deal: Deal, part: Part) -> bool:
    """Whether a field that the one asked for is judged by says something else than the portal."""
    return any(comparable(found.values.get(name)) != comparable(deal.values.get(name)) for name in part.beside)
