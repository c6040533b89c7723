"""DELIVER: events that are owed go to the portal's receiver: signed, in order per record, at least once.

    claim      a lease: one sender per portal; what may be sent, in order                            a short commit
    send       a few records at a time, each in its own order; a refused event ends its record's turn
    settle     what arrived is owed no more; what did not waits, longer each time                    a short commit

Killed between send and settle, the next sender sends the same events again, with the same ids. A receiver that is down costs one call
per rest, whatever is owed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Final

from sync_worker.boundary import silence
from sync_worker.boundary.redaction import masked
from sync_worker.domain.core.moments import utc
from sync_worker.domain.tell.delivery import ROW_COUNT, TELL_COUNT, DeliveryOutcome, ReceiverAnswer, ending_of, rest_s, retry_s
from sync_worker.receiver import SEND_S, Receiver
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.core.runs import Counts
from sync_worker.store.tell import deliveries
from sync_worker.store.tell.deliveries import LEASE, Delivery
from sync_worker.telemetry import metrics

BATCH_COUNT: Final = 64  # events between two commits: what a kill sends again at most
LANE_COUNT: Final = 4  # records at a time
STAGE: Final = "deliver"
FEED, RECEIVER = "feed", "receiver"  # the object and record of failures that are of no single event
DELIVER = FollowUp(Work.DELIVER)


@dataclass(frozen=True, slots=True)
class EventSent:
    """What became of one event that was sent."""

    delivery: Delivery
    answer: ReceiverAnswer

    @property
    def ending(self) -> DeliveryOutcome:
        return ending_of(self.answer)


def deliver(tenant: Tenant) -> Done:
    """A turn of sending. **Raises** StaleRead when another process sends by now; StoreDown."""
    receiver, token = tenant.receiver, tenant.services.new_id()
    if receiver is None:
        return Done("", Counts())
    is_left = False
    for _ in count():
        batch, until_s = _claim(tenant, token)
        if not batch:
            break
        sent = _send(tenant, receiver, batch, until_s=until_s)
        if not _settle(tenant, token, sent):
            break
        is_left = tenant.turn.is_over or tenant.services.is_stopping()
        if is_left:
            break
    with tenant.store.side_transaction(tenant.name) as tx:
        deliveries.release(tx, token)
    return Done("", Counts(), frozenset({DELIVER} if is_left else ()))


def is_due(tenant: Tenant) -> bool:
    """Whether the portal has a feed, and something could be sent now."""
    if tenant.receiver is None:
        return False
    with tenant.store.reading(tenant.name) as tx:
        return deliveries.is_due(tx)


def _claim(tenant: Tenant, token: str) -> tuple[list[Delivery], float]:
    """What to send now, and until when a call may be begun. **Units** seconds on the monotonic clock."""
    began_s = tenant.services.monotonic()
    with tenant.store.side_transaction(tenant.name) as tx:
        batch = deliveries.due(tx, BATCH_COUNT) if deliveries.acquire(tx, token) else []
    return batch, began_s + LEASE.total_seconds() - SEND_S


# ── send ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _send(tenant: Tenant, receiver: Receiver, batch: Sequence[Delivery], *, until_s: float) -> list[EventSent]:
    """Sends the batch, a few records at a time. None is begun once the receiver is down, the lease nears its end or the process stops."""
    is_down, services = threading.Event(), tenant.services

    def work(lane: Sequence[Delivery]) -> list[EventSent]:
        found: list[EventSent] = []
        for delivery in lane:
            if is_down.is_set() or services.monotonic() >= until_s or services.is_stopping():
                break
            told = delivery.told
            found.append(EventSent(delivery, receiver.send(told.id, told.kind, told.at, told.data)))
            if found[-1].ending in (DeliveryOutcome.DOWN, DeliveryOutcome.GONE):
                is_down.set()
            if found[-1].ending is not DeliveryOutcome.DELIVERED:
                break
        return found

    lanes = _lanes(batch)
    if len(lanes) == 1:
        return work(lanes[0])
    with ThreadPoolExecutor(min(LANE_COUNT, len(lanes)), thread_name_prefix="deliver") as threads:
        return [one for found in threads.map(work, lanes) for one in found]


def _lanes(batch: Iterable[Delivery]) -> list[list[Delivery]]:
    """By record, each in order."""
    lanes: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in batch:
        lanes.setdefault((delivery.told.record, delivery.told.record_id), []).append(delivery)
    return list(lanes.values())


# ── settle ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _settle(tenant: Tenant, token: str, sent: Sequence[EventSent]) -> bool:
    """Keeps what became of them. Returns whether to go on at once."""
    for one in sent:
        metrics.FEED_SENT.labels(tenant.name, one.ending.value).inc()
    by_ending = {ending: [one for one in sent if one.ending is ending] for ending in DeliveryOutcome}
    arrived = [one.delivery for one in by_ending[DeliveryOutcome.DELIVERED]]
    with tenant.store.side_transaction(tenant.name) as tx:
        failed_count = 0 if arrived else deliveries.standing(tx).failed_count
        deliveries.settle(tx, token, arrived)
        _heal(tx, arrived)
        for one in by_ending[DeliveryOutcome.REFUSED]:
            _put_off(tx, tenant, token, one)
            failed_count += one.delivery.attempts == 0 or failed_count >= ROW_COUNT
        if gone := by_ending[DeliveryOutcome.GONE]:
            _stop(tx, tenant, gone[0].answer)
            return False
        worst = by_ending[DeliveryOutcome.DOWN] or (by_ending[DeliveryOutcome.REFUSED] if failed_count >= ROW_COUNT and not arrived else [])
        if worst:
            failed_count += bool(by_ending[DeliveryOutcome.DOWN])
            _rest(tx, tenant, token, worst[0], failed_count)
            return False
        deliveries.rest(tx, token, failed_count, None)
    return True


def _heal(tx: Tx, arrived: Sequence[Delivery]) -> None:
    """What was open about these records, and about the receiver, is resolved."""
    if not arrived:
        return
    ids = [row.id for row in failures.open_rows(tx, FEED, [RECEIVER], STAGE) if row.code != "events_lost"]
    again = [delivery.told for delivery in arrived if delivery.attempts or delivery.round]
    for record in sorted({told.record for told in again}):
        seqs = {told.record_id: {str(one.seq) for one in again if one.record_id == told.record_id} for told in again}
        ids += [row.id for row in failures.open_rows(tx, record, list(seqs), STAGE) if row.field in seqs[row.record]]
    failures.close(tx, ids, "delivered")


def _put_off(tx: Tx, tenant: Tenant, token: str, sent: EventSent) -> None:
    told, attempts = sent.delivery.told, sent.delivery.attempts + 1
    wait_s = retry_s(attempts)
    what = f"event {told.seq} ({told.kind}) was refused{_where(tenant)} {attempts} times, at last with {sent.answer}"
    if wait_s is None:
        deliveries.give_up(tx, token, sent.delivery)
        told_before = failures.open_rows(tx, told.record, [told.record_id], STAGE)
        failures.close(tx, [row.id for row in told_before if row.field == str(told.seq)], "given up")
        words = f"{what}; it is not sent again by itself, and the record's later events go on without it"
        _fail(tx, tenant, told.record, told.record_id, "event_given_up", words, field=str(told.seq))
        return
    next_at = tx.shared_now + timedelta(seconds=wait_s)
    deliveries.put_off(tx, token, sent.delivery, next_at)
    words = f"{what}; the record's later events wait for it, next try {utc(next_at)}"
    _fail(tx, tenant, told.record, told.record_id, "event_refused", words, field=str(told.seq))


def _rest(tx: Tx, tenant: Tenant, token: str, worst: EventSent, failed_count: int) -> None:
    wait_s = rest_s(failed_count, worst.answer.retry_after_s)
    next_at = tx.shared_now + timedelta(seconds=wait_s)
    deliveries.rest(tx, token, failed_count, next_at)
    receiver = _where(tenant).strip(" ()")
    tenant.log.warning("the feed rests", receiver=receiver, answer=str(worst.answer), failures_in_a_row=failed_count, rest_s=wait_s)
    if failed_count >= TELL_COUNT:
        owed, since_at = deliveries.owed(tx)
        since = f" since {since_at.isoformat(timespec='seconds')}" if since_at else ""
        fails = f"the receiver{_where(tenant)} fails, {failed_count} times in a row, at last with {worst.answer}"
        words = f"{fails}; {owed} events wait{since}, next try {utc(next_at)}"
        _fail(tx, tenant, FEED, RECEIVER, "receiver_down", words)


def _stop(tx: Tx, tenant: Tenant, answer: ReceiverAnswer) -> None:
    said = f"the receiver{_where(tenant)} said {answer}"
    deliveries.pause(tx, said)
    words = f"{said}: the receiver is gone, so nothing is sent until a person resumes the feed"
    _fail(tx, tenant, FEED, RECEIVER, "receiver_gone", words)


def _where(tenant: Tenant) -> str:
    return silence.named(tenant.receiver.url) if tenant.receiver else ""


def _fail(tx: Tx, tenant: Tenant, object_: str, record: str, code: str, words: str, *, field: str = "") -> None:
    failures.record(
        tx,
        [
            Failure(
                id=tenant.services.new_id(),
                kind="failure",
                object=object_,
                record=record,
                name=record if object_ == FEED else f"{object_} {record}",
                stage=STAGE,
                code=code,
                field=field,
                message=masked(words),
                run_id="",
            )
        ],
    )


def tell_lost(tx: Tx, tenant: Tenant, count: int) -> None:
    """Events that never arrived are not forgotten in silence."""
    words = f"{count} events were not delivered within feed.keep and are gone: the portal has to read everything once"
    _fail(tx, tenant, FEED, RECEIVER, "events_lost", words)
