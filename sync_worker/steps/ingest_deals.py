"""INGEST, deals: find the deal behind the record, link its companies, merge by field with the base, and let the domain say what follows.

Here a record finds its deal; `domain/merge.py` decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.company import Company
from sync_worker.domain.deal import Actor, Deal, Lifecycle, Policy, differing
from sync_worker.domain.merge import Merged, merge
from sync_worker.domain.problem import Problem
from sync_worker.domain.reconcile import Base, Clocks, Conflict, FieldRule, comparable, owed
from sync_worker.domain.registration import Verdict, arrive_from_crm, judge_from_crm
from sync_worker.domain.values import Value, plain
from sync_worker.errors import InvalidRecord, RecordError, UnresolvedLink
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.associate import associated
from sync_worker.steps.chunk import Chunk, Effects
from sync_worker.steps.findings import Findings
from sync_worker.steps.tenant import COMPANY, DEAL, field_rules
from sync_worker.store import companies, conflicts, deals, links, outbox
from sync_worker.store.deals import FieldChange, StoredDeal
from sync_worker.store.engine import Tx
from sync_worker.store.links import Link
from sync_worker.store.runs import Counts

KEY = "(key)"  # in a link's base: our key as the CRM record carries it
CONVERTED = "(converted)"  # in a link's base: the record is the outcome of a conversion or a merge, and was not read yet
CRM_ACTOR = Actor("CRM", None, "crm")
REFERENCES = ("owner_company", "second_partner")


def ingest_deals(tx: Tx, chunk: Chunk, findings: Findings, counts: Counts) -> Effects:
    """Stores one chunk of deal records, what the domain makes of them, and the writes they make due."""
    page = _Page(tx, chunk, findings, counts)
    for native in sorted(chunk.natives, key=lambda native: native.merged_into is None):  # a merge hands over before its survivor arrives
        page.take(native)
    page.save()
    return page.effects


@dataclass(frozen=True, slots=True)
class _Linked:
    """A record's values with its companies by our id. **Shapes** `companies`: our id → company, for those named."""

    values: Mapping[str, Value]
    spellings: Mapping[str, object]


