"""How portals stand, for `status`: a number of statements that does not grow with the portals that are asked for.

Like `overview` it crosses portals; it reads those that are named, and nothing of a single record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, func, select

from sync_worker.domain.sync.push.breaker import Cause
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import SHOWN, CauseRow
from sync_worker.store.core.statements import among
from sync_worker.store.core.tables import cursors, deliveries, events, failures, feeds, portals, runs
from sync_worker.store.deals.conflicts import OPEN
from sync_worker.store.deals.tables import conflicts
from sync_worker.store.operate.halts import Halt
from sync_worker.store.operate.tables import halts
from sync_worker.store.sync.tables import breakers, notices, outbox, webhooks
from sync_worker.store.tell.deliveries import FeedState

UNREAD: Final = FeedState(0, 0, None, None, None, None)


@dataclass(frozen=True, slots=True)
class ReadRow:
    """How far a record type is read, until when it rests, and why."""

    read_up_to_at: datetime | None
    rests_until_at: datetime | None
    rests_because: str | None


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """**Shapes** `found_polls`: how many polls have found changes since the last webhook, counted where that is older than asked for."""

    last_at: datetime
    found_polls: int


@dataclass(frozen=True, slots=True)
class PortalFacts:
    """What the database holds about one portal.

    **Shapes** `reads`, `webhooks`: by record type; `rest`: after an error, until when and why; `owed`: events of the feed, and since when;
    `resting`: by cause of failures, until when; `writes`: by state of the outbox.
    """

    reads: Mapping[str, ReadRow]
    rest: tuple[datetime | None, str]
    halt: Halt | None
    feed: FeedState
    owed: tuple[int, datetime | None]
    resting: Mapping[Cause, datetime]
    writes: Mapping[str, int]
    notices: int
    conflicts: int
    causes: Sequence[CauseRow]
    webhooks: Mapping[str, WebhookRow]


def facts(tx: Tx, names: Collection[str], *, polls_after: timedelta) -> dict[str, PortalFacts]:
    """By portal; one that was never read is there too. **Shapes** `polls_after`: how old a last webhook is whose polls are counted."""
    queries = {**_QUERIES, "webhooks": _webhooks(tx.now - polls_after)}
    seen = {what: _by_portal(tx, names, query) for what, query in queries.items()}
    return {name: _facts({what: rows.get(name, []) for what, rows in seen.items()}) for name in names}


def _by_portal(tx: Tx, names: Collection[str], query: Select[Any]) -> dict[str, list[list[Any]]]:
    """The rows of these portals. **Shapes** `query`: its first column is the portal."""
    portal, found = next(iter(query.selected_columns)), dict[str, list[list[Any]]]()
    for name, *row in tx.connection.execute(query.where(among(tx, portal, names))).all():
        found.setdefault(name, []).append(row)
    return found


def _facts(seen: Mapping[str, list[list[Any]]]) -> PortalFacts:
    [until_at, because] = _only(seen["rests"], [None, None])
    [owed_count, since_at] = _only(seen["owed"], [0, None])
    halt, feed = _only(seen["halts"], []), _only(seen["feeds"], [])
    return PortalFacts(
        reads={record: ReadRow(*read) for record, *read in seen["reads"]},
        rest=(until_at, because or ""),
        halt=Halt(*halt) if halt else None,
        feed=FeedState(*feed) if feed else UNREAD,
        owed=(owed_count, since_at),
        resting={Cause(*cause): until_at for until_at, *cause in seen["resting"]},
        writes={state: count for state, count in seen["writes"]},
        notices=_only(seen["notices"], [0])[0],
        conflicts=_only(seen["conflicts"], [0])[0],
        causes=sorted((CauseRow(*row) for row in seen["causes"]), key=lambda row: (row.kind, -row.records, row.code, row.object)),
        webhooks={record: WebhookRow(*row) for record, *row in seen["webhooks"]},
    )


def _only(rows: list[list[Any]], otherwise: list[Any]) -> list[Any]:
    return rows[0] if rows else otherwise


_CAUSE: Final = [failures.c[name] for name in ("portal", "kind", "code", "object", "stage")]
_TIMES: Final = (func.min(failures.c.first_seen_at), func.max(failures.c.last_seen_at))
_QUERIES: Final[Mapping[str, Select[Any]]] = {
    "reads": select(cursors.c.portal, cursors.c.object, cursors.c.high_water_at, cursors.c.paused_until_at, cursors.c.paused_because),
    "rests": select(portals.c.portal, portals.c.paused_until_at, portals.c.paused_because),
    "halts": select(halts.c.portal, *(halts.c[name] for name in Halt.__slots__)),
    "feeds": select(feeds.c.portal, *(feeds.c[name] for name in FeedState.__slots__)),
    "owed": select(deliveries.c.portal, func.count(), func.min(events.c.at))
    .join_from(deliveries, events, and_(events.c.portal == deliveries.c.portal, events.c.seq == deliveries.c.seq))
    .group_by(deliveries.c.portal),
    "resting": select(breakers.c.portal, breakers.c.until_at, *(breakers.c[name] for name in Cause._fields)).where(
        breakers.c.until_at.is_not(None)
    ),
    "writes": select(outbox.c.portal, outbox.c.state, func.count()).group_by(outbox.c.portal, outbox.c.state),
    "notices": select(notices.c.portal, func.count()).group_by(notices.c.portal),
    "conflicts": select(conflicts.c.portal, func.count()).where(OPEN).group_by(conflicts.c.portal),
    "causes": select(*_CAUSE, func.count(), *_TIMES).where(*SHOWN).group_by(*_CAUSE),
}
"""What is asked of the database → how. The first column is the portal."""


def _webhooks(old_at: datetime) -> Select[Any]:
    """Each record type's last webhook. Polls are looked at only where that is old."""
    polls = and_(
        webhooks.c.last_at <= old_at,
        runs.c.portal == webhooks.c.portal,
        runs.c.started_at > webhooks.c.last_at,
        runs.c.verb == "pull",
        runs.c.object == webhooks.c.object,
        runs.c.applied > 0,
    )
    joined = select(webhooks.c.portal, webhooks.c.object, webhooks.c.last_at, func.count(runs.c.id)).join_from(
        webhooks, runs, polls, isouter=True
    )
    return joined.group_by(webhooks.c.portal, webhooks.c.object, webhooks.c.last_at)
