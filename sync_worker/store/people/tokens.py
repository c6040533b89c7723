"""API tokens: their hashes, what they may, who made them. The text of one is nowhere in here (`sync_worker/boundary/tokens.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, or_, select, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import begins, upsert
from sync_worker.store.people.tables import tokens

USED_EVERY: Final = timedelta(hours=1)  # how coarse `last_used_at` is: one write an hour, not one a request


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token."""

    id: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


_COLUMNS = tuple(tokens.c[name] for name in Token.__slots__)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is made."""

    id: str
    name: str
    hash: str
    scopes: Sequence[str]
    made_by: str
    expires_at: datetime | None


def add(tx: Tx, made: NewToken) -> None:
    """Keeps a new token."""
    upsert(tx, tokens, [{**asdict(made), "portal": tx.portal, "scopes": list(made.scopes), "made_at": tx.now}])


def get(tx: Tx, token_id: str) -> Token | None:
    """The token of this id, whatever became of it."""
    row = tx.connection.execute(select(*_COLUMNS).where(tokens.c.portal == tx.portal, tokens.c.id == token_id)).first()
    return _token(row) if row else None


def listed(tx: Tx) -> list[Token]:
    """Every token, the newest first."""
    query = select(*_COLUMNS).where(tokens.c.portal == tx.portal).order_by(tokens.c.made_at.desc(), tokens.c.id)
    return [_token(row) for row in tx.connection.execute(query)]


def revoke(tx: Tx, id_prefix: str, by: str) -> list[str]:
    """Ends the tokens whose id begins so, from now on. Returns the ids of those that were not ended already."""
    ended = (
        update(tokens)
        .where(tokens.c.portal == tx.portal, begins(tokens.c.id, id_prefix), tokens.c.revoked_at.is_(None))
        .values(revoked_at=tx.now, revoked_by=by)
        .returning(tokens.c.id)
    )
    return sorted(tx.connection.execute(ended).scalars())


def note_use(tx: Tx, token_id: str) -> None:
    """The token was used; written at most once an hour."""
    is_stale = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= tx.now - USED_EVERY)
    tx.connection.execute(update(tokens).where(tokens.c.portal == tx.portal, tokens.c.id == token_id, is_stale).values(last_used_at=tx.now))


def _token(row: Row[Any]) -> Token:
    found: dict[str, Any] = dict(zip(Token.__slots__, row, strict=True))
    return Token(**{**found, "scopes": tuple(found["scopes"])})
