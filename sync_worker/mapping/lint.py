"""What is wrong with a mapping although its grammar is right."""

from __future__ import annotations

from sync_worker.errors import Mistake
from sync_worker.mapping.grammar import MappingFile
from sync_worker.portal import Portal
from sync_worker.source import Source


def lint(grammar: MappingFile, source: Source, portal: Portal | None = None) -> list[Mistake]:
    """Every mistake, in the order of the file."""
    return []
