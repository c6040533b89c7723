"""What went within the last day, for the mass-change brake."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from sync_worker.store.tables.columns import Utc, metadata, portal_column

removals = Table(
    "removals",
    metadata,
    portal_column(),
    Column("run_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # active companies | associations
    Column("count", Integer, nullable=False),
    Column("at", Utc, nullable=False),  # of the run's last commit that took something away
)
