"""Records that are committed together, and what their commit makes due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.sync.backfill import Part
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.brake import NOTHING, Loss
from sync_worker.steps.core.tenant import Tenant, Wake

READ_WHOLE = "read_whole"  # why a record is skipped of which one field was read: there is more to it, so all of it is read again


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one answer.

    **Shapes** `read_no`: drawn before the request; what was settled after it is newer than these. `is_filling`: a first load with pages to
    come, so whom a contract names may be on one of them. `is_poll`: most of it was seen before; what is as it was is only counted. Whoever
    asked for these very records, or for all of them, wants them looked at whole. `part`: where these fields alone were read, of records of
    ours; `record` has no others then.
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


@dataclass(slots=True)
class Effects:
    """What follows once the commit is through. **Shapes** `reread`: CRM ids to read again, by record. `loss`: what it takes away."""

    reread: dict[str, set[str]] = field(default_factory=dict)
    wakes: set[Wake] = field(default_factory=set)
    loss: Loss = NOTHING

    def read_again(self, record: str, crm_ids: Iterable[str]) -> None:
        self.reread.setdefault(record, set()).update(crm_ids)

    def push(self) -> None:
        self.wakes.add(Wake("push"))
