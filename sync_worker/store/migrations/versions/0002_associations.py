"""Associations: memberships of rules, and how they came to be."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
