"""The search index after any history of saves is what it would be if it were made anew."""

from random import Random

import pytest

from crm_sandbox.hubspot.data.index import Index
from crm_sandbox.hubspot.data.records import Record


@pytest.mark.parametrize("lag_ms", [0, 7])
@pytest.mark.parametrize("burst", [1, 40, 900])
def test_as_if_made_anew(lag_ms: int, burst: int) -> None:
    rng, now = Random(burst), 0
    index = Index(lambda: now, lambda: lag_ms)
    told: list[tuple[int, int, Record | None]] = []
    for _ in range(12):
        for _ in range(rng.randrange(1, burst + 1)):
            now += rng.randrange(2)
            record_id = rng.randrange(1, 60)
            record = rng.choice((None, Record(record_id, {}, 0, rng.randrange(50)), Record(record_id, {}, 0, 9, archived_ms=now)))
            index.save(record_id, record)
            told.append((now + lag_ms, record_id, record))
        truth = {record_id: record for due, record_id, record in told if due <= now}
        alive = {record_id: record for record_id, record in truth.items() if record is not None and record.archived_ms is None}

        assert index.seen() == alive
        assert index.ids() == sorted(alive)
        low, high = sorted((rng.randrange(50), rng.randrange(50)))
        assert index.modified_between(low, high) == sorted(one.id for one in alive.values() if low <= one.modified_ms <= high)
