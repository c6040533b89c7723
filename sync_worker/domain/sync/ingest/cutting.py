"""Where to cut a scan so that its parts hold about as many records each, found by a few counts. Pure.

Keys stand on an axis of whole numbers: ids as they count up, or stamps in seconds. A count may be wrong, or old by the time it is used:
then the parts are uneven, and nothing is lost, for they always lie side by side without a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
Span: TypeAlias = tuple[int, int]
"""Keys above the one, up to the other."""

ROUNDS: Final = 6  # of questions at most: counts and narrower spans in turn; evenly spread keys take one round, a count a point
NEAR: Final = 0.15  # of a part: a point this near to where it should be is good enough
STEEP: Final = 1.5  # parts: a single key that holds so much is worth cutting by other means
LEAST_PAGES: Final = 2  # a part: a smaller one is not worth the count that finds it


class Scale(Protocol):
    """What the CRM says of the keys of a scan. Each question is several at once, so that they can be asked side by side."""

    def counts_up_to(self, keys: Sequence[int]) -> Sequence[int]:
        """How many records of the scan have each of these keys or a smaller one."""

    def narrowed(self, spans: Sequence[Span]) -> Sequence[Span]:
        """The smallest span that holds the same records, for each of these."""


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
    wishes = [share * no for no in range(1, parts)]
    known = _known(whole, wishes, share, scale)
    found = sorted({_closest(known, wanted) for wanted in wishes})
    points = (Point(key, known[key]) for key in found if whole.above < key < whole.up_to and 0 < known[key] < whole.count)
    places = sorted(known.items())
    steep = (KeySpan(above, key, before, count - before) for (above, before), (key, count) in pairwise(places))
    return Cut(tuple(points), tuple(one for one in steep if one.up_to - one.above == 1 and one.count >= STEEP * share))


def _known(whole: KeySpan, wishes: Sequence[float], share: float, scale: Scale) -> dict[int, int]:
    """Keys with how many records lie up to each, until there is one near each wish; a round of questions after the other."""
    known = {whole.above: 0, whole.up_to: whole.count}
    for tried in range(ROUNDS):
        spans = {wanted: _around(known, wanted) for wanted in wishes}
        left = {wanted: span for wanted, span in spans.items() if not _is_near(known, span, wanted, share)}
        if not left:
            break
        if tried % 2:
            wide = sorted(set(left.values()))
            for span, narrow in zip(wide, scale.narrowed(wide), strict=True):
                known |= {narrow[0]: known[span[0]], narrow[1]: known[span[1]]}
        else:
            keys = sorted({_guess(known, span, wanted) for wanted, span in left.items()})
            known |= dict(zip(keys, scale.counts_up_to(keys), strict=True))
    return known


def nearest(ends: Mapping[T, int], count: int, parts: int) -> set[T]:
    """Of many ends of parts, those that make parts of about one size. **Shapes** end → how many records lie up to it."""
    return {min(ends, key=lambda end: abs(ends[end] - count * no / parts)) for no in range(1, parts)} if ends else set()


def _closest(known: Mapping[int, int], wanted: float) -> int:
    return min(_around(known, wanted), key=lambda key: abs(known[key] - wanted))


def _around(known: Mapping[int, int], wanted: float) -> Span:
    """The known keys next to it, on either side."""
    above = max(key for key, count in known.items() if count <= wanted)
    return above, min(key for key in known if key > above)


def _is_near(known: Mapping[int, int], span: Span, wanted: float, share: float) -> bool:
    return span[1] - span[0] <= 1 or min(abs(known[key] - wanted) for key in span) <= NEAR * share


def _guess(known: Mapping[int, int], span: Span, wanted: float) -> int:
    """Where it would be in the span if the records were evenly spread."""
    above, up_to = span
    part = (wanted - known[above]) / (known[up_to] - known[above])
    return min(max(above + int((up_to - above) * part), above + 1), up_to - 1)
