"""Transactions: all or nothing, one writer per portal, one snapshot per look; and what the database's errors mean to us."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sync_worker.domain.deals.deal_edit import FieldChange
from sync_worker.errors import StaleRead, StoreDown
from sync_worker.store.core import catalogs, companies, cursors, failures, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.core.trouble import StatementRefused
from sync_worker.store.deals import deals
from sync_worker.store.sync import outbox
from sync_worker.store.sync.tables import outbox as outbox_table
from tests.contract.store.samples import company, deal, failure
from tests.patience import HANG_S
from tests.servers import Clock, PostgreSQL, free_port, sqlite_store

shared_store = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_transaction_wrote_before_it_failed_is_gone(store: Store) -> None:
    with pytest.raises(LookupError), store.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
        companies.save(tx, [company()])
        raise LookupError
    with store.reading("acme") as tx:
        assert companies.listed(tx) == []


def test_a_look_is_one_snapshot_whatever_is_committed_meanwhile(store: Store) -> None:
    with store.reading("acme") as look:
        assert companies.listed(look) == []
        with store.transaction("acme") as tx:
            companies.save(tx, [company()])
        assert companies.listed(look) == []
    with store.reading("acme") as look:
        assert len(companies.listed(look)) == 1


def test_a_look_cannot_write_and_says_so_as_a_bug(store: Store) -> None:
    with pytest.raises(StatementRefused), store.reading("acme") as tx:
        companies.save(tx, [company()])
    with store.transaction("acme") as tx:  # the same connection writes again afterwards
        companies.save(tx, [company()])


@pytest.mark.parametrize("inner", ["transaction", "side_transaction"])
def test_a_writing_transaction_inside_another_is_refused_at_once(store: Store, inner: str) -> None:
    with store.transaction("acme"), pytest.raises(RuntimeError, match="inside another"), getattr(store, inner)("globex"):
        pass
    with store.transaction("acme") as tx:
        portals.enter(tx, "contracts")


def test_pages_of_one_portal_take_turns_even_before_it_has_a_row(open_store: Callable[[], Store]) -> None:
    first, second = open_store(), open_store()
    order: list[str] = []
    with ThreadPoolExecutor(1) as thread:
        with first.transaction("acme") as tx:
            began = threading.Event()
            later = thread.submit(_note_when_in, second, "acme", order, began)
            assert began.wait(HANG_S)
            companies.save(tx, [company()])
            order.append("first")
        later.result(HANG_S)
    assert order == ["first", "second saw 1"]


def _note_when_in(store: Store, portal: str, order: list[str], began: threading.Event) -> None:
    began.set()
    with store.transaction(portal) as tx:
        order.append(f"second saw {len(companies.listed(tx))}")


def test_the_moment_of_a_transaction_is_after_its_wait(open_store: Callable[[], Store], clock: Clock) -> None:
    first, second = open_store(), open_store()
    with ThreadPoolExecutor(1) as thread:
        with first.transaction("acme") as tx:
            before = tx.now
            moment = thread.submit(_moment, second)
            clock.forward(seconds=5)
        assert moment.result(HANG_S) == before + timedelta(seconds=5)


def _moment(store: Store) -> datetime:
    with store.transaction("acme") as tx:
        return tx.now


def test_read_numbers_and_other_portals_do_not_wait_for_a_page_on_postgresql(postgresql_url: str, clock: Clock) -> None:
    with closing(Store(postgresql_url, clock=clock, shared_clock=clock)) as store, ThreadPoolExecutor(1) as thread:
        with store.transaction("acme") as tx:
            portals.enter(tx, "contracts")
        with store.transaction("acme") as tx:
            companies.save(tx, [company()])
            assert thread.submit(_draw, store).result(HANG_S) == 1
            assert thread.submit(_count, store, "globex").result(HANG_S) == 0


def _draw(store: Store) -> int:
    with store.side_transaction("acme") as tx:
        return portals.draw_read_no(tx)


def _count(store: Store, portal: str) -> int:
    with store.transaction(portal) as tx:
        return len(companies.listed(tx))


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def unreachable(backend: str, tmp_path: Path) -> Iterator[Store]:
    """A store whose database cannot be opened."""
    url = f"sqlite:///{tmp_path}/no/such/folder/a.db" if backend == "sqlite" else f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with closing(Store(url, clock=Clock())) as store:
        yield store


@pytest.mark.parametrize("kind", ["transaction", "side_transaction", "reading"])
def test_a_database_that_cannot_be_reached_is_store_down(unreachable: Store, kind: str) -> None:
    with pytest.raises(StoreDown, match="out of reach"), getattr(unreachable, kind)("acme"):
        pass


def test_a_database_without_its_schema_is_store_down_with_the_remedy(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if backend == "sqlite":
        _assert_asks_for_upgrade(f"sqlite:///{tmp_path / 'empty.db'}")
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    with server.database(is_migrated=False) as url:
        _assert_asks_for_upgrade(url)


def _assert_asks_for_upgrade(url: str) -> None:
    with closing(Store(url, clock=Clock())) as store:
        with pytest.raises(StoreDown, match="db upgrade"), store.reading("acme") as tx:
            companies.listed(tx)


def test_a_mistake_in_our_sql_is_a_bug_and_not_store_down(store: Store) -> None:
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        tx.connection.execute(text("SELEC 1"))
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        tx.connection.execute(text("SELECT no_such_column FROM companies"))


def test_a_full_database_is_store_down_and_keeps_nothing_of_the_page(tmp_path: Path) -> None:
    with closing(sqlite_store(tmp_path)) as store:
        with pytest.raises(StoreDown, match="full"), store.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
            page_count = tx.connection.execute(text("PRAGMA page_count")).scalar_one()
            tx.connection.execute(text(f"PRAGMA max_page_count={page_count + 20}"))
            for number in range(100):
                failures.record(tx, [failure(f"f{number}", f"{number}", payload={"long": "x" * 10_000})])
        with store.reading("acme") as tx:
            assert failures.counts(tx) == {}


def test_a_file_that_is_no_database_is_store_down(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("not a database, surely not, and long enough to be looked at" * 50)
    with closing(Store(f"sqlite:///{tmp_path / 'a.db'}", clock=Clock())) as store:
        with pytest.raises(StoreDown), store.reading("acme") as tx:
            companies.listed(tx)


def test_a_server_that_goes_away_mid_page_is_store_down_and_is_found_again(postgresql_url: str) -> None:
    with closing(Store(postgresql_url, clock=Clock())) as store:
        with pytest.raises(StoreDown), store.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
            companies.save(tx, [company()])
            backend_pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with psycopg.connect(postgresql_url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [backend_pid])
            companies.listed(tx)
        with store.reading("acme") as tx:
            assert companies.listed(tx) == []


def test_a_database_that_was_dropped_is_store_down(postgresql: PostgreSQL) -> None:
    with postgresql.database() as url:
        pass
    with closing(Store(url, clock=Clock())) as store, pytest.raises(StoreDown), store.transaction("acme"):
        pass


def test_a_deadlock_is_a_lost_race_and_not_store_down(postgresql_url: str) -> None:
    both_hold_one = threading.Barrier(2, timeout=HANG_S)

    def cross(first: str, second: str) -> str:
        try:
            with store.side_transaction("acme") as tx:
                _touch(tx.connection, first)
                both_hold_one.wait()
                _touch(tx.connection, second)
        except StaleRead:
            return "lost"
        return "won"

    with closing(Store(postgresql_url, clock=Clock())) as store, ThreadPoolExecutor(2) as threads:
        with store.transaction("acme") as tx:
            outbox.owe(tx, "lead", ["a", "b"], "r1")
        outcomes = list(threads.map(cross, "ab", "ba"))
    assert sorted(outcomes) == ["lost", "won"]


def _touch(connection: Any, record_id: str) -> None:
    connection.execute(outbox_table.update().where(outbox_table.c.record_id == record_id).values(refused=1))


# ── addresses and values ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given_url", ["postgresql://h/d", "postgres://h/d", "postgresql+psycopg://h/d"])
def test_postgresql_is_spoken_with_psycopg_however_its_url_is_spelled(given_url: str) -> None:
    with closing(Store(given_url, clock=Clock())) as store:
        assert store.url == "postgresql+psycopg://h/d"


def test_ten_thousands_of_ids_in_one_question_are_not_too_many(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company()])
        assert list(companies.by_crm_ids(tx, [*map(str, range(70_000)), "001"])) == ["001"]
        assert companies.by_crm_ids(tx, []) == {}


KATHMANDU = timezone(timedelta(hours=5, minutes=45))
moments = st.datetimes(datetime(1900, 1, 2), datetime(2900, 1, 1), timezones=st.sampled_from([UTC, KATHMANDU]))  # noqa: DTZ001
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=None)
texts = st.text(st.characters(codec=None), max_size=10)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(moment=moments)
@shared_store
def test_a_moment_comes_back_as_it_was_to_the_microsecond_in_utc(store: Store, moment: datetime) -> None:
    with store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, moment, "a test")
    with store.reading("acme") as tx:
        row = portals.get(tx)
    assert row is not None
    assert row.paused_until_at == moment
    assert row.paused_until_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementRefused, match="ValueError"), store.transaction("acme") as tx:
        portals.pause(tx, datetime(2026, 1, 1), "a test")  # noqa: DTZ001


@given(moments=st.lists(moments, min_size=2, max_size=8, unique=True))
@shared_store
def test_moments_are_ordered_in_the_database_as_in_time(store: Store, moments: list[datetime]) -> None:
    with store.transaction("acme") as tx:
        tx.connection.execute(outbox_table.delete())
        for number, moment in enumerate(moments):
            outbox.owe(tx, "lead", [str(number)], "r1")
            tx.connection.execute(outbox_table.update().where(outbox_table.c.record_id == str(number)).values(due_at=moment))
        assert [row.due_at for row in outbox.listed(tx)] == sorted(moments)


@given(amount=amounts)
@shared_store
def test_money_comes_back_with_its_scale(store: Store, amount: Decimal) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, [deal(amount=amount)])
        stored = deals.get(tx, "d1")
    assert stored is not None
    assert f"{stored.deal.values['amount']:f}" == f"{amount or abs(amount):f}"


@given(day=st.dates())
@shared_store
def test_a_day_comes_back_as_the_same_day(store: Store, day: date) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, [deal(expected_close_on=day)])
        stored = deals.get(tx, "d1")
    assert stored is not None
    assert stored.deal.values["expected_close_on"] == day


@given(payload=documents)
@shared_store
def test_any_record_a_crm_may_send_can_be_kept_as_a_failure(store: Store, payload: Any) -> None:
    with store.transaction("acme") as tx:
        failures.record(tx, [failure("f1", "001", payload=payload, name=str(payload)[:100])])
        assert failures.get(tx, "f1") is not None


def test_what_no_database_takes_is_replaced_and_the_rest_is_kept(store: Store) -> None:
    payload = {"nul": "a\0b", "half": "a\ud800b", "big": 2**70, "back\\u0000slash": "\\u0000", "list": [1, "ü"]}
    with store.transaction("acme") as tx:
        failures.record(tx, [failure(payload=payload, name="A\0cme")])
        kept = failures.get(tx, "f1")
    assert kept is not None
    expected = {"nul": "a\ufffdb", "half": "a?b", "big": str(2**70), "back\\u0000slash": "\\u0000", "list": [1, "ü"]}
    assert (kept.failure.name, kept.failure.payload) == ("A\ufffdcme", expected)


def test_nothing_is_null_in_the_database_and_not_the_json_null(store: Store) -> None:
    with store.transaction("acme") as tx:
        outbox.owe(tx, "lead", ["d1"], "r1")
        row = outbox.claim(tx, state="ready", limit=1, token="t", until_at=tx.now)[0]
        outbox.prepare(tx, [row], "t", {"d1": {}})
        outbox.put_off(tx, [row], "t", tx.now)
        failures.record(tx, [failure(payload=None)])
        deals.save(tx, [deal()])
        deals.record_changes(tx, [_blank_change()])
        for column, table in (("sent", "outbox"), ("payload", "failures"), ('"old"', "deal_changes"), ('"new"', "deal_changes")):
            query = text(f"SELECT count(*) FROM {table} WHERE {column} IS NULL")
            assert tx.connection.execute(query).scalar() == 1, column


def _blank_change() -> FieldChange:
    return FieldChange("d1", 1, "amount", "portal", "Ann", "r1", None, None)


def test_cursors_and_catalogs_of_a_portal_that_was_never_read_are_none(store: Store) -> None:
    with store.reading("acme") as tx:
        assert cursors.get(tx, "company") is None
        assert catalogs.get(tx, "Account") is None
        assert portals.get(tx) is None
