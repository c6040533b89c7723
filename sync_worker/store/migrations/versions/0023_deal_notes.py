"""What people wrote on deals, and the files that they added."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BIGINT, TEXT, UTC, column, index, key, required

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    author = ("author_id", "author", "role", "side")
    op.create_table(
        "deal_notes",
        *(required(name, TEXT) for name in ("portal", "id", "deal_id", "text", *author)),
        required("added_at", UTC),
        column("edited_at", UTC),
        key("portal", "id"),
    )
    op.create_table(
        "deal_files",
        *(required(name, TEXT) for name in ("portal", "id", "deal_id", "name", "media_type")),
        required("size_bytes", BIGINT),
        *(required(name, TEXT) for name in ("sha256", "key", *author)),
        required("added_at", UTC),
        key("portal", "id"),
    )
    for table in ("deal_notes", "deal_files"):
        index(f"{table}_by_deal", table, ["portal", "deal_id", "added_at", "id"])
        index(f"{table}_by_time", table, ["portal", "added_at", "id"])
        index(f"{table}_by_author", table, ["portal", "author_id"])
