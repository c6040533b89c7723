"""FILL, companies: one field of companies that are here already is looked up, judged (domain/sync/ingest/companies/fill.py) and written.

What follows from it follows: associations, the groups of rules, the feed.
"""

from __future__ import annotations

from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.domain.sync.ingest.companies.fill import judge_filled_companies
from sync_worker.domain.sync.ingest.companies.key import CompanyKeys
from sync_worker.domain.sync.ingest.companies.page import HeldCompanies, moved_by
from sync_worker.steps.associations.associate import associate
from sync_worker.steps.associations.restored_parents import newly_bound, restore_parents
from sync_worker.steps.core.brake import Tally
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.people.regroup import regroup
from sync_worker.steps.sync.ingest.companies.reader import CompanyReader
from sync_worker.steps.sync.ingest.companies.write import write_companies
from sync_worker.steps.sync.ingest.companies.written import merged_fields, written_companies
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import unlearned


def fill_companies(tx: Tx, chunk: Chunk, part: Part, before: OpenFindings) -> Consequences:
    """Stores one field of one chunk of companies, and what follows from it."""
    reader, known = CompanyReader(chunk.tenant, chunk.record), companies.by_crm_ids(tx, chunk.crm_ids)
    held = HeldCompanies(
        reader.rules,
        CompanyKeys(chunk.record.key_field, {}),
        read_no=chunk.read_no,
        known=known,
        failed_before=before.failed(),
        written=written_companies(tx, chunk, known),
        merged_fields=merged_fields(chunk.record),
    )
    in_doubt = unlearned.of(tx, COMPANY, [stored.company.id for stored in known.values()]).keys()
    records = (reader.glance(native) if native.is_deleted else reader.read(native) for native in chunk.natives)
    rulings = judge_filled_companies(records, held, part, unlearned=in_doubt)
    changes = [ruling.change for ruling in rulings if ruling.change]
    moved = moved_by(changes)
    tally = Tally(tx, moved)
    is_owing = write_companies(tx, chunk, changes)
    regroup(tx, moved)
    associated = associate(tx, chunk.tenant, chunk.run_id, moved)
    restore_parents(tx, chunk.tenant, chunk.run_id, made=newly_bound(moved), bound_to=associated.healed)
    ruled = list(zip(chunk.natives, rulings, strict=True))
    return Consequences(ruled, associated.remarks, associated.read_again, is_owing, tally.loss())
