"""Two counters of a write's tries instead of one, and the moment its call began.

What a row had tried counts as refused, as it did; of a write under way one try is the send that nobody has answered yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0011"
down_revision = "0010"

KEPT = (
    "portal, object, record_id, state, generation, claimed_generation, claim_token, claim_until_at, sent, due_at, cause_run"  # as they were
)
NEW = """CASE WHEN sent IS NULL THEN NULL ELSE COALESCE(claim_until_at, due_at) END,
    attempts - CASE WHEN sent IS NULL OR attempts = 0 THEN 0 ELSE 1 END, CASE WHEN sent IS NULL THEN 0 ELSE 1 END"""


def upgrade() -> None:
    """The table is made anew, because SQLite writes an added column behind the key, where a new database has it in its place."""
    op.execute(sa.text("CREATE TABLE outbox_before AS SELECT * FROM outbox"))
    op.drop_table("outbox")
    op.create_table(
        "outbox",
        required("portal", TEXT),
        required("object", TEXT),
        required("record_id", TEXT),
        required("state", TEXT),
        required("generation", INTEGER),
        required("claimed_generation", INTEGER, default="0"),
        column("claim_token", TEXT),
        column("claim_until_at", UTC),
        column("sent", DOCUMENT),
        column("sent_at", UTC),
        required("due_at", UTC),
        required("refused", INTEGER, default="0"),
        required("unanswered", INTEGER, default="0"),
        required("cause_run", TEXT),
        key("portal", "object", "record_id"),
    )
    index("outbox_due", "outbox", ["portal", "state", "due_at"])
    op.execute(sa.text(f"INSERT INTO outbox ({KEPT}, sent_at, refused, unanswered) SELECT {KEPT}, {NEW} FROM outbox_before"))  # noqa: S608
    op.drop_table("outbox_before")
