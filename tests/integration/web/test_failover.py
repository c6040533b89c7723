"""A database that fails over: a real primary and a real standby. A server that takes no writes is away; its old data are not shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import create_engine, text

from sync_worker.actors import register
from sync_worker.bootstrap import Installation, build
from sync_worker.config.settings import Settings
from sync_worker.errors import StoreDown
from sync_worker.schedule import Scheduler
from sync_worker.services import Services
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.core.trouble import StatementRefused, down
from sync_worker.store.operate import version
from sync_worker.web.app import healthy, serving
from tests.contract.store.samples import company
from tests.failover import Pair, pair
from tests.integration.api.desk import ENVIRON, listening, made_token, portal_file
from tests.integration.steps.world import MAPPINGS
from tests.patience import HANG_S
from tests.servers import Clock, PostgreSQL, Unavailable


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    try:
        with pair() as made:
            yield made
    except Unavailable as reason:
        pytest.skip(str(reason))


def save(store: Store, id_: str) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company(id_, crm_id=id_)])


def known(store: Store) -> list[str]:
    with store.reading("acme") as tx:
        return sorted(stored.company.id for stored in companies.listed(tx))


def test_after_a_failover_work_goes_on_at_the_new_primary_and_never_at_the_old_one(servers: Pair) -> None:
    with closing(Store(servers.url(), clock=Clock())) as both, closing(Store(servers.primary.url, clock=Clock())) as one:
        # Given work by an address of both servers, and by one of the primary alone
        save(both, "c1")
        save(one, "c2")
        # When the standby becomes the primary, and the primary its standby
        servers.fail_over()
        # Then the next work by both addresses is done at the new primary
        save(both, "c3")
        assert known(both) == ["c1", "c2", "c3"]
        # and by the old one's address nothing is read or written: it is away, not frozen, and not a bug
        for look in (known, lambda store: save(store, "c4"), version.is_current, version.try_to_write):
            with pytest.raises(StoreDown, match="takes no writes"):
                look(one)
        # When they change places again, then it is back, with all that was done meanwhile
        servers.fail_over()
        assert known(one) == ["c1", "c2", "c3"]
        save(both, "c5")
        assert known(one) == ["c1", "c2", "c3", "c5"]


STATEMENTS = [
    "UPDATE portals SET mode = 'rules'",
    "SELECT pg_current_xact_id()",
    "LOCK TABLE companies IN EXCLUSIVE MODE",
    "SET TRANSACTION READ WRITE",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1 FROM companies",
    "CREATE TEMPORARY TABLE t (id int)",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_whatever_a_standby_refuses_because_it_is_one_is_the_database_being_away(servers: Pair, statement: str) -> None:
    engine = create_engine(servers.standby.url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with pytest.raises(StoreDown, match="takes no writes"), down(is_reading=False), engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def test_a_server_that_takes_no_writes_any_more_loses_the_connections_that_wait_in_the_pool(postgresql: PostgreSQL) -> None:
    with postgresql.database() as url, closing(Store(url, clock=Clock())) as store:
        # Given connections that were good
        save(store, "c1")
        # When the server is made to take no writes, without being restarted
        _tell(url, "ALTER DATABASE CURRENT_DATABASE SET default_transaction_read_only = on")
        _make_read_only(store)
        # Then they are not used again, neither to write nor to read
        for look in (known, lambda store: save(store, "c2")):
            with pytest.raises(StoreDown):
                look(store)
        # When it takes writes again, then it is found again
        _tell(url, "ALTER DATABASE CURRENT_DATABASE SET default_transaction_read_only = off")
        save(store, "c2")
        assert known(store) == ["c1", "c2"]


@pytest.fixture
def installation(servers: Pair, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    """The portal acme on the server that is the primary now, by its own address."""
    settings = Settings(database_url=servers.primary.url, config_dir=portal_file(tmp_path, "http://127.0.0.1:9", {}), mappings_dir=MAPPINGS)
    with closing(build(settings, environ=ENVIRON, services=Services(clock=clock, shared_clock=clock))) as made:
        yield made


def test_a_request_of_the_api_is_told_to_come_again_and_not_that_there_is_a_bug(servers: Pair, installation: Installation) -> None:
    token = made_token(installation, "acme", ("read", "write"))
    with listening(serving(installation, lambda *_: None)) as url:

        def ask(method: str, path: str, body: Any = None) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.request(method, f"{url}/portals/acme{path}", json=body, headers=headers, timeout=HANG_S)

        assert ask("GET", "/companies").status_code == 200
        servers.fail_over()
        for answer in (ask("GET", "/companies"), ask("PUT", "/users/ann", {"email": "a@b.example", "name": "Ann", "role": "sales"})):
            assert (answer.status_code, answer.json()["code"]) == (503, "store_down")
            assert int(answer.headers["Retry-After"]) > 0
        servers.fail_over()
        assert ask("GET", "/companies").status_code == 200


def test_the_schedule_goes_on_ticking_and_sends_work_again_when_the_primary_is_back(
    servers: Pair, installation: Installation, clock: Clock
) -> None:
    # Given a schedule that has sent what was due
    queue = StubBroker(middleware=[])
    schedule = Scheduler(installation, register(queue, installation))
    schedule.tick()
    assert sum(waiting.qsize() for waiting in queue.queues.values()) > 0
    queue.flush_all()
    # When its server is a standby, and more becomes due
    servers.fail_over()
    clock.forward(minutes=5)
    schedule.tick()
    # Then it sends nothing that it has read in old data
    assert sum(waiting.qsize() for waiting in queue.queues.values()) == 0
    # When its server is the primary again, then the next tick sends it
    servers.fail_over()
    schedule.tick()
    assert sum(waiting.qsize() for waiting in queue.queues.values()) > 0


def test_no_mistake_of_one_look_ends_the_schedule_or_the_look_at_another_portal(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = StubBroker(middleware=[])
    schedule = Scheduler(installation, register(queue, installation))

    def broken(*_: object) -> None:
        raise LookupError("a bug")

    for place in ("sync_worker.schedule.standings", "sync_worker.schedule.Scheduler._due"):
        with monkeypatch.context() as patched:
            patched.setattr(place, broken)
            schedule.tick()
    schedule.tick()
    assert sum(waiting.qsize() for waiting in queue.queues.values()) > 0


def test_it_is_not_ready_while_it_cannot_write_and_says_why(servers: Pair) -> None:
    with closing(Store(servers.primary.url, clock=Clock())) as store, listening(healthy(store)) as url:
        assert requests.get(f"{url}/health/ready", timeout=HANG_S).status_code == 200
        servers.fail_over()
        began = time.monotonic()
        answer = requests.get(f"{url}/health/ready", timeout=HANG_S)
        assert time.monotonic() - began < HANG_S
        assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
        assert "takes no writes" in answer.json()["why"]
        servers.fail_over()
        assert requests.get(f"{url}/health/ready", timeout=HANG_S).status_code == 200


def test_a_write_in_a_look_is_still_a_bug_and_not_the_database(postgresql_url: str) -> None:
    with (
        closing(Store(postgresql_url, clock=Clock())) as store,
        pytest.raises(StatementRefused, match="may not write"),
        store.reading("a") as tx,
    ):
        companies.save(tx, [company()])


def _tell(url: str, statement: str) -> None:
    with psycopg.connect(
        url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True, options="-c default_transaction_read_only=off"
    ) as connection:
        name = connection.execute("SELECT current_database()").fetchone()
        assert name
        connection.execute(statement.replace("CURRENT_DATABASE", f'"{name[0]}"').encode())


def _make_read_only(store: Store) -> None:
    """The sessions that are open, as a server does to all when its setting changes."""
    with store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("SET default_transaction_read_only = on"))
