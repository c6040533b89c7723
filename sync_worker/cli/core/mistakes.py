"""How mistakes in files are told: as lines, with the written line and a caret on a terminal; as JSON; or as annotations of a CI run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import typer

from sync_worker.boundary.redaction import masked
from sync_worker.cli.core.output import err, out, show_json
from sync_worker.config.portal import Portal
from sync_worker.errors import ConfigError, Mistake, Place
from sync_worker.mapping.grammar import MappingFile

WIDTH: Final = 120  # of a written line that is shown
TOP_KEY: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*:")
GUARDED: Final = ("crm", "feed")  # parts of a portal file that may hold secrets, also where these are misplaced
AS_IT_IS: Final[dict[str, Any]] = {"markup": False, "highlight": False, "soft_wrap": True}
Level: TypeAlias = Literal["error", "notice"]
HARMLESS: Final = re.compile(
    r"\s*(kind|mapping|flow|domain|organization_id|hub_id|signature|daily|live|backfill|operator|bulk_above|parallel_calls|keep|crm):[^{\[:]*"
)
OPEN: Final = frozenset(  # the parts of portal files and mappings that hold no secret, whole
    info.alias or name for model in (Portal, MappingFile) for name, info in model.model_fields.items() if name not in GUARDED
)


class Format(StrEnum):
    """How a command tells what it found."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


AsFormat: TypeAlias = Annotated[
    Format, typer.Option("--format", help="text for people, json for programs, github for annotations of a GitHub workflow.")
]


def lines_of(error: ConfigError, *, is_terminal: bool) -> Iterator[str]:
    """The error as lines; on a terminal each mistake is followed by the line it stands in."""
    if not (is_terminal and error.mistakes):
        yield str(error)
        return
    for mistake in error.mistakes:
        yield str(mistake)
        yield from excerpt(mistake.place)


def excerpt(place: Place) -> list[str]:
    """The written line and a caret under its column; an empty list if there is no such line, or if it may hold a secret."""
    written = _written(place)
    if written is None:
        return []
    cut = max(0, place.column - WIDTH)
    shown = masked(written)[cut : cut + WIDTH].expandtabs(1)
    gutter = f"{place.line:>5} | "
    return [gutter + shown, " " * (len(gutter) + place.column - 1 - cut) + "^"]


def _written(place: Place) -> str | None:
    try:
        lines = Path(place.file).read_bytes().decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    if not 0 < place.line <= len(lines):
        return None
    line = lines[place.line - 1]
    top = next((match[1] for text in reversed(lines[: place.line]) if (match := TOP_KEY.match(text))), "")
    if top in OPEN or (top in GUARDED and HARMLESS.fullmatch(line.partition("#")[0])):
        return line
    unknown = TOP_KEY.match(line)
    return f"{unknown[0]} …" if unknown and top not in GUARDED else None  # a secret may stand under a key that is misspelled


def tell(mistakes: Iterable[Mistake], form: Format) -> None:
    """The mistakes for machines, on stdout. Text is for people, and goes the way of every error."""
    if form is Format.JSON:
        show_json([_row(mistake) for mistake in mistakes])
    for mistake in mistakes if form is Format.GITHUB else ():
        out.print(annotation(mistake.place, _words(mistake)), **AS_IT_IS)


def settle(found: ConfigError | None, form: Format) -> None:
    """Ends a command that looks at files: with 2 where something is wrong. **Raises** the error itself where people are told."""
    if form is Format.TEXT and found:
        raise found
    if form is not Format.TEXT:
        tell(found.mistakes if found else (), form)
    if found:
        raise typer.Exit(2)


def note(mistake: Mistake, form: Format) -> None:
    """Something that is allowed, but perhaps not what the person meant."""
    if form is Format.GITHUB:
        out.print(annotation(mistake.place, _words(mistake), level="notice"), **AS_IT_IS)
    else:
        err.print(f"note: {mistake}", markup=False)


def annotation(place: Place | None, words: str, *, level: Level = "error") -> str:
    """One line of GitHub's workflow commands. Source: GitHub Actions, "Workflow commands", setting an error message."""
    where = f" file={_property(place.file)},line={place.line},col={place.column}" if place else ""
    return f"::{level}{where}::{_data(words)}"


def _words(mistake: Mistake) -> str:
    return f"{mistake.path}: {mistake.what}{f' — {mistake.remedy}' if mistake.remedy else ''}"


def _row(mistake: Mistake) -> dict[str, object]:
    place = mistake.place
    where = {"file": place.file, "line": place.line, "column": place.column}
    return {**where, "path": mistake.path, "what": mistake.what, "remedy": mistake.remedy}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
