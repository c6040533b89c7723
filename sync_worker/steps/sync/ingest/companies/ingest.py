"""INGEST, companies: the CRM is the source of truth; a merge moves what the loser had, a delete deactivates, nothing is ever removed."""

from __future__ import annotations

from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import Company, depart
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.own_key import KEY_CODES
from sync_worker.errors import InvalidRecord
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.associations.associate import associate, hand_over
from sync_worker.steps.associations.contract_values import Moved
from sync_worker.steps.associations.restored_parents import newly_bound, restore_parents
from sync_worker.steps.core.brake import Tally
from sync_worker.steps.core.chunk import Chunk, Effects
from sync_worker.steps.core.crm_links import owe_company, owe_deals
from sync_worker.steps.core.findings import Findings
from sync_worker.steps.core.tenant import COMPANY, DEAL
from sync_worker.steps.sync.ingest.companies.keys import CompanyKeys
from sync_worker.steps.sync.ingest.companies.merge import Merging
from sync_worker.steps.sync.ingest.companies.reader import CompanyReader
from sync_worker.steps.sync.ingest.succession import Succession
from sync_worker.store.core import companies, failures
from sync_worker.store.core.companies import Mark, StoredCompany
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals, licences
from sync_worker.store.distributors import agreements, subgroups, terms, waivers
from sync_worker.store.people import people
from sync_worker.store.sync import company_links, outbox


def ingest_companies(tx: Tx, chunk: Chunk, findings: Findings, counts: Counts) -> Effects:
    """Stores one chunk of companies and what follows from it: associations, waiting deals, the patch-back."""
    effects = Effects()
    page = _Page(tx, chunk, findings, counts, effects)
    for native in page.succession.natives:
        page.take(native)
    page.succession.settle(counts)
    tally = Tally(tx, page.moved)
    companies.save(tx, page.changed)
    companies.mark_patched(tx, page.patched)
    companies.owe_ids(tx, page.cleared)
    healed = associate(tx, chunk.tenant, chunk.run_id, page.moved, findings, effects)
    restore_parents(tx, chunk.tenant, chunk.run_id, made=page.keys.taken_back | newly_bound(page.moved), bound_to=healed)
    effects.loss = tally.loss()
    is_owing = page.merging.save(chunk.run_id)
    _wake_waiting(tx, page, effects)
    is_told = owe_deals(tx, [after.id for before, after in page.moved if before and before.crm_id is None], chunk.run_id)
    if is_owing or is_told or page.cleared or any(not stored.is_patched for stored in page.changed):
        effects.push()
    return effects


