"""The ground: portals and their cursors, companies, contracts, deals, outbox, notices, failures, conflicts, runs."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BIGINT, BOOLEAN, DATE, DOCUMENT, INTEGER, MONEY, TEXT, UTC, column, index, key, required

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "aliases",
        required("portal", TEXT),
        required("object", TEXT),
        required("old_crm_id", TEXT),
        required("crm_id", TEXT),
        key("portal", "object", "old_crm_id"),
    )
    op.create_table(
        "breakers",
        required("portal", TEXT),
        required("object", TEXT),
        required("stage", TEXT),
        required("code", TEXT),
        required("failed_count", INTEGER),
        required("rest_s", INTEGER),
        column("until_at", UTC),
        key("portal", "object", "stage", "code"),
    )
    op.create_table(
        "catalogs",
        required("portal", TEXT),
        required("native", TEXT),
        required("fetched_at", UTC),
        required("document", DOCUMENT),
        key("portal", "native"),
    )
    op.create_table(
        "companies",
        required("portal", TEXT),
        required("id", TEXT),
        column("crm_id", TEXT),
        required("name", TEXT),
        required("status", TEXT),
        required("account_type", TEXT),
        column("account_owner_email", TEXT),
        required("attributes", DOCUMENT),
        required("second_partner_values", DOCUMENT),
        column("crm_modified_at", UTC),
        required("settled_no", INTEGER, default="0"),
        column("portal_id_written_at", UTC),
        column("deleted_at", UTC),
        column("digest", BIGINT),
        key("portal", "id"),
    )
    index("companies_by_crm_id", "companies", ["portal", "crm_id"], unique=True)
    index("companies_by_name", "companies", ["portal", "name"])
    columns = ["portal", "account_owner_email", "id"]
    index("companies_by_account_owner", "companies", columns, where="account_owner_email IS NOT NULL")
    index("companies_to_patch", "companies", ["portal", "crm_modified_at"], where="portal_id_written_at IS NULL")
    op.create_table(
        "conflicts",
        required("portal", TEXT),
        required("id", TEXT),
        required("deal_id", TEXT),
        required("field", TEXT),
        required("code", TEXT),
        column("base_value", DOCUMENT),
        column("crm_value", DOCUMENT),
        column("portal_value", DOCUMENT),
        required("rule", TEXT),
        required("taken", TEXT),
        required("decision", TEXT, default=""),
        required("decided_by", TEXT, default=""),
        required("reason", TEXT, default=""),
        required("resolution", TEXT, default=""),
        required("run_id", TEXT),
        required("opened_at", UTC),
        required("last_seen_at", UTC),
        column("resolved_at", UTC),
        key("portal", "id"),
    )
    index("conflicts_open", "conflicts", ["portal", "deal_id", "field"], unique=True, where="resolved_at IS NULL")
    op.create_table(
        "contract_values",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("value", TEXT),
        column("resolved_id", TEXT),
        required("how", TEXT),
        required("since_at", UTC),
        required("run_id", TEXT),
        key("portal", "company_id", "value"),
    )
    index("contract_values_bound", "contract_values", ["portal", "resolved_id"], where="resolved_id IS NOT NULL")
    index("contract_values_by_person", "contract_values", ["portal", "value"], where="how = 'person'")
    index("contract_values_unbound", "contract_values", ["portal", "value", "company_id"], where="resolved_id IS NULL")
    op.create_table(
        "cursors",
        required("portal", TEXT),
        required("object", TEXT),
        column("high_water_at", UTC),
        column("window_from_at", UTC),
        column("window_until_at", UTC),
        required("position", TEXT, default=""),
        required("kind", TEXT, default="first"),
        column("last_pulled_at", UTC),
        column("lease_token", TEXT),
        column("lease_until_at", UTC),
        required("fence", INTEGER, default="0"),
        column("paused_until_at", UTC),
        key("portal", "object"),
    )
    op.create_table(
        "deal_changes",
        required("portal", TEXT),
        required("deal_id", TEXT),
        required("version", INTEGER),
        required("field", TEXT),
        required("at", UTC),
        required("side", TEXT),
        required("actor", TEXT),
        required("run_id", TEXT),
        column("old", DOCUMENT),
        column("new", DOCUMENT),
        required("note", TEXT, default=""),
        key("portal", "deal_id", "version", "field"),
    )
    op.create_table(
        "deal_links",
        required("portal", TEXT),
        required("object", TEXT),
        required("crm_id", TEXT),
        required("deal_id", TEXT),
        required("is_current", BOOLEAN),
        required("base", DOCUMENT),
        column("crm_modified_at", UTC),
        required("settled_no", INTEGER, default="0"),
        column("deleted_at", UTC),
        column("written_at", UTC),
        column("written_run", TEXT),
        column("written_attempt", INTEGER),
        key("portal", "object", "crm_id"),
    )
    index("deal_links_current", "deal_links", ["portal", "deal_id"], unique=True, where="is_current")
    op.create_table(
        "deals",
        required("portal", TEXT),
        required("id", TEXT),
        required("version", INTEGER),
        required("created_at", UTC),
        required("updated_at", UTC),
        column("owner_company", TEXT),
        column("second_partner", TEXT),
        column("name", TEXT),
        column("prospect_name", TEXT),
        column("contact_first_name", TEXT),
        column("contact_last_name", TEXT),
        column("contact_email", TEXT),
        column("amount", MONEY),
        column("currency", TEXT),
        column("expected_close_on", DATE),
        column("deal_type", TEXT),
        column("licence_count", BIGINT),
        column("term_years", BIGINT),
        column("billing_cycle", TEXT),
        column("stage", TEXT),
        column("outcome", TEXT),
        column("vendor_approval", TEXT),
        column("distributor_approval", TEXT),
        column("lifecycle", TEXT),
        column("is_registered", BOOLEAN),
        column("quote_state", TEXT),
        column("expires_on", DATE),
        column("renews_until", DATE),
        column("crm_owner", TEXT),
        column("owner_user", TEXT),
        column("registered_by", TEXT),
        column("prospect_key", TEXT),
        column("contact_key", TEXT),
        required("attributes", DOCUMENT),
        key("portal", "id"),
    )
    index("deals_by_owner_company", "deals", ["portal", "owner_company"])
    index("deals_by_second_partner", "deals", ["portal", "second_partner"])
    index("deals_by_prospect", "deals", ["portal", "prospect_key"])
    index("deals_by_contact", "deals", ["portal", "contact_key"])
    op.create_table(
        "failures",
        required("portal", TEXT),
        required("id", TEXT),
        required("kind", TEXT),
        required("object", TEXT),
        required("record", TEXT),
        required("name", TEXT, default=""),
        required("stage", TEXT),
        required("code", TEXT),
        required("field", TEXT, default=""),
        required("message", TEXT),
        column("payload", DOCUMENT),
        required("payload_hash", TEXT, default=""),
        required("mapping_hash", TEXT, default=""),
        column("waits_for", TEXT),
        required("run_id", TEXT),
        required("first_seen_at", UTC),
        required("last_seen_at", UTC),
        required("count", INTEGER),
        column("discarded_at", UTC),
        column("resolved_at", UTC),
        column("resolution", TEXT),
        key("portal", "id"),
    )
    index("failures_open", "failures", ["portal", "object", "record", "stage", "code", "field"], unique=True, where="resolved_at IS NULL")
    index("failures_waiting", "failures", ["portal", "waits_for"], where="resolved_at IS NULL")
    op.create_table(
        "interventions",
        required("portal", TEXT),
        required("id", TEXT),
        required("verb", TEXT),
        required("selection", TEXT),
        required("actor", TEXT),
        required("reason", TEXT, default=""),
        required("asked_at", UTC),
        required("is_queued", BOOLEAN),
        column("finished_at", UTC),
        key("portal", "id"),
    )
    index("interventions_left", "interventions", ["portal", "asked_at"], where="finished_at IS NULL")
    op.create_table(
        "notices",
        required("portal", TEXT),
        required("object", TEXT),
        required("crm_id", TEXT),
        required("first_seen_at", UTC),
        required("last_seen_at", UTC),
        required("count", INTEGER),
        key("portal", "object", "crm_id"),
    )
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
        required("due_at", UTC),
        required("attempts", INTEGER, default="0"),
        required("cause_run", TEXT),
        key("portal", "object", "record_id"),
    )
    index("outbox_due", "outbox", ["portal", "state", "due_at"])
    op.create_table(
        "portals",
        required("portal", TEXT),
        required("mode", TEXT),
        column("next_mode", TEXT),
        required("next_position", TEXT, default=""),
        required("mode_set_at", UTC),
        required("read_no", INTEGER, default="0"),
        column("paused_until_at", UTC),
        column("paused_because", TEXT),
        key("portal"),
    )
    op.create_table(
        "runs",
        required("portal", TEXT),
        required("id", TEXT),
        required("verb", TEXT),
        required("object", TEXT),
        required("started_at", UTC),
        required("seen_at", UTC),
        column("finished_at", UTC),
        required("state", TEXT),
        required("error", TEXT, default=""),
        required("calls", INTEGER, default="0"),
        required("read", INTEGER, default="0"),
        required("applied", INTEGER, default="0"),
        required("unchanged", INTEGER, default="0"),
        required("skipped", INTEGER, default="0"),
        required("failed", INTEGER, default="0"),
        required("claimed", INTEGER, default="0"),
        required("written", INTEGER, default="0"),
        required("deferred", INTEGER, default="0"),
        required("parked", INTEGER, default="0"),
        required("uncertain", INTEGER, default="0"),
        column("skips", DOCUMENT),
        key("portal", "id"),
    )
    index("runs_by_start", "runs", ["portal", "started_at"])
    index("runs_under_way", "runs", ["portal", "seen_at"], where="state = 'running'")
    op.create_table(
        "tries",
        required("portal", TEXT),
        required("failure_id", TEXT),
        required("intervention_id", TEXT),
        required("place", INTEGER),
        required("outcome", TEXT, default=""),
        column("became", TEXT),
        column("tried_at", UTC),
        key("portal", "failure_id", "intervention_id"),
    )
    index("tries_of_intervention", "tries", ["portal", "intervention_id", "place"])


def downgrade() -> None:
    for table in (
        "aliases",
        "breakers",
        "catalogs",
        "companies",
        "conflicts",
        "contract_values",
        "cursors",
        "deal_changes",
        "deal_links",
        "deals",
        "failures",
        "interventions",
        "notices",
        "outbox",
        "portals",
        "runs",
        "tries",
    ):
        op.drop_table(table)
