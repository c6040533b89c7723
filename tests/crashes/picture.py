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

from sqlalchemy import Table, select

from sync_worker.store.operate.schema import metadata
from tests.crashes.scene import Scene
from tests.simulation.world import PORTAL

Picture: TypeAlias = Mapping[str, Counter[str]]

MAY_DIFFER: Mapping[str, str] = {
    "runs": "the run that died stays in the list, and what it left is done by further runs",
    "interventions": "a command that got no answer is given again, and each is kept: who asked, when and why",
    "tries": "as interventions",
    "mails.attempts": "a letter whose sending got no answer is sent again, under the same Message-ID",
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

_ID = re.compile(r"evt_[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d| UTC)?")


def picture(scene: Scene) -> Picture:
    """Both sides as they stand now."""
    words = Words(scene)
    found: dict[str, Counter[str]] = {}
    with scene.world.store.reading(PORTAL) as tx:
        for table in metadata.sorted_tables:
            if table.name not in MAY_DIFFER:
                rows = tx.connection.execute(select(table)).mappings()
                found[table.name] = Counter(words.row(_compared(table, dict(row))) for row in rows)
    for native in scene.desk.ways.types:
        found[f"the vendor's {native}"] = Counter(words.row(_vendor_row(row)) for row in scene.desk.vendor.all(native))
    events = {id_: (kind, data) for id_, kind, data in scene.outside.events}  # the same event twice is one, by its id
    found["events that the receiver got"] = Counter(words.row({"kind": kind, "data": data}) for kind, data in events.values())
    letters = {id_: (address, subject) for id_, address, subject in scene.outside.letters}
    found["letters that people got"] = Counter(words.row({"to": address, "subject": subject}) for address, subject in letters.values())
    return found


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


class Words:
    """How an id, a moment and a row are written."""

    def __init__(self, scene: Scene) -> None:
        with scene.world.store.reading(PORTAL) as tx:
            tables = metadata.tables
            companies = tx.connection.execute(select(tables["companies"].c.id, tables["companies"].c.name)).all()
            deals = tx.connection.execute(select(tables["deals"].c.id, tables["deals"].c.name)).all()
            users = tx.connection.execute(select(tables["users"].c.id, tables["users"].c.email)).all()
        self._names = {id_: f"<{name}>" for id_, name in (*companies, *deals, *users)}

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
        text = _ID.sub(lambda found: self._names.get(found[0], "<id>"), str(value))
        return _MOMENT.sub("a moment", text)


def differences(expected: Picture, found: Picture) -> Iterator[str]:
    """A few lines for each table that differs: rows that stand beside each other differ in the columns that are shown."""
    for name, rows in expected.items():
        missing, more = list((rows - found[name]).elements()), list((found[name] - rows).elements())
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
