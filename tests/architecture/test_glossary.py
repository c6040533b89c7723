"""The glossary stands in docs/domain.md and in `sync_worker/domain/__init__.py`. Both say the same."""

from __future__ import annotations

import re
from pathlib import Path

import sync_worker.domain

PAGE = (Path(__file__).parents[2] / "docs" / "domain.md").read_text()


def of_the_page() -> dict[str, str]:
    """Term and meaning of each row under *Words*."""
    words = PAGE.split("\n## Words\n")[1].split("\n## ")[0]
    rows: list[tuple[str, str]] = re.findall(r"^\| ([^|]+?) \| (.+) \|$", words, re.MULTILINE)
    return dict(rows[1:])


def of_the_code() -> dict[str, str]:
    """Term and meaning of each entry; a meaning may go on over several lines."""
    _, words = (sync_worker.domain.__doc__ or "").split("\nThe words of the product ")
    entries = re.findall(r"^    (\S.*?)  +(\S.*(?:\n     +\S.*)*)", words, re.MULTILINE)
    return {term: " ".join(meaning.split()) for term, meaning in entries}


def test_the_two_glossaries_are_equal() -> None:
    assert of_the_page() == of_the_code()
    assert len(of_the_page()) > 20
