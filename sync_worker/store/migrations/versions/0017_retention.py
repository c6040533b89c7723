"""What is old is found by an index, and how far the runs were looked through is kept."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, UTC, index, key, required

revision = "0017"
down_revision = "0016"

NAMING_RUNS = ("deal_changes", "conflicts", "contract_values", "past_contracts", "rule_members", "evaluations")


def upgrade() -> None:
    op.create_table(
        "sweeps",
        required("portal", TEXT),
        required("what", TEXT),
        required("last_at", UTC),
        required("last_id", TEXT),
        key("portal", "what"),
    )
    for table in NAMING_RUNS:
        index(f"{table}_by_run", table, ["portal", "run_id"])
    index("failures_resolved", "failures", ["portal", "resolved_at", "id"], where="resolved_at IS NOT NULL")
    index("interventions_by_time", "interventions", ["portal", "asked_at", "id"])
    index("mails_settled", "mails", ["portal", "settled_at", "id"], where="settled_at IS NOT NULL")
