"""`waits`: how long until something is tried again, by what an operator asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from sync_worker import schedule
from sync_worker.cli.core.command import AsJson
from sync_worker.cli.core.output import out, show_json
from sync_worker.cli.operate.waits.wait_words import Question, exactly
from sync_worker.cli.operate.waits.waits_of_crm import OF_CRM
from sync_worker.cli.operate.waits.waits_of_ours import OF_OURS

QUESTIONS: Final[tuple[Question, ...]] = (*OF_CRM, *OF_OURS)


def waits(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/waits.md.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows how long it takes until something is tried again, by what is wrong. It needs no database and no CRM.

    Example: sync-worker waits
    """
    if markdown:
        print(waits_page(), end="")
    elif as_json:
        show_json([{"question": asked.words, "what": one.what, "again": one.again} for asked in QUESTIONS for one in asked.waits])
    else:
        for line in _lines():
            out.print(line, markup=False, highlight=False)


def waits_page() -> str:
    """docs/waits.md, made from the code."""
    return "\n".join(_page()) + "\n"


def _lines() -> Iterator[str]:
    for asked in QUESTIONS:
        yield asked.words
        yield from (f"  {one.what}: {one.again}" for one in asked.waits)


def _page() -> Iterator[str]:
    yield "# How long until it is tried again"
    yield ""
    yield "For the operator who waits: what is tried again by itself, and when. Assumes: the [README](../README.md)."
    yield ""
    yield "This page is made from the code: `sync-worker waits --markdown`. A test holds the two together."
    yield "`sync-worker waits` prints the same."
    yield f"The schedule looks for what is due every {exactly(schedule.TICK_S)}; add that to the times here."
    yield "Chance makes some waits shorter, by a half at most, so that not everything comes back at once."
    yield "[codes.md](codes.md) says what a code means, and whether a person must act."
    for asked in QUESTIONS:
        yield from ("", f"## {asked.words}", "", "| what | when it is tried again | in the code |", "|---|---|---|")
        yield from (f"| {one.what} | {one.again} | {', '.join(f'`{name}`' for name in one.names)} |" for one in asked.waits)
