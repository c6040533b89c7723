"""FILL, deals: one field of deals that are here already is merged as any reading of it would be, and nothing else of them changes.

Some records show more than the field: they were deleted, came back, turned into another or lost a merge; a write of ours has an end that
nobody knows; a term beside the field has moved. These are left to an ordinary reading of the whole record, which follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.reconcile import Base, comparable, owed
from sync_worker.domain.core.ruling import APPLIED, FAILED, READ_WHOLE, SKIPPED, UNCHANGED, Ruling
from sync_worker.domain.deals.link import CONVERTED, Link
from sync_worker.domain.sync.backfill import Part
from sync_worker.domain.sync.merge import Merged
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import DEAL, field_rules
from sync_worker.steps.sync.ingest.deals.draft import Draft
from sync_worker.steps.sync.ingest.deals.merge import DealMerge, Linked
from sync_worker.steps.sync.ingest.deals.prefetched import Shelf
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts
from sync_worker.store.sync import unlearned


def fill_deals(tx: Tx, chunk: Chunk, part: Part, before: OpenFindings) -> Consequences:
    """Stores one field of one chunk of deal records, what the domain makes of it, and the writes it makes due."""
    page = _Page(tx, chunk, part, before)
    ruled = [(native, page.take(native)) for native in chunk.natives]
    return Consequences(ruled, is_owing=page.save())


class _Page:
    """The chunk under way. Its record type maps the fields that were read, and no others."""

    def __init__(self, tx: Tx, chunk: Chunk, part: Part, before: OpenFindings) -> None:
        whole = chunk.tenant.mapping.records[chunk.record.record]
        policy = chunk.tenant.policy(whole)
        self._tx = tx
        self._chunk = chunk
        self._part = part
        self._failed = before.failed()
        self._all_rules = field_rules(whole)
        self._field_rules = {name: rule for name, rule in self._all_rules.items() if name == part.field}
        self._shelf = Shelf(tx, chunk, policy)
        self._unlearned = unlearned.of(tx, DEAL, self._shelf.deals.keys())
        self._draft = Draft(tx, chunk.tenant, chunk.run_id)
        self._merging = DealMerge(tx, chunk, self._shelf, policy)

    def take(self, native: NativeRecord) -> Ruling[None]:
        """One record, one outcome."""
        crm_id, link = native.crm_id, self._shelf.links.get(native.crm_id)
        if link is None:
            return Ruling(crm_id, SKIPPED, "not_ours")
        if link.settled_no > self._chunk.read_no:
            return self._read_again(native, "late")
        if not link.is_current:
            return Ruling(crm_id, SKIPPED, "superseded")
        if native.is_deleted and link.deleted_at:
            return Ruling(crm_id, UNCHANGED)
        if self._is_more(native, link):
            return self._read_again(native, READ_WHOLE)
        if crm_id in self._failed:
            return Ruling(crm_id, SKIPPED, "failed_before")  # read whole, this field with the others, when that is mended
        return self._pass(native, link)

    def save(self) -> bool:
        """Writes what the chunk changed. Whether the CRM is owed something."""
        self._draft.save()
        return bool(self._draft.owing)

    def _is_more(self, native: NativeRecord, link: Link) -> bool:
        is_other = native.is_deleted or native.is_converted or link.deleted_at is not None or CONVERTED in link.base
        return is_other or link.deal_id in self._unlearned or bool(self._merging.between(native, link))

    def _read_again(self, native: NativeRecord, why: str) -> Ruling[None]:
        return Ruling(native.crm_id, SKIPPED, why, read_again=((self._chunk.record.record, native.crm_id),))

    def _pass(self, native: NativeRecord, link: Link) -> Ruling[None]:
        linked, name = self._merging.linked(native, {}), self._shelf.name(native.crm_id)
        if linked.failure:
            return Ruling(native.crm_id, FAILED, "", name, is_judged=True, problems=linked.problems, failure=linked.failure)
        if self._has_moved_beside(linked, self._shelf.deals[link.deal_id].deal):
            return self._read_again(native, READ_WHOLE)._replace(name=name, is_judged=True, problems=linked.problems)
        return self._merge(native, link, linked, name)

    def _has_moved_beside(self, linked: Linked, deal: Deal) -> bool:
        """Whether a field that the one asked for is judged by says something else than the portal."""
        return any(comparable(linked.values.get(name)) != comparable(deal.values.get(name)) for name in self._part.beside)

    def _merge(self, native: NativeRecord, link: Link, linked: Linked, name: str) -> Ruling[None]:
        stored = self._draft.latest(self._shelf.deals[link.deal_id])
        merged = self._merging.merged(stored.deal, link, linked, Clocks(None, native.modified_at))  # nobody knows when it was read before
        problems = (*linked.problems, *(problem for problem in merged.problems if problem.field in self._part.fields))
        waiting = self._draft.dispute(stored.deal.id, merged.conflicts)
        after = self._draft.change(stored, merged.changes, from_crm=merged.from_crm, notes=merged.notes, reason=merged.reason)
        self._draft.refuse(stored, merged.standing, merged.untaken)
        base = {**link.base, **merged.base}
        is_changed, is_settled = after is not stored.deal, self._settle(stored.deal.id, linked, merged)
        if is_changed or is_settled or base != link.base:
            self._keep_link(link, base, after, waiting)
        elif owed(self._field_rules, base=base, portal=after.values, is_create=False, waiting=waiting):
            self._draft.owing.add(after.id)  # changed here while it could not be written
        return Ruling(native.crm_id, APPLIED if is_changed else UNCHANGED, "", name, is_judged=True, problems=problems)

    def _settle(self, deal_id: str, linked: Linked, merged: Merged) -> bool:
        """Whether a conflict about a field that was read is none any more, because the two sides were brought together meanwhile."""
        disputed = {conflict.field for conflict in merged.conflicts}
        settled = [name for name in self._shelf.disputed.get(deal_id, ()) if name in linked.values and name not in disputed]
        conflicts.settle(self._tx, deal_id, settled)
        return bool(settled)

    def _keep_link(self, link: Link, base: Mapping[str, Base], deal: Deal, waiting: set[str]) -> None:
        """Keeps what was agreed on, and owes the CRM what follows here. Its stamp stays that of the last whole reading."""
        self._draft.link(replace(link, base=base))
        if owed(self._all_rules, base=base, portal=deal.values, is_create=False, waiting=waiting):
            self._draft.owing.add(deal.id)
