"""INGEST, companies: the records of one chunk are looked up and judged (domain/sync/ingest/companies/page.py).

What the rulings say is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.ruling import repeated
from sync_worker.domain.sync.ingest.companies.page import OWED, STANDS, CompanyChange, judge_companies, moved_by, owes_id
from sync_worker.steps.associations.associate import associate, hand_over
from sync_worker.steps.associations.contract_values import Moved
from sync_worker.steps.associations.restored_parents import newly_bound, restore_parents
from sync_worker.steps.core.brake import Tally
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.crm_links import owe_company, owe_deals
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import COMPANY, DEAL
from sync_worker.steps.sync.ingest.companies.prefetch import prefetch_companies
from sync_worker.steps.sync.ingest.recognize import settle_recognized
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, licences
from sync_worker.store.distributors import agreements, subgroups, terms, waivers
from sync_worker.store.people import people
from sync_worker.store.sync import company_links, outbox


def ingest_companies(tx: Tx, chunk: Chunk, before: OpenFindings) -> Consequences:
    """Stores one chunk of companies and what follows from it: associations, waiting deals, the patch-back."""
    fetched = prefetch_companies(tx, chunk, before)
    succession = fetched.succession
    rulings = judge_companies(fetched.records, fetched.held)
    changes = [ruling.change for ruling in rulings if ruling.change]
    moved, is_owing = moved_by(changes), _follow_merges(tx, changes, chunk.run_id)
    succession.settle(tx)
    tally = Tally(tx, moved)
    is_owing |= write_companies(tx, chunk, changes) | any(map(owes_id, changes))
    associated = associate(tx, chunk.tenant, chunk.run_id, moved)
    restore_parents(tx, chunk.tenant, chunk.run_id, made=fetched.taken_back | newly_bound(moved), bound_to=associated.healed)
    is_owing |= owe_deals(tx, [after.id for before, after in moved if before and before.crm_id is None], chunk.run_id)
    return Consequences(
        [*zip(succession.natives, rulings, strict=True), *((native, repeated(native.crm_id)) for native in succession.repeated)],
        associated.remarks,
        associated.read_again | _waiting_deals(tx, moved, succession.news),
        is_owing,
        tally.loss(),
    )


def write_companies(tx: Tx, chunk: Chunk, changes: Sequence[CompanyChange]) -> bool:
    """Writes the companies as they are now, and what both sides agree on. Whether the CRM is owed what the portal says of them."""
    owing = [change.company_id for change in changes if change.is_owed]
    companies.save(tx, [change.stored for change in changes if change.stored and not change.is_relinked])
    companies.mark_patched(tx, [change.company_id for change in changes if change.key == STANDS])
    companies.owe_ids(tx, [change.company_id for change in changes if change.key == OWED])
    company_links.keep(tx, {change.company_id: change.base for change in changes if change.base is not None})
    outbox.owe(tx, COMPANY, owing, chunk.run_id)
    settle_recognized(tx, chunk.tenant, [change.recognized for change in changes if change.recognized], chunk.run_id)
    return bool(owing)


def _follow_merges(tx: Tx, changes: Iterable[CompanyChange], run_id: str) -> bool:
    """What lost a merge hands over, or goes on in the record that the merge left. Whether the CRM is owed something."""
    is_owing = False
    for change in changes:
        if change.is_relinked and change.stored and change.stored.company.crm_id:
            companies.relink(tx, change.company_id, change.stored.company.crm_id)
            companies.mark_patched(tx, [change.company_id])
        if change.heir and change.before:
            is_owing |= _hand_over(tx, change.before, change.heir, run_id)
        if change.heir and change.is_heir_owed:
            owe_company(tx, change.heir, run_id)
            is_owing = True
    return is_owing


def _hand_over(tx: Tx, loser: Company, survivor: Company, run_id: str) -> bool:
    """Everything that is the loser's becomes the survivor's. Whether the CRM is owed something."""
    hand_over(tx, loser, survivor)
    touched = [deal.deal.id for deal in deals.naming(tx, loser.id)]
    deals.move_company(tx, loser.id, survivor.id)
    for store in (people, subgroups, terms, agreements, licences, waivers):
        store.move_company(tx, loser.id, survivor.id)
    outbox.owe(tx, DEAL, touched, run_id)
    return bool(touched)


def _waiting_deals(tx: Tx, moved: Iterable[Moved], merged: Collection[str]) -> set[tuple[str, str]]:
    """Deals that waited for a company that is here now, or goes by another id. They are only marked, even if they are many."""
    arrived = {after.crm_id for before, after in moved if after.crm_id and (before is None or before.is_deleted)}
    return set(failures.waiting_for(tx, arrived | set(merged))) if arrived or merged else set()
