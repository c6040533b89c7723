"""Merges: which record each one became, step by step, until the record that lives."""

from __future__ import annotations

from collections.abc import Mapping


def chain(became: Mapping[str, str], record: str) -> tuple[str, ...]:
    """The record and everything that it became, each once, the live one last.

    **Shapes** `became`: for each record that lost a merge, the one that it was merged into. Steps that lead back end before they repeat.
    """
    found = [record]
    while (following := became.get(found[-1])) and following not in found:
        found.append(following)
    return tuple(found)
