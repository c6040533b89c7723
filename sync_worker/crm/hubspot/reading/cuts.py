"""Where a scan can be cut: at ids, found by a few searches, for ids are not evenly spread.

A search takes ids above one and up to another, so its ranges lie side by side. The list goes on at an `after` that HubSpot calls opaque,
and that is an id as far as anybody has seen: a range of it begins one id early, and ends only when it has seen an id at or past its end,
or the list's end. What does not lie as that says is OutOfOrder.
Source: https://developers.hubspot.com/docs/api-reference/latest/crm/objects/companies/basic/get-companies ("the paging cursor token of the
last successfully read resource")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sync_worker.crm.hubspot.connection.session import HubspotConnection, total_of
from sync_worker.crm.hubspot.reading import records, search
from sync_worker.crm.port import Left, OutOfOrder, Range, Scan
from sync_worker.crm.siblings import side_by_side
from sync_worker.domain.sync.ingest.cutting import KeySpan, Span, cut, part_count

SEARCH_LANES = 5  # searches a second are the whole account's: five lanes fill them even where each takes a second
MOST_FILTERS = 18  # of a search, all groups together
MOST_OF_A_GROUP = 5  # a window's two, an id's two, and a mark
BY_SEARCH, BY_LIST = "search", "list"
END: Final = "end"  # of the list's last range: it is a range too, and its order is watched


class RangePart(NamedTuple):
    """The rows of one answer that belong to a range. **Shapes** `is_last`: the range ends with them."""

    rows: Sequence[Mapping[str, Any]]
    is_last: bool


class _Answer(NamedTuple):
    """**Shapes** `size`: ids in a stretch; `id`: its first or last one, None where there is none."""

    size: int
    id: int | None


def ranges(connection: HubspotConnection, scan: Scan, most: int, *, left: Left | None, page_count: int) -> Sequence[Range]:
    """What lies after the scan's position, in ranges that hold about as many records each. Asked only for what `left` does not tell."""
    way, _, after = scan.position.partition(":")
    whole = [Range(scan.position)]
    if not after.isdigit() or not _may_cut(scan, way):
        return whole
    ids = _Ids(connection, scan.native, scan if way == BY_SEARCH else None)
    rest = _told(left) or ids.asked(int(after), None, direction="DESCENDING")
    parts = part_count(rest.size, page_count, min(most, SEARCH_LANES) if way == BY_SEARCH else most)
    if parts < 2 or rest.id is None or rest.id <= int(after):
        return whole
    found = cut(KeySpan(int(after), rest.id, 0, rest.size), parts, replace(ids, after=int(after)))
    if not found.points:
        return whole
    keys = [point.key for point in found.points]
    begins = [scan.position, *(f"{way}:{key if way == BY_SEARCH else key - 1}" for key in keys)]
    return [Range(*one) for one in zip(begins, [*map(str, keys), "" if way == BY_SEARCH else END], strict=True)]


def is_end(scan: Scan) -> bool:
    """Whether the scan's end is the end of all that there is, and not of one range among others."""
    return scan.up_to in ("", END)


def part_of(scan: Scan, rows: Sequence[Mapping[str, Any]], begin: str) -> RangePart:
    """What the list gave from `begin` on, as far as it belongs to the scan. **Raises** OutOfOrder."""
    if not scan.up_to:
        return RangePart(rows, is_last=False)
    found = [int(records.id_of(scan.native, row)) for row in rows]
    if any(one >= following for one, following in pairwise(found)):
        raise OutOfOrder(f"HubSpot's list of {scan.native} does not come in the order of ids")
    if found and begin.isdigit() and found[0] < int(begin):
        raise OutOfOrder(f"HubSpot's list of {scan.native} begins at id {found[0]} where it was to go on at {begin}")
    if scan.up_to == END:
        return RangePart(rows, is_last=False)
    last = int(scan.up_to)
    return RangePart([row for row, one in zip(rows, found, strict=True) if one <= last], is_last=bool(found) and found[-1] >= last)


def _told(left: Left | None) -> _Answer | None:
    """What a call before has told, where it is enough to cut by."""
    return _Answer(left.count, int(left.last)) if left and left.last.isdigit() else None


def _may_cut(scan: Scan, way: str) -> bool:
    """Whether a range of it can be asked for: a search needs room for the ids' two filters."""
    return way != BY_SEARCH or (1 + len(scan.or_with)) * MOST_OF_A_GROUP <= MOST_FILTERS


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of a record type, or of one scan of it. **Shapes** `after`: those above it count."""

    connection: HubspotConnection
    native: str
    scan: Scan | None
    after: int = 0

    def asked(self, above: int, up_to: int | None, *, direction: str) -> _Answer:
        return self._asked(self.connection, above, up_to, direction=direction)

    def _asked(self, connection: HubspotConnection, above: int, up_to: int | None, *, direction: str) -> _Answer:
        body = search.stretch(self.scan, str(above), "" if up_to is None else str(up_to), direction=direction)
        answer = connection.read(
            lambda apis: apis.search.do_search(self.native, body, _preload_content=False), doing=f"counting {self.native}"
        )
        rows = answer["results"]
        return _Answer(total_of(answer), int(records.id_of(self.native, rows[0])) if rows else None)

    def counts_up_to(self, keys: Sequence[int]) -> Sequence[int]:
        return side_by_side(self.connection, lambda here, key: self._asked(here, self.after, key, direction="ASCENDING").size, keys)

    def narrowed(self, spans: Sequence[Span]) -> Sequence[Span]:
        return side_by_side(self.connection, self._narrowed, spans)

    def _narrowed(self, connection: HubspotConnection, span: Span) -> Span:
        first, last = (self._asked(connection, *span, direction=direction).id for direction in ("ASCENDING", "DESCENDING"))
        return (span[0] if first is None else first - 1), (span[1] if last is None else last)