class _Page:
    """The chunk under way: everything it needs fetched first, everything it changes written last."""

    def __init__(self, tx: Tx, chunk: Chunk, findings: Findings, counts: Counts) -> None:
        self._tx = tx
        self._chunk = chunk
        self._record: RecordMap = chunk.record
        self._findings = findings
        self._counts = counts
        self._tenant = chunk.tenant
        self._rules: Mapping[str, FieldRule] = field_rules(chunk.record)
        self._policy: Policy = chunk.tenant.policy(chunk.record)
        self._links = links.by_crm_ids(tx, chunk.record.record, chunk.crm_ids)
        self._readings = {native.crm_id: chunk.record.normalize(native.fields) for native in chunk.natives if not native.is_deleted}
        self._deals = self._fetch_deals()
        self._homes = links.current(tx, self._deals)
        self._sent = outbox.sent(tx, DEAL, self._deals.keys() - self._homes.keys())
        self._disputed = conflicts.open_fields(tx, list(self._deals))
        self._company_ids = self._fetch_companies()
        self._pairs = self._fetch_pairs()
        self._changed_deals: dict[str, StoredDeal] = {}
        self._changed_links: list[Link] = []
        self._changes: list[FieldChange] = []
        self._conflicts: list[tuple[str, str, Conflict]] = []
        self._owing: set[str] = set()
        self.effects = Effects()

    # ── fetching ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _fetch_deals(self) -> dict[str, StoredDeal]:
        """Deals behind the links, and deals whose key stands on a record we have not linked yet."""
        keys = {str(key) for native in self._chunk.natives if (key := native.fields.get(self._record.key_field))}
        return deals.by_ids(self._tx, {link.deal_id for link in self._links.values()} | keys)

    def _fetch_companies(self) -> dict[str, str]:
        """Our id for every CRM id that the records name as a company, losers of merges included."""
        named = {str(reading.values[name]) for reading in self._readings.values() for name in REFERENCES if reading.values.get(name)}
        survivors = links.survivors(self._tx, COMPANY, named)
        ours = companies.ids_by_crm_id(self._tx, named | set(survivors.values()))
        return {crm_id: ours[end] for crm_id in named if (end := survivors.get(crm_id, crm_id)) in ours}

    def _fetch_pairs(self) -> tuple[Mapping[str, Company], set[tuple[str, str]]]:
        """The companies named by records or deals, and which of the pairs are associated."""
        pairs: set[tuple[str, str]] = set()
        for crm_id, reading in self._readings.items():
            link = self._links.get(crm_id)
            stored = self._deals.get(link.deal_id) if link else None
            owner = self._company_ids.get(str(reading.values.get("owner_company"))) or (stored.deal.owner_company if stored else None)
            second = self._company_ids.get(str(reading.values.get("second_partner"))) or (stored.deal.second_partner if stored else None)
            if owner and second:
                pairs.add((owner, second))
        return associated(self._tx, pairs)

    # ── one record ───────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, native: NativeRecord) -> None:
        """One record, one outcome."""
        link = self._links.get(native.crm_id) or self._adopted(native)
        if link and link.settled_no > self._chunk.read_no:
            self.effects.read_again(self._record.record, [native.crm_id])
            self._counts.skip("late")
        elif link and not link.is_current:
            self._counts.skip("superseded")
        elif native.is_deleted:
            self._depart(native, link)
        elif self._findings.is_known_failure(native):
            self._counts.skip("failed_before")
        elif link and native.is_converted:
            self._convert(native, link)
        elif link is None and self._lives_elsewhere(native):
            self._counts.skip("lives_elsewhere")
        elif link or self._begins_here(native):
            self._pass(native, link)
        else:
            self._findings.judged(native.crm_id)
            self._counts.skip("not_ours")

    def _adopted(self, native: NativeRecord) -> Link | None:
        """A record that carries a deal's key and is not linked yet: our own create, whose answer was lost."""
        stored = self._deals.get(str(native.fields.get(self._record.key_field)))
        if stored is None or stored.deal.id in self._homes:
            return None
        return Link(self._record.record, native.crm_id, stored.deal.id, base=self._sent.get(stored.deal.id, {}))

    def _lives_elsewhere(self, native: NativeRecord) -> bool:
        """Whether the deal whose key this record carries has another record: it turned into this one, and that news is still to be read."""
        home = self._homes.get(str(native.fields.get(self._record.key_field)))
        if home is None:
            return False
        if home.object != self._record.record:
            self.effects.read_again(home.object, [home.crm_id])
        return True

    def _begins_here(self, native: NativeRecord) -> bool:
        owner = self._record.fields.get("owner_company")
        return (
            self._tenant.portal.deals.from_crm and owner is not None and bool(native.fields.get(owner.native)) and not native.is_converted
        )

    def _pass(self, native: NativeRecord, link: Link | None) -> None:
        try:
            linked = self._linked(native)
            if link is None:
                self._begin(native, linked)
            else:
                self._merge(native, link, linked)
        except RecordError as error:
            self._findings.failure(native, error, name=self._name(native))
            self._counts.failed += 1

    def _linked(self, native: NativeRecord) -> _Linked:
        """The values, companies by our id. **Raises** InvalidRecord, UnresolvedLink (an unknown owner holds the whole record back)."""
        reading = self._readings[native.crm_id]
        if reading.mistakes:
            first = reading.mistakes[0]
            allowed = f" (allowed: {', '.join(first.allowed)})" if first.allowed else ""
            words = "; ".join(f"{mistake.native}: {mistake.what}" for mistake in reading.mistakes)
            raise InvalidRecord(f"{native.native} {native.crm_id}: {words}{allowed}", code=first.code, field=first.field)
        self._findings.judged(native.crm_id)
        values = dict(reading.values)
        for name in REFERENCES:
            if values.get(name):
                self._link(native, values, name)
        return _Linked(values, reading.spellings)

    def _link(self, native: NativeRecord, values: dict[str, Value], name: str) -> None:
        crm_id = str(values[name])
        if company_id := self._company_ids.get(crm_id):
            values[name] = company_id
            return
        words = f"{name} is company {crm_id}, which the portal does not know yet; give it a portal status in the CRM"
        if name == "owner_company":
            raise UnresolvedLink(words, code="waiting_for_parent", field=name, waits_for=crm_id)
        del values[name]
        problem = Problem("waiting_for_parent", name, words, crm_id)
        self._findings.problem(native.crm_id, problem, name=self._name(native), waits_for=crm_id)

    # ── a deal that begins in the CRM ────────────────────────────────────────────────────────────────────────────────

    def _begin(self, native: NativeRecord, linked: _Linked) -> None:
        values = dict(linked.values)
        verdict = self._verdict(values.get("owner_company"), values.get("second_partner"))
        self._say(native, verdict)
        if not verdict.is_accepted:
            values.pop("second_partner", None)
        deal = arrive_from_crm(values, deal_id=self._tenant.identity(self._record.record, native.crm_id), policy=self._policy)
        now = self._tx.now
        self._changed_deals[deal.id] = StoredDeal(deal, 1, now, now)
        whole = {name: plain(value) for name, value in deal.values.items() if value is not None}
        self._changes.append(FieldChange(deal.id, 1, "", "crm", CRM_ACTOR.name, self._chunk.run_id, None, whole, "began in the CRM"))
        base = self._first_base(native, linked)
        self._keep_link(native, Link(self._record.record, native.crm_id, deal.id), base, deal)
        self._counts.applied += 1

    def _first_base(self, native: NativeRecord, linked: _Linked) -> dict[str, Base]:
        """What the CRM says is what both agree on, until the portal says otherwise. A company we do not know yet was not agreed on."""
        base = {
            name: Base(comparable(linked.values.get(name)), linked.spellings.get(name))
            for name, rule in self._rules.items()
            if rule.direction != "pull" and name in linked.spellings and name in linked.values
        }
        base[KEY] = Base(None, native.fields.get(self._record.key_field))
        return base

    # ── a deal we know ───────────────────────────────────────────────────────────────────────────────────────────────

    def _merge(self, native: NativeRecord, link: Link, linked: _Linked) -> None:
        stored = self._changed_deals.get(link.deal_id) or self._deals[link.deal_id]
        if CONVERTED in link.base:
            link = self._carry_over(native, link, linked, stored.deal)
        clocks = Clocks(link.crm_modified_at, native.modified_at)
        merged = self._merged(stored.deal, link, linked, clocks)
        if any(self._rules[conflict.field].conflict == "newest" for conflict in merged.conflicts if conflict.field in self._rules):
            edits = deals.edited_at(self._tx, [stored.deal.id]).get(stored.deal.id, {})
            ahead = self._tenant.crm_clock_ahead or timedelta(0)
            edited_at = {name: at + ahead for name, at in edits.items()}
            merged = self._merged(stored.deal, link, linked, replace(clocks, portal_edited_at=edited_at))
        for problem in merged.problems:
            self._findings.problem(native.crm_id, problem, name=self._name(native))
        self._conflicts += [(self._tenant.services.new_id(), stored.deal.id, conflict) for conflict in merged.conflicts]
        base = {**link.base, **merged.base}
        base.setdefault(KEY, Base(None, None))
        if base[KEY].crm != native.fields.get(self._record.key_field):
            base[KEY] = Base(None, native.fields.get(self._record.key_field))
        after = self._keep_deal(stored, merged)
        is_changed = after is not stored.deal
        if (
            self._settle(stored.deal.id, linked, merged)
            or is_changed
            or base != link.base
            or link.deleted_at
            or native.crm_id not in self._links
        ):
            self._keep_link(native, replace(link, deleted_at=None), base, after)
        self._resume(native, link)
        if is_changed or link.deleted_at:
            self._counts.applied += 1
        else:
            self._counts.unchanged += 1

    def _resume(self, native: NativeRecord, link: Link) -> None:
        """The record can be read again, or is gone: writes that waited for it are looked at anew."""
        if self._findings.has_failed(native.crm_id):
            self._owing.add(link.deal_id)

    def _carry_over(self, native: NativeRecord, link: Link, linked: _Linked, deal: Deal) -> Link:
        """The first look at what a lead turned, or was merged, into: what is empty there was not copied, not cleared, and is owed."""
        lost = [
            name
            for name in link.base.keys() & self._rules.keys()
            if name in linked.values and comparable(linked.values[name]) is None and comparable(deal.values.get(name)) is not None
        ]
        if lost and link.base[CONVERTED].crm == "conversion":
            words = f"the conversion did not copy {', '.join(sorted(lost))}: carried over. Map the fields from lead to opportunity"
            self._findings.problem(native.crm_id, Problem("conversion_mapping_missing", "", words), name=self._name(native))
        return replace(link, base={name: pair for name, pair in link.base.items() if name not in (*lost, CONVERTED)})

    def _merged(self, deal: Deal, link: Link, linked: _Linked, clocks: Clocks) -> Merged:
        return merge(
            deal,
            rules=self._rules,
            base=link.base,
            crm_values=linked.values,
            crm_spellings=linked.spellings,
            clocks=clocks,
            policy=self._policy,
            verdict=self._verdict,
            actor=CRM_ACTOR,
        )

    def _settle(self, deal_id: str, linked: _Linked, merged: Merged) -> bool:
        """Whether a conflict that waited for a person is none any more, because the two sides were brought together meanwhile."""
        disputed = {conflict.field for conflict in merged.conflicts}
        settled = [name for name in self._disputed.get(deal_id, ()) if name in linked.values and name not in disputed]
        conflicts.settle(self._tx, deal_id, settled)
        return bool(settled)

    def _keep_deal(self, stored: StoredDeal, merged: Merged) -> Deal:
        return self._keep_changes(stored, merged.changes, from_crm=merged.from_crm, notes=merged.notes)

    def _keep_changes(
        self, stored: StoredDeal, changes: Mapping[str, Value], *, from_crm: frozenset[str], notes: Mapping[str, str]
    ) -> Deal:
        names = differing(stored.deal, changes)
        if not names:
            return stored.deal
        after = stored.deal.changed({name: changes[name] for name in names})
        version = stored.version + 1
        self._changed_deals[after.id] = replace(stored, deal=after, version=version)
        self._changes += [
            FieldChange(
                after.id,
                version,
                name,
                "crm" if name in from_crm else "worker",
                CRM_ACTOR.name,
                self._chunk.run_id,
                plain(stored.deal.values.get(name)),
                plain(after.values.get(name)),
                notes.get(name, ""),
            )
            for name in sorted(names)
        ]
        return after

    def _keep_link(self, native: NativeRecord, link: Link, base: Mapping[str, Base], deal: Deal) -> None:
        """Writes the link, and owes the CRM what the portal holds otherwise."""
        self._changed_links.append(replace(link, base=base, crm_modified_at=native.modified_at))
        waiting = {conflict.field for _, deal_id, conflict in self._conflicts if deal_id == deal.id and not conflict.taken}
        if base[KEY].crm != deal.id or owed(self._rules, base=base, portal=deal.values, is_create=False, waiting=waiting):
            self._owing.add(deal.id)

    def _verdict(self, owner_id: Value, second_id: Value) -> Verdict:
        """Whether the second partner that stands on the record is taken, and what to say of it."""
        known, pairs = self._pairs
        second = known.get(str(second_id))
        if second is None:
            return Verdict(True)
        options = [second] if (str(owner_id), second.id) in pairs else []
        return judge_from_crm(known.get(str(owner_id)), second, options=options, policy=self._policy)

    # ── records that go ──────────────────────────────────────────────────────────────────────────────────────────────

    def _convert(self, native: NativeRecord, link: Link) -> None:
        """The link moves to what the record turned into, once; the merge happens when that one is read."""
        self._resume(native, link)
        becomes = self._record.converts_to
        if native.converted_to and becomes:
            crm_id = self._tenant.crm.canonical_id(native.converted_to)
            self._end_twin(becomes, crm_id, link.deal_id)
            moved = replace(
                link, object=becomes, crm_id=crm_id, crm_modified_at=None, base={**link.base, CONVERTED: Base(None, "conversion")}
            )
            self._changed_links += [replace(link, is_current=False), moved]
            self.effects.read_again(becomes, [crm_id])
            self._findings.judged(native.crm_id)
            self._counts.applied += 1
            return
        words = "converted without becoming a deal record: the deal is disconnected; link it again or withdraw it"
        self._findings.judged(native.crm_id)
        self._findings.problem(native.crm_id, Problem("disconnected", "", words), name=self._name(native))
        self._counts.unchanged += 1

    def _end_twin(self, record_name: str, crm_id: str, deal_id: str) -> None:
        """A deal that began with that record, because it was read before the lead it came from, is this very deal and ends."""
        link = links.by_crm_ids(self._tx, record_name, [crm_id]).get(crm_id)
        twin = deals.get(self._tx, link.deal_id) if link and link.deal_id != deal_id else None
        if twin is None:
            return
        ended: dict[str, Value] = {"lifecycle": Lifecycle.WITHDRAWN.value, "is_registered": False}
        note = f"the record came from the lead of deal {deal_id}, which goes on with it"
        self._keep_changes(twin, ended, from_crm=frozenset(), notes=dict.fromkeys(ended, note))

    def _depart(self, native: NativeRecord, link: Link | None) -> None:
        """The record is in the CRM's bin: the deal stays and says so; after a merge it goes on with the survivor."""
        if link is None:
            self._counts.skip("not_ours")
            return
        self._resume(native, link)
        words = "deleted in the CRM; the deal stays here. Undelete it there, or withdraw the deal"
        if native.merged_into:
            survivor = self._tenant.crm.canonical_id(native.merged_into)
            if not self._is_home(survivor):
                self._move(native, link, survivor)
                return
            words = f"merged into {survivor}, which is the record of another deal; this deal stays here. Withdraw one of the two"
        self._findings.judged(native.crm_id)
        self._findings.problem(native.crm_id, Problem("deleted_in_crm", "", words), name=self._name(native))
        if link.deleted_at:
            self._counts.unchanged += 1
        else:
            self._changed_links.append(replace(link, deleted_at=self._tx.now))
            self._counts.applied += 1

    def _is_home(self, crm_id: str) -> bool:
        """Whether a deal lives in that record already."""
        return crm_id in self._links or crm_id in links.by_crm_ids(self._tx, self._record.record, [crm_id])

    def _move(self, native: NativeRecord, link: Link, survivor: str) -> None:
        """The deal goes on with the record that the merge left, which may stand in this very chunk."""
        links.add_alias(self._tx, self._record.record, native.crm_id, survivor)
        moved = replace(link, crm_id=survivor, crm_modified_at=None, base={**link.base, CONVERTED: Base(None, "merge")})
        self._changed_links += [replace(link, is_current=False), moved]
        self._links[survivor] = moved
        self.effects.read_again(self._record.record, [survivor])
        self._findings.judged(native.crm_id)
        self._counts.applied += 1

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self) -> None:
        """Writes what the chunk changed; owes before it is read back."""
        deals.save(self._tx, list(self._changed_deals.values()))
        deals.record_changes(self._tx, self._changes)
        links.save(self._tx, self._changed_links)
        conflicts.record(self._tx, self._conflicts, self._chunk.run_id)
        outbox.owe(self._tx, DEAL, self._owing, self._chunk.run_id)
        if self._owing:
            self.effects.push()

    def _say(self, native: NativeRecord, verdict: Verdict) -> None:
        if verdict.problem:
            self._findings.problem(native.crm_id, verdict.problem, name=self._name(native))

    def _name(self, native: NativeRecord) -> str:
        reading = self._readings.get(native.crm_id)
        name = (reading.values.get("name") or reading.values.get("prospect_name")) if reading else None
        return str(name or native.crm_id)
