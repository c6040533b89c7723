"""What happened to a record, and how a notification tells it.

Saved ─▶ creation, deletion, restore, and one propertyChange for each property       Linked ─▶ associationChange, one for each side
Merged ─▶ merge
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from crm_sandbox.hubspot.data.news import News, RecordSaved, RecordsLinked, RecordsMerged
from crm_sandbox.hubspot.data.records import HubspotAuthor
from crm_sandbox.hubspot.schema.schema import ObjectType

What = Literal["creation", "deletion", "merge", "restore", "propertyChange", "associationChange"]
WHATS: tuple[What, ...] = ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange")
_FLAGS = {"creation": "CREATED", "deletion": "DELETED", "restore": "RESTORED"}


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One thing that happened to one record. `told` is what only this sort of event says."""

    what: What
    type: ObjectType
    author: HubspotAuthor
    at_ms: int
    told: dict[str, Any] = field(default_factory=dict)
    property_name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The part of a notification that does not depend on who is told."""
        by = {} if self.author.source_id is None else {"sourceId": self.author.source_id}
        return {"occurredAt": self.at_ms, **self.told, "changeSource": self.author.source, **by}


def events_of(news: News) -> list[WebhookEvent]:
    """What the news mean for those who subscribe."""
    if isinstance(news, RecordSaved):
        return list(_of_save(news))
    return [_of_merge(news)] if isinstance(news, RecordsMerged) else _of_link(news)


def _of_save(news: RecordSaved) -> Iterator[WebhookEvent]:
    was_there = news.before is not None and news.before.archived_ms is None
    is_there = news.after is not None and news.after.archived_ms is None
    record = news.after or news.before
    if record is None or not (was_there or is_there):
        return
    if was_there != is_there:
        what: What = "deletion" if was_there else "creation" if news.before is None else "restore"
        yield WebhookEvent(what, news.type, news.author, news.at_ms, {"objectId": record.id, "changeFlag": _FLAGS[what]})
    if is_there:
        yield from _of_values(news, record.id)


def _of_values(news: RecordSaved, record_id: int) -> Iterator[WebhookEvent]:
    old, new = ({} if record is None else record.values for record in (news.before, news.after))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            told = {"objectId": record_id, "propertyName": name, "propertyValue": new.get(name, "")}
            yield WebhookEvent("propertyChange", news.type, news.author, news.at_ms, told, name)


def _of_merge(news: RecordsMerged) -> WebhookEvent:
    told = {
        "objectId": news.new_id,
        "primaryObjectId": news.primary,
        "mergedObjectIds": list(news.merged),
        "newObjectId": news.new_id,
        "numberOfPropertiesMoved": news.moved,
    }
    return WebhookEvent("merge", news.type, news.author, news.at_ms, told)


def _of_link(news: RecordsLinked) -> list[WebhookEvent]:
    near = _Near(news.type, news.record_id, news.type_id)
    far = _Near(news.far_type, news.far_id, news.inverse_id)
    return [_of_side(news, near, far), _of_side(news, far, near)]


class _Near(NamedTuple):
    """One end of an association, and the number of the association as it is read from there."""

    type: ObjectType
    record_id: int
    type_id: int


def _of_side(news: RecordsLinked, near: _Near, far: _Near) -> WebhookEvent:
    told = {
        "associationType": f"{near.type.upper}_TO_{far.type.upper}",
        "associationCategory": news.category,
        "associationTypeId": near.type_id,
        "fromObjectId": near.record_id,
        "toObjectId": far.record_id,
        "associationRemoved": news.is_removed,
        "isPrimaryAssociation": news.is_primary,
    }
    return WebhookEvent("associationChange", near.type, news.author, news.at_ms, told)
