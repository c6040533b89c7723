"""What commands print: one table form for people (readable at 100 columns), one JSON form for programs. Data on stdout, words on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_worker.domain.core.moments import whence
from sync_worker.domain.core.values import plain
from sync_worker.text import harmless

T = TypeVar("T")
Limit: TypeAlias = Annotated[int | None, typer.Option(min=1, help="At most so many; without it --json has all.", show_default=False)]
WIDTH = 100  # columns, where nobody is looking: a file, a pipe, a log
MANY = 10  # columns, which then stand closer
UNBROKEN = 36  # characters: an id is never broken over two lines


class HarmlessConsole(Console):
    """Prints nothing that steers the terminal, whoever wrote it; our own colors come from rich."""

    def print(self, *objects: Any, **style: Any) -> None:
        super().print(*(harmless(one) if isinstance(one, str) else one for one in objects), **style)


out = HarmlessConsole(soft_wrap=False, width=None if sys.stdout.isatty() else WIDTH)
err = HarmlessConsole(stderr=True, soft_wrap=True, highlight=False)


def show_json(value: Any) -> None:
    """One JSON document on stdout, money and days in plain form."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_encode).decode())


def show_table(rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], title: str = "", empty: str = "nothing") -> None:
    """A table of the named columns, in that order; a line saying `empty` where there are no rows. Only sentences and names wrap."""
    if not rows:
        out.print(Text(harmless(f"{title}: {empty}" if title else empty)))
        return
    gap = 1 if len(columns) < MANY else 0  # beside the one of the box
    table = Table(
        title=harmless(title) or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, show_edge=False, padding=(0, gap, 0, 0)
    )
    for column in columns:
        values = [row.get(column) for row in rows]
        is_whole = all(len(cell) <= UNBROKEN and " " not in cell for cell in map(_cell, values))
        is_number = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=is_whole, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    out.print(table)


def show(rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], as_json: bool, title: str = "", empty: str = "nothing") -> None:
    """The rows as a table, or whole as JSON (every key, not only the named columns)."""
    if as_json:
        show_json(list(rows))
    else:
        show_table(rows, columns=columns, title=title, empty=empty)


def in_words(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The same for people: each moment with how far it is from now."""
    return {name: _moment(value, now) for name, value in row.items()}


def most_of(limit: int | None, *, shown: int, as_json: bool) -> int | None:
    """How many rows of a long list: as many as were asked for, else so many for people and all of them for programs (None)."""
    return limit or (None if as_json else shown)


def cut(rows: Sequence[T], most: int | None) -> Sequence[T]:
    """Not more than these; a person is told where that leaves some out. **Shapes** `rows`: one more than `most`, where there are more."""
    if most is None or len(rows) <= most:
        return rows
    err.print(f"there are more than {most:,}: a greater --limit shows them, --json has all of them")
    return rows[:most]


def _moment(value: Any, now: datetime) -> Any:
    """`in 4 min (2026-03-01 12:00 UTC)`; what is not a moment, as it is."""
    try:
        return whence(value if isinstance(value, datetime) else datetime.fromisoformat(value), now)
    except (TypeError, ValueError):
        return value


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return harmless(", ".join(map(str, value))) or "–"
    return harmless(str(value))


def _encode(value: Any) -> Any:
    return plain(value)
