"""INGEST, deals: the records of one chunk are looked up, judged (domain/sync/ingest/deals/page.py), and what the rulings say is written."""

from __future__ import annotations

from sync_worker.domain.core.ruling import repeated
from sync_worker.domain.sync.ingest.deals.page import judge_deals
from sync_worker.steps.core.chunk import Chunk, Consequences
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.sync.ingest.deals.plain import part
from sync_worker.steps.sync.ingest.deals.prefetch import judged, prefetch_deals
from sync_worker.steps.sync.ingest.deals.write import add_deals, write_deals
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import strangers


def ingest_deals(tx: Tx, chunk: Chunk, before: OpenFindings) -> Consequences:
    """Stores one chunk of deal records, what the domain makes of them, and the writes they make due."""
    new, rest = part(tx, chunk, before)
    fetched = prefetch_deals(tx, rest, before)
    rulings = judged(tx, rest, fetched.held, lambda held: judge_deals(fetched.records, held))
    succession = fetched.succession
    succession.settle(tx)
    add_deals(tx, chunk, new)
    is_owing = write_deals(tx, chunk.tenant, [ruling.change for ruling in rulings if ruling.change], chunk.run_id)
    unknown = {ruling.crm_id: ruling.change.stranger_at for ruling in rulings if ruling.change and ruling.change.stranger_at}
    strangers.remember(tx, chunk.record.record, unknown)
    ruled = [*zip(succession.natives, rulings, strict=True), *((native, repeated(native.crm_id)) for native in succession.repeated)]
    count = len(new.ids)
    return Consequences(ruled, is_owing=is_owing or bool(new.ids), plain=Counts(count, count))
