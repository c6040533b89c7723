"""What is left of a person in JSON that was written down, taken out of it: the place stays, and says that something stood there. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

ERASED: Final = "an erased person"
"""Instead of whatever named somebody."""

CONTACT: Final = ("contact_first_name", "contact_last_name", "contact_email")
"""A deal's fields that name the person at the prospect."""


def without(document: Any, names: Collection[str]) -> Any:
    """The document with `ERASED` wherever a key of these names holds something, however deep."""
    if isinstance(document, list):
        return [without(item, names) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: _blank(value) if key in names else without(value, names) for key, value in document.items()}


def renamed(document: Any, ending: str) -> Any:
    """The document with `ERASED` for every text that ends like this: a person's name as history keeps it."""
    if isinstance(document, list):
        return [renamed(item, ending) for item in document]
    if isinstance(document, dict):
        return {key: renamed(value, ending) for key, value in document.items()}
    return ERASED if isinstance(document, str) and document.endswith(ending) else document


def _blank(value: Any) -> Any:
    """**Shapes** a pair of before and after stays one."""
    if isinstance(value, dict):
        return {key: _blank(item) for key, item in value.items()}
    return value if value in (None, "") else ERASED
