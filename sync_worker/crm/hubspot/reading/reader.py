"""Reading: ids by search and records by batch, the list where all of it is wanted, archived records, and records by id or by our key.

    changes      search the window's ids, 200 a call; read them, 100 a call, except echoes of our own writes; their associations, 1,000 a
                 call; then the archived list
    everything   the list, 100 records a call with their values: it lags behind nothing, and a search would cost half as much again
    a first load the cheaper of the two, as two counts tell: most companies of an account do not belong to the portal
    a census     search alone, 200 ids and stamps a call; where a field is an association, the list and its associations

Search is a hint: what it finds is read again by id, and taken only where its stamp lies in the window. An echo (`Scan.echoes`) is handed
out as the search shows it, and marked so. HubSpot shows the archived by list alone, without a filter, so that a scan's last page costs a
call for every hundred records archived in the last 90 days.
Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis (100 records a call; deleted records can be restored for 90 days)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from sync_worker.crm import left_out
from sync_worker.crm.blame import halves
from sync_worker.crm.hubspot.associations.associations import AssociationCalls
from sync_worker.crm.hubspot.connection.session import Document, HubspotConnection, following, total_of
from sync_worker.crm.hubspot.reading import cuts, describe, records, search
from sync_worker.crm.port import Left, NativeRecord, Page, Range, Roll, Scan, no_echoes
from sync_worker.crm.siblings import side_by_side
from sync_worker.domain.sync.ingest.cutting import part_count
from sync_worker.errors import TooLarge, TransientError
from sync_worker.mapping.catalog import ASSOCIATION

READ_COUNT = 100  # records a batch or list call; the vendor's limit
PAGE_COUNT = 1000  # records a page: one call for their associations
INDEX_LAG = timedelta(minutes=1)  # a poll may have missed what search did not show yet

Row: TypeAlias = Mapping[str, Any]


class PageTurn(NamedTuple):
    """One page's records, without their associations. **Shapes** `after`: where the next begins; `total`: of the scan, where it is told."""

    records: list[NativeRecord]
    after: str
    is_last: bool
    total: int | None


@dataclass(frozen=True, slots=True)
class _Start:
    """How a scan is read, and from where. **Shapes** `in_all`: what the list holds, where it was asked in order to choose."""

    way: str
    after: str = ""
    in_all: Left | None = None

    @classmethod
    def at(cls, position: str) -> _Start:
        way, _, after = position.partition(":")
        return cls(way, after)


