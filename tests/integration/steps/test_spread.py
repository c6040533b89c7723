"""A first load leaves a PostgreSQL that knows how the rows are spread, without a word of autovacuum."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from crm_sandbox.remote import Remote
from tests.integration.steps.world import World

KNOWN = "SELECT relname FROM pg_class WHERE relname IN ('companies', 'contract_values', 'deals') AND reltuples > 0 ORDER BY relname"


def test_after_a_first_load_postgresql_knows_its_tables(sandbox: str, remote: Remote, tmp_path: Path, postgresql_url: str) -> None:
    # Given an empty PostgreSQL; when all is pulled for the first time
    with closing(World(sandbox, remote, tmp_path, database_url=postgresql_url)) as world:
        world.pull()
        with world.tenant.store.schema(writes=False) as connection:
            known = connection.execute(text(KNOWN)).scalars().all()
    # Then it has looked at what the load has filled
    assert known[:2] == ["companies", "contract_values"]