class _Page:
    """The chunk under way. **Shapes** `moved`: (before, after) of every company that changed."""

    def __init__(self, tx: Tx, chunk: Chunk, findings: Findings, counts: Counts, effects: Effects) -> None:
        self._tx = tx
        self._chunk = chunk
        self._findings = findings
        self._counts = counts
        self._effects = effects
        self._record: RecordMap = chunk.record
        self._reader = CompanyReader(chunk.tenant, chunk.record)
        self._same = self._as_they_were() if chunk.is_poll else {}
        self._known = companies.by_crm_ids(tx, [crm_id for crm_id in chunk.crm_ids if crm_id not in self._same])
        strangers = [native for native in chunk.natives if native.crm_id not in self._known and native.crm_id not in self._same]
        self.keys = CompanyKeys(tx, chunk, strangers)
        self._known |= self.keys.made_here
        self.succession = Succession(tx, chunk, {crm_id: stored.company.id for crm_id, stored in self._known.items()})
        self.merging = Merging(tx, chunk, [stored.company for stored in self._known.values()])
        self.changed: list[StoredCompany] = []
        self.patched: list[str] = []
        self.cleared: list[str] = []
        self.moved: list[Moved] = []

    def take(self, native: NativeRecord) -> None:
        """One record, one outcome."""
        same, stored = self._same.get(native.crm_id), self._known.get(native.crm_id)
        known = same or stored
        if known and known.settled_no > self._chunk.read_no:
            self._effects.read_again(COMPANY, [native.crm_id])
            self._counts.skip("late")
        elif native.is_deleted:
            self._depart(native, stored)
        elif self._findings.is_known_failure(native):
            self._counts.skip("failed_before")
        elif same:
            self._repeat(native, same)
        else:
            self._arrive(native, stored)

    def _as_they_were(self) -> dict[str, Mark]:
        """The marks of companies whose records make of them what they are."""
        marks = companies.marks(self._tx, self._chunk.crm_ids)
        others = {native.crm_id for native in self._chunk.natives if not self._is_same(native, marks.get(native.crm_id))}
        return {crm_id: mark for crm_id, mark in marks.items() if crm_id not in others}

    def _is_same(self, native: NativeRecord, mark: Mark | None) -> bool:
        return mark is not None and mark.digest is not None and not native.is_deleted and mark.digest == self._reader.digest(native)

    def _repeat(self, native: NativeRecord, mark: Mark) -> None:
        """The record as it was: nothing was wrong with it, and nothing is now."""
        self._findings.judged(native.crm_id)
        if not mark.is_patched and self._has_our_id(native, mark.company_id):
            self.patched.append(mark.company_id)
        self._counts.unchanged += 1

    def _arrive(self, native: NativeRecord, stored: StoredCompany | None) -> None:
        try:
            arrival = self._reader.arrival(native, stored.company if stored else None, lost_id=self.keys.lost(native))
        except InvalidRecord as error:
            self._findings.failure(native, error, name=native.crm_id)
            self._counts.failed += 1
            return
        company = arrival.company
        self._findings.judged(native.crm_id)
        for problem in arrival.problems:
            self._findings.problem(native.crm_id, problem, name=company.name if company else native.crm_id)
        if company is None:
            self._counts.skip(arrival.skipped)
            return
        company, put_back = self.merging.merged(native, company)
        for problem in put_back:
            self._findings.problem(native.crm_id, problem, name=company.name)
        key_problem = self.keys.problem(native, company.id)
        if key_problem:
            self._findings.problem(native.crm_id, key_problem, name=company.name)
        is_clean = not (arrival.problems or put_back or key_problem)
        self._keep(native, stored, company, digest=self._reader.digest(native) if is_clean else None)

    def _has_our_id(self, native: NativeRecord, company_id: str) -> bool:
        return bool(native.fields.get(self._record.key_field) == company_id)

    def _keep(self, native: NativeRecord, stored: StoredCompany | None, company: Company, *, digest: int | None) -> None:
        owes_nothing = self._has_our_id(native, company.id) or self.keys.problem(native, company.id) is not None
        if owes_nothing and not (stored and stored.is_patched):
            self.patched.append(company.id)
        elif stored and stored.is_patched and self._has_room(native, company.id):
            self.cleared.append(company.id)
        if stored and stored.company == company:
            self._counts.unchanged += 1
            return
        is_patched = owes_nothing or (stored is not None and stored.is_patched)
        self.changed.append(StoredCompany(company, native.modified_at, stored.settled_no if stored else 0, is_patched, digest))
        self.moved.append((stored.company if stored else None, company))
        self._counts.applied += 1

    def _has_room(self, native: NativeRecord, company_id: str) -> bool:
        """Whether there is room for our id: where another key stood before, or on a record that was asked for by its id."""
        is_asked = not self._chunk.is_poll or self._findings.is_open(native.crm_id, KEY_CODES)
        return is_asked and self.keys.has_room(native, company_id)

    def _depart(self, native: NativeRecord, stored: StoredCompany | None) -> None:
        if stored is None:
            self._findings.judged(native.crm_id)
            self._counts.skip("not_ours")
        elif native.merged_into and (survivor_crm_id := self.succession.end(native.crm_id)) != native.crm_id:
            self._merge(native, stored, survivor_crm_id)
        elif stored.company.is_deleted:
            self._counts.unchanged += 1
        else:
            self._leave(native, stored)

    def _leave(self, native: NativeRecord, stored: StoredCompany) -> None:
        gone = depart(stored.company)
        self.changed.append(replace(stored, company=gone, crm_modified_at=native.modified_at, is_patched=True, digest=None))
        self.moved.append((stored.company, gone))
        self._findings.judged(native.crm_id)
        if native.is_gone:
            words = (
                "the CRM shows this record no more: deleted for good, or hidden from the worker's user. Inactive until it is shown again"
            )
            self._findings.problem(native.crm_id, Problem("gone_from_crm", "", words), name=stored.company.name)
        self._counts.applied += 1

    def _merge(self, native: NativeRecord, stored: StoredCompany, survivor_crm_id: str) -> None:
        """What the loser has goes to the survivor; where we do not know that one yet, the company goes on under its id."""
        loser = stored.company
        is_told_before = loser.is_deleted and native.crm_id not in self.succession.news
        if is_told_before and self._chunk.is_poll:
            self._counts.unchanged += 1
            return
        survivor = companies.by_crm_ids(self._tx, [survivor_crm_id]).get(survivor_crm_id)
        if not loser.is_deleted:
            self._report_lost_contracts(loser, survivor_crm_id, survivor.company if survivor else None)
        if survivor is None:
            self._effects.read_again(COMPANY, [survivor_crm_id])
            self._go_on(native, stored, survivor_crm_id)
            return
        self._hand_over(loser, survivor.company)
        if is_told_before:  # whatever came to it since
            self._counts.unchanged += 1
            return
        self._effects.read_again(COMPANY, [survivor_crm_id])
        self._owe_words(loser, survivor.company)
        if loser.is_deleted:
            self._findings.judged(native.crm_id)
            self._counts.applied += 1
        else:
            self._leave(native, stored)

    def _hand_over(self, loser: Company, survivor: Company) -> None:
        """Everything that is the loser's becomes the survivor's."""
        tx = self._tx
        hand_over(tx, loser, survivor)
        self.moved.append((survivor, survivor))
        touched = [deal.deal.id for deal in deals.naming(tx, loser.id)]
        deals.move_company(tx, loser.id, survivor.id)
        for store in (people, subgroups, terms, agreements, licences, waivers):
            store.move_company(tx, loser.id, survivor.id)
        outbox.owe(tx, DEAL, touched, self._chunk.run_id)
        if touched:
            self._effects.push()

    def _owe_words(self, loser: Company, survivor: Company) -> None:
        """What the portal wrote on the loser's record, or still had to write, it writes on the survivor's."""
        if company_links.agreed(self._tx, [loser.id]):
            owe_company(self._tx, survivor, self._chunk.run_id)
            self._effects.push()

    def _report_lost_contracts(self, loser: Company, survivor_crm_id: str, survivor: Company | None) -> None:
        """Contract values that a merge left behind. The CRM is the source of truth, so they end; whether that was meant a person knows."""
        portal = self._chunk.tenant.portal
        native = next((native for native in self._chunk.natives if native.crm_id == survivor_crm_id and not native.is_deleted), None)
        if not portal.two_tier or portal.associations.mode != "contracts" or not (native or survivor):
            return
        kept: Value = survivor.second_partner_values if survivor else ()
        if native:
            kept = self._record.normalize(native.fields).values.get("second_partners", kept)
        name = survivor.name if survivor else survivor_crm_id
        for value in sorted(set(loser.second_partner_values) - set(kept if isinstance(kept, tuple) else ())):
            words = f"{loser.name} ({loser.crm_id}) had the contract value {value!r} and lost a merge to this record, which has it not"
            self._findings.contract_problem(survivor_crm_id, Problem("contract_lost_in_merge", CONTRACTS, words, value), name=name)

    def _go_on(self, native: NativeRecord, stored: StoredCompany, crm_id: str) -> None:
        """The same company under another CRM id, where our own is to be written once it was read and has room for it."""
        company = replace(stored.company, crm_id=crm_id)
        companies.relink(self._tx, company.id, crm_id)
        companies.mark_patched(self._tx, [company.id])
        self._known[crm_id] = replace(stored, company=company, is_patched=True)
        self.moved.append((None, company))
        self._findings.judged(native.crm_id, with_contracts=True)
        self._counts.applied += 1


def _wake_waiting(tx: Tx, page: _Page, effects: Effects) -> None:
    """Deals that waited for a company that is here now, or goes by another id, are read again; however many, they are only marked."""
    arrived = [after.crm_id for before, after in page.moved if after.crm_id and (before is None or before.is_deleted)]
    if not (arrived or page.succession.news):
        return
    for object_, crm_id in failures.waiting_for(tx, {*arrived, *page.succession.news}):
        effects.read_again(object_, [crm_id])