class RecordReader:
    """What one connection reads of any record type."""

    def __init__(self, connection: HubspotConnection, associations: AssociationCalls) -> None:
        self._connection = connection
        self._associations = associations

    def changed_since(self, scan: Scan) -> Iterator[Page]:
        """Pages of up to 1,000 records in the order of their ids; archived and merged ones come marked, the archived with the last page."""
        start = _Start.at(scan.position) if scan.position else self._start(scan)
        way, after = start.way, start.after
        turn = self._searched if way == cuts.BY_SEARCH else self._listed
        is_first, is_last = not scan.position, False
        while not is_last:
            read, after, is_last, total = turn(scan, after)
            found = self._taken(scan, read)
            archived = self._archived(scan) if is_last and cuts.is_end(scan) else ()
            gone = {record.crm_id for record in archived}
            live = [record for record in found if not (record.is_indexed and record.crm_id in gone)]  # the index has not heard of it yet
            in_all = start.in_all if total is None else Left(total)
            left = replace(in_all, count=max(0, in_all.count - len(read))) if is_first and in_all else None
            yield Page([*archived, *live], f"{way}:{after}", is_last, total if is_first else None, left)
            is_first = False

    # ── scans ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, scan: Scan) -> _Start:
        """How to read a scan in the fewest calls. A field that is not a property cannot be searched for."""
        if scan.from_at:
            return _Start(cuts.BY_SEARCH)
        marks = _filtering(scan)
        if not marks or any(name.startswith(ASSOCIATION) for name in marks):
            return _Start(cuts.BY_LIST)
        *marked, in_all = side_by_side(self._connection, lambda one, name: _sized(one, scan.native, name), [*marks, None])
        ours = sum(one.count for one in marked)
        by_search = ours / search.PAGE_COUNT + ours / READ_COUNT
        return _Start(cuts.BY_SEARCH) if by_search < in_all.count / READ_COUNT else _Start(cuts.BY_LIST, in_all=in_all)

    def cuts(self, scan: Scan, most: int, *, left: Left | None) -> Sequence[Range]:
        """What lies after the scan's position, in ranges; not one call where so little is left that they would not pay."""
        is_little = left is not None and part_count(left.count, PAGE_COUNT, most) < 2
        return [Range(scan.position)] if is_little else cuts.ranges(self._connection, scan, most, left=left, page_count=PAGE_COUNT)

    def _searched(self, scan: Scan, after: str) -> PageTurn:
        ids: list[str] = []
        shown: dict[str, NativeRecord] = {}
        wanted = (search.ID,) if scan.echoes is no_echoes else records.properties_of(_fields(scan))
        total, is_last = None, False
        while len(ids) < PAGE_COUNT and not is_last:
            body = search.changed(scan, after, wanted)
            answer = self._search(scan.native, body)
            total = total_of(answer) if total is None else total
            found = [records.id_of(scan.native, row) for row in answer["results"]]
            if search.STAMP in body["properties"]:
                asked = frozenset(body["properties"])
                shown |= {record.crm_id: record for record in records.indexed(scan.native, answer["results"], asked)}
            is_last = not (found and following(answer))
            before, after = after, str(max(map(int, found), default=after))
            if not is_last and int(after) <= int(before or 0):
                raise _circle(f"searching {scan.native}")
            ids += found
        ours = scan.echoes({crm_id: record.modified_at for crm_id, record in shown.items()}) if shown else frozenset()
        rows = self._whole(scan.native, [crm_id for crm_id in ids if crm_id not in ours], _fields(scan))
        read = [*(records.native_of(scan.native, row) for row in rows), *(shown[crm_id] for crm_id in ours)]
        return PageTurn(sorted(read, key=lambda record: int(record.crm_id)), after, is_last, total)

    def _listed(self, scan: Scan, after: str) -> PageTurn:
        rows, listed = list[Row](), list[Row]()
        is_last, at_once = False, PAGE_COUNT if self._connection.parallel_calls > 1 else 1
        while len(rows) < PAGE_COUNT and not is_last:
            begin = after
            found, after = self._list(scan.native, _fields(scan), begin, is_archived=False)
            mine = cuts.part_of(scan, found, begin)
            is_last = not after or mine.is_last
            listed += mine.rows
            if is_last or len(rows) + len(listed) >= PAGE_COUNT or len(listed) >= at_once:
                rows += self._with_values(scan, listed)
                listed.clear()
        return PageTurn([records.native_of(scan.native, row) for row in rows], after, is_last, None)

    def _with_values(self, scan: Scan, listed: Sequence[Row]) -> Sequence[Row]:
        """Rows of the list, read again by batch where the list could not be asked for so many properties."""
        if not records.overfill_an_address(records.properties_of(_fields(scan))):
            return listed
        return self._whole(scan.native, [records.id_of(scan.native, row) for row in listed], _fields(scan))

    def _archived(self, scan: Scan) -> list[NativeRecord]:
        """What was archived within the window, behind what was merged into it; a first load of what is ours has no need of it."""
        found: list[NativeRecord] = []
        after, is_last = "", scan.only_with is not None
        while not is_last:
            rows, after = self._list(scan.native, (), after, is_archived=True)
            is_last = not after
            gone = [records.departed(scan.native, row) for row in rows if records.is_archived(row) and _has_left(scan, row)]
            found += [one for record in gone for one in (*records.losers_of(record), record)]
        return found

    def _taken(self, scan: Scan, read: Sequence[NativeRecord]) -> list[NativeRecord]:
        """The records that belong to the scan, with their associations, each behind what was merged into it."""
        found = [record for record in read if _is_within(scan, record.modified_at)]
        self._fill(scan.native, found, _fields(scan))
        if scan.only_with:
            found = [record for record in found if any(record.fields.get(name) for name in _filtering(scan))]
        return [one for record in found for one in (*records.losers_of(record), record)]

    def count(self, native: str, with_field: str | None) -> int:
        """How many live records there are, or those in which that field holds a value."""
        return _sized(self._connection, native, with_field).count

    def _search(self, native: str, body: Mapping[str, Any]) -> Document:
        return _found(self._connection, native, body)

    def _list(self, native: str, fields: Sequence[str], after: str, *, is_archived: bool) -> tuple[list[Row], str]:
        """One call's rows of the list, and where the next begins; "" after the last. They hold no values where those are too many."""
        names = records.properties_of(fields)
        asked = {"properties": [search.ID] if records.overfill_an_address(names) else names, **({"after": after} if after else {})}
        answer = self._connection.read(
            lambda apis: apis.basic.get_page(native, limit=READ_COUNT, archived=is_archived, **asked, _preload_content=False),
            doing=f"listing {native}",
        )
        goes_on = following(answer)
        if goes_on and goes_on == after:
            raise _circle(f"listing {native}")
        return list(answer["results"]), goes_on

    def census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        """Ids and stamps of the live records in which one of these fields holds a value."""
        if any(name.startswith(ASSOCIATION) for name in any_of):
            yield from self._listed_census(native, any_of)
            return
        after, is_last, is_first = "", False, True
        while not is_last:
            answer = self._search(native, search.holding(any_of, after))
            rows = [records.native_of(native, row) for row in answer["results"]]
            is_last = not (rows and following(answer))
            before, after = after, str(max((int(row.crm_id) for row in rows), default=after))
            if not is_last and int(after) <= int(before or 0):
                raise _circle(f"searching {native}")
            yield Roll({row.crm_id: row.modified_at for row in rows}, total_of(answer) if is_first else None)
            is_first = False

    def _listed_census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        only_with, *or_with = sorted(any_of, key=lambda name: not name.startswith(ASSOCIATION))
        scan = Scan(native, (), None, self._connection.now(), only_with=only_with, or_with=tuple(or_with))
        for page in self.changed_since(scan):
            yield Roll({record.crm_id: record.modified_at for record in page.records if not record.is_deleted})

    # ── by id and by key ─────────────────────────────────────────────────────────────────────────────────────────────

    def fetch(self, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
        """The records of these ids, each once: live, archived, or merged into another, be that one live or archived."""
        wanted = list(dict.fromkeys(crm_id for crm_id in crm_ids if records.is_id(crm_id)))
        found = self._by_ids(_Batch(native, records.properties_of(fields)), wanted)
        self._fill(native, [record for record in found.values() if not record.is_deleted], fields)
        missing = [crm_id for crm_id in wanted if crm_id not in found]
        found |= self._by_ids(_Batch(native, records.properties_of(fields), is_archived=True), missing)
        return list(found.values())

    def _by_ids(self, asked: _Batch, crm_ids: Sequence[str]) -> dict[str, NativeRecord]:
        """The records of these ids among the live or among the archived, behind what is left of those that were merged into one of them."""
        shown = [record for row in self._batch(asked, crm_ids) if (record := asked.record(row))]
        wanted, known = set(crm_ids), {record.crm_id: record for record in shown}
        losers = {loser.crm_id: loser for record in known.values() for loser in records.losers_of(record) if loser.crm_id in wanted}
        if len(shown) > len(wanted & known.keys()):  # some id was answered with another's record
            losers |= self._renamed(asked, [crm_id for crm_id in crm_ids if crm_id not in known and crm_id not in losers])
        return losers | {crm_id: known[crm_id] for crm_id in crm_ids if crm_id in known and crm_id not in losers}

    def _renamed(self, asked: _Batch, crm_ids: Sequence[str]) -> dict[str, NativeRecord]:
        """Those of these ids under which HubSpot gives another record: a merge that the survivor does not tell of. Each asked for alone."""
        alone = replace(asked, properties=records.properties_of(()))
        answers = side_by_side(self._connection, lambda connection, crm_id: _read(connection, alone, [crm_id]), crm_ids)
        told = ((crm_id, alone.record(row)) for crm_id, rows in zip(crm_ids, answers, strict=True) for row in rows)
        return {crm_id: records.loser_of(record, crm_id) for crm_id, record in told if record and record.crm_id != crm_id}

    def untouched(self, native: str, crm_ids: Sequence[str], since: datetime) -> set[str]:
        """Those of these ids that no search finds changed; none where the searches would cost more than half of what reading costs."""
        touched, after, most_calls = set[str](), "", len(crm_ids) // READ_COUNT // 2
        while most_calls:
            answer = self._search(native, search.touched(since - INDEX_LAG, after))
            rows = answer["results"]
            found = [records.id_of(native, row) for row in rows]
            touched |= {*found, *(crm_id for row in rows for crm_id in records.swallowed(row.get("properties") or {}))}
            if not (found and following(answer)):
                return set(crm_ids) - touched
            if total_of(answer) > most_calls * search.PAGE_COUNT:
                break
            after, most_calls = str(max(map(int, found))), most_calls - 1
        return set()

    def find_by_key(self, native: str, key_field: str, keys: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
        """The live records that carry one of our keys."""
        wanted = [key for key in dict.fromkeys(keys) if key.strip()]
        asked = _Batch(native, records.properties_of((key_field, *fields)), key_field)
        rows = records.by_id(native, self._batch(asked, wanted))
        found = [records.native_of(native, row) for row in rows.values()]
        self._fill(native, found, (key_field, *fields))
        return found

    def _fill(self, native: str, found: Sequence[NativeRecord], fields: Sequence[str]) -> None:
        """What the rows themselves do not show of the fields that were asked for: associations, and properties that are left out."""
        self._associations.fill(found, fields)
        asked = [name for name in fields if not name.startswith(ASSOCIATION)]
        left_out.fill(found, asked, lambda: describe.properties(self._connection, native))

    def _whole(self, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[Row]:
        """The rows of these ids, each once, in the order of ids."""
        rows = records.by_id(native, self._batch(_Batch(native, records.properties_of(fields)), crm_ids))
        return [rows[crm_id] for crm_id in sorted(rows, key=int)]

    def _batch(self, asked: _Batch, keys: Sequence[str]) -> list[Row]:
        """The rows of these ids or keys; those that there are not are not in it."""
        parts = [keys[start : start + READ_COUNT] for start in range(0, len(keys), READ_COUNT)]
        answers = side_by_side(self._connection, lambda connection, part: _read(connection, asked, part), parts)
        return [row for rows in answers for row in rows]


def _found(connection: HubspotConnection, native: str, body: Mapping[str, Any]) -> Document:
    return connection.read(lambda apis: apis.search.do_search(native, dict(body), _preload_content=False), doing=f"searching {native}")


def _sized(connection: HubspotConnection, native: str, with_field: str | None) -> Left:
    """How many live records there are, all or those with a value in a field, and the last one's id."""
    answer = _found(connection, native, search.counted(with_field))
    return Left(total_of(answer), next((records.id_of(native, row) for row in answer["results"]), ""))


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is asked of each of some ids, or of our keys where `key_field` is named."""

    native: str
    properties: Sequence[str]
    key_field: str = ""
    is_archived: bool = False

    def body(self, keys: Sequence[str]) -> dict[str, Any]:
        by = {"idProperty": self.key_field} if self.key_field else {}
        return {"inputs": [{"id": key} for key in keys], "properties": list(self.properties), "propertiesWithHistory": [], **by}

    def record(self, row: Row) -> NativeRecord | None:
        """The record that a row shows; None for a live one where the archived were asked for."""
        if not self.is_archived:
            return records.native_of(self.native, row)
        return records.departed(self.native, row) if records.is_archived(row) else None


def _read(connection: HubspotConnection, asked: _Batch, keys: Sequence[str]) -> list[Row]:
    """One request, or two of half as many rows where it was too large."""
    try:
        answer = connection.read(
            lambda apis: apis.batch.read(asked.native, asked.body(keys), archived=asked.is_archived, _preload_content=False),
            doing=f"reading {len(keys)} {asked.native}",
        )
    except TooLarge:
        if len(keys) == 1:
            raise
        return [row for half in halves(keys) for row in _read(connection, asked, half)]
    return list(answer["results"])


def _fields(scan: Scan) -> tuple[str, ...]:
    return (*scan.fields, *_filtering(scan))


def _filtering(scan: Scan) -> tuple[str, ...]:
    return (scan.only_with, *scan.or_with) if scan.only_with else ()


def _is_within(scan: Scan, moment: datetime) -> bool:
    return (scan.from_at is None or scan.from_at <= moment) and moment <= scan.until_at


def _has_left(scan: Scan, row: Row) -> bool:
    """Whether a row was archived within the scan's window; one that does not say when is never left out."""
    archived_at = records.moment(row.get("archivedAt"))
    return archived_at is None or _is_within(scan, archived_at)


def _circle(doing: str) -> TransientError:
    return TransientError(f"HubSpot gives the same page again and again while {doing}")
