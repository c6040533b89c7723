"""The schema's way from nothing to the newest, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from sync_worker.store import migrate
from sync_worker.store.engine import Store
from sync_worker.store.tables import metadata
from tests.servers import Clock, PostgreSQL


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    with server.database(is_migrated=False) as url:
        yield url


def test_an_empty_database_comes_to_the_newest_version_and_stays_there(empty_url: str) -> None:
    with closing(Store(empty_url, clock=Clock())) as store:
        assert not migrate.is_current(store)
        assert migrate.upgrade(store) == (None, migrate.newest())
        assert migrate.is_current(store)
        assert migrate.upgrade(store) == (migrate.newest(), migrate.newest())


def test_the_migrated_schema_is_the_one_of_the_tables(store: Store, empty_url: str) -> None:
    with closing(Store(empty_url, clock=Clock())) as made:
        with made.schema(writes=True) as connection:
            metadata.create_all(connection)
        assert definitions(store) == definitions(made)
    with store.schema(writes=False) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def definitions(store: Store) -> set[str]:
    """Tables and indexes as the database itself describes them; what Alembic does not compare (partial indexes, defaults) included."""
    query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"
    if store.engine.dialect.name == "postgresql":
        query = """SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version'
            UNION SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name != 'alembic_version'"""
    with store.schema(writes=False) as connection:
        return {" ".join(sql.split()).replace(" ,", ",") for sql in connection.execute(text(query)).scalars()}
