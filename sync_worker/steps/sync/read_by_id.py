"""READ BY ID: batches of records that are known by their ids are asked for side by side, and handed out in their order.

    one batch      is asked for by this thread
    several        each by a thread and a connection of its own; the first ones are stored while the others are under way

What is asked for is either handed out or, where the caller stops or a batch fails, waited for and thrown away.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Final, NamedTuple

from sync_worker.crm.port import Crm, NativeRecord
from sync_worker.domain.sync.ingest.backfill import calls_by_id
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import Tenant

MOST_AT_ONCE: Final = 4  # batches: each is held in memory


class ReadBatch(NamedTuple):
    """What the CRM shows of a batch. **Shapes** `read_no`: drawn before it was asked for."""

    read_no: int
    found: list[NativeRecord]


def batches_at_once(tenant: Tenant, native: str, batch_count: int) -> int:
    """How many batches of so many records are asked for side by side. A batch of many calls fills those that may be in flight by itself."""
    if not tenant.crm.is_trusted:
        return 1
    calls = calls_by_id(batch_count, tenant.crm.rates(native))
    return max(1, min(tenant.crm.parallel_calls // calls, MOST_AT_ONCE))


def read_each(tenant: Tenant, record: RecordMap, batches: Sequence[Sequence[str]]) -> Generator[ReadBatch, None, None]:
    """The batches of CRM ids, read, in their order."""
    if len(batches) == 1:
        read_no = tenant.draw_read_no()
        yield ReadBatch(read_no, _fetched(tenant.crm, record, batches[0]))
        return
    with ExitStack() as stack:  # left once nothing is under way any more
        asked = [_asked(tenant, record, crm_ids, stack) for crm_ids in batches]
        for read_no, coming in asked:
            yield ReadBatch(read_no, coming.result())


def _asked(tenant: Tenant, record: RecordMap, crm_ids: Sequence[str], stack: ExitStack) -> tuple[int, Future[list[NativeRecord]]]:
    crm = stack.enter_context(tenant.crm.another_connection())
    beside = stack.enter_context(tenant.services.beside())
    return tenant.draw_read_no(), beside.submit(_fetched, crm, record, crm_ids)


def _fetched(crm: Crm, record: RecordMap, crm_ids: Sequence[str]) -> list[NativeRecord]:
    return crm.fetch(record.native, crm_ids, fields=record.native_fields)
