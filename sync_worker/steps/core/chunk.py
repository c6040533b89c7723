"""Records that are committed together, and what their commit makes due."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.ruling import Remark, Ruling
from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.brake import NOTHING, Loss
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import notices


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one answer.

    **Shapes** `read_no`: drawn before the request; what was settled after it is newer than these. `is_filling`: a first load with pages to
    come, so whom a contract names may be on one of them. `is_poll`: most of it was seen before; what is as it was is only counted. A caller
    that asked for these very records, or for all of them, wants them looked at whole. `part`: where these fields alone were read, of
    records of ours; `record` has no others then.
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


@dataclass(frozen=True, slots=True)
class Consequences:
    """What became of a chunk's records, and what follows once the commit is through.

    **Shapes** `ruled`: each record with its ruling. `contracts`: of each record whose contract values were looked at, what is wrong with
    them. `read_again`: records to read again as (record type, CRM id), besides those that the rulings name. `is_owing`: whether the CRM is
    owed something. `loss`: what the chunk takes away.
    """

    ruled: Sequence[tuple[NativeRecord, Ruling[Any]]]
    contracts: Sequence[Remark] = ()
    read_again: Collection[tuple[str, str]] = ()
    is_owing: bool = False
    loss: Loss = NOTHING


def read_again(tx: Tx, records: Iterable[tuple[str, str]]) -> frozenset[FollowUp]:
    """Marks records to be read again, given as (record type, CRM id). Returns what follows, once the commit is through."""
    marked: dict[str, set[str]] = {}
    for object_, crm_id in records:
        marked.setdefault(object_, set()).add(crm_id)
    for object_, crm_ids in marked.items():
        notices.add(tx, object_, crm_ids)
    return frozenset(FollowUp(Work.REFRESH, object_) for object_ in marked)
