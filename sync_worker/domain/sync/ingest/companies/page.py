"""A page of companies, judged: the CRM is the source of truth; a merge moves what the loser had, a delete deactivates, nothing is removed.

Records come in the order in which they are to be taken: what lost a merge hands over before its survivor arrives.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import Company, Mark, StoredCompany, depart
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, FieldRule
from sync_worker.domain.core.ruling import APPLIED, FAILED, SKIPPED, UNCHANGED, Remark, Ruling, failure_of
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.companies.arrival import arrive
from sync_worker.domain.sync.ingest.companies.key import CompanyKeys
from sync_worker.domain.sync.ingest.companies.merge import MergedCompany, WrittenCompany, merge_company
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord, CompanyRules
from sync_worker.domain.sync.ingest.echoes import confirmed
from sync_worker.domain.sync.push.late_write import Recognized
from sync_worker.domain.tell.event import COMPANY
from sync_worker.errors import InvalidRecord

KeyTask: TypeAlias = Literal["", "stands", "owed"]
STANDS: Final = "stands"  # our id stands on the record, or another key that is not written over
OWED: Final = "owed"  # the record has room for our id, where it had none


class CompanyChange(NamedTuple):
    """What is to be written of one company.

    **Shapes** `before`: the company as it was, None for a new one. `stored`: as it is from now on, None where it stays as it was;
    `is_relinked`: only its CRM id is another one. `key`: what is known now of our id on its record. `heir`: the company that gets all that
    is this one's; `is_heir_owed`: what the portal wrote on this one's record, it writes on the heir's. `base`, `is_owed`, `recognized` as
    in `MergedCompany`. `learned`: the digest of a record that says in another way what is known already.
    """

    company_id: str
    before: Company | None = None
    stored: StoredCompany | None = None
    is_relinked: bool = False
    key: KeyTask = ""
    heir: Company | None = None
    is_heir_owed: bool = False
    base: Mapping[str, Base] | None = None
    is_owed: bool = False
    recognized: Recognized | None = None
    learned: int | None = None


CompanyRuling: TypeAlias = Ruling[CompanyChange]


@dataclass(frozen=True, slots=True)
class HeldCompanies:
    """What the portal holds of the records of one page, before any of them is judged.

    **Shapes** `read_no`: drawn before they were read; what was settled after it is newer. `is_poll`: these very records were not asked for.
    By CRM id: `same`, the marks of companies whose records are as they were; `known`, the other companies that are known; `survivors`,
    those that live in records which a merge left; `left`, the values of such a record, where it is on this page.
    `news`: CRM ids of merges that no earlier answer told. `failed_before`: of records that failed as they are, under this very mapping.
    `with_key_problem`: of records of which a problem with their key is open. `reports_lost_contracts`: whether contract values that a merge
    leaves behind are told. `indexed`: of records that only a search's index shows. `written`: by our id, the companies that the portal
    writes; `merged_fields`: the rules of what is merged.
    """

    rules: CompanyRules
    keys: CompanyKeys
    read_no: int = 0
    is_poll: bool = False
    same: Mapping[str, Mark] = field(default_factory=dict)
    known: Mapping[str, StoredCompany] = field(default_factory=dict)
    survivors: Mapping[str, StoredCompany] = field(default_factory=dict)
    left: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    news: Collection[str] = ()
    failed_before: Set[str] = frozenset()
    with_key_problem: Set[str] = frozenset()
    reports_lost_contracts: bool = False
    indexed: Set[str] = frozenset()
    written: Mapping[str, WrittenCompany] = field(default_factory=dict)
    merged_fields: Mapping[str, FieldRule] = field(default_factory=dict)


def judge_companies(records: Iterable[CompanyRecord], held: HeldCompanies) -> list[CompanyRuling]:
    """One ruling for each record, in their order."""
    rulings: list[CompanyRuling] = []
    moved: dict[str, StoredCompany] = {}
    for record in records:
        ruling = _judge(record, held, moved)
        ruling = confirmed(ruling, COMPANY, held.indexed, is_idle=ruling.change is None)
        if ruling.change and ruling.change.is_relinked and ruling.change.stored:
            moved[record.becomes] = ruling.change.stored
        rulings.append(ruling)
    return rulings


def moved_by(changes: Iterable[CompanyChange]) -> list[tuple[Company | None, Company]]:
    """(before, after) of every company whose associations are to be looked at."""
    found: list[tuple[Company | None, Company]] = []
    for change in changes:
        if change.heir:
            found.append((change.heir, change.heir))
        if change.stored:
            found.append((change.before, change.stored.company))
    return found


def owes_id(change: CompanyChange) -> bool:
    """Whether our id is to be written on the company's record."""
    return change.key == OWED or (change.stored is not None and not change.stored.is_patched)


