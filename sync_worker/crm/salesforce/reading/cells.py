"""CSV of the Bulk API → rows as the REST API would send them, so that the code behind the port sees no difference. No call is made here.

"true"                       True            ""                 None: the vendor keeps no empty text
"1200.5", "25.0"             1200.5, 25.0    any other text     as it is
"2026-05-01T07:25:37.000Z"   "2026-05-01T07:25:37.000+0000"
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import IO, Any, TypeAlias

from sync_worker.crm.salesforce.connection.ids import id_18

Cell: TypeAlias = Callable[[str], Any]
_FLAGS = {"true": True, "false": False}


def _number(kind: Callable[[str], float]) -> Cell:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:  # the mapping says so, with the record's name
            return text

    return read


def _flag(text: str) -> Any:
    return _FLAGS.get(text.lower(), text)


def _moment(text: str) -> str:
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


_TEXTS = ("string", "textarea", "email", "phone", "url", "combobox", "picklist", "multipicklist", "date", "time", "encryptedstring")
_READERS: Mapping[str, Cell] = {
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(("double", "currency", "percent"), _number(float)),
    **dict.fromkeys(("id", "reference"), id_18),
    "int": _number(int),
    "boolean": _flag,
    "datetime": _moment,
}
"""The vendor's type → how its cells are read. Not listed: what the Bulk API does not select, compound fields above all."""


def unreadable(columns: Sequence[str], types: Mapping[str, str]) -> list[str]:
    """The columns that cannot be had as CSV: compound fields, binary ones, and those of parents."""
    return [column for column in columns if types.get(column) not in _READERS]


def rows(text: IO[str], columns: Sequence[str], types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """One row after the other, as they are read. A header is known by its cells, on every page: no id reads "Id".

    **Shapes** `columns`: Id comes first. **Raises** csv.Error for what is not CSV of these columns.
    """
    reader = csv.reader(text, strict=True)
    lines = (line for line in reader if line)
    first = next(lines, None)
    if first is None:
        return
    is_header = first[0].lower() == columns[0].lower() or {cell.lower() for cell in first} == {column.lower() for column in columns}
    names = _known(first, columns) if is_header else columns
    plan = [(name, _READERS[types[name]]) for name in names]
    for line in lines if is_header else chain([first], lines):
        if len(line) != len(plan):
            raise csv.Error(f"line {reader.line_num} has {len(line)} columns, not {len(plan)}")
        yield {name: read(cell) if cell else None for (name, read), cell in zip(plan, line, strict=True)}


def _known(header: Sequence[str], columns: Sequence[str]) -> list[str]:
    spelled = {column.lower(): column for column in columns}
    if {name.lower() for name in header} != spelled.keys():
        raise csv.Error(f"its columns are {', '.join(header)}")
    return [spelled[name.lower()] for name in header]
