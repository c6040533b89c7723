"""Merge tags: `{{ deal.amount }}` in a subject or a body stands for one value. A tag is a name and nothing else, so nothing is computed.

Text that a tag puts in is not looked through for tags again. HTML is escaped where the letter is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_TAG: Final = re.compile(r"\{\{\s*([^{}\s](?:[^{}]*[^{}\s])?)\s*\}\}")
_BRACES: Final = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")  # the last four mean something in other template languages, and nothing here
SHOWN_COUNT: Final = 30  # characters around what is wrong


def tags_in(text: str) -> tuple[str, ...]:
    """The names in the text, each once, in their order."""
    return tuple(dict.fromkeys(match[1] for match in _TAG.finditer(text)))


def unfinished_tag(text: str) -> str:
    """The first braces that make no tag, with the text around them; "" where there are none."""
    rest = _TAG.sub(lambda match: " " * len(match[0]), text)
    found = _BRACES.search(rest)
    if found is None:
        return ""
    return " ".join(text[max(0, found.start() - SHOWN_COUNT // 2) : found.end() + SHOWN_COUNT].split())


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the values in the places of their tags; a missing value is empty."""
    return _TAG.sub(lambda match: values.get(match[1], ""), text)
