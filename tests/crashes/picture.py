"""What a run leaves behind, written so that two runs can be compared: each row of the database and of the vendor, each event and letter.

Ids and moments differ from run to run. An id is written as what it belongs to, a moment as "a moment". What may differ besides stands in
`MAY_DIFFER`, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, select

from sync_worker.store.operate.schema import metadata
from tests.crashes.scene import Scene
from tests.simulation.fast.vendor import Row
from tests.simulation.world import PORTAL

Picture: TypeAlias = Mapping[str, Counter[str]]

MAY_DIFFER: Mapping[str, str] = {
    "runs": "the run that died stays in the list, and what it left is done by further runs",
    "interventions": "a command that got no answer is given again, and each is kept: who asked, when and why",
    "tries": "as interventions",
    "mails.attempts": "a letter whose sending got no answer is sent again, under the same Message-ID",
    "inquiries.tries": "what a dead process was asked is taken up once more",
    "notices.count": "a record that a dead process had asked to be read is asked for once more",
    "failures.count": "work that a dead process had begun is held, or refused, once more",
    "failures.resolution": "a write whose answer never arrived is found done, where it would else have been written",
    "cursors.fence": "it counts who has held the lease: the next process is one more",
    "portals.read_no": "it counts readings and writes, and a repeated one is counted again",
    "companies.settled_no": "a number of portals.read_no",
    "deal_links.settled_no": "a number of portals.read_no",
    "companies.own_stamp_at": "the stamp of a write of ours is known where its answer arrived; without it the record is read once more",
    "deal_links.own_stamp_at": "as companies.own_stamp_at",
    "deal_links.written_at": "which write it was is known where its answer arrived; else the record is found by its key, as it should be",
    "deal_links.written_run": "as deal_links.written_at",
    "deal_links.written_attempt": "as deal_links.written_at",
    "company_links.written_at": "as deal_links.written_at",
    "company_links.written_run": "as deal_links.written_at",
    "company_links.written_attempt": "as deal_links.written_at",
}
"""Table, or table.column → why it may differ."""

_ID = re.compile(r"(?<=failures release )[0-9a-f]{8}|evt_[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CRM_ID = re.compile(r"\b[0-9A-Za-z]{10,18}\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d| UTC)?")


def picture(scene: Scene) -> Picture:
    """Both sides as they stand now."""
    words = Words(scene)
    found: dict[str, Counter[str]] = {}
    with scene.world.store.reading(PORTAL) as tx:
        for table in _filled(tx.connection):
            rows = tx.connection.execute(select(table)).mappings()
            found[table.name] = Counter(words.row(_compared(table, dict(row))) for row in rows)
    for native in scene.desk.ways.types:
        found[f"the vendor's {native}"] = Counter(words.row(_vendor_row(row)) for row in scene.desk.vendor.all(native))
    events = {id_: (kind, data) for id_, kind, data in scene.outside.events}  # the same event twice is one, by its id
    found["events that the receiver got"] = Counter(words.row({"kind": kind, "data": data}) for kind, data in events.values())
    found["letters that people got"] = Counter(
        words.row({"to": address, "subject": subject}) for address, subject, _ in scene.world.mailbox.letters.values()
    )
    return found


def _filled(connection: Connection) -> Iterator[Table]:
    """The tables that hold a row and are compared."""
    driver: Any = connection.connection.driver_connection
    are_filled = driver.execute(f"SELECT {', '.join(f'EXISTS (SELECT 1 FROM {table.name})' for table in _TABLES)}").fetchone()
    return (table for table, is_filled in zip(_TABLES, are_filled, strict=True) if is_filled)


_TABLES = tuple(table for table in metadata.sorted_tables if table.name not in MAY_DIFFER)


def _compared(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "portal" and f"{table.name}.{name}" not in MAY_DIFFER}


def _vendor_row(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        **{name: value for name, value in row.fields.items() if value not in (None, "")},
        **{label: sorted(companies) for label, companies in row.companies.items() if companies},
        "deleted_at": row.deleted_at,
        "merged_into": row.merged_into,
        "converted_to": row.converted_to,
    }


def _keyed_deals(scene: Scene, names: Mapping[str, str]) -> Iterator[tuple[Row, str]]:
    """The records of deals that carry the key of one that we have: new ones get their ids in the order in which they are made."""
    for record in scene.desk.deal_records:
        described = scene.desk.mapping.records[record]
        for row in scene.desk.vendor.all(described.native):
            if key := names.get(row.fields.get(described.key_field) or ""):
                yield row, key


class Words:
    """How an id, a moment and a row are written."""

    def __init__(self, scene: Scene) -> None:
        with scene.world.store.reading(PORTAL) as tx:
            tables = metadata.tables
            companies = tx.connection.execute(select(tables["companies"].c.id, tables["companies"].c.name)).all()
            deals = tx.connection.execute(select(tables["deals"].c.id, tables["deals"].c.name)).all()
            users = tx.connection.execute(select(tables["users"].c.id, tables["users"].c.email)).all()
        self._names = {id_: f"<{name}>" for id_, name in (*companies, *deals, *users)}
        self._names |= {native.id: f"<the record of {key}>" for native, key in _keyed_deals(scene, self._names)}

    def row(self, row: Mapping[str, Any]) -> str:
        return " · ".join(f"{name}={self._value(value)}" for name, value in row.items() if value not in (None, "", [], {}))

    def _value(self, value: Any) -> str:
        if isinstance(value, datetime):
            return "a moment"
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self._value(name)}: {self._value(value[name])}" for name in sorted(value, key=str)) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(map(self._value, value)) + "]"
        if isinstance(value, float) and value.is_integer():
            return str(int(value))  # as the CRM shows a number that we sent without a point
        text = _CRM_ID.sub(lambda found: self._names.get(found[0], found[0]), str(value))
        text = _ID.sub(lambda found: self._names.get(found[0], "<id>"), text)
        return _MOMENT.sub("a moment", text)


def differences(expected: Picture, found: Picture) -> Iterator[str]:
    """A few lines for each table that differs: rows that stand beside each other differ in the columns that are shown."""
    for name in sorted(expected.keys() | found.keys()):
        rows, others = expected.get(name, Counter()), found.get(name, Counter())
        missing, more = list((rows - others).elements()), list((others - rows).elements())
        if missing or more:
            yield f"{name}:"
            yield from _told(missing, more)


def _told(missing: Sequence[str], more: Sequence[str]) -> Iterator[str]:
    left = list(more)
    for row in missing:
        like = max(left, key=lambda other, row=row: len(_cells(row) & _cells(other)), default=None)  # type: ignore[misc]
        if like is None or len(_cells(row) & _cells(like)) * 2 < len(_cells(row)):
            yield f"  missing: {row}"
            continue
        left.remove(like)
        both = " · ".join(cell for cell in row.split(" · ") if cell in _cells(like))
        yield f"  a row differs: {both}"
        yield f"    without a crash: {' · '.join(sorted(_cells(row) - _cells(like))) or 'nothing more'}"
        yield f"    after the crash: {' · '.join(sorted(_cells(like) - _cells(row))) or 'nothing more'}"
    yield from (f"  too many: {row}" for row in left)


def _cells(row: str) -> set[str]:
    return set(row.split(" · "))
