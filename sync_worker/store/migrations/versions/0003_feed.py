"""The feed: events for the portal, and how far they have been delivered."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
