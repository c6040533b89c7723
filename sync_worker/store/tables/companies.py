"""Companies as the CRM tells them, and the contract values on their records."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from sync_worker.store.tables.columns import Utc, json_column, metadata, portal_column

_HAS_OWNER = text("account_owner_email IS NOT NULL")
_IS_ODD_NAME, _IS_ODD = text("name_folded IS NOT NULL"), text("value_folded IS NOT NULL")
_BOUND, _UNBOUND, _BY_PERSON = text("resolved_id IS NOT NULL"), text("resolved_id IS NULL"), text("how = 'person'")

companies = Table(
    "companies",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # uuid5(portal, crm, CRM id): the same again after a crash
    Column("crm_id", Text),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("account_type", Text, nullable=False),
    Column("account_owner_email", Text),
    json_column("attributes", is_required=True),  # {field: plain value}
    json_column("second_partner_values", is_required=True),  # [value], as the CRM spells them
    Column("crm_modified_at", Utc),
    Column("settled_no", Integer, nullable=False, server_default="0"),  # a read drawn before this number is late
    Column("portal_id_written_at", Utc),  # null = the patch-back's outbox
    Column("deleted_at", Utc),
    Column("digest", BigInteger),  # of the CRM's record as it was last applied without a problem
    Column("patch_token", Text),  # whose patch-back is under way
    Column("patch_until_at", Utc),  # until when a worker has it, or until when it rests
    Column("patch_tries", Integer, nullable=False, server_default="0"),  # in a row, without its being known to be written
    Column("name_folded", Text),  # the form in which names are compared, where the name itself is another
    Index("companies_by_crm_id", "portal", "crm_id", unique=True),
    Index("companies_by_name", "portal", "name"),
    Index("companies_by_folded_name", "portal", "name_folded", sqlite_where=_IS_ODD_NAME, postgresql_where=_IS_ODD_NAME),
    Index("companies_by_account_owner", "portal", "account_owner_email", "id", sqlite_where=_HAS_OWNER, postgresql_where=_HAS_OWNER),
    Index(
        "companies_to_patch",  # in the order of arrival: a first load adds 100,000 rows at its end, not all over it
        "portal",
        "crm_modified_at",
        sqlite_where=text("portal_id_written_at IS NULL"),
        postgresql_where=text("portal_id_written_at IS NULL"),
    ),
)

aliases = Table(
    "aliases",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("old_crm_id", Text, primary_key=True),
    Column("crm_id", Text, nullable=False),  # the survivor of a merge
)

contract_values = Table(
    "contract_values",
    metadata,
    portal_column(),
    Column("company_id", Text, primary_key=True),  # the partner whose CRM record carries the value
    Column("value", Text, primary_key=True),
    Column("resolved_id", Text),  # the second partner; null = names nobody
    Column("how", Text, nullable=False),  # map | crm_id | name | person | ""
    Column("since_at", Utc, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("value_folded", Text),  # the form in which names are compared, where the value itself is another
    Index("contract_values_by_run", "portal", "run_id"),
    Index("contract_values_by_folded_value", "portal", "value_folded", sqlite_where=_IS_ODD, postgresql_where=_IS_ODD),
    Index("contract_values_bound", "portal", "resolved_id", sqlite_where=_BOUND, postgresql_where=_BOUND),
    Index("contract_values_by_person", "portal", "value", sqlite_where=_BY_PERSON, postgresql_where=_BY_PERSON),
    Index("contract_values_unbound", "portal", "value", "company_id", sqlite_where=_UNBOUND, postgresql_where=_UNBOUND),
)
