"""What a person is shown besides mail: one line for each event and person, unread until the person says so.

A line is written in the commit of its cause. Whether the person may still see its deal is asked when the line is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from sync_worker.domain.tell.event import By, Event, notification_event
from sync_worker.domain.tell.wording import line_of
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among
from sync_worker.store.tell.tables import notifications


@dataclass(frozen=True, slots=True)
class Notification:
    """One line for one person. **Shapes** `id` is computed of portal, event and user; `words` is plain JSON."""

    id: str
    user_id: str
    deal_id: str
    event: str
    topic: str
    words: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A line, and since when it is read."""

    notification: Notification
    at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which lines of a person. **Shapes** `since`: written then or later; `until`: then or before."""

    is_unread: bool = False
    since: datetime | None = None
    until: datetime | None = None


WHOLE = NotificationFilter()
_OWN = [notifications.c[name] for name in Notification.__slots__]


def write(tx: Tx, written: Sequence[Notification], by: By) -> None:
    """Adds the lines that are not there yet, for this event and person, and tells the portal of those."""
    lines = {one.id: one for one in written}
    here = (notifications.c.portal == tx.portal, among(tx, notifications.c.id, lines))
    known = set(tx.connection.execute(select(notifications.c.id).where(*here)).scalars()) if lines else set()
    new = [one for one in lines.values() if one.id not in known]
    if new:
        rows = [{"portal": tx.portal, "at": tx.now, **{name: getattr(one, name) for name in Notification.__slots__}} for one in new]
        tx.connection.execute(insert(notifications), rows)
        feed.tell(tx, [_event(one, by) for one in new])


def get(tx: Tx, user_id: str, notification_id: str) -> NotificationRow | None:
    """One line of this person."""
    return next(iter(_found(tx, user_id, notifications.c.id == notification_id, limit=1)), None)


def deals_told(tx: Tx, events: Collection[str], user_ids: Collection[str]) -> dict[tuple[str, str], str]:
    """(event, user) -> the deal, where one of these users was told of one of these events."""
    its = (notifications.c.event, notifications.c.user_id, notifications.c.deal_id)
    here = (notifications.c.portal == tx.portal, among(tx, notifications.c.user_id, user_ids), among(tx, notifications.c.event, events))
    return {(event, user_id): deal_id for event, user_id, deal_id in tx.connection.execute(select(*its).where(*here))}


def listed(
    tx: Tx, user_id: str, wanted: NotificationFilter = WHOLE, *, after: tuple[datetime, str] | None = None, limit: int
) -> list[NotificationRow]:
    """Lines of this person that follow `after`, the newest first."""
    return _found(tx, user_id, *_conditions(wanted), *_behind(after), limit=limit)


def unread_by_deal(tx: Tx, user_id: str, wanted: NotificationFilter = WHOLE) -> dict[str, int]:
    """How many unread lines this person has of each deal."""
    here = (*_mine(tx, user_id), notifications.c.read_at.is_(None), *_conditions(wanted))
    query = select(notifications.c.deal_id, func.count()).where(*here).group_by(notifications.c.deal_id)
    return {deal_id: count for deal_id, count in tx.connection.execute(query)}


def mark_read(tx: Tx, user_id: str, notification_id: str) -> None:
    """This line is read from now on; one that was read stays as it is."""
    tx.connection.execute(
        update(notifications)
        .where(*_mine(tx, user_id), notifications.c.id == notification_id, notifications.c.read_at.is_(None))
        .values(read_at=tx.now)
    )


def mark_all_read(tx: Tx, user_id: str, deal_ids: Collection[str], wanted: NotificationFilter = WHOLE) -> int:
    """So are all of these deals. Returns how many were unread."""
    here = (*_mine(tx, user_id), notifications.c.read_at.is_(None), among(tx, notifications.c.deal_id, deal_ids), *_conditions(wanted))
    return tx.connection.execute(update(notifications).where(*here).values(read_at=tx.now)).rowcount if deal_ids else 0


def _event(line: Notification, by: By) -> Event:
    said = {"user_id": line.user_id, "topic": line.topic, "deal_id": line.deal_id}
    return notification_event(line.id, {**said, "text": line_of(line.topic, line.words), "why": line.words.get("because", "")}, by)


def _mine(tx: Tx, user_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return notifications.c.portal == tx.portal, notifications.c.user_id == user_id


def _conditions(wanted: NotificationFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.is_unread:
        yield notifications.c.read_at.is_(None)
    if wanted.since:
        yield notifications.c.at >= wanted.since
    if wanted.until:
        yield notifications.c.at <= wanted.until


def _behind(after: tuple[datetime, str] | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    at, notification_id = after
    return [or_(notifications.c.at < at, and_(notifications.c.at == at, notifications.c.id < notification_id))]


def _found(tx: Tx, user_id: str, *conditions: ColumnElement[bool], limit: int) -> list[NotificationRow]:
    query = select(*_OWN, notifications.c.at, notifications.c.read_at).where(*_mine(tx, user_id), *conditions)
    size = len(_OWN)
    ordered = query.order_by(notifications.c.at.desc(), notifications.c.id.desc()).limit(limit)
    return [NotificationRow(Notification(*row[:size]), *row[size:]) for row in tx.connection.execute(ordered)]
