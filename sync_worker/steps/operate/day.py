"""DAY: the last day of a portal: how far its reading was behind, what became of what was read, and the calls. No CRM is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sync_worker.domain.operate.day import hour_edges, worst_lags_s
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import runs
from sync_worker.store.core.runs import Counts

BEFORE: Final = timedelta(days=1)  # how long before the day a reading may have begun that still counts at its beginning


@dataclass(frozen=True, slots=True)
class PortalDay:
    """**Shapes** `edges`: where the hours begin, and where the last one ends; of everything else there is one for each hour.

    `lags_s`: by record type, None while it was never read to the end.
    """

    edges: Sequence[datetime]
    lags_s: Mapping[str, Sequence[float | None]]
    counts: Sequence[Counts]


def last_day(tenant: Tenant) -> PortalDay:
    """By the clock that all processes share. **Raises** StoreDown."""
    with tenant.store.reading(tenant.name) as tx:
        now = tx.shared_now
        edges = hour_edges(now)
        counts, pulls = runs.sums(tx, edges), runs.pulls(tx, since_at=edges[0] - BEFORE)
    ended = {
        record: [(one.began_at, one.ended_at) for one in pulls if one.record == record and one.ended_at]
        for record in tenant.readable_records()
    }
    return PortalDay(edges, {record: worst_lags_s(readings, edges, now) for record, readings in ended.items()}, counts)
