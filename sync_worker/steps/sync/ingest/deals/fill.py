"""FILL, deals: one field of deals that are here already is looked up, judged (domain/sync/ingest/deals/fill.py) and written."""

from __future__ import annotations

from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.domain.sync.ingest.deals.fill import DealFill, judge_filled_deals
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import DEAL, field_rules
from sync_worker.steps.sync.ingest.deals.prefetch import held_deals, judged
from sync_worker.steps.sync.ingest.deals.reader import DealReader
from sync_worker.steps.sync.ingest.deals.write import write_deals
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links
from sync_worker.store.sync import unlearned


def fill_deals(tx: Tx, chunk: Chunk, part: Part, before: OpenFindings) -> Consequences:
    """Stores one field of one chunk of deal records, what the domain makes of it, and the writes it makes due."""
    whole, reader = chunk.tenant.mapping.records[chunk.record.record], DealReader(chunk)
    records = [reader.read(native) for native in chunk.natives]
    linked = links.by_crm_ids(tx, chunk.record.record, chunk.crm_ids)
    held = held_deals(tx, chunk, linked, records, chunk.tenant.policy(whole), failed=before.failed())
    fill = DealFill(part, field_rules(whole), unlearned.of(tx, DEAL, held.deals.keys()).keys())
    rulings = judged(tx, chunk, held, lambda held: judge_filled_deals(records, held, fill))
    is_owing = write_deals(tx, chunk.tenant, [ruling.change for ruling in rulings if ruling.change], chunk.run_id)
    return Consequences(list(zip(chunk.natives, rulings, strict=True)), is_owing=is_owing)
