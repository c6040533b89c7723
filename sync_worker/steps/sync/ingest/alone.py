"""ALONE: the records of a chunk that stand by themselves. Only such a record may go field by field (companies/plain.py,
deals/plain.py).
"""

from __future__ import annotations

from collections import Counter

from sync_worker.crm.port import NativeRecord
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links


def alone(tx: Tx, chunk: Chunk, before: OpenFindings) -> list[NativeRecord]:
    """Live records that stand in the chunk once, that no merge concerns, and of which nothing is open and nothing was mended."""
    times, canonical = Counter(chunk.crm_ids), chunk.tenant.crm.canonical_id
    survivors = {canonical(native.merged_into) for native in chunk.natives if native.merged_into is not None}
    merges = links.merges(tx, chunk.record.record, times.keys() | survivors)
    others = {row.record for row in before}.union(survivors, merges.keys(), merges.values())
    if len(times) < len(chunk.natives):
        others |= {crm_id for crm_id, count in times.items() if count > 1}
    return [one for one in chunk.natives if not (one.is_deleted or one.mended or one.merged_into is not None or one.crm_id in others)]
