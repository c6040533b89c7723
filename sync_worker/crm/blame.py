"""A request of many rows that was refused as a whole: which rows are refused with it, and what to ask instead. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sync_worker.errors import WriteRejected

T = TypeVar("T")


class RowsRejected(WriteRejected):
    """A request was refused for something that stands in it. **Shapes** `names`: the rows it blames, in small letters; maybe none."""

    def __init__(self, message: str, *, code: str, field: str, names: frozenset[str] = frozenset()) -> None:
        super().__init__(message, code=code, field=field)
        self.names = names


def sorted_out(part: Sequence[T], is_blamed: Callable[[T], bool]) -> tuple[Sequence[T], list[Sequence[T]]]:
    """The rows that are refused, and the requests to make of the others.

    Where the refusal blames some rows and not all, the others are one more request; else its halves find out, at about two requests for
    each row that is to blame.
    """
    if len(part) == 1:
        return part, []
    blamed = [row for row in part if is_blamed(row)]
    if 0 < len(blamed) < len(part):
        return blamed, [[row for row in part if not is_blamed(row)]]
    return [], halves(part)


def halves(part: Sequence[T]) -> list[Sequence[T]]:
    """Two requests in the place of one."""
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
