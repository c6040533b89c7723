"""The SOQL we send: spelled for the vendor, and never longer than an address may be. No call is made here.

A query travels in the address, and address and headers together hold 16,384 bytes (HTTP 431 beyond, 414 for the address alone).
**Source** https://help.salesforce.com/s/articleView?id=000386264
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote_plus

from simple_salesforce.format import format_soql

from sync_worker.crm.port import Scan

STAMP = "SystemModstamp"
EDITOR = "LastModifiedById"  # who changed the record last, automation in a user's name included
SYSTEM_FIELDS: Mapping[str, tuple[str, ...]] = {  # only these merge, and only a Lead converts
    "Account": ("MasterRecordId",),
    "Lead": ("MasterRecordId", "IsConverted", "ConvertedOpportunityId"),
}
BEHIND_ALL_IDS = "~"  # in the order of text
ROOM_BYTES = 13_000  # of 16,384: the rest is for headers, and an access token alone may have 2,000
MOST_PER_QUERY = 300  # ids or keys; what fits beside 60 field names


def columns(native: str, fields: Sequence[str]) -> list[str]:
    """What to ask for: the fields, and those that say what became of the record. Each once."""
    return list(dict.fromkeys(["Id", STAMP, EDITOR, "IsDeleted", *SYSTEM_FIELDS.get(native, ()), *fields]))


def scan_after(scan: Scan, position: str, *, limit: int | None) -> str:
    """The records of a scan that lie after the position, oldest first."""
    tail = f" LIMIT {limit}" if limit else ""
    return f"{matching(scan, position)} ORDER BY {STAMP}, Id{tail}"


def matching(scan: Scan, position: str) -> str:
    """The records of a scan that lie after the position, in no order."""
    names = ", ".join(columns(scan.native, scan.fields))
    return f"SELECT {names} {_those_of(scan, position)}"


def how_many(scan: Scan, position: str) -> str:
    """How many records of a scan lie after the position."""
    return f"SELECT COUNT() {_those_of(scan, position)}"


def outermost(scan: Scan, position: str, *, direction: str) -> str:
    """The first (ASC) or the last (DESC) record of a scan after the position."""
    return f"SELECT Id, {STAMP} {_those_of(scan, position)} ORDER BY {STAMP} {direction}, Id {direction} LIMIT 1"


def _those_of(scan: Scan, position: str) -> str:
    conditions = [f"{STAMP} <= {literal(scan.until_at)}"]
    if position:
        conditions.append(_after(position))
    elif scan.from_at:
        conditions.append(f"{STAMP} >= {literal(scan.from_at)}")
    if scan.up_to:
        conditions.append(_up_to(scan.up_to))
    if scan.only_with:
        one_of = " OR ".join(f"{name} != null" for name in (scan.only_with, *scan.or_with))
        conditions.append(f"({one_of})" if scan.or_with else one_of)
    return f"FROM {scan.native} WHERE {' AND '.join(conditions)}"


def _after(position: str) -> str:
    stamp, crm_id = position.split("|")
    return f"({STAMP} > {stamp} OR ({STAMP} = {stamp} AND Id > '{crm_id}'))" if crm_id else f"{STAMP} > {stamp}"


def _up_to(position: str) -> str:
    stamp, crm_id = position.split("|")
    return f"({STAMP} < {stamp} OR ({STAMP} = {stamp} AND Id <= '{crm_id}'))" if crm_id else f"{STAMP} <= {stamp}"


def count_of(native: str) -> str:
    """How many live records there are."""
    return f"SELECT COUNT() FROM {native}"  # noqa: S608  # checked names


def position_of(crm_id: str, stamp: datetime) -> str:
    """Where a scan stands after this record; without an id, after all records of that stamp."""
    return f"{literal(stamp)}|{crm_id}"


def place_of(position: str) -> tuple[datetime, str]:
    """The stamp and the id that a position names, in the order of positions: without an id it lies behind all of that stamp."""
    stamp, crm_id = position.split("|")
    return datetime.fromisoformat(stamp), crm_id or BEHIND_ALL_IDS


def literal(moment: datetime) -> str:
    """A moment as SOQL spells it: UTC, milliseconds, no quotes."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def having(native: str, fields: Sequence[str], column: str, values: Sequence[str], *, is_deleted: bool) -> Iterator[str]:
    """The live, or the deleted, records whose column has one of these values: as many queries as it takes for each to fit."""
    template = "SELECT {:literal} FROM {:literal} WHERE {:literal} IN {} AND IsDeleted = {}"
    names = ", ".join(columns(native, fields))
    for batch in _fitting(values, room=ROOM_BYTES - _bytes(format_soql(template, names, native, column, [], is_deleted))):
        yield format_soql(template, names, native, column, batch, is_deleted)


def _fitting(values: Sequence[str], *, room: int) -> Iterator[list[str]]:
    """The values in batches that fill the room; one alone where even one is too long: the vendor will say so."""
    batch: list[str] = []
    left = room
    for value in values:
        size = _bytes(format_soql("{},", value))
        if batch and (size > left or len(batch) == MOST_PER_QUERY):
            yield batch
            batch, left = [], room
        batch.append(value)
        left -= size
    if batch:
        yield batch


def _bytes(soql: str) -> int:
    """How long it is in an address, percent-encoded."""
    return len(quote_plus(soql))
