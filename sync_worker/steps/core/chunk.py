"""Records that are committed together, and what their commit makes due."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.ruling import Remark, Ruling
from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.brake import NOTHING, Loss
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices


@dataclass(frozen=True, slots=True)
class Chunk:
    """Native records of one answer of the CRM, and how they were asked for.

    **Shapes** `record`: their type, as the mapping reads it. `read_no`: a number drawn before the request; what the portal settled under a
    later number is newer than these records. `is_filling`: a first load with pages to come, so a company that a contract names may still
    arrive. `is_poll`: a poll, which shows most records again; those that did not change are only counted. `part`: set by a backfill, which
    reads only these fields of records that are here already.
    """

    tenant: Tenant
    record: RecordMap
    natives: Sequence[NativeRecord]
    read_no: int
    run_id: str
    is_filling: bool = False
    is_poll: bool = False
    part: Part | None = None

    @property
    def crm_ids(self) -> list[str]:
        return [native.crm_id for native in self.natives]

    @property
    def indexed(self) -> frozenset[str]:
        """The records that only a search's index shows."""
        return frozenset(native.crm_id for native in self.natives if native.is_indexed)


@dataclass(frozen=True, slots=True)
class Consequences:
    """What became of a chunk's records, and what follows once the commit is through.

    **Shapes** `ruled`: each record with its ruling. `contracts`: what is wrong with contract values, for each record where they were
    looked at. `read_again`: more records to read again, as (record type, CRM id), besides those that the rulings name. `is_owing`: the
    outbox has new rows, so a push is due. `loss`: what the chunk takes away. `plain`: how many more records there were, by what became of
    them, of which there is nothing to say.
    """

    ruled: Sequence[tuple[NativeRecord, Ruling[Any]]]
    contracts: Sequence[Remark] = ()
    read_again: Collection[tuple[str, str]] = ()
    is_owing: bool = False
    loss: Loss = NOTHING
    plain: Counts = field(default_factory=Counts)

    @property
    def counts(self) -> Counts:
        """What became of all records."""
        counts = Counts.of(ruling for _, ruling in self.ruled)
        counts.add(self.plain)
        return counts


def read_again(tx: Tx, records: Iterable[tuple[str, str]]) -> frozenset[FollowUp]:
    """Marks records to be read again, given as (record type, CRM id). Returns what follows, once the commit is through."""
    marked: dict[str, set[str]] = {}
    for object_, crm_id in records:
        marked.setdefault(object_, set()).add(crm_id)
    for object_, crm_ids in marked.items():
        notices.add(tx, object_, crm_ids)
    return frozenset(FollowUp(Work.REFRESH, object_) for object_ in marked)
