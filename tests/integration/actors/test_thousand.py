"""A thousand portals in one installation: a look at all of them is quick, and the backlog of one keeps none of the others waiting."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import func, insert, select

from sync_worker import actors
from sync_worker.actors import register
from sync_worker.bootstrap import Installation, broker, build
from sync_worker.config.settings import Settings
from sync_worker.schedule import TICK_S, Scheduler
from sync_worker.steps.core.tenant import DEAL
from sync_worker.steps.sync.ingest import refresh
from sync_worker.store.core import cursors, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import schema
from sync_worker.store.sync import notices, outbox
from tests.integration.actors.conftest import IMPATIENT, working
from tests.journey import stage
from tests.patience import until
from tests.servers import sqlite_store

COUNT = 1000
FIRST = "p0000"
NAMES = [FIRST, *(f"p{number:04}" for number in range(1, COUNT))]
OTHERS = NAMES[5::5]  # those that have something to do beside the backlog: two hundred show it as well as all of them


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory, base_url: str) -> Iterator[Installation]:
    """A thousand portal files on one org, their catalogs known, everything read just now."""
    folder = tmp_path_factory.mktemp("thousand")
    with closing(sqlite_store(folder)) as made:
        url = made.url
    files = stage.Installation(folder, base_url, url)
    written = files.write_portal(name=FIRST)
    for name in NAMES[1:]:
        (written.parent / f"{name}.yaml").write_text(written.read_text().replace(f"portal: {FIRST} ", f"portal: {name} "))
    settings = Settings(database_url=url, config_dir=folder / "config", mappings_dir=stage.ROOT / "mappings")
    environ = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    with closing(build(settings, environ=environ, patience=IMPATIENT)) as installation:
        _ = installation.tenant(FIRST).mapping  # describes the org
        _all_read(installation)
        yield installation


def _all_read(installation: Installation) -> None:
    store, records = installation.store, installation.tenant(FIRST).readable_records()
    with store.reading(FIRST) as tx:
        known = [dict(row) for row in tx.connection.execute(select(schema.catalogs)).mappings()]
    for name in NAMES:
        with store.side_transaction(name) as tx:
            portals.enter(tx, "contracts")
            for record in records:
                cursor = cursors.acquire(tx, record, "t")
                assert cursor
                cursors.close_window(tx, cursor, tx.now)
                cursors.release(tx, cursor)
            if name != FIRST:
                tx.connection.execute(insert(schema.catalogs), [{**row, "portal": name} for row in known])


def waiting(installation: Installation) -> dict[str, int]:
    """How many notices each portal has."""
    query = select(schema.notices.c.portal, func.count()).group_by(schema.notices.c.portal)
    with installation.store.reading("") as tx:
        return {portal: count for portal, count in tx.connection.execute(query)}


def test_a_backlog_of_one_portal_keeps_none_of_the_others_waiting(
    thousand: Installation, redis_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one portal with a backlog of many turns, first in line, and every fifth of the others with one record
    monkeypatch.setattr(actors, "TURN_S", 0.5)
    monkeypatch.setattr(refresh, "BATCH_COUNT", 20)
    for name in (FIRST, *OTHERS):
        with thousand.store.side_transaction(name) as tx:
            notices.add(tx, "company", [f"001{number:012}AAA" for number in range(20_000 if name == FIRST else 1)])

    # when they are worked off by two threads
    queue = broker(thousand.settings.model_copy(update={"redis_url": redis_db}))
    schedule = Scheduler(thousand, register(queue, thousand))
    schedule.tick()
    with working(queue):
        until(lambda: set(waiting(thousand)) <= {FIRST}, 250, what="the others are done")

        # then the backlog, whose turn came first, has not ended
        left = waiting(thousand)[FIRST]
        assert 0 < left < 20_000


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_tick_over_a_thousand_portals_is_quick(
    database: str, thousand: Installation, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # Given a thousand portals of which each owes one write
    url = sqlite_store(tmp_path).url if database == "sqlite" else request.getfixturevalue("postgresql_url")
    with closing(Store(url, clock=thousand.services.clock)) as store:
        installation = Installation(thousand.settings, thousand._offices, store, thousand.services)
        for name in NAMES:
            with store.side_transaction(name) as tx:
                portals.enter(tx, "contracts")
                outbox.owe(tx, DEAL, ["a deal"], "a run")
                cursor = cursors.acquire(tx, "company", "t")
                assert cursor
                cursors.close_window(tx, cursor, tx.now)
        queue = StubBroker(middleware=[])
        schedule = Scheduler(installation, register(queue, installation))

        # when the schedule looks, and looks again
        schedule.tick()
        begun_s = time.thread_time()
        schedule.tick()
        took_s = time.thread_time() - begun_s

        # then everything was found, and the second look used a part of the time between two
        assert queue.queues["live"].qsize() == COUNT
        assert queue.queues["backfill"].qsize() == 2 * COUNT
        assert took_s < TICK_S / 4
