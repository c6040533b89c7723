"""What of the feed is still owed, who is sending, and how the receiver stands. One sender at a time per portal, under a lease.

Events of one record are sent in order: one that was refused keeps back those that follow it on the same record, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, delete, exists, func, insert, or_, select, tuple_, update

from sync_worker.errors import StaleRead
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.feed import TOLD, StoredEvent
from sync_worker.store.core.tables import deliveries, events, feeds

LEASE: Final = timedelta(seconds=30)  # what a killed sender had begun waits so long; every batch renews it


@dataclass(frozen=True, slots=True)
class FeedState:
    """How the feed stands. **Shapes** `failed_count`: in a row; `paused_because`: what a person reads."""

    last_seq: int
    failed_count: int
    rests_until_at: datetime | None
    paused_at: datetime | None
    paused_because: str | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is owed. **Shapes** `attempts`: those that were refused; `round`: of replays."""

    told: StoredEvent
    round: int
    attempts: int


def standing(tx: Tx) -> FeedState:
    """How the feed stands, also before its first event."""
    row = tx.connection.execute(select(*(feeds.c[name] for name in FeedState.__slots__)).where(feeds.c.portal == tx.portal)).first()
    return FeedState(*row) if row else FeedState(0, 0, None, None, None, None)


def owed(tx: Tx) -> tuple[int, datetime | None]:
    """How many events are owed, and since when the oldest of them."""
    mine = and_(events.c.portal == deliveries.c.portal, events.c.seq == deliveries.c.seq)
    query = select(func.count(), func.min(events.c.at)).join_from(deliveries, events, mine).where(deliveries.c.portal == tx.portal)
    count, since_at = tx.connection.execute(query).one()
    return count, since_at


def is_due(tx: Tx) -> bool:
    """Whether something could be sent now."""
    query = select(exists().where(deliveries.c.portal == feeds.c.portal, deliveries.c.due_at <= tx.shared_now)).where(
        feeds.c.portal == tx.portal,
        feeds.c.paused_at.is_(None),
        or_(feeds.c.rests_until_at.is_(None), feeds.c.rests_until_at <= tx.shared_now),
    )
    return bool(tx.connection.execute(query).scalar())


def acquire(tx: Tx, token: str) -> bool:
    """The lease, taken or renewed; not while another sender has it, nor while the feed rests or is paused."""
    is_free = or_(feeds.c.lease_until_at.is_(None), feeds.c.lease_until_at < tx.shared_now, feeds.c.lease_token == token)
    rests_not = or_(feeds.c.rests_until_at.is_(None), feeds.c.rests_until_at <= tx.shared_now)
    taken = (
        update(feeds)
        .where(feeds.c.portal == tx.portal, feeds.c.paused_at.is_(None), is_free, rests_not)
        .values(lease_token=token, lease_until_at=tx.shared_now + LEASE)
    )
    return bool(tx.connection.execute(taken).rowcount)


def release(tx: Tx, token: str) -> None:
    """Lets the next sender in. Harmless when the lease was lost."""
    mine = (feeds.c.portal == tx.portal, feeds.c.lease_token == token)
    tx.connection.execute(update(feeds).where(*mine).values(lease_token=None, lease_until_at=None))


def due(tx: Tx, limit: int) -> list[Delivery]:
    """What may be sent now, in order; nothing of a record one of whose earlier events waits."""
    earlier = deliveries.alias()
    is_kept_back = exists().where(
        earlier.c.portal == deliveries.c.portal,
        earlier.c.record == deliveries.c.record,
        earlier.c.record_id == deliveries.c.record_id,
        earlier.c.seq < deliveries.c.seq,
        earlier.c.due_at > tx.shared_now,
    )
    mine = and_(events.c.portal == deliveries.c.portal, events.c.seq == deliveries.c.seq)
    query = (
        select(*TOLD, deliveries.c.round, deliveries.c.attempts)
        .join_from(deliveries, events, mine)
        .where(deliveries.c.portal == tx.portal, deliveries.c.due_at <= tx.shared_now, ~is_kept_back)
        .order_by(deliveries.c.seq)
        .limit(limit)
    )
    return [Delivery(StoredEvent(*told), round_, attempts) for *told, round_, attempts in tx.connection.execute(query)]