def _judge(record: CompanyRecord, held: HeldCompanies, moved: Mapping[str, StoredCompany]) -> CompanyRuling:
    """**Shapes** `moved`: the companies that have gone on under another CRM id on this page, by that id."""
    crm_id = record.crm_id
    mark, stored = held.same.get(crm_id), moved.get(crm_id) or held.known.get(crm_id)
    known = mark or stored
    if known and known.settled_no > held.read_no:
        return Ruling(crm_id, SKIPPED, "late", read_again=((COMPANY, crm_id),))
    if record.is_deleted:
        return _gone(record, stored, held, moved)
    if crm_id in held.failed_before:
        return Ruling(crm_id, SKIPPED, "failed_before")
    return Ruling(crm_id, UNCHANGED, is_judged=True) if mark else _arrived(record, stored, held)


# ── a record that is alive ───────────────────────────────────────────────────────────────────────────────────────────


def _arrived(record: CompanyRecord, stored: StoredCompany | None, held: HeldCompanies) -> CompanyRuling:
    crm_id, before = record.crm_id, stored.company if stored else None
    try:
        arrival = arrive(record, before, held.rules)
    except InvalidRecord as error:
        return Ruling(crm_id, FAILED, name=crm_id, is_judged=True, failure=failure_of(error))
    if arrival.company is None:
        return Ruling(crm_id, SKIPPED, arrival.skipped, name=crm_id, is_judged=True, problems=arrival.problems)
    merged = merge_company(record, arrival.company, held.written.get(arrival.company.id), held.merged_fields)
    company, key_problem = merged.company, held.keys.problem(record, merged.company.id)
    problems = (*arrival.problems, *merged.problems, *((key_problem,) if key_problem else ()))
    owes_no_id, was_patched = key_problem is not None or record.key == company.id, stored is not None and stored.is_patched
    key = _key_task(record, company.id, held, owes_no_id=owes_no_id, was_patched=was_patched)
    if stored and before == company:
        learned = None if problems or company.id in held.written or record.digest == stored.digest else record.digest
        change = _change(merged, key)._replace(learned=learned) if key or merged.has_news or learned else None
        return Ruling(crm_id, UNCHANGED, "", company.name, True, problems=problems, change=change)
    settled_no, digest = stored.settled_no if stored else 0, None if problems else record.digest
    row = StoredCompany(company, record.modified_at, settled_no, owes_no_id or was_patched, digest)
    return Ruling(crm_id, APPLIED, "", company.name, True, problems=problems, change=_change(merged, key, before, row))


def _change(merged: MergedCompany, key: KeyTask, before: Company | None = None, row: StoredCompany | None = None) -> CompanyChange:
    return CompanyChange(merged.company.id, before, row, False, key, None, False, merged.base, merged.is_owed, merged.recognized)


def _key_task(record: CompanyRecord, company_id: str, held: HeldCompanies, *, owes_no_id: bool, was_patched: bool) -> KeyTask:
    """What the record shows of our id: whether it stands there, or is to be written where another key stood before."""
    if owes_no_id and not was_patched:
        return STANDS
    return OWED if was_patched and _has_room(record, company_id, held) else ""


def _has_room(record: CompanyRecord, company_id: str, held: HeldCompanies) -> bool:
    """Whether there is room for our id: where another key stood before, or on a record that was asked for by its id."""
    is_asked = not held.is_poll or record.crm_id in held.with_key_problem
    return is_asked and held.keys.has_room(record, company_id)


# ── a record that is gone ────────────────────────────────────────────────────────────────────────────────────────────


