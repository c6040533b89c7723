"""What happens in a portal, for those who listen: the search index does, and webhooks do."""

from collections.abc import Callable
from dataclasses import dataclass

from crm_sandbox.hubspot.records import Author, Record
from crm_sandbox.hubspot.schema import ObjectType


@dataclass(frozen=True, slots=True)
class Saved:
    """A record, before and now; None: it was not there, or is gone for good."""

    type: ObjectType
    before: Record | None
    after: Record | None
    author: Author
    at_ms: int


@dataclass(frozen=True, slots=True)
class Merged:
    """Records that have become one; `moved` is how many values the survivor took over."""

    type: ObjectType
    primary: int
    merged: tuple[int, ...]
    new_id: int
    moved: int
    author: Author
    at_ms: int


@dataclass(frozen=True, slots=True)
class Linked:
    """Two records associated under one type, or no longer; `inverse_id` is the type as seen from the other side."""

    type: ObjectType
    record_id: int
    far_type: ObjectType
    far_id: int
    type_id: int
    inverse_id: int
    category: str
    is_primary: bool
    is_removed: bool
    author: Author
    at_ms: int


News = Saved | Merged | Linked
Listener = Callable[[News], None]
