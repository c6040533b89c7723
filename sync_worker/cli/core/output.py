"""What commands print: one table form for people, one JSON form for programs. Data on stdout, words on stderr.

On a terminal a table fits its width: prose folds at words, ids and numbers stay whole, and columns that have no room side by side are told
beneath each row. In a pipe or a file each row is one line, as wide as it needs to be, and no sentence is wrapped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import orjson
import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from sync_worker.boundary.text import harmless, one_line
from sync_worker.domain.core.moments import whence, whence_short
from sync_worker.domain.core.values import plain

T = TypeVar("T")
Limit: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1, help="How many rows at most. Without it a table shows only the first ones, and --json has all.", show_default=False
    ),
]
WIDTH = 100  # columns of a rule where there is no terminal: a file, a pipe, a log
GAPS = (2, 1)  # columns between two of a table: two, and one where that makes it fit
READABLE = 24  # columns: prose is not folded narrower
UNBROKEN = 36  # characters: a word or an id up to this length is never broken over two lines
NOTHING = "–"
INDENT = "  "  # of what is told beneath a row


class HarmlessConsole(Console):
    """Removes what would steer the terminal, even if a CRM user wrote it; our own colors come from rich. Wraps no line in a pipe."""

    def print(self, *objects: Any, **style: Any) -> None:
        how = {} if self.file.isatty() else {"soft_wrap": True}
        super().print(*(harmless(one) if isinstance(one, str) else one for one in objects), **style | how)


out = HarmlessConsole(soft_wrap=False, width=None if sys.stdout.isatty() else WIDTH)
err = HarmlessConsole(stderr=True, soft_wrap=True, highlight=False)


def show_json(value: Any) -> None:
    """One JSON document on stdout, money and days in plain form."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_encode).decode())


