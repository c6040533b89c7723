"""Who may ask over HTTP: users, tokens, answers already given."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    pass
