"""Answers already given: one per (token, idempotency key), kept with the change they tell of, in its commit.

    begin    a side transaction claims the key: new, under way elsewhere, of another request, or answered
    settle   in the transaction of the change: the answer, if the claim still stands; otherwise the change is not made either
    let_go   the work ended without a change and without an answer worth keeping: the key is free again

A process that dies in between leaves its claim, which ends by itself; then the key is free, and nothing was changed under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.errors import StaleRead
from sync_worker.store.core.engine import Tx
from sync_worker.store.people.tables import answers

KEPT: Final = timedelta(hours=48)  # callers are promised 24
CLAIM: Final = timedelta(seconds=60)  # longer than a request may take; what a dead process leaves is free again after it


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that must not be answered twice. **Shapes** `claim`: new for every attempt."""

    token_id: str
    key: str
    request_hash: str
    claim: str


@dataclass(frozen=True, slots=True)
class Answer:
    """As it goes over HTTP."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Taken(StrEnum):
    """Why a request may not be worked on."""

    UNDER_WAY = "under_way"
    OTHER_REQUEST = "other_request"


def begin(tx: Tx, ask: Ask) -> Answer | Taken | None:
    """Claims the key: None = the work is ours to do, else the first answer, or why not."""
    row = {"portal": tx.portal, "token_id": ask.token_id, "key": ask.key, "request_hash": ask.request_hash}
    fresh = {**row, "claim": ask.claim, "begun_at": tx.now, "claim_until_at": tx.shared_now + CLAIM, "status": None}
    insert = (postgresql if tx.is_postgresql else sqlite).insert(answers).values(fresh)
    is_given_up = and_(answers.c.status.is_(None), answers.c.claim_until_at <= tx.shared_now)
    is_free = or_(is_given_up, answers.c.begun_at < tx.now - KEPT)
    taken = insert.on_conflict_do_update(index_elements=["portal", "token_id", "key"], set_=fresh, where=is_free)
    if tx.connection.execute(taken.returning(answers.c.claim)).first():
        return None
    here = select(answers.c.request_hash, answers.c.status, answers.c.body, answers.c.headers).where(*_key(tx, ask))
    request_hash, status, body, headers = tx.connection.execute(here).one()
    if request_hash != ask.request_hash:
        return Taken.OTHER_REQUEST
    return Taken.UNDER_WAY if status is None else Answer(status, body, headers or {})


def settle(tx: Tx, ask: Ask, answer: Answer) -> None:
    """Keeps the answer. **Raises** StaleRead when the claim ran out and somebody else answers by now: then nothing may be changed here."""
    kept = (
        update(answers)
        .where(*_key(tx, ask), answers.c.claim == ask.claim, answers.c.status.is_(None))
        .values(status=answer.status, body=answer.body, headers=dict(answer.headers))
    )
    if tx.connection.execute(kept).rowcount != 1:
        raise StaleRead(f"the request with the idempotency key {ask.key!r} took so long that another one took its place")


def let_go(tx: Tx, ask: Ask) -> None:
    """The key is free again. Harmless when it was answered, or is somebody else's."""
    tx.connection.execute(delete(answers).where(*_key(tx, ask), answers.c.claim == ask.claim, answers.c.status.is_(None)))


def _key(tx: Tx, ask: Ask) -> tuple[ColumnElement[bool], ...]:
    return (answers.c.portal == tx.portal, answers.c.token_id == ask.token_id, answers.c.key == ask.key)
