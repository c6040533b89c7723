"""Reading: a keyset scan over (SystemModstamp, Id), and records by id or by our key.

SystemModstamp, not LastModifiedDate: automation bumps only the former. Whole seconds, so ties are normal and the position is a pair.
A query locator carries a scan from page to page and is never relied on: it dies with its session, and the scan goes on from the position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from simple_salesforce.format import format_soql

from sync_worker.crm.port import NativeRecord, Page, Scan
from sync_worker.crm.salesforce import faults
from sync_worker.crm.salesforce.ids import id_18
from sync_worker.crm.salesforce.session import Client, Connection

STAMP = "SystemModstamp"
SYSTEM_FIELDS: Mapping[str, tuple[str, ...]] = {  # only these merge, and only a Lead converts
    "Account": ("MasterRecordId",),
    "Lead": ("MasterRecordId", "IsConverted", "ConvertedOpportunityId"),
}
RETRIEVE_COUNT = 2000  # ids per retrieve call; the vendor's limit
IDS_PER_QUERY = 300  # a URI may hold 16,384 bytes: 300 ids and 60 field names fit
KEYS_PER_QUERY = 150  # 36-character keys, same limit


def changed_since(connection: Connection, scan: Scan) -> Iterator[Page]:
    """Pages of up to 2,000 records (fewer where long text is asked for), oldest first, deleted ones marked."""
    position, locator = scan.position, ""
    while True:
        try:
            answer = _page(connection, scan, position, locator)
        except faults.LocatorLost:
            if not locator:
                raise
            locator = ""
            continue
        records = [_native(scan.native, row) for row in answer["records"]]
        total = None if locator else answer.get("totalSize")
        position = _position(answer["records"][-1]) if records else position
        locator = answer.get("nextRecordsUrl") or ""
        yield Page(records, position, is_last=not locator, total=total)
        if not locator:
            return


def fetch(connection: Connection, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    """The records of these ids; those in the recycle bin come marked as deleted."""
    found: list[NativeRecord] = []
    for start in range(0, len(crm_ids), RETRIEVE_COUNT):
        chunk = [id_18(crm_id) for crm_id in crm_ids[start : start + RETRIEVE_COUNT]]
        live = _retrieve(connection, native, chunk, _columns(native, fields))
        found += live
        seen = {record.crm_id for record in live}
        found += _from_bin(connection, native, [crm_id for crm_id in chunk if crm_id not in seen], fields)
    return found


def find_by_key(connection: Connection, native: str, key_field: str, keys: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    """The live records that carry one of our keys."""
    columns = ", ".join(_columns(native, fields))
    return [
        _native(native, row)
        for start in range(0, len(keys), KEYS_PER_QUERY)
        for row in _query_all(
            connection,
            format_soql(
                "SELECT {:literal} FROM {:literal} WHERE {:literal} IN {} AND IsDeleted = false",
                columns, native, key_field, list(keys[start : start + KEYS_PER_QUERY]),
            ),
            doing=f"looking for {native} by {key_field}",
        )
    ]  # fmt: skip


def _page(connection: Connection, scan: Scan, position: str, locator: str) -> Any:
    doing = f"reading {scan.native}"
    if locator:
        return connection.read(_more(locator), doing=doing)
    return connection.read(lambda client: client.query(_soql(scan, position), include_deleted=True), doing=doing)


def _soql(scan: Scan, position: str) -> str:
    conditions = [f"{STAMP} <= {_literal(scan.until_at)}"]
    if position:
        stamp, crm_id = position.split("|")
        conditions.append(f"({STAMP} > {stamp} OR ({STAMP} = {stamp} AND Id > '{crm_id}'))")
    elif scan.from_at:
        conditions.append(f"{STAMP} >= {_literal(scan.from_at)}")
    if scan.only_with:
        conditions.append(f"{scan.only_with} != null")
    columns = ", ".join(_columns(scan.native, scan.fields))
    return f"SELECT {columns} FROM {scan.native} WHERE {' AND '.join(conditions)} ORDER BY {STAMP}, Id"  # noqa: S608  # SOQL from checked names


def _literal(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _position(row: Mapping[str, Any]) -> str:
    return f"{_literal(datetime.fromisoformat(row[STAMP]))}|{row['Id']}"


def _columns(native: str, fields: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(["Id", STAMP, "IsDeleted", *SYSTEM_FIELDS.get(native, ()), *fields]))


def _retrieve(connection: Connection, native: str, ids: Sequence[str], columns: Sequence[str]) -> list[NativeRecord]:
    def ask(client: Client) -> Any:
        path = f"composite/sobjects/{native}"
        return client.restful(path, method="POST", json={"ids": list(ids), "fields": list(columns)}) or []

    rows = connection.read(ask, doing=f"fetching {len(ids)} {native} by id")
    return [_native(native, row) for row in rows if row]


def _from_bin(connection: Connection, native: str, ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    columns = ", ".join(_columns(native, fields))
    return [
        _native(native, row)
        for start in range(0, len(ids), IDS_PER_QUERY)
        for row in _query_all(
            connection,
            format_soql(
                "SELECT {:literal} FROM {:literal} WHERE Id IN {} AND IsDeleted = true",
                columns, native, list(ids[start : start + IDS_PER_QUERY]),
            ),
            doing=f"looking for deleted {native}",
        )
    ]  # fmt: skip


def _query_all(connection: Connection, soql: str, *, doing: str) -> Iterator[Mapping[str, Any]]:
    answer = connection.read(lambda client: client.query(soql, include_deleted=True), doing=doing)
    yield from answer["records"]
    while locator := answer.get("nextRecordsUrl"):
        answer = connection.read(_more(locator), doing=doing)
        yield from answer["records"]


def _more(locator: str) -> Callable[[Client], Any]:
    return lambda client: client.query_more(locator, identifier_is_url=True)


def _native(native: str, row: Mapping[str, Any]) -> NativeRecord:
    return NativeRecord(
        native,
        id_18(row["Id"]),
        datetime.fromisoformat(row[STAMP]),
        row,
        row.get("IsDeleted") is True,
        row.get("MasterRecordId"),
        row.get("IsConverted") is True,
        row.get("ConvertedOpportunityId"),
    )
