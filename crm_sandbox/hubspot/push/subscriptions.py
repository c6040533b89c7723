"""What an app is told of, and where."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from crm_sandbox.hubspot.push.events import WHATS, WebhookEvent
from crm_sandbox.hubspot.wire import errors, stamps

MAX_SUBSCRIPTIONS = 1_000
MAX_CONCURRENT = 10
_GENERIC = "object"


@dataclass(frozen=True, slots=True)
class WebhookSubscription:
    """One sort of event: `company.propertyChange` of one property, or `object.creation` of one record type (`0-2`)."""

    id: int
    event_type: str
    made_ms: int
    property_name: str | None = None
    type_id: str | None = None
    is_active: bool = True

    def wants(self, event: WebhookEvent) -> bool:
        """Whether the event is one of those."""
        if not self.is_active or event.property_name != self.property_name:
            return False
        room, _, what = self.event_type.partition(".")
        is_type = event.type.type_id == self.type_id if room == _GENERIC else event.type.singular == room
        return is_type and event.what == what

    def payload(self, event: WebhookEvent, *, portal_id: int, app_id: int, event_id: int, attempt: int) -> dict[str, Any]:
        """One notification."""
        head = {"eventId": event_id, "subscriptionId": self.id, "portalId": portal_id, "appId": app_id}
        shape = {**head, **event.to_dict(), "subscriptionType": self.event_type, "attemptNumber": attempt}
        return shape if self.type_id is None else {**shape, "objectTypeId": self.type_id}

    def to_dict(self) -> dict[str, Any]:
        """As the webhooks API shows it."""
        made = stamps.write(self.made_ms)
        shape = {"id": str(self.id), "eventType": self.event_type, "active": self.is_active, "createdAt": made, "updatedAt": made}
        more = {"propertyName": self.property_name, "objectTypeId": self.type_id}
        return shape | {name: value for name, value in more.items() if value is not None}


@dataclass(slots=True)
class WebhookSettings:
    """Where notifications go, and how many at once. `public_url` is what is signed when a proxy stands before the receiver."""

    target_url: str
    made_ms: int
    max_concurrent: int = MAX_CONCURRENT
    public_url: str | None = None
    is_auto: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As the webhooks API shows it."""
        made = stamps.write(self.made_ms)
        throttling = {"maxConcurrentRequests": self.max_concurrent}
        return {"targetUrl": self.target_url, "throttling": throttling, "createdAt": made, "updatedAt": made}


@dataclass(slots=True)
class Subscriptions:
    """All of an app's, by number."""

    by_id: dict[int, WebhookSubscription] = field(default_factory=dict)
    _last_id: int = 92_000

    def add(self, wish: dict[str, Any], *, singulars: Iterable[str], now_ms: int) -> WebhookSubscription:
        """A new one, by the vendor's own names: `eventType`, `propertyName`, `objectTypeId`, `active`.

        Raises: Refusal.
        """
        event_type, name = str(wish.get("eventType", "")), wish.get("propertyName")
        _check(event_type, name, wish.get("objectTypeId"), set(singulars))
        if len(self.by_id) >= MAX_SUBSCRIPTIONS:
            raise errors.invalid(f"This app has reached the limit of {MAX_SUBSCRIPTIONS} subscriptions")
        self._last_id += 1
        is_active = bool(wish.get("active", False))
        made = WebhookSubscription(self._last_id, event_type, now_ms, name, wish.get("objectTypeId"), is_active)
        self.by_id[made.id] = made
        return made

    def switch(self, subscription_id: int, *, on: bool) -> WebhookSubscription:
        """One is paused, or goes on.

        Raises: Refusal.
        """
        self.by_id[subscription_id] = replace(self.get(subscription_id), is_active=on)
        return self.by_id[subscription_id]

    def get(self, subscription_id: int) -> WebhookSubscription:
        """One of them.

        Raises: Refusal.
        """
        found = self.by_id.get(subscription_id)
        if found is None:
            raise errors.not_found(f"No subscription with ID {subscription_id}")
        return found


def _check(event_type: str, name: object, type_id: object, singulars: set[str]) -> None:
    room, _, what = event_type.partition(".")
    if what not in WHATS or room not in {*singulars, _GENERIC}:
        raise errors.invalid(f"Invalid eventType: {event_type}")
    if (room == _GENERIC) != (type_id is not None):
        raise errors.invalid("objectTypeId is needed by object.* subscriptions, and by no others")
    if (what == "propertyChange") != (name is not None):
        raise errors.invalid("propertyName is needed by propertyChange subscriptions, and by no others")
    if name == "hs_lastmodifieddate":
        raise errors.invalid("hs_lastmodifieddate cannot be subscribed to")
