"""INGEST, companies: the records of one chunk are looked up and judged (domain/sync/ingest/companies/page.py).

What the rulings say is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sync_worker.domain.core.ruling import repeated
from sync_worker.domain.sync.ingest.companies.page import judge_companies, moved_by, owes_id
from sync_worker.steps.associations.associate import associate
from sync_worker.steps.associations.contract_values import Moved
from sync_worker.steps.associations.restored_parents import newly_bound, restore_parents
from sync_worker.steps.core.brake import Tally
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.crm_links import owe_deals
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.people.regroup import regroup
from sync_worker.steps.sync.ingest.companies.plain import part
from sync_worker.steps.sync.ingest.companies.prefetch import prefetch_companies
from sync_worker.steps.sync.ingest.companies.write import follow_merges, write_companies
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts


def ingest_companies(tx: Tx, chunk: Chunk, before: OpenFindings) -> Consequences:
    """Stores one chunk of companies and what follows from it: associations, waiting deals, the patch-back."""
    parted = part(tx, chunk, before)
    fetched = prefetch_companies(tx, parted, before)
    new, succession = parted.new, fetched.succession
    rulings = judge_companies(fetched.records, fetched.held)
    changes = [ruling.change for ruling in rulings if ruling.change]
    moved = [*((None, company) for company in new.companies), *moved_by(changes)]
    is_owing = follow_merges(tx, changes, chunk.run_id) | bool(new.companies)
    succession.settle(tx)
    tally = Tally(tx, moved)
    companies.add(tx, new)
    is_owing |= write_companies(tx, chunk, changes) | any(map(owes_id, changes))
    regroup(tx, moved)
    associated = associate(tx, chunk.tenant, chunk.run_id, moved)
    restore_parents(tx, chunk.tenant, chunk.run_id, made=fetched.taken_back | newly_bound(moved), bound_to=associated.healed)
    is_owing |= owe_deals(tx, [after.id for before, after in moved if before and before.crm_id is None], chunk.run_id)
    return Consequences(
        [*zip(succession.natives, rulings, strict=True), *((native, repeated(native.crm_id)) for native in succession.repeated)],
        associated.remarks,
        associated.read_again | _waiting_deals(tx, moved, succession.news),
        is_owing,
        tally.loss(),
        Counts(len(new.companies) + parted.unchanged_count, len(new.companies), parted.unchanged_count),
    )


def _waiting_deals(tx: Tx, moved: Iterable[Moved], merged: Collection[str]) -> set[tuple[str, str]]:
    """Deals that waited for a company that is here now, or goes by another id. They are only marked, even if they are many."""
    arrived = {after.crm_id for before, after in moved if after.crm_id and (before is None or before.is_deleted)}
    return set(failures.waiting_for(tx, arrived | set(merged))) if arrived or merged else set()
