"""HubSpot's rows as native records. No call is made here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from sync_worker.boundary.headers import whole
from sync_worker.boundary.text import names_of
from sync_worker.crm.hubspot.reading.search import MERGED, STAMP
from sync_worker.crm.port import NativeRecord
from sync_worker.errors import TransientError
from sync_worker.mapping.catalog import ASSOCIATION

_ID = re.compile(r"[1-9][0-9]{0,18}")  # HubSpot's OpenAPI has ids as int64
MOST_ID = 2**63 - 1
MOST_PARAMETER_CHARS = 12_000  # of the list's address; HubSpot answers 414 from some 16,200 on (github.com/PostHog/posthog, issue 31617)


def is_id(text: str) -> bool:
    """Whether a text can be a record's id: HubSpot's are whole numbers."""
    return bool(_ID.fullmatch(text)) and int(text) <= MOST_ID


def properties_of(fields: Iterable[str]) -> list[str]:
    """What to ask for: the fields that are properties, the stamp, and the ids that merges have swallowed. Each once."""
    return list(dict.fromkeys([STAMP, MERGED, *(name for name in fields if not name.startswith(ASSOCIATION))]))


def overfill_an_address(properties: Iterable[str]) -> bool:
    """Whether the list cannot be asked for so many properties."""
    return sum(len(name) + len("properties=&") for name in properties) > MOST_PARAMETER_CHARS


def native_of(native: str, row: Mapping[str, Any]) -> NativeRecord:
    """One row as the batch and list calls give it. **Raises** TransientError for one that does not say whose it is, or how old."""
    properties, stamp = row.get("properties"), _stamp_of(row)
    if not isinstance(properties, Mapping) or stamp is None:
        raise TransientError(f"HubSpot's answer does not say what record {row.get('id')} of {native} holds, or when it changed")
    return NativeRecord(native, id_of(native, row), stamp, properties, is_deleted=row.get("archived") is True, mended=names_of(properties))


def id_of(native: str, row: Mapping[str, Any]) -> str:
    """Whose row it is; HubSpot spells ids as text and as numbers. **Raises** TransientError where it names none."""
    crm_id = str(row.get("id"))
    if not is_id(crm_id):
        raise TransientError(f"HubSpot sent a row of {native} without the record's id")
    return crm_id


def moment(told: Any) -> datetime | None:
    """A moment as HubSpot spells it: ISO 8601, with or without a zone, or milliseconds. None for other text."""
    try:
        milliseconds = told if isinstance(told, int) else whole(str(told))
        if milliseconds is not None:
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
        found = datetime.fromisoformat(told)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _stamp_of(row: Mapping[str, Any]) -> datetime | None:
    return moment(held(row).get(STAMP)) or moment(row.get("updatedAt"))


def held(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a row; none where it shows none."""
    found = row.get("properties")
    return found if isinstance(found, Mapping) else {}


def indexed(native: str, rows: Iterable[Mapping[str, Any]], asked: Set[str]) -> Iterator[NativeRecord]:
    """What a search shows of records, marked so; not of one that shows less than was asked for, or that merges have changed."""
    for row in rows:
        properties = held(row)
        if asked <= properties.keys() and moment(properties[STAMP]) and not swallowed(properties):
            record = native_of(native, row)
            record.is_indexed = True
            yield record


def shown(native: str, row: Mapping[str, Any]) -> NativeRecord | None:
    """What the answer to a write shows of a record; None where it does not even say when that was."""
    return native_of(native, row) if isinstance(row.get("properties"), Mapping) and _stamp_of(row) else None


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
    """An archived row; its stamp is the moment it was archived, or its last change where HubSpot does not say."""
    record = native_of(native, row)
    record.is_deleted = True
    record.modified_at = moment(row.get("archivedAt")) or record.modified_at
    return record


def is_archived(row: Mapping[str, Any]) -> bool:
    """Of a row that was asked for among the archived. A vendor that overlooks that wish sends live ones."""
    return row.get("archived") is not False


def by_id(native: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rows by their id; one that was found by two ids stands once."""
    return {id_of(native, row): row for row in rows}
