"""Where to cut a scan so that its parts hold about as many records each, found by a few counts. Pure.

Keys stand on an axis of whole numbers: ids as they count up, or stamps in seconds. A count may be wrong, or old by the time it is used:
then the parts are uneven, and nothing is lost, for they always lie side by side without a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

TRIES: Final = 6  # for one point, at most: a count, then a narrower stretch, in turn; evenly spread keys take one count
NEAR: Final = 0.25  # of a part: a point this near to where it should be is good enough
STEEP: Final = 1.5  # parts: a single key that holds so much is worth cutting by other means
LEAST_PAGES: Final = 2  # a part: a smaller one is not worth the count that finds it


class Scale(Protocol):
    """What the CRM says of the keys of a scan."""

    def count_up_to(self, key: int) -> int:
        """How many records of the scan have this key or a smaller one."""

    def narrowed(self, above: int, up_to: int) -> tuple[int, int]:
        """The smallest stretch that holds the same records: those above the one key, up to the other."""


@dataclass(frozen=True, slots=True)
class KeySpan:
    """Records of a scan between two keys. **Shapes** `above` itself is not part of it, `up_to` is; `before`: how many lie up to `above`."""

    above: int
    up_to: int
    before: int
    count: int


@dataclass(frozen=True, slots=True)
class Point:
    """A key that is the last of its part. **Shapes** `before`: how many records lie up to it."""

    key: int
    before: int


@dataclass(frozen=True, slots=True)
class Cut:
    """**Shapes** `points`: in order, one fewer than parts. `steep`: single keys that hold more than a part."""

    points: tuple[Point, ...] = ()
    steep: tuple[KeySpan, ...] = ()


def part_count(left: int, page_count: int, most: int) -> int:
    """Into how many parts so many records are worth cutting."""
    return max(1, min(most, left // (LEAST_PAGES * page_count)))


def cut(whole: KeySpan, parts: int, scale: Scale) -> Cut:
    """The points between so many parts, fewer where the keys do not allow them."""
    share = whole.count / parts
    known = {whole.above: 0, whole.up_to: whole.count}
    found = {_nearest(known, share * no, share, scale) for no in range(1, parts)}
    points = (Point(key, known[key]) for key in sorted(found) if whole.above < key < whole.up_to and 0 < known[key] < whole.count)
    places = sorted(known.items())
    steep = (KeySpan(above, key, before, count - before) for (above, before), (key, count) in pairwise(places))
    return Cut(tuple(points), tuple(one for one in steep if one.up_to - one.above == 1 and one.count >= STEEP * share))


def nearest(ends: Mapping[T, int], count: int, parts: int) -> set[T]:
    """Of many ends of parts, those that make parts of about one size. **Shapes** end → how many records lie up to it."""
    return {min(ends, key=lambda end: abs(ends[end] - count * no / parts)) for no in range(1, parts)} if ends else set()


def _nearest(known: dict[int, int], wanted: float, share: float, scale: Scale) -> int:
    """A key up to which about as many records lie as wanted; `known` learns each count."""
    above, up_to = _around(known, wanted)
    for tried in range(TRIES):
        if _is_near(known, above, up_to, wanted, share):
            break
        if tried % 2:
            low, high = scale.narrowed(above, up_to)
            known |= {low: known[above], high: known[up_to]}
        else:
            key = _guess(known, above, up_to, wanted)
            known[key] = scale.count_up_to(key)
        above, up_to = _around(known, wanted)
    return min(above, up_to, key=lambda key: abs(known[key] - wanted))


def _around(known: dict[int, int], wanted: float) -> tuple[int, int]:
    """The known keys next to it, on either side."""
    above = max(key for key, count in known.items() if count <= wanted)
    return above, min((key for key in known if key > above), default=above)


def _is_near(known: dict[int, int], above: int, up_to: int, wanted: float, share: float) -> bool:
    return up_to - above <= 1 or min(abs(known[key] - wanted) for key in (above, up_to)) <= NEAR * share


def _guess(known: dict[int, int], above: int, up_to: int, wanted: float) -> int:
    """Where it would be between the two if the records were evenly spread."""
    part = (wanted - known[above]) / (known[up_to] - known[above])
    return min(max(above + int((up_to - above) * part), above + 1), up_to - 1)
