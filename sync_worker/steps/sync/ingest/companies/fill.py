"""FILL, companies: one field of companies that are here already is applied as any reading of it would be, and nothing else of them changes.

What follows from it follows: associations, the groups of rules, the feed. A record that was deleted or came back is left to an ordinary
reading of the whole of it.
"""

from __future__ import annotations

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.sync.backfill import Part
from sync_worker.errors import InvalidRecord
from sync_worker.steps.associations.associate import associate
from sync_worker.steps.associations.contract_values import Moved
from sync_worker.steps.associations.restored_parents import newly_bound, restore_parents
from sync_worker.steps.core.brake import Tally
from sync_worker.steps.core.chunk import READ_WHOLE, Chunk, Effects
from sync_worker.steps.core.findings import Findings
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.companies.merge import Merging
from sync_worker.steps.sync.ingest.companies.reader import CompanyReader
from sync_worker.store.core import companies
from sync_worker.store.core.companies import StoredCompany
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import unlearned


def fill_companies(tx: Tx, chunk: Chunk, part: Part, findings: Findings, counts: Counts) -> Effects:
    """Stores one field of one chunk of companies, and what follows from it."""
    page = _Page(tx, chunk, part, findings, counts)
    for native in chunk.natives:
        page.take(native)
    return page.saved()


class _Page:
    """The chunk under way. Its record type maps the field that was read, and no others."""

    def __init__(self, tx: Tx, chunk: Chunk, part: Part, findings: Findings, counts: Counts) -> None:
        self._tx = tx
        self._chunk = chunk
        self._part = part
        self._findings = findings
        self._counts = counts
        self._known = companies.by_crm_ids(tx, chunk.crm_ids)
        self._reader = CompanyReader(chunk.tenant, chunk.record)
        known = [stored.company for stored in self._known.values()]
        self._merging = Merging(tx, chunk, known)
        self._unlearned = unlearned.of(tx, COMPANY, [company.id for company in known])
        self._changed: list[StoredCompany] = []
        self._moved: list[Moved] = []
        self._effects = Effects()

    def take(self, native: NativeRecord) -> None:
        """One record, one outcome."""
        stored = self._known.get(native.crm_id)
        if stored is None:
            self._counts.skip("not_ours")
        elif stored.settled_no > self._chunk.read_no:
            self._read_again(native, "late")
        elif native.is_deleted and stored.company.is_deleted:
            self._counts.unchanged += 1
        elif native.is_deleted or stored.company.is_deleted or stored.company.id in self._unlearned:
            self._read_again(native, READ_WHOLE)
        elif self._findings.has_failed(native.crm_id):
            self._counts.skip("failed_before")  # read whole, this field with the others, when that is mended
        else:
            self._pass(native, stored)

    def saved(self) -> Effects:
        """Writes what the chunk changed, and what follows from that."""
        tx, tenant, run_id = self._tx, self._chunk.tenant, self._chunk.run_id
        tally = Tally(tx, self._moved)
        companies.save(tx, self._changed)
        healed = associate(tx, tenant, run_id, self._moved, self._findings, self._effects)
        restore_parents(tx, tenant, run_id, made=newly_bound(self._moved), bound_to=healed)
        self._effects.loss = tally.loss()
        if self._merging.save(run_id):
            self._effects.push()
        return self._effects

    def _read_again(self, native: NativeRecord, why: str) -> None:
        self._effects.read_again(COMPANY, [native.crm_id])
        self._counts.skip(why)

    def _pass(self, native: NativeRecord, stored: StoredCompany) -> None:
        try:
            company, problems = self._arrived(native, stored.company)
        except InvalidRecord as error:
            self._findings.failure(native, error, name=stored.company.name)
            self._counts.failed += 1
            return
        self._findings.judged(native.crm_id)
        for problem in problems:
            self._findings.problem(native.crm_id, problem, name=company.name)
        if company == stored.company:
            self._counts.unchanged += 1
            return
        self._changed.append(StoredCompany(company, stored.crm_modified_at, stored.settled_no, stored.is_patched, digest=None))
        self._moved.append((stored.company, company))
        self._counts.applied += 1

    def _arrived(self, native: NativeRecord, known: Company) -> tuple[Company, list[Problem]]:
        """The company with the field as the CRM has it, and what is wrong with that. **Raises** InvalidRecord."""
        arrival = self._reader.arrival(native, known)
        problems = [problem for problem in arrival.problems if problem.field in self._part.fields]
        if arrival.company is None:  # never one that is known
            return known, problems
        company, put_back = self._merging.merged(native, arrival.company)
        return company, [*problems, *put_back]
