"""Ids of companies, deals and runs as 16 bytes, and on SQLite moments as microseconds: a database of three quarters the size.

SQLite has no way to change the type of a column, so each table is made again beside itself, with its rows and its indexes. PostgreSQL
rewrites a table once for all of its columns. The space that this frees stays in the file or in the tables until VACUUM (docs/store.md).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from alembic import op
from sqlalchemy import Connection

revision = "0027"
down_revision = "0026"

COLUMNS: Final = {
    "agreements": ("company_id upper_id", "uploaded_at"),
    "answers": ("", "begun_at claim_until_at"),
    "backfills": ("", "asked_at until_at finished_at"),
    "breakers": ("", "until_at"),
    "catalogs": ("", "fetched_at"),
    "companies": ("id", "crm_modified_at portal_id_written_at own_stamp_at deleted_at patch_until_at"),
    "company_links": ("company_id written_run", "written_at"),
    "company_pasts": ("company_id", "until_at"),
    "conflicts": ("deal_id run_id", "opened_at last_seen_at resolved_at"),
    "contract_values": ("company_id resolved_id run_id", "since_at"),
    "cursors": ("", "high_water_at window_from_at window_until_at last_pulled_at lease_until_at paused_until_at"),
    "deal_changes": ("deal_id run_id", "at"),
    "deal_files": ("deal_id", "added_at"),
    "deal_links": ("deal_id written_run", "crm_modified_at own_stamp_at deleted_at written_at"),
    "deal_notes": ("deal_id", "added_at edited_at"),
    "deals": ("id owner_company second_partner", "created_at updated_at registered_at"),
    "deliveries": ("", "due_at"),
    "evaluations": ("run_id", "began_at stood_at told_at"),
    "events": ("", "at"),
    "failures": ("run_id", "first_seen_at last_seen_at discarded_at resolved_at"),
    "feeds": ("", "rests_until_at paused_at delivered_at lease_until_at"),
    "group_companies": ("company_id", ""),
    "halts": ("", "at"),
    "interventions": ("", "asked_at finished_at"),
    "journey_log": ("deal_id", "at"),
    "journey_versions": ("", "saved_at"),
    "journeys": ("", "looked_at deleted_at"),
    "licences": ("deal_id company_id", "issued_at"),
    "mails": ("", "written_at due_at claim_until_at settled_at"),
    "memberships": ("company_id", ""),
    "notices": ("", "first_seen_at last_seen_at"),
    "notifications": ("deal_id", "at read_at"),
    "outbox": ("record_id cause_run", "claim_until_at sent_at due_at"),
    "past_contracts": ("company_id resolved_id run_id", "until_at since_at"),
    "portals": ("", "mode_set_at paused_until_at"),
    "prices": ("", "said_at"),
    "processes": ("", "started_at seen_at"),
    "quotes": ("deal_id", "made_at sent_at signed_at completed_at offered_at"),
    "removals": ("run_id", "at"),
    "rule_members": ("company_id run_id", "since_at until_at"),
    "rule_names": ("company_id", ""),
    "runs": ("id", "started_at seen_at finished_at"),
    "strangers": ("", "crm_modified_at"),
    "subgroups": ("company_id parent_id", "since_at until_at"),
    "sweeps": ("", "last_at"),
    "terms": ("company_id upper_id", "since_at"),
    "tokens": ("", "made_at expires_at last_used_at revoked_at"),
    "tries": ("", "tried_at"),
    "unlearned_sends": ("record_id", "sent_at until_at look_at"),
    "user_groups": ("", "changed_at stood_at"),
    "users": ("primary_company", "updated_at"),
    "waivers": ("deal_id company_id parent_id", "at"),
    "webhooks": ("", "last_at"),
}
"""Table → its columns of ids, and its columns of moments."""

_IS_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_AS_BYTES: Final = """CASE WHEN {0} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN decode(replace({0}, '-', ''), 'hex')
    WHEN octet_length({0}) = 16 THEN convert_to({0} || ' ', 'UTF8') ELSE convert_to({0}, 'UTF8') END"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for table, (ids, _) in COLUMNS.items():
            if ids:
                _retype(connection, table, ids.split())
        return
    driver: Any = connection.connection.driver_connection
    driver.create_function("bytes_0027", 1, _bytes, deterministic=True)
    driver.create_function("microseconds_0027", 1, _microseconds, deterministic=True)
    for table, (ids, moments) in COLUMNS.items():
        _rebuild(connection, table, ids.split(), moments.split())


def _retype(connection: Connection, table: str, ids: list[str]) -> None:
    """PostgreSQL's way."""
    changes = (f"ALTER COLUMN {name} TYPE bytea USING {_AS_BYTES.format(name)}" for name in ids)
    connection.exec_driver_sql(f"ALTER TABLE {table} {', '.join(changes)}")


def _rebuild(connection: Connection, table: str, ids: list[str], moments: list[str]) -> None:
    """SQLite's way."""
    described = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type = ? AND sql IS NOT NULL"
    definition = connection.exec_driver_sql(described, (table, "table")).scalar_one()
    indexes = connection.exec_driver_sql(described, (table, "index")).scalars().all()
    for names, kind in ((ids, "BLOB"), (moments, "INTEGER")):
        for name in names:
            definition = re.sub(rf"(?<=[\s,(]){name} TEXT\b", f"{name} {kind}", definition, count=1)
    columns = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
    spelled = {name: f'"{name}"' for name in columns}
    spelled |= {name: f'bytes_0027("{name}")' for name in ids} | {name: f'microseconds_0027("{name}")' for name in moments}
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO before_0027")
    connection.exec_driver_sql(definition)
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT {', '.join(spelled.values())} FROM before_0027 ORDER BY rowid")  # noqa: S608
    connection.exec_driver_sql("DROP TABLE before_0027")
    for index in indexes:
        connection.exec_driver_sql(index)


@lru_cache(maxsize=8000)
def _bytes(text: str | None) -> bytes | None:
    if text is None:
        return None
    if _IS_UUID(text):
        return bytes.fromhex(text.replace("-", ""))
    spelled = text.encode()
    return spelled + b" " if len(spelled) == 16 else spelled  # as many as a uuid has


@lru_cache(maxsize=8000)
def _microseconds(text: str | None) -> int | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
