"""What waits to be told. Drained on the event loop; only the POSTs themselves run beside it.

event ─▶ wanted by a subscription? ─▶ queued ─▶ due? ─▶ batch ─▶ POST ─▶ taken: gone | not: ten more times in a day, then dropped
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from crm_sandbox.hubspot.data.portal import PORTAL_ID, HubspotAccount
from crm_sandbox.hubspot.login.credentials import SANDBOX_APP_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.push import signing
from crm_sandbox.hubspot.push.events import WebhookEvent
from crm_sandbox.hubspot.push.sender import send
from crm_sandbox.hubspot.push.subscriptions import Subscriptions, WebhookSettings, WebhookSubscription
from crm_sandbox.hubspot.wire import stamps

MAX_BATCH = 99  # fewer than a hundred
RETRY_AFTER_S = (60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800)  # ten within a day; each a tenth sooner or later
_FIRST_EVENT_ID = 4_100_000_001
_TICK_S = 0.05  # how often an outbox that delivers by itself looks for what is due


@dataclass(slots=True)
class WebhookNotification:
    """One event on its way to the app."""

    id: int
    subscription: WebhookSubscription
    event: WebhookEvent
    due_ms: int
    attempt: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As it is sent."""
        return self.subscription.payload(self.event, portal_id=PORTAL_ID, app_id=SANDBOX_APP_ID, event_id=self.id, attempt=self.attempt)


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """How to deliver: `force` does not wait for what is not due, `repeat` sends each batch so often, `shuffle` mixes the order.

    With an `event_id` every event says that one: the vendor does not promise that they differ.
    """

    batch_size: int = MAX_BATCH
    repeat: int = 1
    shuffle: bool = False
    force: bool = False
    event_id: int | None = None


@dataclass(slots=True)
class WebhookOutbox:
    """An app's webhooks: what it wants to hear, what waits, and what was sent. Without settings nothing is told."""

    portal: HubspotAccount
    rng: Random
    settings: WebhookSettings | None = None
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    queue: dict[int, WebhookNotification] = field(default_factory=dict)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    lost_until_ms: int = 0  # what happens before is never told
    _last_id: int = _FIRST_EVENT_ID - 1
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ticking: asyncio.Task[None] | None = None

    def tell(self, events: Iterable[WebhookEvent]) -> None:
        """Queue what somebody wants to hear."""
        now = self.portal.now_ms()
        if self.settings is None or now < self.lost_until_ms:
            return
        for event in events:
            for subscription in self.subscriptions.by_id.values():
                if subscription.wants(event):
                    self._last_id += 1
                    self.queue[self._last_id] = WebhookNotification(self._last_id, subscription, event, now)

    def configure(self, settings: WebhookSettings | None) -> None:
        """Tell another address, or none; with `is_auto` notifications leave by themselves."""
        self.settings = settings
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if settings is not None and settings.is_auto:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())

    def clear(self) -> None:
        """No notification is sent any longer, and none is kept."""
        self.configure(None)
        self.subscriptions = Subscriptions()
        self.queue.clear()
        self.deliveries.clear()
        self.lost_until_ms = 0

    async def deliver(self, wish: WebhookDelivery) -> dict[str, int]:
        """Send what is due; counts of requests and events by what became of them."""
        async with self._one_at_a_time:
            done: Counter[str] = Counter(requests=0, taken=0, put_off=0, dropped=0)
            if self.settings is not None:
                gate = asyncio.Semaphore(self.settings.max_concurrent)
                await asyncio.gather(*(self._send(batch, wish, gate, done) for batch in self._batches(wish)))
            return dict(done) | {"queued": len(self.queue)}

    def _batches(self, wish: WebhookDelivery) -> Iterator[list[WebhookNotification]]:
        now = self.portal.now_ms()
        due = [one for one in self.queue.values() if wish.force or one.due_ms <= now]
        if wish.shuffle:
            self.rng.shuffle(due)
        for start in range(0, len(due), wish.batch_size):
            yield due[start : start + wish.batch_size]

    async def _send(self, batch: list[WebhookNotification], wish: WebhookDelivery, gate: asyncio.Semaphore, done: Counter[str]) -> None:
        settings = self.settings
        assert settings is not None  # noqa: S101 - asked by the caller
        told = [one.to_dict() | ({} if wish.event_id is None else {"eventId": wish.event_id}) for one in batch]
        body, at_ms = orjson.dumps(told), self.portal.now_ms()
        headers = signing.headers(SANDBOX_CLIENT_SECRET, settings.public_url or settings.target_url, body, timestamp_ms=at_ms)
        is_taken = False
        async with gate:
            for _ in range(wish.repeat):
                status = await asyncio.to_thread(send, settings.target_url, body, headers)
                is_taken = status is not None and 200 <= status < 300
                self.deliveries.append({"at": stamps.write(at_ms), "url": settings.target_url, "status": status, "events": told})
                done["requests"] += 1
        self._settle(batch, done, is_taken=is_taken)

    def _settle(self, batch: list[WebhookNotification], done: Counter[str], *, is_taken: bool) -> None:
        for one in batch:
            is_given_up = not is_taken and one.attempt >= len(RETRY_AFTER_S)
            done["taken" if is_taken else "dropped" if is_given_up else "put_off"] += 1
            if is_taken or is_given_up:
                self.queue.pop(one.id, None)
                continue
            wait_s = RETRY_AFTER_S[one.attempt] * self.rng.uniform(0.9, 1.1)
            one.due_ms, one.attempt = self.portal.now_ms() + int(wait_s * 1000), one.attempt + 1

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            await self.deliver(WebhookDelivery())
