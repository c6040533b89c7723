"""A page of companies of which one field was read, judged: it is applied as any reading of it would be, and nothing else of them changes.

A record that was deleted or came back is left to an ordinary reading of the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from sync_worker.domain.core.company import StoredCompany
from sync_worker.domain.core.ruling import APPLIED, FAILED, READ_WHOLE, SKIPPED, UNCHANGED, Ended, Ruling, failure_of
from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.domain.sync.ingest.companies.arrival import arrive
from sync_worker.domain.sync.ingest.companies.merge import MergedCompany, merge_company
from sync_worker.domain.sync.ingest.companies.page import CompanyChange, CompanyRuling, HeldCompanies
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord
from sync_worker.domain.tell.event import COMPANY
from sync_worker.errors import InvalidRecord


def judge_filled_companies(
    records: Iterable[CompanyRecord], held: HeldCompanies, part: Part, *, unlearned: Set[str]
) -> list[CompanyRuling]:
    """One ruling for each record, in their order.

    **Shapes** `part`: the field that was read, and no others are mapped. `unlearned`: ids of companies of which a send's outcome
    is not known. `held.failed_before`: of records that could not be applied, whatever they hold now.
    """
    return [_judge(record, held.known.get(record.crm_id), held, part, unlearned) for record in records]


def _judge(record: CompanyRecord, stored: StoredCompany | None, held: HeldCompanies, part: Part, unlearned: Set[str]) -> CompanyRuling:
    crm_id = record.crm_id
    if stored is None:
        return Ruling(crm_id, SKIPPED, "not_ours")
    if stored.settled_no > held.read_no:
        return Ruling(crm_id, SKIPPED, "late", read_again=((COMPANY, crm_id),))
    if record.is_deleted and stored.company.is_deleted:
        return Ruling(crm_id, UNCHANGED)
    if record.is_deleted or stored.company.is_deleted or stored.company.id in unlearned:
        return Ruling(crm_id, SKIPPED, READ_WHOLE, read_again=((COMPANY, crm_id),))
    if crm_id in held.failed_before:
        return Ruling(crm_id, SKIPPED, "failed_before")  # read whole, this field with the others, when that is mended
    return _filled(record, stored, held, part)


def _filled(record: CompanyRecord, stored: StoredCompany, held: HeldCompanies, part: Part) -> CompanyRuling:
    known = stored.company
    try:
        arrival = arrive(record, known, held.rules)
    except InvalidRecord as error:
        return Ruling(record.crm_id, FAILED, name=known.name, is_judged=True, failure=failure_of(error))
    merged = MergedCompany(known)
    if arrival.company:
        merged = merge_company(record, arrival.company, held.written.get(known.id), held.merged_fields)
    problems = (*(problem for problem in arrival.problems if problem.field in part.fields), *merged.problems)
    change = CompanyChange(known.id, base=merged.base, is_owed=merged.is_owed, recognized=merged.recognized)
    outcome: Ended = UNCHANGED
    if merged.company != known:
        outcome = APPLIED
        row = StoredCompany(merged.company, stored.crm_modified_at, stored.settled_no, stored.is_patched, digest=None)
        change = change._replace(before=known, stored=row)
    return Ruling(record.crm_id, outcome, name=merged.company.name, is_judged=True, problems=problems, change=change)
