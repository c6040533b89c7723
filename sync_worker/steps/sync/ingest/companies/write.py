"""What rulings on companies say is written here, column by column: what a merge hands over, companies, links, the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync_worker.domain.core.company import Company
from sync_worker.domain.sync.ingest.companies.page import OWED, STANDS, CompanyChange
from sync_worker.steps.associations.associate import hand_over
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.crm_links import owe_company
from sync_worker.steps.core.tenant import COMPANY, DEAL
from sync_worker.steps.sync.ingest.recognize import settle_recognized
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, licences
from sync_worker.store.distributors import agreements, subgroups, terms, waivers
from sync_worker.store.people import people
from sync_worker.store.sync import company_links, outbox


def write_companies(tx: Tx, chunk: Chunk, changes: Sequence[CompanyChange]) -> bool:
    """Writes the companies as they are now, and what both sides agree on. Whether the CRM is owed what the portal says of them."""
    owing = [change.company_id for change in changes if change.is_owed]
    companies.save(tx, [change.stored for change in changes if change.stored and not change.is_relinked])
    companies.mark_patched(tx, [change.company_id for change in changes if change.key == STANDS])
    companies.owe_ids(tx, [change.company_id for change in changes if change.key == OWED])
    companies.learn(tx, {change.company_id: change.learned for change in changes if change.learned is not None})
    company_links.keep(tx, {change.company_id: change.base for change in changes if change.base is not None})
    outbox.owe(tx, COMPANY, owing, chunk.run_id)
    settle_recognized(tx, chunk.tenant, [change.recognized for change in changes if change.recognized], chunk.run_id)
    return bool(owing)


def follow_merges(tx: Tx, changes: Iterable[CompanyChange], run_id: str) -> bool:
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
