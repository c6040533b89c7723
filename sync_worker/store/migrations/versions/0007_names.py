"""Names that look the same: the form in which they are compared, kept where the name itself is another."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import TEXT, column, index

revision = "0007"
down_revision = "0006"

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
_BATCH_COUNT = 5_000


def upgrade() -> None:
    _add("companies", "name_folded")
    _add("contract_values", "value_folded")
    _fill("companies", ["portal", "id"], "name", "name_folded")
    _fill("contract_values", ["portal", "company_id", "value"], "value", "value_folded")
    index("companies_by_folded_name", "companies", ["portal", "name_folded"], where="name_folded IS NOT NULL")
    index("contract_values_by_folded_value", "contract_values", ["portal", "value_folded"], where="value_folded IS NOT NULL")


def _add(table: str, name: str) -> None:
    """SQLite writes an added column behind the key, where a new database has it in its place: there the table is made anew."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.add_column(table, column(name, TEXT))
        return
    given = {"table": table}
    made = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), given).scalar_one()
    indexes = connection.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND sql IS NOT NULL"), given
    ).scalars()
    kept = ", ".join(connection.execute(sa.text("SELECT name FROM pragma_table_info(:table)"), given).scalars())
    wider, again = made.replace("PRIMARY KEY (", f"{name} TEXT, \n\tPRIMARY KEY ("), list(indexes)
    op.execute(sa.text(f"CREATE TABLE {table}_before AS SELECT * FROM {table}"))  # noqa: S608
    op.drop_table(table)
    connection.exec_driver_sql(wider)
    op.execute(sa.text(f"INSERT INTO {table} ({kept}) SELECT {kept} FROM {table}_before"))  # noqa: S608
    op.drop_table(f"{table}_before")
    for statement in again:
        connection.exec_driver_sql(statement)


def _fill(table: str, key: list[str], source: str, target: str) -> None:
    """In Python: no database of ours composes accents as the code does. Most names are folded as they are, and are not touched."""
    connection = op.get_bind()
    rows = sa.table(table, *(sa.column(name, TEXT) for name in dict.fromkeys([*key, source, target])))
    found = connection.execute(sa.select(*(rows.c[name] for name in key), rows.c[source]))
    odd = [(*row[:-1], bare) for row in found if (bare := _folded(row[-1])) != row[-1]]
    here = [rows.c[name] == sa.bindparam(f"its_{name}") for name in key]
    statement = sa.update(rows).where(*here).values({target: sa.bindparam("bare")})
    for start in range(0, len(odd), _BATCH_COUNT):
        part = odd[start : start + _BATCH_COUNT]
        connection.execute(statement, [dict(zip([*(f"its_{name}" for name in key), "bare"], row, strict=True)) for row in part])


def _folded(name: str) -> str:
    """As `domain.names.folded` had it when this was written."""
    return " ".join(unicodedata.normalize("NFC", name.translate(_UNSEEN)).split())
