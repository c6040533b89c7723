"""CSV as the vendor writes and reads it: every cell in quotes, a quote doubled, null as an empty cell."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from crm_sandbox.salesforce.wire.errors import SalesforceRefusal


def written(header: Sequence[str], rows: Iterable[Sequence[Any]], *, delimiter: str, line_ending: str) -> bytes:
    """A whole CSV with its header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_ending, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def read(data: bytes, *, delimiter: str, line_ending: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows; empty lines are skipped.

    Raises: Refusal ClientInputError for other line endings than were announced, InvalidBatch for what is not CSV.
    """
    text = data.decode("utf-8-sig", "replace")
    _check_line_ending(text, line_ending)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error as error:
        raise SalesforceRefusal("InvalidBatch", f"Failed to parse CSV. {error}") from None
    if not rows:
        return [], []
    header, *rest = rows
    for row in rest:
        if len(row) != len(header):
            words = f"Failed to parse CSV. The number of columns in a row ({len(row)}) differs from the header's ({len(header)})"
            raise SalesforceRefusal("InvalidBatch", words)
    return header, rest


def _check_line_ending(text: str, line_ending: str) -> None:
    """The vendor looks at the first line; so does this, quotes regarded."""
    end = _first_line_end(text)
    found = None if end is None else "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"
    if found is not None and found != line_ending:
        name = "LF" if line_ending == "\n" else "CRLF"
        raise SalesforceRefusal("ClientInputError", f"LineEnding is invalid on user data. Current LineEnding setting is {name}")


def _first_line_end(text: str) -> int | None:
    is_quoted = False
    for place, char in enumerate(text):
        if char == '"':
            is_quoted = not is_quoted
        elif char == "\n" and not is_quoted:
            return place
    return None
