"""INGEST, deals: find the deal behind the record, link its companies, merge by field with the base, and let the domain say what follows.

Here a record finds its deal; `domain/sync/merge.py` decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.deal import Deal, Lifecycle, Policy
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, Conflict, FieldRule, comparable, owed
from sync_worker.domain.core.ruling import APPLIED, FAILED, SKIPPED, UNCHANGED, Ended, Ruling, repeated
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.link import CONVERTED, KEY, Home, Link
from sync_worker.domain.sync.late_write import Undone
from sync_worker.domain.sync.merge import Merged
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import DEAL, field_rules
from sync_worker.steps.sync.ingest.deals.beginnings import Beginnings
from sync_worker.steps.sync.ingest.deals.draft import Draft
from sync_worker.steps.sync.ingest.deals.keys import Keys
from sync_worker.steps.sync.ingest.deals.merge import DealMerge, Linked
from sync_worker.steps.sync.ingest.deals.prefetched import REFERENCES, Shelf
from sync_worker.steps.sync.ingest.ours import is_marked
from sync_worker.steps.sync.ingest.recognize import LateWrites
from sync_worker.steps.sync.ingest.succession import Succession
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.sync import outbox, strangers

CONVERSION = "conversion"  # how the record came to be: by one, else by a merge


def ingest_deals(tx: Tx, chunk: Chunk, before: OpenFindings) -> Consequences:
    """Stores one chunk of deal records, what the domain makes of them, and the writes they make due."""
    page = _Page(tx, chunk, before)
    succession = page.succession
    ruled = [(native, page.take(native)) for native in succession.natives]
    succession.settle(tx)
    is_owing = page.save()
    return Consequences([*ruled, *((native, repeated(native.crm_id)) for native in succession.repeated)], is_owing=is_owing)


class _Page:
    """The chunk under way: what it needs stands on the shelf, what it changes in the draft."""

    def __init__(self, tx: Tx, chunk: Chunk, before: OpenFindings) -> None:
        self._tx = tx
        self._chunk = chunk
        self._record: RecordMap = chunk.record
        self._tenant = chunk.tenant
        self._rules: Mapping[str, FieldRule] = field_rules(chunk.record)
        self._written = [name for name, rule in self._rules.items() if rule.direction != "pull"]
        self._policy: Policy = chunk.tenant.policy(chunk.record)
        self._shelf = Shelf(tx, chunk, self._policy)
        self.succession = Succession(tx, chunk, {crm_id: link.deal_id for crm_id, link in self._shelf.links.items()})
        self._late = LateWrites(tx, chunk, DEAL, self._shelf.deals.keys())
        self._draft = Draft(tx, chunk.tenant, chunk.run_id)
        self._merging = DealMerge(tx, chunk, self._shelf, self._policy)
        self._beginnings = Beginnings(self._shelf, self._draft, self._rules, self._policy, partial(chunk.tenant.today, tx))
        self._strangers: dict[str, datetime] = {}
        self._keys = Keys(self._shelf, chunk.record)
        self._failed_as_they_are = before.failed_as_they_are(self.succession.natives, chunk.tenant.mapping.hash)
        self._failed = before.failed()
        self._is_owing = False

    # ── one record ───────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, native: NativeRecord) -> Ruling[None]:
        """One record, one outcome."""
        crm_id = native.crm_id
        link = self._shelf.links.get(crm_id) or self._keys.adopted(native)
        if link and link.settled_no > self._chunk.read_no:
            return Ruling(crm_id, SKIPPED, "late", read_again=((self._record.record, crm_id),))
        if link and not link.is_current:
            return Ruling(crm_id, SKIPPED, "superseded")
        if native.is_deleted:
            return self._depart(native, link)
        if crm_id in self._failed_as_they_are:
            return Ruling(crm_id, SKIPPED, "failed_before")
        if link and native.is_converted:
            return self._convert(native, link)
        home = None if link else self._keys.home(native)
        if home:
            return self._lives_elsewhere(native, home)
        if link or self._begins_here(native):
            return self._pass(native, link)
        if is_marked(self._tenant.portal, self._record, native):
            self._strangers[crm_id] = native.modified_at
        return Ruling(crm_id, SKIPPED, "not_ours", is_judged=True)

    def _lives_elsewhere(self, native: NativeRecord, home: Home) -> Ruling[None]:
        """The deal whose key this record carries has another record: it turned into this one, and that news is still to be read; or this
        one is a copy.
        """
        again = ((home.object, home.crm_id),) if home.object != self._record.record else ()
        copied = tuple(self._keys.copied(native, home))
        return self._judged(native, SKIPPED, "lives_elsewhere", problems=copied)._replace(read_again=again)

    def _judged(self, native: NativeRecord, outcome: Ended, why: str = "", *, problems: tuple[Problem, ...] = ()) -> Ruling[None]:
        return Ruling(native.crm_id, outcome, why, self._shelf.name(native.crm_id), is_judged=True, problems=problems)

    def _begins_here(self, native: NativeRecord) -> bool:
        if native.is_converted:
            return False
        owner = self._record.fields.get("owner_company")
        may_begin = self._tenant.portal.deals.from_crm and owner is not None and bool(native.fields.get(owner.native))
        return may_begin or bool(self._keys.lost(native))

    def _pass(self, native: NativeRecord, link: Link | None) -> Ruling[None]:
        linked = self._merging.linked(native, self._merging.between(native, link) if link else {})
        if linked.failure:
            return self._judged(native, FAILED, problems=linked.problems)._replace(failure=linked.failure)
        return self._merge(native, link, linked) if link else self._begin(native, linked)

    # ── a deal that begins in the CRM ────────────────────────────────────────────────────────────────────────────────

    def _begin(self, native: NativeRecord, linked: Linked) -> Ruling[None]:
        if deal_id := self._keys.lost(native):
            deal, problems = self._beginnings.returned(linked.values, deal_id)
        else:
            deal, problems = self._beginnings.arrived(linked.values, self._tenant.identity(self._record.record, native.crm_id))
        base = self._first_base(native, linked)
        self._keep_link(Link(self._record.record, native.crm_id, deal.id, base=base, crm_modified_at=native.modified_at), deal, set())
        return self._judged(native, APPLIED, problems=(*linked.problems, *problems, *self._keys.problems(native, deal.id)))

    def _first_base(self, native: NativeRecord, linked: Linked) -> dict[str, Base]:
        """What the CRM says is what both agree on, until the portal says otherwise. A company we do not know yet was not agreed on."""
        values, spellings = linked.values, linked.spellings
        base = {name: Base(comparable(values[name]), spellings[name]) for name in self._written if name in spellings and name in values}
        base[KEY] = Base(None, native.fields.get(self._record.key_field))
        return base

    # ── a deal we know ───────────────────────────────────────────────────────────────────────────────────────────────

    def _merge(self, native: NativeRecord, link: Link, linked: Linked) -> Ruling[None]:
        stored, kept = self._draft.latest(self._shelf.deals[link.deal_id]), link.base
        link = replace(link, base={**link.base, **linked.between})
        if CONVERTED in link.base:
            link = self._carry_over(native, link, linked, stored)
        merged, base = self._reconciled(native, link, linked, stored.deal)
        waiting = self._draft.dispute(stored.deal.id, merged.conflicts)
        after = self._draft.change(stored, merged.changes, from_crm=merged.from_crm, notes=merged.notes, reason=merged.reason)
        self._draft.refuse(stored, merged.standing, merged.untaken)
        is_changed = after is not stored.deal
        if (
            self._settle(stored.deal.id, linked, merged)
            or is_changed
            or base != kept
            or link.deleted_at
            or native.crm_id not in self._shelf.links
        ):
            self._keep_link(replace(link, deleted_at=None, base=base, crm_modified_at=native.modified_at), after, waiting)
        self._resume(native, link)
        problems = (*linked.problems, *merged.problems, *self._keys.problems(native, stored.deal.id))
        return self._judged(native, APPLIED if is_changed or link.deleted_at else UNCHANGED, problems=problems)

    def _reconciled(self, native: NativeRecord, link: Link, linked: Linked, deal: Deal) -> tuple[Merged, dict[str, Base]]:
        """What becomes of the deal, and the bases after it. A late write of ours is told from an edit first."""
        late = self._late.recognized(deal.id, native, link.base, deal.values)
        link = replace(link, base=late.base)
        self._draft.dispute(deal.id, tuple(self._undone(one) for one in late.undone))
        merged = self._merging.merged(deal, link, linked, Clocks(link.crm_modified_at, native.modified_at))
        base = {**link.base, **merged.base}
        base.setdefault(KEY, Base(None, None))
        if base[KEY].crm != native.fields.get(self._record.key_field):
            base[KEY] = Base(None, native.fields.get(self._record.key_field))
        return merged, base

    def _undone(self, one: Undone) -> Conflict:
        """Both values, as the deal's history keeps them."""
        return Conflict(one.field, one.late, one.late, one.newer, "portal", "late_write_undone", self._rules[one.field].conflict)

    def _resume(self, native: NativeRecord, link: Link) -> None:
        """The record can be read again, or is gone: writes that waited for it are looked at anew."""
        if native.crm_id in self._failed:
            self._draft.owing.add(link.deal_id)

    def _carry_over(self, native: NativeRecord, link: Link, linked: Linked, stored: StoredDeal) -> Link:
        """The first look at what a lead turned, or was merged, into: what is empty there was not copied, not cleared, and is owed."""
        turned, ours = link.base[CONVERTED], stored.deal.values
        lost = [
            name
            for name in sorted(link.base.keys() & self._rules.keys())
            if name in linked.values and comparable(linked.values[name]) is None and comparable(ours.get(name)) is not None
        ]
        base = {name: pair for name, pair in link.base.items() if name not in (*lost, CONVERTED)}
        if turned.crm == CONVERSION:
            self._report_losses(native, lost, stored)
            name = comparable(linked.values.get("name"))
            if name is not None and name == turned.portal and "name" in self._written and ours.get("name"):
                base["name"] = Base(name, linked.spellings.get("name"))  # the CRM named it by itself: nobody's edit, and ours is owed
        return replace(link, base=base)

    def _report_losses(self, native: NativeRecord, lost: Sequence[str], stored: StoredDeal) -> None:
        """Says which fields an admin can have the conversion copy from now on; it stands until that is seen to be done."""
        source = next(record for record in self._tenant.mapping.records.values() if record.converts_to == self._record.record)
        pairs = {name: (source.fields[name].native, self._record.fields[name].native) for name in lost if name in source.fields}
        ours = {name: pair for name, pair in pairs.items() if self._tenant.crm.hands_on(*pair)}
        if not ours:
            return
        fields = ", ".join(f"{name} ({field} → {target})" for name, (field, target) in ours.items())
        words = f"the conversion into {native.native} {native.crm_id} did not copy {fields}; the worker has carried them over"
        self._draft.lose(
            stored,
            Problem("conversion_mapping_missing", "", words),
            {f"{source.native}.{field}": f"{native.native}.{target}" for field, target in ours.values()},
        )

    def _settle(self, deal_id: str, linked: Linked, merged: Merged) -> bool:
        """Whether a conflict that waited for a person is none any more, because the two sides were brought together meanwhile."""
        disputed = {conflict.field for conflict in merged.conflicts}
        settled = [name for name in self._shelf.disputed.get(deal_id, ()) if name in linked.values and name not in disputed]
        conflicts.settle(self._tx, deal_id, settled)
        return bool(settled)

    def _keep_link(self, link: Link, deal: Deal, waiting: set[str]) -> None:
        """Keeps the link, and owes the CRM what the portal holds otherwise, but for fields that wait for a person."""
        self._draft.link(link)
        self._keys.moved_in(link)
        if self._keys.is_owed(link) or owed(self._rules, base=link.base, portal=deal.values, is_create=False, waiting=waiting):
            self._draft.owing.add(deal.id)

    # ── records that go ──────────────────────────────────────────────────────────────────────────────────────────────

    def _convert(self, native: NativeRecord, link: Link) -> Ruling[None]:
        """The record's last words are taken, and the link moves to what it turned into, once; that one is merged when it is read."""
        self._resume(native, link)
        becomes = self._record.converts_to
        if not (native.converted_to and becomes):
            words = "converted without becoming a deal record: the deal is disconnected; link it again or withdraw it"
            return self._judged(native, UNCHANGED, problems=(Problem("disconnected", "", words),))
        crm_id = self._tenant.crm.canonical_id(native.converted_to)
        self._end_twin(becomes, crm_id, link.deal_id)
        named = self._tenant.crm.name_after_conversion(native)
        base = {**self._last_words(native, link, self._tenant.mapping.records[becomes]), CONVERTED: Base(named, CONVERSION)}
        moved = replace(link, object=becomes, crm_id=crm_id, crm_modified_at=None, base=base)
        self._draft.link(replace(link, is_current=False), moved)
        return self._judged(native, APPLIED)._replace(read_again=((becomes, crm_id),))

    def _last_words(self, native: NativeRecord, link: Link, into: RecordMap) -> Mapping[str, Base]:
        """What was written on the record before it turned, and not read yet: it is not lost where the conversion does not copy it.

        What only the CRM says, its stage first, is taken from the new record: people are told of the conversion once.
        """
        stored, reading = self._draft.latest(self._shelf.deals[link.deal_id]), self._shelf.readings[native.crm_id]
        ours = {name: self._shelf.company_ids.get(str(reading.values[name])) for name in REFERENCES if reading.values.get(name)}
        known = {
            name: value
            for name, value in {**reading.values, **ours}.items()
            if (value is not None or name not in ours) and not (self._rules[name].direction == "pull" and name in into.fields)
        }
        merged, base = self._reconciled(native, link, Linked(known, reading.spellings), stored.deal)
        self._draft.dispute(stored.deal.id, merged.conflicts)
        self._draft.change(stored, merged.changes, from_crm=merged.from_crm, notes=merged.notes, reason=merged.reason)
        self._draft.refuse(stored, merged.standing, merged.untaken)
        return base

    def _end_twin(self, record_name: str, crm_id: str, deal_id: str) -> None:
        """A deal that began with that record, because it was read before the lead it came from, is this very deal and ends."""
        link = links.by_crm_ids(self._tx, record_name, [crm_id]).get(crm_id)
        twin = deals.get(self._tx, link.deal_id) if link and link.deal_id != deal_id else None
        if twin is None:
            return
        ended: dict[str, Value] = {"lifecycle": Lifecycle.WITHDRAWN.value, "is_registered": False}
        note = f"the record came from the lead of deal {deal_id}, which goes on with it"
        self._draft.change(twin, ended, from_crm=frozenset(), notes=dict.fromkeys(ended, note))

    def _depart(self, native: NativeRecord, link: Link | None) -> Ruling[None]:
        """The record is in the CRM's bin: the deal stays and says so; after a merge it goes on with the survivor."""
        if link is None:
            return Ruling(native.crm_id, SKIPPED, "not_ours", is_judged=True)
        self._resume(native, link)
        code = "gone_from_crm" if native.is_gone else "deleted_in_crm"
        words = "deleted in the CRM; the deal stays here. Undelete it there, or withdraw the deal"
        if native.is_gone:
            words = "the CRM shows this record no more: deleted for good, or hidden from the worker's user. The deal stays here"
        if native.merged_into:
            survivor = self.succession.end(native.crm_id)
            if not self._shelf.is_home(survivor):
                return self._move(native, link, survivor)
            words = f"merged into {survivor}, which is the record of another deal; this deal stays here. Withdraw one of the two"
        problems = (Problem(code, "", words),)
        if link.deleted_at:
            return self._judged(native, UNCHANGED, problems=problems)
        self._draft.link(replace(link, deleted_at=self._tx.now))
        if outbox.unpark(self._tx, DEAL, [link.deal_id]):  # refused writes are nobody's worry any more
            self._is_owing = True
        return self._judged(native, APPLIED, problems=problems)

    def _move(self, native: NativeRecord, link: Link, survivor: str) -> Ruling[None]:
        """The deal goes on with the record that the merge left, which may stand in this very chunk."""
        moved = replace(link, crm_id=survivor, crm_modified_at=None, base={**link.base, CONVERTED: Base(None, "merge")})
        self._draft.link(replace(link, is_current=False), moved)
        self._shelf.links[survivor] = moved
        return self._judged(native, APPLIED)._replace(read_again=((self._record.record, survivor),))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self) -> bool:
        """Writes what the chunk changed. Whether the CRM is owed something."""
        self._draft.save()
        strangers.remember(self._tx, self._record.record, self._strangers)
        return self._is_owing or bool(self._draft.owing)
