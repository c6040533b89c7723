"""What an event of the feed says: the same in the portal's receiver and in the list of events. See `domain/tell/event.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from sync_worker.web.api.core.codes import EventType
from sync_worker.web.api.core.shapes import View


class EventPart(BaseModel):
    """What was written once and is told as it was, with members that this version may not know."""

    model_config = ConfigDict(extra="allow")


class ChangeView(EventPart):
    """One field. Money is text, a day is an ISO date, a set is a list, and empty is null."""

    before: Any
    after: Any


class CompanyMeant(EventPart):
    """The company that an event is about."""

    type: Literal["company"]
    id: Annotated[str, Field(description="Our id of the company.")]


class DealMeant(EventPart):
    """The deal that an event is about."""

    type: Literal["deal"]
    id: Annotated[str, Field(description="Our id of the deal.")]
    version: Annotated[int, Field(description="The version of the deal after the change.")]


class NotificationMeant(EventPart):
    """The notification that an event is about."""

    type: Literal["notification"]
    id: Annotated[str, Field(description="The id of the notification.")]


class RecordsMeant(EventPart):
    """The kind of records that a first load has read."""

    type: Literal["company", "deal"]
    id: None


class UserMeant(EventPart):
    """The user that an event is about."""

    type: Literal["user"]
    id: Annotated[str, Field(description="The portal's own id of the user.")]


class GroupMeant(EventPart):
    """The group that an event is about."""

    type: Literal["group"]
    id: Annotated[str, Field(description="The key of the group.")]


class EventData(EventPart):
    """What every event says."""

    schema_: Annotated[int, Field(alias="schema", description="The version of this shape. Members are only added within one version.")]
    portal: Annotated[str, Field(description="The portal's name.")]
    seq: Annotated[int, Field(description="The place of the event in the order of all events of the portal.")]
    changed: Annotated[dict[str, ChangeView], Field(description="What has changed, by field.")]
    side: Annotated[Literal["crm", "portal", "worker"], Field(description="Where the change was made. `worker`: it followed from another.")]
    actor: Annotated[str, Field(description="Who made the change.")]
    run: Annotated[str | None, Field(description="The run of the worker that noticed the change.")]


class CompanyEventData(EventData):
    """What an event says about a company."""

    record: CompanyMeant


class DealEventData(EventData):
    """What an event says about a deal."""

    record: DealMeant


class NotificationEventData(EventData):
    """What an event says about a notification."""

    record: NotificationMeant


class LoadEventData(EventData):
    """What an event says about a first load."""

    record: RecordsMeant


class UserEventData(EventData):
    """What an event says about a user who joined or left a group."""

    record: UserMeant


class GroupEventData(EventData):
    """What an event says about a group."""

    record: GroupMeant


AnyEventData: TypeAlias = CompanyEventData | DealEventData | NotificationEventData | UserEventData | GroupEventData | LoadEventData


class EventView(View):
    """An event that the portal was told, or is still to be told."""

    seq: Annotated[int, Field(description="The place of the event in the order of all events of the portal.")]
    id: Annotated[str, Field(description="The id of the event: the header `webhook-id` when it is sent.")]
    type: EventType
    timestamp: datetime
    data: AnyEventData


class EventBody(View):
    """What every message to the receiver says."""

    timestamp: Annotated[datetime, Field(description="When the event was written.")]


class CompanyAdded(EventBody):
    type: Literal["company.added"]
    data: CompanyEventData


class CompanyChanged(EventBody):
    type: Literal["company.changed"]
    data: CompanyEventData


class CompanyDeactivated(EventBody):
    type: Literal["company.deactivated"]
    data: CompanyEventData


class AssociationsChanged(EventBody):
    type: Literal["associations.changed"]
    data: CompanyEventData


class DealRegistered(EventBody):
    type: Literal["deal.registered"]
    data: DealEventData


class DealChanged(EventBody):
    type: Literal["deal.changed"]
    data: DealEventData


class NotificationCreated(EventBody):
    type: Literal["notification.created"]
    data: NotificationEventData


class GroupJoined(EventBody):
    type: Literal["group.joined"]
    data: UserEventData


class GroupLeft(EventBody):
    type: Literal["group.left"]
    data: UserEventData


class GroupChanged(EventBody):
    type: Literal["group.changed"]
    data: GroupEventData


class RecordsLoaded(EventBody):
    type: Literal["records.loaded"]
    data: LoadEventData


class PingData(View):
    """What a ping says."""

    schema_: Annotated[int, Field(alias="schema", description="The version of this shape.")]
    portal: Annotated[str, Field(description="The portal's name.")]
    seq: Annotated[int, Field(description="Always 0: a ping is not an event.")]


class Ping(EventBody):
    type: Literal["ping"]
    data: PingData
