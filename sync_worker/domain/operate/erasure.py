"""What is left of a person in JSON that was written down, taken out of it: the place stays, and says that something stood there. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sync_worker.domain.core.values import Value

ERASED: Final = "an erased person"
"""Instead of whatever named somebody."""

CONTACT: Final = ("contact_first_name", "contact_last_name", "contact_email")
"""A deal's fields that name the person at the prospect."""


USER_FIELDS: Final = frozenset({"owner_user", "registered_by", "user_id", "author_id"})
"""Keys that hold the id of a user: a deal's fields, and whom an event was for."""


def without(document: Any, names: Collection[str]) -> Any:
    """The document with `ERASED` wherever a key of these names holds something, however deep."""
    if isinstance(document, list):
        return [without(item, names) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: _blank(value) if key in names else without(value, names) for key, value in document.items()}


def contact_words(values: Mapping[str, Value]) -> tuple[str, ...]:
    """What is looked for in what people wrote about a deal, of its contact: the address, and first and last name together."""
    first, last, email = (str(values.get(name) or "").strip() for name in CONTACT)
    return tuple(word for word, is_sure in ((email, "@" in email), (f"{first} {last}", first and last)) if is_sure)


def contact_names(values: Mapping[str, Value]) -> tuple[str, ...]:
    """First and last name of its contact, each by itself."""
    return tuple(name for field in CONTACT[:2] if (name := str(values.get(field) or "").strip()))


def without_words(text: str, words: Collection[str]) -> str:
    """The text with `ERASED` wherever one of these stands in it."""
    for word in sorted(words, key=len, reverse=True):
        text = _word(word).sub(ERASED, text)
    return text


def document_without(document: Any, words: Collection[str]) -> Any:
    """The document with `ERASED` wherever one of these stands in a text of it, however deep."""
    if isinstance(document, list):
        return [document_without(item, words) for item in document]
    if isinstance(document, dict):
        return {key: document_without(value, words) for key, value in document.items()}
    return without_words(document, words) if isinstance(document, str) else document


def file_name_without(name: str, words: Collection[str]) -> str:
    """The same for the name of a file, whose ending is not a part of a person's name."""
    left = without_words(name, words)
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", left)
    return without_words(stem, words) + left[len(stem) :]


@dataclass(frozen=True, slots=True)
class Person:
    """A user who is forgotten. **Shapes** `labels`: what the person was called where something was done, as `Name (user id)`."""

    id: str
    email: str
    labels: frozenset[str] = frozenset()

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for inside of texts: the address; the id too, where it cannot be a word or a number that means something else."""
        is_distinct = "@" in self.id or (len(self.id) >= 8 and not self.id.isalpha() and not self.id.isdecimal())
        return tuple(word for word, is_sure in ((self.email, "@" in self.email), (self.id, is_distinct)) if is_sure)

    @property
    def ending(self) -> str:
        """How every name of the person ends in histories."""
        return f"({self.id})"

    @property
    def names(self) -> frozenset[str]:
        """All that the person is called by."""
        return self.labels | {*self.words, self.ending}

    def left_out(self, document: Any, *, is_user: bool = False) -> Any:
        """The document with `ERASED` wherever the person stands in it. **Shapes** `is_user`: a text in it is the id of a user."""
        if isinstance(document, list):
            return [self.left_out(item, is_user=is_user) for item in document]
        if isinstance(document, dict):
            return {key: self.left_out(value, is_user=is_user or key in USER_FIELDS) for key, value in document.items()}
        if not isinstance(document, str):
            return document
        return ERASED if is_user and document == self.id else self._out_of_text(document)

    def _out_of_text(self, text: str) -> str:
        text = without_words(text, self.labels)
        return ERASED if text.endswith(self.ending) else without_words(text, self.words)


def _word(text: str) -> re.Pattern[str]:
    """The text where it is not a part of a longer name or address."""
    return re.compile(rf"(?<![\w.%+-]){re.escape(text)}(?![\w-]|\.\w|@)", re.IGNORECASE)


def _blank(value: Any) -> Any:
    """**Shapes** a pair of before and after stays one."""
    if isinstance(value, dict):
        return {key: _blank(item) for key, item in value.items()}
    return value if value in (None, "") else ERASED
