"""Who decided on each track of a deal, when and why. What was decided before has it in its history alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import DATE, TEXT, column

revision = "0014"
down_revision = "0013"

BEHIND = "prospect_key TEXT"  # the column that follows them


def upgrade() -> None:
    """SQLite writes an added column behind the key, where a new database has it in its place: there the table is made anew."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        for added in _added():
            op.add_column("deals", added)
        return
    made = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'deals'")).scalar_one()
    indexes = connection.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'deals' AND sql IS NOT NULL")
    ).scalars()
    again = list(indexes)
    kept = ", ".join(connection.execute(sa.text("SELECT name FROM pragma_table_info('deals')")).scalars())
    wider = ", \n\t".join(f"{added.name} {added.type}" for added in _added())
    op.execute(sa.text("CREATE TABLE deals_before AS SELECT * FROM deals"))
    op.drop_table("deals")
    connection.exec_driver_sql(made.replace(BEHIND, f"{wider}, \n\t{BEHIND}"))
    op.execute(sa.text(f"INSERT INTO deals ({kept}) SELECT {kept} FROM deals_before"))  # noqa: S608
    op.drop_table("deals_before")
    for index in again:
        connection.exec_driver_sql(index)


def _added() -> list[sa.Column[object]]:
    return [
        column(f"{track}_{name}", kind)
        for track in ("vendor", "distributor")
        for name, kind in (("decided_by", TEXT), ("decided_on", DATE), ("reason", TEXT))
    ]