def settle(tx: Tx, token: str, sent: Sequence[Delivery]) -> None:
    """These have arrived, except those that a replay asked for meanwhile. **Raises** StaleRead when somebody else sends by now."""
    _held(tx, token)
    if sent:
        _drop(tx, sent)
        tx.connection.execute(update(feeds).where(feeds.c.portal == tx.portal).values(delivered_at=tx.now, failed_count=0))


def put_off(tx: Tx, token: str, refused: Delivery, until_at: datetime) -> None:
    """This event is tried again then, and what follows it on its record waits too. **Raises** StaleRead."""
    _held(tx, token)
    told = refused.told
    mine = (deliveries.c.portal == tx.portal, deliveries.c.seq == told.seq, deliveries.c.round == refused.round)
    tx.connection.execute(update(deliveries).where(*mine).values(attempts=refused.attempts + 1))
    later = (deliveries.c.portal == tx.portal, deliveries.c.record == told.record, deliveries.c.record_id == told.record_id)
    tx.connection.execute(update(deliveries).where(*later, deliveries.c.seq >= told.seq).values(due_at=until_at))


def give_up(tx: Tx, token: str, refused: Delivery) -> None:
    """This event is no longer owed, and its record goes on without it. **Raises** StaleRead."""
    _held(tx, token)
    _drop(tx, [refused])
    told = refused.told
    later = (deliveries.c.portal == tx.portal, deliveries.c.record == told.record, deliveries.c.record_id == told.record_id)
    tx.connection.execute(update(deliveries).where(*later).values(due_at=tx.shared_now))


def rest(tx: Tx, token: str, failed_count: int, until_at: datetime | None) -> None:
    """So many failures in a row; nothing is sent before that moment. **Raises** StaleRead."""
    _held(tx, token)
    tx.connection.execute(update(feeds).where(feeds.c.portal == tx.portal).values(failed_count=failed_count, rests_until_at=until_at))


def pause(tx: Tx, because: str) -> None:
    """Nothing is sent until a person resumes; what happens meanwhile is kept."""
    row = {"portal": tx.portal, "paused_at": tx.now, "paused_because": because}
    if not tx.connection.execute(update(feeds).where(feeds.c.portal == tx.portal).values(row)).rowcount:
        tx.connection.execute(insert(feeds).values(row))


def resume(tx: Tx) -> None:
    """Everything owed is due now, whatever it waited for."""
    values = {"paused_at": None, "paused_because": None, "rests_until_at": None, "failed_count": 0}
    tx.connection.execute(update(feeds).where(feeds.c.portal == tx.portal).values(values))
    tx.connection.execute(
        update(deliveries).where(deliveries.c.portal == tx.portal, deliveries.c.due_at > tx.shared_now).values(due_at=tx.shared_now)
    )


def _drop(tx: Tx, gone: Sequence[Delivery]) -> None:
    keys, key = [(one.told.seq, one.round) for one in gone], tuple_(deliveries.c.seq, deliveries.c.round)
    tx.connection.execute(delete(deliveries).where(deliveries.c.portal == tx.portal, key.in_(keys)))


def _held(tx: Tx, token: str) -> None:
    """Takes the feed's row, so that a process that writes events or replays comes before or after."""
    mine = (feeds.c.portal == tx.portal, feeds.c.lease_token == token)
    if tx.connection.execute(update(feeds).where(*mine).values(lease_token=token)).rowcount != 1:
        raise StaleRead(f"another process delivers the feed of portal {tx.portal} by now")
