"""Links that open the console, and sessions in it. Of each a hash is kept, never its text (`sync_worker/boundary/tokens.py`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from sync_worker.domain.people.console import IDLE, KEPT, ConsoleRole
from sync_worker.store.core.engine import Tx
from sync_worker.store.people.tables import console_links, console_sessions

SEEN_EVERY: Final = timedelta(minutes=1)  # how coarse `seen_at` is: one write a minute, not one a request


@dataclass(frozen=True, slots=True)
class ConsoleLink:
    """A link that opens the console once."""

    id: str
    hash: str
    role: ConsoleRole
    name: str
    made_by: str
    until_at: datetime


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A person in the console."""

    id: str
    hash: str
    role: ConsoleRole
    name: str
    begun_at: datetime
    until_at: datetime
    seen_at: datetime


def add_link(tx: Tx, made: ConsoleLink) -> None:
    """Keeps a new link. What has been over for a month goes."""
    _forget(tx)
    tx.connection.execute(insert(console_links).values(portal=tx.portal, made_at=tx.now, **asdict(made)))


def link(tx: Tx, link_id: str) -> ConsoleLink | None:
    """A link that was not used and whose time is not over."""
    columns = [console_links.c[name] for name in ConsoleLink.__slots__]
    row = tx.connection.execute(select(*columns).where(_is_open(tx, link_id))).first()
    return ConsoleLink(row[0], row[1], ConsoleRole(row[2]), *row[3:]) if row else None


def use_link(tx: Tx, link_id: str) -> bool:
    """The link is used up. False: it was before, or its time is over."""
    return bool(tx.connection.execute(update(console_links).where(_is_open(tx, link_id)).values(used_at=tx.now)).rowcount)


def begin(tx: Tx, session: ConsoleSession) -> None:
    """A person comes in. What has been over for a month goes."""
    _forget(tx)
    tx.connection.execute(insert(console_sessions).values(portal=tx.portal, **asdict(session)))


def session(tx: Tx, session_id: str) -> ConsoleSession | None:
    """A session that is not over."""
    row = tx.connection.execute(select(*_SESSION).where(_is_here(tx), console_sessions.c.id == session_id)).first()
    return ConsoleSession(row[0], row[1], ConsoleRole(row[2]), *row[3:]) if row else None


def sessions(tx: Tx) -> list[ConsoleSession]:
    """Who is in the console now, the latest first."""
    rows = tx.connection.execute(select(*_SESSION).where(_is_here(tx)).order_by(console_sessions.c.begun_at.desc(), console_sessions.c.id))
    return [ConsoleSession(row[0], row[1], ConsoleRole(row[2]), *row[3:]) for row in rows]


def note_visit(tx: Tx, session_id: str) -> None:
    """The person is at it; written at most once a minute."""
    here = (console_sessions.c.portal == tx.portal, console_sessions.c.id == session_id)
    is_stale = console_sessions.c.seen_at <= tx.now - SEEN_EVERY
    tx.connection.execute(update(console_sessions).where(*here, is_stale).values(seen_at=tx.now))


def end(tx: Tx, session_id: str) -> bool:
    """The session is over. False: it was before."""
    ended = update(console_sessions).where(_is_here(tx), console_sessions.c.id == session_id).values(ended_at=tx.now)
    return bool(tx.connection.execute(ended).rowcount)


_SESSION: Final = [console_sessions.c[name] for name in ConsoleSession.__slots__]


def _forget(tx: Tx) -> None:
    for table in (console_links, console_sessions):
        tx.connection.execute(delete(table).where(table.c.portal == tx.portal, table.c.until_at < tx.now - KEPT))


def _is_open(tx: Tx, link_id: str) -> ColumnElement[bool]:
    its = (console_links.c.portal == tx.portal, console_links.c.id == link_id)
    return and_(*its, console_links.c.used_at.is_(None), console_links.c.until_at > tx.now)


def _is_here(tx: Tx) -> ColumnElement[bool]:
    table = console_sessions.c
    return and_(table.portal == tx.portal, table.ended_at.is_(None), table.until_at > tx.now, table.seen_at > tx.now - IDLE)
