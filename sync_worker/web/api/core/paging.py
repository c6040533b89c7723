"""Pages of lists: every list of the API is asked for in the same way, and `next` leads to its end.

Only the API reads the text of a cursor. It names the last item that was seen, so that new records do not move the pages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime

from sync_worker.domain.core.deal import Refusal
from sync_worker.web.api.core.problems import Refused

T = TypeVar("T")
Place: TypeAlias = tuple[str, ...]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment lies outside of the calendar: in UTC its year is before 1 or after 9999") from None


Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in a filter, in UTC."""
Limit: TypeAlias = Annotated[int, Query(ge=1, le=200, description="The largest number of items in one page.")]
Cursor: TypeAlias = Annotated[str | None, Query(max_length=2000, description="The value of `next` of the page before.")]


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """A page. **Shapes** `next`: the cursor of the page that follows; None = this is the last."""

    items: Sequence[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for."""

    limit: int
    cursor: str | None = None

    @property
    def looked_for(self) -> int:
        """One more than the page holds: it says whether the list goes on."""
        return self.limit + 1

    def place(self, parts: int) -> Place | None:
        """The last one seen; None on the first page. **Raises** Refused."""
        return None if self.cursor is None else place_of(self.cursor, parts)

    def moment(self) -> tuple[datetime, str] | None:
        """The last one seen of a list in the order of time: when, and its id; None on the first page. **Raises** Refused."""
        last = self.place(2)
        return (moment_of(last[0]), last[1]) if last else None

    def cut(self, found: Sequence[T], place: Callable[[T], Place]) -> Some[T]:
        """The page out of as many as were `looked_for` behind the last one seen, in their order."""
        items = found[: self.limit]
        return Some(items, cursor_of(*place(items[-1])) if len(found) > self.limit else None)

    def rising(self, whole: Iterable[T], place: Callable[[T], Place]) -> Some[T]:
        """The page out of a list that is at hand, the least place first. **Raises** Refused."""
        ordered = sorted(whole, key=place)
        seen = self._seen(ordered, place)
        return self.cut([one for one in ordered if seen is None or place(one) > seen], place)

    def falling(self, whole: Iterable[T], place: Callable[[T], Place]) -> Some[T]:
        """The same, the greatest place first. **Raises** Refused."""
        ordered = sorted(whole, key=place, reverse=True)
        seen = self._seen(ordered, place)
        return self.cut([one for one in ordered if seen is None or place(one) < seen], place)

    def _seen(self, ordered: Sequence[T], place: Callable[[T], Place]) -> Place | None:
        if self.cursor is None:
            return None
        return place_of(self.cursor, len(place(ordered[0]))) if ordered else place_of(self.cursor)


def _paging(limit: Limit = 100, cursor: Cursor = None) -> Paging:
    return Paging(limit, cursor)


PageOf: TypeAlias = Annotated[Paging, Depends(_paging)]
"""How an endpoint that lists something is asked which page."""


def cursor_of(*place: str) -> str:
    """The place of the last one seen."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_of(cursor: str, parts: int | None = None) -> Place:
    """The place again. **Shapes** `parts`: of how many it is; None = any. **Raises** Refused."""
    try:
        place = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        place = None
    if not isinstance(place, list) or parts not in (None, len(place)) or not all(_is_text(part) for part in place):
        raise refused_cursor()
    return tuple(place)


def moment_of(text: str) -> datetime:
    """A moment that stands in a place. **Raises** Refused."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refused_cursor()


def refused_cursor() -> Refused:
    return Refused(Refusal("cursor_malformed", "this is not a cursor of this list", "`next` of the page before", field="cursor"))


def _is_text(part: Any) -> bool:
    return isinstance(part, str) and "\x00" not in part
