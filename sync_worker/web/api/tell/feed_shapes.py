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


class QuoteMeant(EventPart):
    """The quote that an event is about."""

    type: Literal["quote"]
    id: Annotated[str, Field(description="The id of the quote.")]
    deal_id: Annotated[str, Field(description="Our id of its deal.")]


class LicenceMeant(EventPart):
    """The licences of one line that an event is about."""

    type: Literal["licence"]
    id: Annotated[str, Field(description="The id of the licences.")]
    deal_id: Annotated[str, Field(description="Our id of their deal.")]


class TermsMeant(EventPart):
    """The terms that an event is about."""

    type: Literal["terms"]
    id: Annotated[str, Field(description="Both ids of the companies, with a slash between them.")]
    company_id: Annotated[str, Field(description="Our id of the company that the terms are for.")]
    upper_id: Annotated[str, Field(description="Our id of the company above it, which sets the terms.")]


class AgreementMeant(EventPart):
    """The version of an agreement that an event is about."""

    type: Literal["agreement"]
    id: Annotated[str, Field(description="The id of this version.")]
    company_id: Annotated[str, Field(description="Our id of the company that signed.")]
    upper_id: Annotated[str, Field(description="Our id of the company above it.")]


class PricesMeant(EventPart):
    """The price list."""

    type: Literal["prices"]
    id: None


class JourneyMeant(EventPart):
    """The journey that an event is about."""

    type: Literal["journey"]
    id: Annotated[str, Field(description="The key of the journey.")]


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
    """What an event says about a user."""

    record: UserMeant


class GroupEventData(EventData):
    """What an event says about a group."""

    record: GroupMeant


class QuoteEventData(EventData):
    """What an event says about a quote."""

    record: QuoteMeant


class LicenceEventData(EventData):
    """What an event says about licences."""

    record: LicenceMeant


class TermsEventData(EventData):
    """What an event says about terms."""

    record: TermsMeant


class AgreementEventData(EventData):
    """What an event says about an agreement."""

    record: AgreementMeant


class PricesEventData(EventData):
    """What an event says about the price list."""

    record: PricesMeant


class JourneyEventData(EventData):
    """What an event says about a journey."""

    record: JourneyMeant


AnyEventData: TypeAlias = (
    CompanyEventData
    | DealEventData
    | QuoteEventData
    | PricesEventData
    | LicenceEventData
    | TermsEventData
    | AgreementEventData
    | NotificationEventData
    | JourneyEventData
    | UserEventData
    | GroupEventData
    | LoadEventData
)


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


class DealNoteAdded(EventBody):
    type: Literal["deal.note_added"]
    data: DealEventData


class DealNoteChanged(EventBody):
    type: Literal["deal.note_changed"]
    data: DealEventData


class DealNoteRemoved(EventBody):
    type: Literal["deal.note_removed"]
    data: DealEventData


class DealFileAdded(EventBody):
    type: Literal["deal.file_added"]
    data: DealEventData


class DealFileRemoved(EventBody):
    type: Literal["deal.file_removed"]
    data: DealEventData


class QuoteMade(EventBody):
    type: Literal["quote.made"]
    data: QuoteEventData


class QuoteSent(EventBody):
    type: Literal["quote.sent"]
    data: QuoteEventData


class QuoteSigned(EventBody):
    type: Literal["quote.signed"]
    data: QuoteEventData


class PricesChanged(EventBody):
    type: Literal["prices.changed"]
    data: PricesEventData


class LicenceIssued(EventBody):
    type: Literal["licence.issued"]
    data: LicenceEventData


class LicenceChanged(EventBody):
    type: Literal["licence.changed"]
    data: LicenceEventData


class SubgroupAdded(EventBody):
    type: Literal["subgroup.added"]
    data: CompanyEventData


class SubgroupChanged(EventBody):
    type: Literal["subgroup.changed"]
    data: CompanyEventData


class SubgroupEnded(EventBody):
    type: Literal["subgroup.ended"]
    data: CompanyEventData


class TermsChanged(EventBody):
    type: Literal["terms.changed"]
    data: TermsEventData


class AgreementAdded(EventBody):
    type: Literal["agreement.added"]
    data: AgreementEventData


class AgreementChanged(EventBody):
    type: Literal["agreement.changed"]
    data: AgreementEventData


class NotificationCreated(EventBody):
    type: Literal["notification.created"]
    data: NotificationEventData


class JourneyChanged(EventBody):
    type: Literal["journey.changed"]
    data: JourneyEventData


class UserChanged(EventBody):
    type: Literal["user.changed"]
    data: UserEventData


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
