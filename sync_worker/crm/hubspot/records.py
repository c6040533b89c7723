"""HubSpot's rows as native records. No call is made here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sync_worker.crm.hubspot.search import MERGED, STAMP
from sync_worker.crm.port import NativeRecord
from sync_worker.mapping.catalog import ASSOCIATION

_ID = re.compile(r"[0-9]{1,19}")


def is_id(text: str) -> bool:
    """Whether a text can be a record's id: HubSpot's are whole numbers."""
    return bool(_ID.fullmatch(text))


def properties_of(fields: Iterable[str]) -> list[str]:
    """What to ask for: the fields that are properties, the stamp, and the ids that merges have swallowed. Each once."""
    return list(dict.fromkeys([STAMP, MERGED, *(name for name in fields if not name.startswith(ASSOCIATION))]))


def native_of(native: str, row: Mapping[str, Any]) -> NativeRecord:
    """One row as the batch and list calls give it."""
    properties = row["properties"]
    stamp = properties.get(STAMP) or row["updatedAt"]
    return NativeRecord(native, str(row["id"]), datetime.fromisoformat(stamp), properties, is_deleted=row.get("archived") is True)


def shown(native: str, row: Mapping[str, Any]) -> NativeRecord | None:
    """What the answer to a write shows of a record; None where it does not even say when that was."""
    properties = row.get("properties") or {}
    return native_of(native, row) if properties.get(STAMP) or row.get("updatedAt") else None


def losers_of(record: NativeRecord) -> Iterator[NativeRecord]:
    """A record for each id that a merge made into this one."""
    for crm_id in swallowed(record.fields):
        if crm_id != record.crm_id:
            yield loser_of(record, crm_id)


def swallowed(properties: Mapping[str, Any]) -> list[str]:
    """The ids that merges have made into this record."""
    return [crm_id for crm_id in str(properties.get(MERGED) or "").split(";") if is_id(crm_id)]


def loser_of(survivor: NativeRecord, crm_id: str) -> NativeRecord:
    """What is left of a record that was merged into another."""
    return NativeRecord(survivor.native, crm_id, survivor.modified_at, {}, is_deleted=True, merged_into=survivor.crm_id)


def departed(native: str, row: Mapping[str, Any]) -> NativeRecord:
    """An archived row; its stamp is the moment it was archived."""
    record = native_of(native, row)
    record.is_deleted = True
    record.modified_at = archived_at(row)
    return record


def archived_at(row: Mapping[str, Any]) -> datetime:
    """When a row was archived; its last change where HubSpot does not say."""
    return datetime.fromisoformat(row.get("archivedAt") or row["updatedAt"])


def by_id(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rows by their id; one that was found by two ids stands once."""
    return {str(row["id"]): row for row in rows}
