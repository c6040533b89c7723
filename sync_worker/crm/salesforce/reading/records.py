"""A row as Salesforce sends it → a record as it crosses the port."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sync_worker.boundary.text import names_of
from sync_worker.crm.port import NativeRecord
from sync_worker.crm.salesforce.connection.ids import id_in
from sync_worker.crm.salesforce.reading import soql
from sync_worker.errors import TransientError


def record_of(native: str, row: dict[str, Any], user_id: str) -> NativeRecord:
    """**Shapes** `row`: the fields asked for, with those of `soql.columns`; what only REST says of a row (its address) is taken away, and
    who changed it last, which is not a value of the record. `user_id`: of the user we work as, "" where the log-in did not say.

    **Raises** TransientError for a row that does not say whose it is, or how old.
    """
    row.pop("attributes", None)
    editor = row.pop(soql.EDITOR, None)
    return NativeRecord(
        native,
        *identity(native, row),
        row,
        row.get("IsDeleted") is True,
        id_in(row, "MasterRecordId") or None,
        row.get("IsConverted") is True,
        id_in(row, "ConvertedOpportunityId") or None,
        mended=names_of(row),
        is_ours=editor == user_id if editor and user_id else None,
    )


def identity(native: str, row: dict[str, Any]) -> tuple[str, datetime]:
    """Whose row it is and when that changed; a stamp without a zone is UTC. **Raises** TransientError where it does not say."""
    try:
        stamp = datetime.fromisoformat(row[soql.STAMP])
        crm_id = id_in(row, "Id")
        if not crm_id:
            raise ValueError
        return crm_id, stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        raise TransientError(f"Salesforce sent a row of {native} without its Id or {soql.STAMP}: {row.get('Id')}") from None
