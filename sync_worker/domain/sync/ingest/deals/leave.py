"""Records that go: a lead that turned into another record, a record in the CRM's bin, the loser of a merge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sync_worker.domain.core.deal import Lifecycle, differing
from sync_worker.domain.core.link import CONVERSION, CONVERTED, UNTOLD, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.core.ruling import APPLIED, SKIPPED, UNCHANGED, Ruling
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import DealEdit, ReadChanges, edited
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals, SoFar, ruled
from sync_worker.domain.sync.ingest.deals.key import with_key
from sync_worker.domain.sync.ingest.deals.merging import meet
from sync_worker.domain.sync.ingest.deals.record import REFERENCES, DealRecord, Linked
from sync_worker.domain.tell.notification import NEWS


def converted(record: DealRecord, link: Link, held: HeldDeals, so_far: SoFar) -> DealRuling:
    """The record's last words are taken, and the link moves to what it turned into, once; that one is merged when it is read."""
    is_owed = record.crm_id in held.failed
    if not record.converted_to:
        words = "the lead was converted without an opportunity, so the deal has no record now: link it to another one, or withdraw it"
        change = DealChange(link.deal_id, is_owed=True) if is_owed else None
        return ruled(record, UNCHANGED, Problem("disconnected", "", words), change=change)
    met = meet(record, link, _last_words(record, held), held)
    base = {**_untold(met.edit), **with_key(met.base, record), CONVERTED: Base(record.converted_name, CONVERSION)}
    moved = replace(link, object=held.turns_into, crm_id=record.converted_to, crm_modified_at=None, base=base)
    change = DealChange(
        link.deal_id,
        (*_ended_twin(record, link, held, so_far), met.edit._replace(is_known=True)),
        (replace(link, is_current=False), moved),
        conflicts=met.conflicts,
        standing=met.standing,
        is_owed=is_owed,
        asks_edits=met.asks_edits,
        recognized=met.recognized,
    )
    return ruled(record, APPLIED, change=change)._replace(read_again=((held.turns_into, record.converted_to),))


def _untold(edit: DealEdit) -> dict[str, Base]:
    """What people know the fields as that these last words change: they are told of it with what the new record says."""
    if edit.before is None:
        return {}
    return {
        f"{UNTOLD}{name}": Base(comparable(edit.before.values.get(name)), None) for name in differing(edit.before, edit.deal.values) & NEWS
    }


def _last_words(record: DealRecord, held: HeldDeals) -> Linked:
    """What was written on the record before it turned, and not read yet: it is not lost where the conversion does not copy it.

    What only the CRM says, its stage first, is taken from the new record: people are told of the conversion once.
    """
    values = record.values
    ours = {name: held.companies.ids.get(str(values[name])) for name in REFERENCES if values.get(name)}
    known = {
        name: value
        for name, value in {**values, **ours}.items()
        if (value is not None or name not in ours) and not (held.rules[name].direction == "pull" and name in held.turned_fields)
    }
    return Linked(known, record.spellings)


def _ended_twin(record: DealRecord, link: Link, held: HeldDeals, so_far: SoFar) -> Iterator[DealEdit]:
    """A deal that began with that record, because it was read before the lead it came from, is this very deal and ends."""
    twin = held.twins.get(record.converted_to)
    if twin is None or twin.deal.id == link.deal_id:
        return
    ended: dict[str, Value] = {"lifecycle": Lifecycle.WITHDRAWN.value, "is_registered": False}
    note = f"this record was made of the lead of deal {link.deal_id}, and that deal goes on with it"
    yield edited(so_far.ended.get(twin.deal.id, twin), ReadChanges(ended, notes=dict.fromkeys(ended, note)), held.run_id)


def gone(record: DealRecord, link: Link | None, held: HeldDeals, so_far: SoFar) -> DealRuling:
    """The record is in the CRM's bin: the deal stays and says so; after a merge it goes on with the survivor."""
    if link is None:
        return Ruling(record.crm_id, SKIPPED, "not_ours", is_judged=True)
    is_owed = record.crm_id in held.failed
    if record.becomes and not so_far.is_taken(record.becomes):
        base = {**link.base, CONVERTED: Base(None, "merge")}
        moved = replace(link, crm_id=record.becomes, crm_modified_at=None, base=base)  # that record may stand on this very page
        change = DealChange(link.deal_id, links=(replace(link, is_current=False), moved), is_owed=is_owed)
        return ruled(record, APPLIED, change=change)._replace(read_again=((held.object, record.becomes),))
    problem = _why_gone(record)
    if link.deleted_at:
        return ruled(record, UNCHANGED, problem, change=DealChange(link.deal_id, is_owed=True) if is_owed else None)
    change = DealChange(link.deal_id, links=(replace(link, deleted_at=held.now),), is_owed=is_owed, unparks=True)
    return ruled(record, APPLIED, problem, change=change)


def _why_gone(record: DealRecord) -> Problem:
    words = "the record was deleted in the CRM, and the deal stays here. Undelete the record, or withdraw the deal"
    if record.is_gone:
        words = "the CRM no longer shows this record: it was deleted for good, or is hidden from the worker's user. The deal stays here"
    if record.becomes:
        words = f"the record was merged into {record.becomes}, which belongs to another deal. This deal stays here: withdraw one of the two"
    return Problem("gone_from_crm", "", words) if record.is_gone else Problem("deleted_in_crm", "", words)
