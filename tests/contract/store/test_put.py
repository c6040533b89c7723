"""Many rows at once: whether they go row by row or by COPY, the same rows stand there afterwards, and a refusal is the same refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from sync_worker.domain.core.company import StoredCompany
from sync_worker.errors import StoreDown
from sync_worker.store.core import companies, statements
from sync_worker.store.core.engine import Store
from sync_worker.store.core.statements import COPY_COUNT, Row, put
from sync_worker.store.core.trouble import StatementRefused
from sync_worker.store.deals.tables import deals
from tests.contract.store.samples import company
from tests.servers import Clock

FIELDS = ("name", "amount", "expected_close_on", "licence_count", "is_registered", "attributes")
COLUMNS = ("id", "version", "created_at", "updated_at", *FIELDS)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
moments = st.datetimes(datetime(1900, 1, 2), datetime(2900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
rows_of_deals = st.lists(
    st.tuples(
        st.sampled_from(["d1", "d2", "d3", "d4"]),
        st.integers(0, 2**31 - 1),
        moments,
        moments,
        st.none() | texts,
        st.none() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15),
        st.none() | st.dates(),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.booleans(),
        st.dictionaries(texts, documents, max_size=3),
    ),
    max_size=6,
)


@pytest.fixture(params=[1, COPY_COUNT], ids=["few", "many"])
def count(request: pytest.FixtureRequest) -> int:
    """How many rows are written: on PostgreSQL the many go by COPY."""
    return int(request.param)


@pytest.fixture
def only_postgresql(postgresql_url: str) -> Iterator[Store]:
    with closing(Store(postgresql_url, clock=Clock())) as store:
        yield store


@given(first=rows_of_deals, second=rows_of_deals)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_copy_and_row_by_row_end_in_the_same_rows(only_postgresql: Store, first: list[Row], second: list[Row]) -> None:
    ends = {copy_count: _written(only_postgresql, copy_count, first, second) for copy_count in (1, 10**9)}
    assert ends[1] == ends[10**9]


def _written(store: Store, copy_count: int, *batches: Sequence[Row]) -> list[Any]:
    """What stands there after these batches, inserted and replaced; their creation stays."""
    with pytest.MonkeyPatch.context() as patch, store.transaction("acme") as tx:
        patch.setattr(statements, "COPY_COUNT", copy_count)
        tx.connection.execute(deals.delete())
        for rows in batches:
            put(tx, deals, ("portal", *COLUMNS), [("acme", *row) for row in rows], keep=("created_at",))
        kept = tx.connection.execute(select(*(deals.c[name] for name in COLUMNS)).order_by(deals.c.id))
        return [(*row, str(row.amount)) for row in kept]  # 1.0 and 1.00 are equal, and not the same


def test_every_kind_of_value_comes_back_as_it_went_in(store: Store, count: int) -> None:
    odd = "".join(map(chr, range(1, 32))) + "\x7f\u2028\U0001f600"
    row = (3, _at(1), _at(2), odd, Decimal("10.00"), date(2026, 2, 28), 2**40, True, {"a": [1, 2.5, None, odd]})
    blank: Row = (3, _at(1), _at(2), None, None, None, None, None, {})
    rows = [(f"d{number:03}", *(row if number % 2 else blank)) for number in range(count + 1)]
    with store.transaction("acme") as tx:
        put(tx, deals, ("portal", *COLUMNS), [("acme", *one) for one in reversed(rows)])
        assert [tuple(one) for one in tx.connection.execute(select(*(deals.c[name] for name in COLUMNS)).order_by(deals.c.id))] == rows


def _at(hour: int) -> datetime:
    return datetime(2026, 1, 1, hour, microsecond=123456, tzinfo=UTC)


def test_rows_are_replaced_twice_in_one_transaction_and_the_last_of_one_key_counts(store: Store, count: int) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, _companies(count, "First"))
        companies.save(tx, _companies(count, "Second") + _companies(count, "Third"))
        assert {stored.company.name for stored in companies.listed(tx)} == {"Third"}
        assert len(companies.listed(tx)) == count


def _companies(count: int, name: str) -> list[StoredCompany]:
    return [company(f"c{number}", crm_id=f"{number}", name=name) for number in range(count)]


def test_a_key_of_two_companies_is_refused_as_a_bug_and_keeps_nothing_of_the_page(store: Store, count: int) -> None:
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        companies.save(tx, [*_companies(count, "Acme"), company("other", crm_id="0")])
    with store.reading("acme") as tx:
        assert companies.listed(tx) == []


def test_a_look_cannot_write_many_rows_either(store: Store, count: int) -> None:
    with pytest.raises(StatementRefused), store.reading("acme") as tx:
        companies.save(tx, _companies(count, "Acme"))
    with store.transaction("acme") as tx:
        companies.save(tx, _companies(count, "Acme"))


def test_postgresql_refuses_a_nul_in_a_column_of_text(only_postgresql: Store, count: int) -> None:
    with pytest.raises(StatementRefused), only_postgresql.transaction("acme") as tx:
        companies.save(tx, _companies(count, "A\0cme"))


def test_a_server_that_goes_away_before_many_rows_is_store_down_and_is_found_again(
    only_postgresql: Store, postgresql_url: str, count: int
) -> None:
    with pytest.raises(StoreDown), only_postgresql.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
        backend_pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(postgresql_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [backend_pid])
        companies.save(tx, _companies(count, "Acme"))
    with only_postgresql.transaction("acme") as tx:
        companies.save(tx, _companies(count, "Acme"))
