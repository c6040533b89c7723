"""What the database refuses is told in few words: why and where, by names, and never with a value or the statement."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.statements import COPY_COUNT, put
from sync_worker.store.core.tables import failures
from sync_worker.store.core.trouble import StatementRefused
from sync_worker.store.people.tables import users

CANARY = "ann.canary@example.com"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def user(user_id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": user_id,
        "email": CANARY,
        "name": CANARY,
        "role": "sales",
        "is_vendor_admin": True,
        "is_active": True,
        "updated_at": NOW,
        **more,
    }


def rows(tx: Tx, count: int, **more: Any) -> list[tuple[Any, ...]]:
    made = ({**user(f"{CANARY}{number}"), "portal": tx.portal, **more} for number in range(count))
    return [tuple(one.get(name) for name in names()) for one in made]


def names() -> tuple[str, ...]:
    return tuple(column.name for column in users.columns)


def twice(tx: Tx) -> None:
    for _ in range(2):
        tx.connection.execute(insert(users).values(portal=tx.portal, **user(CANARY)))


def without_a_value(tx: Tx) -> None:
    tx.connection.execute(insert(users).values(portal=tx.portal, **user(CANARY, role=None)))


def one_row_without_a_value(tx: Tx) -> None:
    put(tx, users, names(), rows(tx, 1, role=None))


def many_rows_without_a_value(tx: Tx) -> None:
    put(tx, users, names(), rows(tx, COPY_COUNT + 1, role=None))


def of_another_kind(tx: Tx) -> None:
    tx.connection.execute(update(failures).values(first_seen_at=CANARY))


def of_no_kind(tx: Tx) -> None:
    tx.connection.execute(text("UPDATE users SET name = :name WHERE id = :id"), {"name": object(), "id": CANARY})


def in_wrong_sql(tx: Tx) -> None:
    tx.connection.execute(text("SELECT no_such_column FROM users WHERE email = :email"), {"email": CANARY})


@pytest.mark.parametrize(
    "change", [twice, without_a_value, one_row_without_a_value, many_rows_without_a_value, of_another_kind, of_no_kind, in_wrong_sql]
)
def test_nothing_of_a_value_or_a_statement_is_told(store: Store, change: Callable[[Tx], None]) -> None:
    with pytest.raises(StatementRefused) as caught, store.transaction("acme") as tx:
        change(tx)
    printed = io.StringIO()
    traceback.print_exception(caught.value, file=printed)
    for said in (str(caught.value), repr(caught.value), printed.getvalue().partition("StatementRefused: ")[2]):
        assert CANARY not in said
        assert "INSERT" not in said
        assert "SELECT" not in said
        assert len(said) < 300
    assert CANARY not in printed.getvalue()
    assert "test_refused_statements.py" in printed.getvalue()  # where it was, is said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (twice, "a row with this key is there already"),
        (without_a_value, "a value is missing"),
        (many_rows_without_a_value, "a value is missing"),
    ],
)
def test_the_cause_and_the_place_are_told_by_name(store: Store, change: Callable[[Tx], None], words: str) -> None:
    with pytest.raises(StatementRefused, match=words) as caught, store.transaction("acme") as tx:
        change(tx)
    assert "users" in str(caught.value)


def test_every_engine_hides_its_parameters(store: Store) -> None:
    assert store.engine.hide_parameters
