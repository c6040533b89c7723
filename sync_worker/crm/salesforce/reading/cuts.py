"""Where a scan can be cut: at stamps, found by a few counts, and where thousands have one stamp, at ids among them.

A range is as a position is: all keys (stamp, id) after its beginning, up to its end. A stamp without an id is the end of that stamp.
Where Salesforce gives up on a count, the scan stays whole: what is too much to count is not made easier by four who read it at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from sync_worker.crm.port import Range, Scan
from sync_worker.crm.salesforce.connection.ids import id_18
from sync_worker.crm.salesforce.connection.session import SalesforceConnection
from sync_worker.crm.salesforce.reading import bulk, reader, soql
from sync_worker.crm.siblings import side_by_side
from sync_worker.domain.sync.ingest.cutting import KeySpan, Span, cut, nearest, part_count
from sync_worker.errors import RateLimited, TransientError

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # of an id, in the order in which Salesforce sorts them
_PREFIX = 3  # characters of an id that say which record type it is of


def ranges(connection: SalesforceConnection, scan: Scan, most: int, *, left: int) -> Sequence[Range]:
    """What lies after the scan's position, in ranges that hold about as many records each."""
    parts = part_count(left, bulk.PAGE_COUNT, most)
    if parts < 2 or "|" not in scan.position:
        return [Range(scan.position)]
    try:
        ends = _ends(connection, scan, left, parts)
    except RateLimited:
        raise
    except TransientError:
        ends = []
    return [Range(begin, up_to) for begin, up_to in pairwise([scan.position, *ends, ""])]


def _ends(connection: SalesforceConnection, scan: Scan, left: int, parts: int) -> list[str]:
    stamp, crm_id = soql.place_of(scan.position)
    whole = KeySpan(math.floor(stamp.timestamp()) - 1, math.ceil(scan.until_at.timestamp()), 0, left)
    found = cut(whole, parts, _Stamps(connection, scan))
    ends = {_end(point.key): point.before for point in found.points}
    for steep in found.steep:
        ends |= _id_ends(connection, scan, steep, round(steep.count * parts / left))
    after = {end: before for end, before in ends.items() if soql.place_of(end) > (stamp, crm_id)}
    return sorted(nearest(after, left, parts), key=soql.place_of)


def _id_ends(connection: SalesforceConnection, scan: Scan, steep: KeySpan, parts: int) -> dict[str, int]:
    """Ends of parts at ids of one stamp, each with how many records lie up to it."""
    moment, above = _moment(steep.up_to), _moment(steep.above)
    after = max(scan.position, soql.position_of("", above), key=soql.place_of)
    here = replace(scan, position=after, up_to=soql.position_of("", moment))
    first, last = (reader.outermost(connection, here, after, direction=direction) for direction in ("ASC", "DESC"))
    if first is None or last is None or first[0] != last[0]:
        return {}
    prefix = first[1][:_PREFIX]
    low, high = (_number(crm_id) for _, crm_id in (first, last))
    found = cut(KeySpan(low - 1, high, 0, steep.count), parts, _Ids(connection, here, moment, prefix))
    return {soql.position_of(_id(prefix, point.key), moment): steep.before + point.before for point in found.points}


@dataclass(frozen=True, slots=True)
class _Stamps:
    """The stamps of a scan, in seconds."""

    connection: SalesforceConnection
    scan: Scan

    def counts_up_to(self, keys: Sequence[int]) -> Sequence[int]:
        return _sizes(self.connection, self.scan, [_end(key) for key in keys])

    def narrowed(self, spans: Sequence[Span]) -> Sequence[Span]:
        return side_by_side(self.connection, self._narrowed, spans)

    def _narrowed(self, connection: SalesforceConnection, span: Span) -> Span:
        after = max(self.scan.position, _end(span[0]), key=soql.place_of)
        here = replace(self.scan, up_to=_end(span[1]))
        first, last = (reader.outermost(connection, here, after, direction=direction) for direction in ("ASC", "DESC"))
        if first is None or last is None:
            return span
        return max(span[0], math.ceil(first[0].timestamp()) - 1), min(span[1], math.ceil(last[0].timestamp()))


@dataclass(frozen=True, slots=True)
class _Ids:
    """The ids of one stamp, as numbers. **Shapes** `scan`: what has that stamp."""

    connection: SalesforceConnection
    scan: Scan
    moment: datetime
    prefix: str

    def counts_up_to(self, keys: Sequence[int]) -> Sequence[int]:
        return _sizes(self.connection, self.scan, [soql.position_of(_id(self.prefix, key), self.moment) for key in keys])

    def narrowed(self, spans: Sequence[Span]) -> Sequence[Span]:
        return spans


def _sizes(connection: SalesforceConnection, scan: Scan, ends: Sequence[str]) -> Sequence[int]:
    """How many records of the scan lie between its position and each of these ends."""
    return side_by_side(connection, lambda here, end: reader.size(here, replace(scan, up_to=end), scan.position), ends)


def _moment(key: int) -> datetime:
    return datetime.fromtimestamp(key, UTC)


def _end(key: int) -> str:
    return soql.position_of("", _moment(key))


def _number(crm_id: str) -> int:
    number = 0
    for digit in crm_id[_PREFIX:15]:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return number


def _id(prefix: str, number: int) -> str:
    """The id in 18 characters, the prefix among them."""
    digits = ""
    for _ in range(15 - _PREFIX):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return id_18(prefix + digits)
