"""ECHOES: which of the records that a search found are only our own writes, and need not be read by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime, timedelta

from sync_worker.crm.port import OwnEchoes, WriteOutcome
from sync_worker.domain.sync.ingest.echoes import echoes, exact
from sync_worker.steps.core.findings import STAGE
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures, runs
from sync_worker.store.sync import notices, own_stamps


def may_echo(tenant: Tenant, from_at: datetime) -> bool:
    """Whether we have written anything that a search from that moment on may find. Without it the values need not come with the search.

    **Shapes** `from_at`: by the CRM's clock.
    """
    since_at = from_at - (tenant.crm_clock_ahead or timedelta(0)) - timedelta(hours=1)  # clocks are compared only now and then
    with tenant.store.reading(tenant.name) as tx:
        return runs.has_written(tx, since_at=since_at)


def own_echoes(tenant: Tenant, record_name: str) -> OwnEchoes:
    """Which records of one type are echoes, asked for what each search finds; any thread may ask."""

    def of(found: Mapping[str, datetime]) -> Set[str]:
        with tenant.store.reading(tenant.name) as tx:
            written = own_stamps.of(tx, record_name, found)
            busy = {
                *notices.waiting(tx, record_name, written),
                *(row.record for row in failures.open_rows(tx, record_name, written, STAGE)),
            }
        return echoes(found, written, busy)

    return of


def stamp_in(answer: WriteOutcome | None, crm_id: str) -> datetime | None:
    """The record's stamp in the answer to a write, where it can be relied on.

    **Shapes** `answer`: one that shows every field as it was sent, else None; `crm_id`: the record that it must be about.
    """
    native = answer.record if answer else None
    return exact(native.modified_at) if native and native.crm_id == crm_id else None
