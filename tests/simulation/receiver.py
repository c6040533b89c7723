"""The portal's receiver of the feed: what it has got, and what goes wrong with it."""

from __future__ import annotations

import random
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sync_worker.domain.tell.delivery import ReceiverAnswer
from tests.simulation.gate import Gate

if TYPE_CHECKING:
    from tests.simulation.rules import AtRest

ENVIRON = {"FEED_SECRET": "whsec_" + b64encode(bytes(range(32))).decode()}
FEED = 'feed: {url: "https://portal.example/events", secret: "${FEED_SECRET}"}'
DOWN, REFUSING = "the receiver is down", "the receiver refuses an event"
ANSWER_LOST = "the receiver has an event, and its answer is lost"
ANSWERS = {DOWN: ReceiverAnswer(503, "back soon"), REFUSING: ReceiverAnswer(500, "a bug"), ANSWER_LOST: ReceiverAnswer(0, "timed out")}


@dataclass
class Inbox:
    """**Shapes** `told`: event id → its data, in the order of arrival; `orders`: troubles to come; `odd`: what must never arrive."""

    told: dict[str, Any] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def order(self, dice: random.Random) -> str:
        """Trouble for one to five calls, and what it is called."""
        name = dice.choice((DOWN, REFUSING, ANSWER_LOST))
        self.orders += [name] * dice.choice((1, 1, 2, 5))
        return name

    def take(self, event_id: str, data: Any) -> ReceiverAnswer:
        trouble = self.orders.pop(0) if self.orders else ""
        if trouble:
            self.hits[trouble] += 1
        if trouble not in (DOWN, REFUSING) and self.told.setdefault(event_id, data) != data:
            self.odd.append(f"event {event_id} came twice with another content")
        return ANSWERS[trouble] if trouble else ReceiverAnswer(200, "ok")

    def out_of_order(self) -> Iterator[str]:
        """By record, what arrived for the first time before something older."""
        last: dict[tuple[str, str], int] = {}
        for data in self.told.values():
            record, seq = (data["record"]["type"], data["record"]["id"]), data["seq"]
            if seq < last.get(record, 0):
                yield f"event {seq} of {record} came after {last[record]}"
            last[record] = max(seq, last.get(record, 0))


@dataclass
class GatedReceiver:
    """One worker's way to it."""

    inbox: Inbox
    gate: Gate
    url: str = "https://portal.example/events"

    def send(self, event_id: str, kind: str, at: datetime, data: Any) -> ReceiverAnswer:
        """As `Receiver.send`."""
        del kind, at
        self.gate.pass_()
        self.gate.time.forward(0.2)
        answer = self.inbox.take(event_id, data)
        self.gate.pass_()
        return answer


def told(here: AtRest) -> Iterator[str]:
    """What is written as an event has arrived, and nothing else has. Each later version of a deal is one event."""
    if not here.world.setting.has_feed:
        return
    inbox = here.world.inbox
    yield from (
        f"event {event.seq} ({event.kind} of {event.record_id}) was never told" for event in here.events if event.id not in inbox.told
    )
    yield from (f"event {id_} is in no log" for id_ in sorted(inbox.told.keys() - {event.id for event in here.events}))
    yield from inbox.odd
    yield from inbox.out_of_order()
    versions = Counter((event.record_id, event.data["record"]["version"]) for event in here.events if event.kind == "deal.changed")
    yield from (f"version {version} of {deal_id} is told {count} times" for (deal_id, version), count in versions.items() if count > 1)
    changed = {(deal_id, change["version"]) for deal_id, changes in here.history.items() for change in changes if change["field"]}
    first = {(deal_id, change["version"]) for deal_id, changes in here.history.items() for change in changes if not change["field"]}
    yield from (f"version {version} of {deal_id} was never told" for deal_id, version in sorted(changed - first - versions.keys()))
