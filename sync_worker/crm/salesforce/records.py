"""A row as Salesforce sends it → a record as it crosses the port."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.crm.salesforce import soql
from sync_worker.crm.salesforce.ids import id_18


def record_of(native: str, row: dict[str, Any]) -> NativeRecord:
    """**Shapes** `row`: the fields asked for, with those of `soql.columns`; what only REST says of a row (its address) is taken away."""
    row.pop("attributes", None)
    return NativeRecord(
        native,
        id_18(row["Id"]),
        datetime.fromisoformat(row[soql.STAMP]),
        row,
        row.get("IsDeleted") is True,
        row.get("MasterRecordId"),
        row.get("IsConverted") is True,
        row.get("ConvertedOpportunityId"),
    )
