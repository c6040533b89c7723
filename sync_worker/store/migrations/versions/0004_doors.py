"""Who may ask over HTTP: users, tokens, answers already given."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BOOLEAN, DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _tokens()
    _users()


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


def _users() -> None:
    op.create_table(
        "users",
        required("portal", TEXT),
        required("id", TEXT),
        required("email", TEXT),
        required("name", TEXT),
        required("role", TEXT),
        column("primary_company", TEXT),
        required("is_vendor_admin", BOOLEAN),
        required("is_active", BOOLEAN),
        required("updated_at", UTC),
        key("portal", "id"),
    )
    op.create_table(
        "memberships",
        required("portal", TEXT),
        required("user_id", TEXT),
        required("company_id", TEXT),
        key("portal", "user_id", "company_id"),
    )
    index("memberships_by_company", "memberships", ["portal", "company_id", "user_id"])