def show_table(rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], title: str = "", empty: str = "nothing") -> None:
    """A table of the named columns, in that order, the least important ones last; a line saying `empty` where there are no rows."""
    if not rows:
        out.print(Text(harmless(f"{title}: {empty}" if title else empty)))
        return
    if title:
        out.print(Text(harmless(title), style="italic"))
    head, *lines = _table([_column(name, [row.get(name) for row in rows]) for name in columns])
    out.print(Text(head, style="bold"), soft_wrap=True)
    out.print(Text("\n".join(lines)), soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Caption:
    """What a table is called, and what is said in its place where it has no rows."""

    title: str = ""
    empty: str = "nothing"


NO_CAPTION: Final = Caption()


def show(
    rows: Sequence[Mapping[str, Any]],
    *,
    columns: Sequence[str],
    as_json: bool,
    now: datetime | None = None,
    caption: Caption = NO_CAPTION,
) -> None:
    """The rows as a table, or whole as JSON (every key, not only the named columns).

    **Shapes** `now`: where it is given, a table says of each moment how far it is from then; JSON keeps the moments.
    """
    if as_json:
        show_json(list(rows))
    else:
        told = rows if now is None else [_in_words(row, now, whence_short) for row in rows]
        show_table(told, columns=columns, title=caption.title, empty=caption.empty)


def show_one(row: Mapping[str, Any], *, as_json: bool, now: datetime | None = None, title: str = "", head: str = "what") -> None:
    """One thing whole: a line for each of its properties, or JSON. **Shapes** `now`: as for `show`; `head`: what a property is called."""
    if as_json:
        show_json(row)
        return
    told = row if now is None else _in_words(row, now, whence)
    show_table([{head: name, "value": value} for name, value in told.items()], columns=(head, "value"), title=title)


def most_of(limit: int | None, *, shown: int, as_json: bool) -> int | None:
    """How many rows of a long list: as many as were asked for, else so many for people and all of them for programs (None)."""
    return limit or (None if as_json else shown)


def cut(rows: Sequence[T], most: int | None) -> Sequence[T]:
    """Not more than these; a person is told where that leaves some out. **Shapes** `rows`: one more than `most`, where there are more."""
    if most is None or len(rows) <= most:
        return rows
    err.print(f"there are more than {most:,}: a greater --limit shows them, --json has all of them")
    return rows[:most]


def _in_words(row: Mapping[str, Any], now: datetime, words: Callable[[datetime, datetime], str]) -> dict[str, Any]:
    """The same for people: each moment with how far it is from now."""
    return {name: _moment(value, now, words) for name, value in row.items()}


def _moment(value: Any, now: datetime, words: Callable[[datetime, datetime], str]) -> Any:
    """A moment in words; what is not a moment, as it is."""
    try:
        return words(value if isinstance(value, datetime) else datetime.fromisoformat(value), now)
    except (TypeError, ValueError):
        return value


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as text. **Shapes** `widest`: of its lines and heading; `least`: the width below which it cannot be read."""

    heading: str
    cells: Sequence[str]
    is_number: bool
    widest: int
    least: int


def _column(name: str, values: Sequence[Any]) -> _Column:
    clean = harmless if out.file.isatty() else one_line
    heading, cells = clean(name.replace("_", " ")), [clean(_cell(value)) for value in values]
    widest = max(cell_len(line) for cell in (heading, *cells) for line in cell.split("\n"))
    longest_word = max((cell_len(word) for cell in (heading, *cells) for word in cell.split()), default=0)
    is_number = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    return _Column(heading, cells, is_number, widest, max(min(longest_word, UNBROKEN), min(widest, READABLE)))


def _table(columns: Sequence[_Column]) -> Iterator[str]:
    """The heading, a rule on a terminal, and the rows, line by line."""
    if not out.file.isatty():
        widths = [one.widest for one in columns]
        yield from _side_by_side([one.heading for one in columns], columns, widths, GAPS[0])
        for cells in zip(*(one.cells for one in columns), strict=True):
            yield from _side_by_side(cells, columns, widths, GAPS[0])
        return
    widths, gap = _fitted(columns, out.width)
    beside, beneath = columns[: len(widths)], columns[len(widths) :]
    yield "\n".join(_side_by_side([one.heading for one in beside], beside, widths, gap))
    yield "─" * (sum(widths) + gap * (len(widths) - 1))
    for place in range(len(columns[0].cells)):
        yield from _side_by_side([one.cells[place] for one in beside], beside, widths, gap)
        told = "; ".join(f"{one.heading}: {one.cells[place]}" for one in beneath if one.cells[place] not in ("", NOTHING))
        yield from (INDENT + line for line in (_folded(told, out.width - len(INDENT)) if told else ()))


def _fitted(columns: Sequence[_Column], width: int) -> tuple[list[int], int]:
    """The widths of as many columns as fit side by side, from the left, and the gap between them."""
    for count in range(len(columns), 0, -1):
        for gap in GAPS:
            if (room := width - gap * (count - 1)) >= sum(one.least for one in columns[:count]):
                return _shared(columns[:count], room), gap
    return [min(columns[0].widest, width)], GAPS[0]


def _shared(columns: Sequence[_Column], room: int) -> list[int]:
    """What is left of the room goes to columns that need more, those that need least first."""
    widths, free = [one.least for one in columns], room - sum(one.least for one in columns)
    needs = sorted((one.widest - one.least, place) for place, one in enumerate(columns))
    for done, (need, place) in enumerate(needs):
        grant = min(need, free // (len(columns) - done))
        widths[place] += grant
        free -= grant
    return widths


def _side_by_side(cells: Iterable[str], columns: Sequence[_Column], widths: Sequence[int], gap: int) -> Iterator[str]:
    """The lines of one row."""
    folded = (_folded(cell, width) for cell, width in zip(cells, widths, strict=True))
    for parts in zip_longest(*folded, fillvalue=""):
        padded = [
            " " * (width - cell_len(part)) + part if one.is_number else set_cell_size(part, width)
            for part, one, width in zip(parts, columns, widths, strict=True)
        ]
        yield (" " * gap).join(padded).rstrip()


def _folded(text: str, width: int) -> list[str]:
    """A text in lines of that width, folded at words."""
    if cell_len(text) <= width and "\n" not in text:
        return [text]
    return [line.plain.rstrip() for line in Text(text).wrap(out, width, overflow="fold")]


def _cell(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or NOTHING
    return str(value)


def _encode(value: Any) -> Any:
    return plain(value)
