"""Journeys with their versions, what each told of every event, and mails that wait for a person."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BOOLEAN, DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "journeys",
        required("portal", TEXT),
        required("key", TEXT),
        required("version", INTEGER),
        required("is_on", BOOLEAN),
        required("file", TEXT, default=""),
        column("looked_at", UTC),
        column("deleted_at", UTC),
        key("portal", "key"),
    )
    op.create_table(
        "journey_versions",
        required("portal", TEXT),
        required("key", TEXT),
        required("version", INTEGER),
        required("digest", TEXT),
        required("document", DOCUMENT),
        required("saved_at", UTC),
        required("saved_by", TEXT),
        key("portal", "key", "version"),
    )
    op.create_table(
        "journey_log",
        required("portal", TEXT),
        required("id", TEXT),
        required("at", UTC),
        required("journey", TEXT),
        required("version", INTEGER),
        required("event", TEXT),
        required("deal_id", TEXT),
        required("user_id", TEXT),
        required("recipient", TEXT, default=""),
        required("outcome", TEXT),
        required("why", TEXT, default=""),
        column("mail_id", TEXT),
        key("portal", "id"),
    )
    index("journey_log_by_event", "journey_log", ["portal", "journey", "event", "user_id"], unique=True)
    index("journey_log_by_time", "journey_log", ["portal", "journey", "at", "id"])
    index("journey_log_old", "journey_log", ["portal", "at", "id"])
    op.add_column("mails", column("held_by", TEXT))
    index("mails_held", "mails", ["portal", "held_by"], where="held_by IS NOT NULL")
