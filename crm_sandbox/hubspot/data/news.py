"""What happens in a portal, for those who listen: the search index does, and webhooks do."""

from collections.abc import Callable
from dataclasses import dataclass

from crm_sandbox.hubspot.data.records import HubspotAuthor, Record
from crm_sandbox.hubspot.schema.schema import ObjectType


@dataclass(frozen=True, slots=True)
class RecordSaved:
    """A record, before and now; None: it was not there, or is gone for good."""

    type: ObjectType
    before: Record | None
    after: Record | None
    author: HubspotAuthor
    at_ms: int


@dataclass(frozen=True, slots=True)
class RecordsMerged:
    """Records that have become one; `moved` is how many values the survivor took over."""

    type: ObjectType
    primary: int
    merged: tuple[int, ...]
    new_id: int
    moved: int
    author: HubspotAuthor
    at_ms: int


@dataclass(frozen=True, slots=True)
class RecordsLinked:
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
    author: HubspotAuthor
    at_ms: int


News = RecordSaved | RecordsMerged | RecordsLinked
Listener = Callable[[News], None]
