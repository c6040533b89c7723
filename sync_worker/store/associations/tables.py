"""Tables: contract values, rules, and how it was."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from sync_worker.store.core.columns import PublicId, Utc, json_column, metadata, portal_column

_IS_ODD_NAME, _IS_ODD = text("name_folded IS NOT NULL"), text("value_folded IS NOT NULL")
_BOUND, _UNBOUND, _BY_PERSON = text("resolved_id IS NOT NULL"), text("resolved_id IS NULL"), text("how = 'person'")

contract_values = Table(
    "contract_values",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),  # the partner whose CRM record carries the value
    Column("value", Text, primary_key=True),
    Column("resolved_id", PublicId),  # the second partner; null = names no company
    Column("how", Text, nullable=False),  # map | crm_id | name | person | ""
    Column("since_at", Utc, nullable=False),
    Column("run_id", PublicId, nullable=False),
    Column("value_folded", Text),  # the form in which names are compared, where the value itself is another
    Index("contract_values_by_run", "portal", "run_id"),
    Index("contract_values_by_folded_value", "portal", "value_folded", sqlite_where=_IS_ODD, postgresql_where=_IS_ODD),
    Index("contract_values_bound", "portal", "resolved_id", sqlite_where=_BOUND, postgresql_where=_BOUND),
    Index("contract_values_by_person", "portal", "value", sqlite_where=_BY_PERSON, postgresql_where=_BY_PERSON),
    Index("contract_values_unbound", "portal", "value", "company_id", sqlite_where=_UNBOUND, postgresql_where=_UNBOUND),
)

evaluations = Table(
    "evaluations",
    metadata,
    portal_column(),
    Column("no", Integer, primary_key=True),  # 1, 2, …; the last one that stood stands
    Column("digest", Text, nullable=False),  # of all that the evaluation depends on
    json_column("document", is_required=True),  # the rules
    Column("position", Text, nullable=False),  # the last company that was evaluated; then the last whose deals were told
    Column("run_id", PublicId, nullable=False),
    Column("began_at", Utc, nullable=False),
    Column("stood_at", Utc),  # null = under way
    Column("told_at", Utc),  # null = deals of pairs that changed are still to be read again
    Index("evaluations_by_run", "portal", "run_id"),
)

rule_members = Table(
    "rule_members",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("side", Text, primary_key=True),  # partner | second_partner
    Column("key", Text, primary_key=True),  # the values it matches by
    Column("since_at", Utc, primary_key=True),
    Column("until_at", Utc),
    Column("from_no", Integer, primary_key=True),  # part of the evaluations from this one
    Column("until_no", Integer),  # until before this one
    Column("run_id", PublicId, nullable=False),
    Index("rule_members_by_run", "portal", "run_id"),
    Index("rule_members_by_key", "portal", "rule", "side", "key", "company_id"),
)

rule_names = Table(
    "rule_names",
    metadata,
    portal_column(),
    Column("side", Text, primary_key=True),
    Column("name", Text, primary_key=True),  # a company as a rule names it
    Column("company_id", PublicId),  # whom it was bound to, whatever that is called now; null = no company
    Index("rule_names_bound", "portal", "company_id"),
)

past_contracts = Table(
    "past_contracts",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("until_at", Utc, primary_key=True),
    Column("resolved_id", PublicId, nullable=False),
    Column("how", Text, nullable=False),
    Column("since_at", Utc, nullable=False),
    Column("run_id", PublicId, nullable=False),
    Index("past_contracts_by_run", "portal", "run_id"),
    Index("past_contracts_bound", "portal", "resolved_id"),
)

company_pasts = Table(
    "company_pasts",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    Column("until_at", Utc, primary_key=True),  # until then the company stood so; how it stands now, it says itself
    Column("status", Text, nullable=False),
    Column("account_type", Text, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
)
