"""What happened to a record, and how a notification tells it.

save ─▶ creation, deletion, restore, or one propertyChange for each property      link ─▶ associationChange, one for each side
merge ─▶ merge, and what it changed on the survivor
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sync_worker.sandbox.hubspot.news import Merged, News, Saved
from sync_worker.sandbox.hubspot.records import Author, Record
from sync_worker.sandbox.hubspot.schema import ObjectType

What = Literal["creation", "deletion", "merge", "restore", "propertyChange", "associationChange"]
WHATS: tuple[What, ...] = ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange")
_FLAGS = {"creation": "CREATED", "deletion": "DELETED", "restore": "RESTORED"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one record. `told` is what only this sort of event says."""

    what: What
    type: ObjectType
    object_id: int
    at_ms: int
    author: Author
    property_name: str | None = None
    told: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The part of a notification that does not depend on who is told."""
        shape = {"occurredAt": self.at_ms, **self.told, **_by(self.author)}
        return shape if self.what == "associationChange" else {"objectId": self.object_id, **shape}


@dataclass(frozen=True, slots=True)
class End:
    """One side of an association."""

    type: ObjectType
    object_id: int
    type_id: int  # of the association, as seen from this side
    is_primary: bool = False


def events_of(news: News) -> list[Event]:
    """What there is to tell of a piece of news."""
    if isinstance(news, Saved):
        return of_save(news.type, news.before, news.after, news.author, news.at_ms)
    if isinstance(news, Merged):
        return [of_merge(news.type, news.primary, news.merged, news.new_id, news.author, news.at_ms, moved=news.moved)]
    near = End(news.type, news.record_id, news.type_id, news.is_primary)
    far = End(news.far_type, news.far_id, news.inverse_id, news.is_primary)
    return of_link(near, far, category=news.category, author=news.author, at_ms=news.at_ms, is_removed=news.is_removed)


def of_save(kind: ObjectType, before: Record | None, after: Record | None, author: Author, at_ms: int) -> list[Event]:
    """What a save means: the record before, the record now (None: gone)."""
    was_there = before is not None and before.archived_ms is None
    is_there = after is not None and after.archived_ms is None
    record = after or before
    if record is None or not (was_there or is_there):
        return []
    what: What | None = None
    if was_there != is_there:
        what = "deletion" if was_there else "creation" if before is None else "restore"
    events = [] if what is None else [Event(what, kind, record.id, at_ms, author, told={"changeFlag": _FLAGS[what]})]
    if is_there:
        events += _of_values(kind, before, record, author, at_ms)
    return events


def _of_values(kind: ObjectType, before: Record | None, after: Record, author: Author, at_ms: int) -> Iterator[Event]:
    old = {} if before is None else before.values
    for name in sorted(old.keys() | after.values.keys()):
        if old.get(name) != after.values.get(name):
            told = {"propertyName": name, "propertyValue": after.values.get(name, "")}
            yield Event("propertyChange", kind, after.id, at_ms, author, name, told)


def of_merge(kind: ObjectType, primary: int, merged: Iterable[int], new_id: int, author: Author, at_ms: int, *, moved: int = 0) -> Event:
    """Records have become one."""
    told = {"primaryObjectId": primary, "mergedObjectIds": list(merged), "newObjectId": new_id, "numberOfPropertiesMoved": moved}
    return Event("merge", kind, new_id, at_ms, author, told=told)


def of_link(one: End, other: End, *, category: str, author: Author, at_ms: int, is_removed: bool = False) -> list[Event]:
    """Two records are associated under a label, or no longer; each side hears of it."""
    return [_of_side(side, far, category, author, at_ms, is_removed) for side, far in ((one, other), (other, one))]


def _of_side(side: End, far: End, category: str, author: Author, at_ms: int, is_removed: bool) -> Event:
    told = {
        "associationType": f"{side.type.upper}_TO_{far.type.upper}",
        "associationCategory": category,
        "associationTypeId": side.type_id,
        "fromObjectId": side.object_id,
        "toObjectId": far.object_id,
        "associationRemoved": is_removed,
        "isPrimaryAssociation": side.is_primary,
    }
    return Event("associationChange", side.type, side.object_id, at_ms, author, told=told)


def _by(author: Author) -> dict[str, Any]:
    return {"changeSource": author.source} | ({} if author.source_id is None else {"sourceId": author.source_id})
