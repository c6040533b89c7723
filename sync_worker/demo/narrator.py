"""The voice of the demo: chapters, lines and tables on stdout, or nothing where only figures are wanted."""

from __future__ import annotations

from typing import Any

from sync_worker.cli.core.output import out, show_table


class Narrator:
    """Tells a story, or keeps it to itself."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet

    def part(self, title: str) -> None:
        """A new telling begins."""
        if not self._is_quiet:
            out.rule(title)

    def chapter(self, title: str, words: str) -> None:
        """What is done next, and what can be seen of it."""
        if not self._is_quiet:
            out.print(f"\n[bold]{title}[/bold]\n{words}\n", highlight=False)

    def line(self, words: str) -> None:
        if not self._is_quiet:
            out.print(words, markup=False, highlight=False)

    def table(self, rows: list[dict[str, Any]], columns: tuple[str, ...], *, title: str = "") -> None:
        if not self._is_quiet:
            show_table(rows, columns=columns, title=title)
            out.print()
