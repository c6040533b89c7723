"""Patch-backs are claimed in the company's row, so that several workers never write the same ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import BIGINT, DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0006"
down_revision = "0005"

KEPT = (
    "portal, id, crm_id, name, status, account_type, account_owner_email, attributes, second_partner_values, crm_modified_at, "
    "settled_no, portal_id_written_at, deleted_at, digest"
)


def upgrade() -> None:
    """SQLite writes an added column behind the key, where a new database has it in its place: there the table is made anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("CREATE TABLE companies_before AS SELECT * FROM companies"))
        op.drop_table("companies")
        _make()
        op.execute(sa.text(f"INSERT INTO companies ({KEPT}) SELECT {KEPT} FROM companies_before"))  # noqa: S608
        op.drop_table("companies_before")
        return
    for added in _added():
        op.add_column("companies", added)


def _added() -> list[sa.Column[object]]:
    return [column("patch_token", TEXT), column("patch_until_at", UTC), required("patch_tries", INTEGER, default="0")]


def _make() -> None:
    op.create_table(
        "companies",
        required("portal", TEXT),
        required("id", TEXT),
        column("crm_id", TEXT),
        required("name", TEXT),
        required("status", TEXT),
        required("account_type", TEXT),
        column("account_owner_email", TEXT),
        required("attributes", DOCUMENT),
        required("second_partner_values", DOCUMENT),
        column("crm_modified_at", UTC),
        required("settled_no", INTEGER, default="0"),
        column("portal_id_written_at", UTC),
        column("deleted_at", UTC),
        column("digest", BIGINT),
        *_added(),
        key("portal", "id"),
    )
    index("companies_by_crm_id", "companies", ["portal", "crm_id"], unique=True)
    index("companies_by_name", "companies", ["portal", "name"])
    columns = ["portal", "account_owner_email", "id"]
    index("companies_by_account_owner", "companies", columns, where="account_owner_email IS NOT NULL")
    index("companies_to_patch", "companies", ["portal", "crm_modified_at"], where="portal_id_written_at IS NULL")
