"""README, docs and code are written in plain English: subject first, one idea a sentence. These patterns were the worst habits."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RIDDLES = {
    r"\b(?:whoever|whomever|whosoever|whose ever)\b": "say who: the person who …, a client that …",
    r"\bnobody(?:'s)?\b": "say it with not: a user does not see it; it belongs to no user",
    r"\bnothing but\b": "say only",
    r"(?<!there )(?<!answer )\b(?:is|was|are|were) no (?!longer\b|more than\b)[a-z]+": "is not a …",
    r"\b(?:has|have|had|does|do|is|are) (?:it|he|she|they) not\b": "subject first: it has not",
    r"(?<!there )\b(?:is|are|be) (?-i:none)\b": "is not one, or: there is no …",
    r"\bhowever (?:many|much|long|late|old|often|few|far)\b": "even if …",
    r"\banew\b": "again",
    r"\bbut for\b": "except",
    r"\bbe it\b": "if …, or if …",
    r"\b(?:unless|if not) (?:said|told)\b(?! to\b)": "without this line; if you do not say it",
    r"\b(?:shows?|sees?|counts?|hears?|names?) (?:it |them )?no more\b": "no longer",
    r"\bwhat (?:was|is) so already\b": "what somebody did before",
    r"\bspells? as no\b": "is spelled like no",
    r"\blest\b|\bwhence\b|\bthither\b|\bwherefore\b|\bthereof\b": "a word of school English",
}
"""pattern → what to write instead."""
MODULES = sorted(one for package in ("sync_worker", "crm_sandbox") for one in (ROOT / package).rglob("*.py") if "versions" not in one.parts)
"""Migrations stay as they were."""
ANSWERS = {'"nobody"'}  # to "who may?", which the API gives as `who_may`


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_riddles(page: Path) -> None:
    assert list(_riddles(page.read_text())) == []


def test_messages_docstrings_and_comments_have_no_riddles() -> None:
    found = [
        f"{module.relative_to(ROOT)}:{line}: {riddle}"
        for module in MODULES
        for line, words in _words(module.read_text())
        for riddle in _riddles(words)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_a_page_begins_with_its_readers_and_what_it_assumes(page: Path) -> None:
    title, _, first = page.read_text().partition("\n\n")
    assert title.startswith("# ")
    assert re.search(r"\bAssumes: ", first.split("\n\n")[0]), (
        "For whom is this page? What must they know? 'For the operator: … Assumes: the README.'"
    )


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("word", ["second partner", "base", "claims", "outbox", "notice"])
def test_the_readme_explains_its_words_where_they_first_stand(word: str) -> None:
    text = (ROOT / "README.md").read_text()
    prose = re.sub(r"^```.*?^```$", lambda block: " " * len(block.group()), text, flags=re.MULTILINE | re.DOTALL)
    first = re.search(rf"\b{word.rstrip('s')}s?\b", prose)
    assert first
    assert prose[first.start() - 2 : first.start()] == "**"


def _riddles(written: str) -> Iterator[str]:
    text = " ".join(written.split())
    for riddle, better in RIDDLES.items():
        for match in re.finditer(riddle, text, re.IGNORECASE):
            yield f"… {text[max(0, match.start() - 40) : match.end() + 20]} …: {better}"


def _words(code: str) -> Iterator[tuple[int, str]]:
    """Each string and each comment, with its line."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        is_word = token.type in (tokenize.STRING, tokenize.COMMENT) and token.string not in ANSWERS
        if is_word:
            yield token.start[0], re.sub(r"\{[^{}]*\}", "…", token.string)