def _gone(record: CompanyRecord, stored: StoredCompany | None, held: HeldCompanies, moved: Mapping[str, StoredCompany]) -> CompanyRuling:
    if stored is None:
        return Ruling(record.crm_id, SKIPPED, "not_ours", is_judged=True)
    if record.becomes not in ("", record.crm_id):
        return _merged(record, stored, held, _living_in(record.becomes, held, moved))
    return Ruling(record.crm_id, UNCHANGED) if stored.company.is_deleted else _left(record, stored)


def _living_in(crm_id: str, held: HeldCompanies, moved: Mapping[str, StoredCompany]) -> Company | None:
    """The company that lives in that record by now."""
    if crm_id in moved:
        return moved[crm_id].company
    found = held.survivors.get(crm_id)
    has_moved = found is not None and any(stored.company.id == found.company.id for stored in moved.values())
    return found.company if found and not has_moved else None


def _left(record: CompanyRecord, stored: StoredCompany) -> CompanyRuling:
    """The company's record was deleted."""
    gone = replace(stored, company=depart(stored.company), crm_modified_at=record.modified_at, is_patched=True, digest=None)
    return Ruling(
        record.crm_id,
        APPLIED,
        name=stored.company.name,
        is_judged=True,
        problems=(_GONE,) if record.is_gone else (),
        change=CompanyChange(stored.company.id, stored.company, gone),
    )


def _merged(record: CompanyRecord, stored: StoredCompany, held: HeldCompanies, survivor: Company | None) -> CompanyRuling:
    """What the loser has goes to the survivor; where we do not know that one yet, the company goes on under its id."""
    loser = stored.company
    is_told_before = loser.is_deleted and record.crm_id not in held.news
    if is_told_before and held.is_poll:
        return Ruling(record.crm_id, UNCHANGED)
    if is_told_before and survivor:  # it gets what has come to the loser since
        return Ruling(record.crm_id, UNCHANGED, change=CompanyChange(loser.id, loser, heir=survivor))
    lost = () if loser.is_deleted else tuple(_lost_contracts(loser, record.becomes, survivor, held))
    if survivor is None:
        ruling = _going_on(record, stored)
    else:
        ruling = Ruling(record.crm_id, APPLIED, is_judged=True) if loser.is_deleted else _left(record, stored)
        change = ruling.change or CompanyChange(loser.id, loser)
        ruling = ruling._replace(change=change._replace(heir=survivor, is_heir_owed=loser.id in held.written))
    return ruling._replace(elsewhere=lost, read_again=((COMPANY, record.becomes),))


def _going_on(record: CompanyRecord, stored: StoredCompany) -> CompanyRuling:
    """The same company under another CRM id. Our own id is to be written there once that record was read and has room for it."""
    moved = replace(stored, company=replace(stored.company, crm_id=record.becomes), is_patched=True)
    change = CompanyChange(stored.company.id, stored=moved, is_relinked=True)
    return Ruling(record.crm_id, APPLIED, is_judged=True, are_contracts_judged=True, change=change)


def _lost_contracts(loser: Company, survivor_crm_id: str, survivor: Company | None, held: HeldCompanies) -> Iterator[Remark]:
    """Contract values that a merge left behind. The CRM is the source of truth, so they end; a person has to say whether that was meant."""
    values = held.left.get(survivor_crm_id)
    if not held.reports_lost_contracts or (values is None and survivor is None):
        return
    kept: Value = survivor.second_partner_values if survivor else ()
    kept = kept if values is None else values.get(CONTRACTS, kept)
    name = survivor.name if survivor else survivor_crm_id
    lost = sorted(set(loser.second_partner_values) - set(kept if isinstance(kept, tuple) else ()))
    if lost:
        yield Remark(survivor_crm_id, name, tuple(_lost_contract(loser, value) for value in lost))


def _lost_contract(loser: Company, value: str) -> Problem:
    words = f"{loser.name} ({loser.crm_id}) had the contract value {value!r} and lost a merge to this record, which does not have it"
    return Problem("contract_lost_in_merge", CONTRACTS, words, value)


_GONE: Final = Problem(
    "gone_from_crm",
    "",
    "the CRM no longer shows this record: it was deleted for good, or is hidden from the worker's user. The company is "
    "inactive until the CRM shows it again",
)
