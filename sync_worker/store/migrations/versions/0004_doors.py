"""Who may ask over HTTP: users, tokens, answers already given."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _tokens()


def _tokens() -> None:
    op.create_table(
        "tokens",
        required("portal", TEXT),
        required("id", TEXT),
        required("name", TEXT),
        required("hash", TEXT),
        required("scopes", DOCUMENT),
        required("made_by", TEXT),
        required("made_at", UTC),
        column("expires_at", UTC),
        column("last_used_at", UTC),
        column("revoked_at", UTC),
        column("revoked_by", TEXT),
        key("portal", "id"),
    )
    op.create_table(
        "answers",
        required("portal", TEXT),
        required("token_id", TEXT),
        required("key", TEXT),
        required("request_hash", TEXT),
        required("claim", TEXT),
        required("begun_at", UTC),
        required("claim_until_at", UTC),
        column("status", INTEGER),
        column("headers", DOCUMENT),
        column("body", TEXT),
        key("portal", "token_id", "key"),
    )
    index("answers_by_time", "answers", ["portal", "begun_at"])
