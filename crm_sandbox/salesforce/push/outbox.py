"""What waits to be told. Drained on the event loop; only the POST itself runs beside it.

saved record ─▶ notification ─▶ due? ─▶ batch ─▶ POST ─▶ acknowledged: gone | not: 30 s, 1 min, 2 min, … 2 h; after a day dropped
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from crm_sandbox.salesforce.data.org import ORG_ID, Org
from crm_sandbox.salesforce.push.envelope import envelope
from crm_sandbox.salesforce.push.sender import send
from crm_sandbox.salesforce.push.subscriptions import QUEUE_LIFE, MessageNotification, MessageSubscription

MAX_BATCH = 100  # notifications in one message
_TICK_S = 0.05  # how often subscriptions that deliver by themselves are looked at


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """How to deliver: `force` does not wait for what is not due, `repeat` sends each message so often, `shuffle` mixes the order."""

    batch_size: int = MAX_BATCH
    repeat: int = 1
    shuffle: bool = False
    force: bool = False
    only_auto: bool = False


class MessageOutbox:
    """The subscriptions of an org, and their queue."""

    def __init__(self, org: Org, rng: Random, instance_url: Callable[[], str]) -> None:
        self._org, self._rng, self._instance_url = org, rng, instance_url
        self.subscriptions: list[MessageSubscription] = []
        self.queue: list[MessageNotification] = []
        self._one_at_a_time = asyncio.Lock()
        self._ticking: asyncio.Task[None] | None = None

    def subscribe(
        self, sobject: str, fields: tuple[str, ...], url: str, organization_id: str | None, **more: object
    ) -> MessageSubscription:
        """Tell an address of changes from now on."""
        self.collect()  # what was saved before is not sent
        action_id = self._org.store.next_id("04k")
        made = MessageSubscription(action_id, sobject, fields, url, organization_id or ORG_ID, **more)  # type: ignore[arg-type]
        self.subscriptions.append(made)
        self._org.store.watched.add(sobject)
        if made.is_auto and self._ticking is None:
            self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return made

    def clear(self) -> None:
        """No subscriptions and nothing queued any more."""
        self.subscriptions.clear()
        self.queue.clear()
        self._org.store.watched.clear()
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def collect(self) -> None:
        """Turn the records saved since the last time into notifications."""
        now = self._org.clock.now()
        for sobject, record_id in self._org.store.drain():
            for wish in self.subscriptions:
                if wish.sobject == sobject and not (wish.ignores_integration_user and self._is_integration(sobject, record_id)):
                    self.queue.append(MessageNotification(self._org.store.next_id("04l"), wish, record_id, now, now))

    def _is_integration(self, sobject: str, record_id: str) -> bool:
        record = self._org.store.get(self._org.sobject(sobject), record_id)
        return record is not None and record["LastModifiedById"] == self._org.people.integration

    async def deliver(self, wish: MessageDelivery) -> dict[str, int]:
        """Send what is due; counts of messages and notifications by what became of them."""
        async with self._one_at_a_time:
            self.collect()
            done: Counter[str] = Counter(messages=0, acknowledged=0, put_off=0, dropped=self._drop_old())
            for batch in list(self._batches(wish)):
                await self._send(batch, wish.repeat, done)
            return dict(done) | {"queued": len(self.queue)}

    def _drop_old(self) -> int:
        now, before = self._org.clock.now(), len(self.queue)
        self.queue = [one for one in self.queue if now - one.queued_at < QUEUE_LIFE]
        return before - len(self.queue)

    def _batches(self, wish: MessageDelivery) -> Iterator[list[MessageNotification]]:
        now = self._org.clock.now()
        for subscription in self.subscriptions:
            if wish.only_auto and not subscription.is_auto:
                continue
            due = [one for one in self.queue if one.subscription is subscription and (wish.force or one.next_at <= now)]
            if wish.shuffle:
                self._rng.shuffle(due)
            for start in range(0, len(due), wish.batch_size):
                yield due[start : start + wish.batch_size]

    async def _send(self, batch: list[MessageNotification], repeat: int, done: Counter[str]) -> None:
        message = envelope(self._org, batch, self._instance_url())
        is_taken = False
        for _ in range(repeat):
            is_taken = await asyncio.to_thread(send, batch[0].subscription.url, message)
            done["messages"] += 1
        done["acknowledged" if is_taken else "put_off"] += len(batch)
        if is_taken:
            told = {one.id for one in batch}
            self.queue = [one for one in self.queue if one.id not in told]
            return
        for one in batch:
            one.put_off(self._org.clock.now())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            await self.deliver(MessageDelivery(only_auto=True))
