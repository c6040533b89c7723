"""Mail to be sent: written in the commit of its cause, one row per (event, person), claimed, sent, settled.

A claim that expired is claimed again: a mail may come twice after a crash, never not at all, and both copies carry one Message-ID.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.tell.tables import mails


@dataclass(frozen=True, slots=True)
class OwedMail:
    """One mail to one person.

    **Shapes** `id` is computed of portal, event and address; `context` is plain JSON; `quote_id`: whose page and sheet go with it;
    `held_by`: the journey whose mails wait for a person.
    """

    id: str
    event: str
    address: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    quote_id: str | None = None
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail, and how its sending stands. **Shapes** `outcome` "" = it waits."""

    mail: OwedMail
    written_at: datetime
    due_at: datetime
    attempts: int
    outcome: Literal["", "sent", "given_up", "discarded"]
    error: str


_MAIL = [mails.c[name] for name in OwedMail.__slots__]
_ROW = [mails.c[name] for name in MailRow.__slots__ if name != "mail"]


def write(tx: Tx, written: Sequence[OwedMail]) -> None:
    """To be sent from now on. One that is there already, for this event and person, stays as it is."""
    rows = [
        {"portal": tx.portal, "written_at": tx.now, "due_at": tx.shared_now, **{n: getattr(one, n) for n in OwedMail.__slots__}}
        for one in written
    ]
    upsert(tx, mails, rows, keep=[column.name for column in mails.columns if not column.primary_key])


def claim(tx: Tx, *, limit: int, token: str, until_at: datetime) -> list[MailRow]:
    """The oldest of those that are due, ours until `until_at`. Two claimers never get one row."""
    query = select(mails.c.id).where(mails.c.portal == tx.portal, _is_due(tx)).order_by(mails.c.due_at, mails.c.id).limit(limit)
    ids = list(tx.connection.execute(query.with_for_update(skip_locked=True) if tx.is_postgresql else query).scalars())
    here = (mails.c.portal == tx.portal, mails.c.id.in_(ids))
    taken = {"claim_token": token, "claim_until_at": until_at, "attempts": mails.c.attempts + 1}
    tx.connection.execute(update(mails).where(*here).values(taken))
    return _found(tx, _mine(tx).where(mails.c.id.in_(ids)).order_by(mails.c.due_at, mails.c.id))


def settle(tx: Tx, mail_id: str, token: str, outcome: Literal["sent", "given_up", "discarded"], *, error: str = "") -> bool:
    """It is over. False: the claim was lost, and somebody else says what became of it."""
    return _let_go(tx, mail_id, token, settled_at=tx.now, outcome=outcome, error=error)


def later(tx: Tx, mail_id: str, token: str, due_at: datetime, *, error: str) -> bool:
    """Not now: it is tried again at `due_at`. False: the claim was lost."""
    return _let_go(tx, mail_id, token, due_at=due_at, error=error)


def retry(tx: Tx, mail_ids: Collection[str]) -> None:
    """Those that were given up are to be sent again, at once, as if for the first time."""
    here = (mails.c.portal == tx.portal, among(tx, mails.c.id, set(mail_ids)), mails.c.outcome == "given_up")
    tx.connection.execute(update(mails).where(*here).values(settled_at=None, outcome="", due_at=tx.shared_now, attempts=0))


def release(tx: Tx, journey: str) -> int:
    """The mails of this journey that wait for a person are to be sent now; how many."""
    return tx.connection.execute(update(mails).where(*_held(tx, journey)).values(held_by=None, due_at=tx.shared_now)).rowcount


def discard(tx: Tx, journey: str, why: str) -> int:
    """They are never sent; how many."""
    over = {"held_by": None, "settled_at": tx.now, "outcome": "discarded", "error": why}
    return tx.connection.execute(update(mails).where(*_held(tx, journey)).values(over)).rowcount


def held_counts(tx: Tx) -> dict[str, int]:
    """How many mails wait for a person, by journey."""
    query = select(mails.c.held_by, func.count()).where(mails.c.portal == tx.portal, mails.c.held_by.is_not(None))
    return {journey: count for journey, count in tx.connection.execute(query.group_by(mails.c.held_by))}


def counts(tx: Tx) -> dict[str, int]:
    """How many letters by how they stand: those of which it is over by their outcome, `held`, which wait for a person, and `waits`."""
    standing = case((mails.c.settled_at.is_not(None), mails.c.outcome), (mails.c.held_by.is_not(None), "held"), else_="waits")
    query = select(standing, func.count()).where(mails.c.portal == tx.portal).group_by(standing)
    return {name: count for name, count in tx.connection.execute(query)}


def has_due(tx: Tx) -> bool:
    """Whether something is to be sent now."""
    return bool(tx.connection.execute(select(exists().where(mails.c.portal == tx.portal, _is_due(tx)))).scalar_one())


def listed(tx: Tx, *, limit: int | None = 1000) -> list[MailRow]:
    """The latest written first."""
    return _found(tx, _mine(tx).order_by(mails.c.written_at.desc(), mails.c.id).limit(limit))


def _is_due(tx: Tx) -> ColumnElement[bool]:
    is_free = or_(mails.c.claim_until_at.is_(None), mails.c.claim_until_at < tx.shared_now)
    return and_(mails.c.settled_at.is_(None), mails.c.held_by.is_(None), mails.c.due_at <= tx.shared_now, is_free)


def _held(tx: Tx, journey: str) -> tuple[ColumnElement[bool], ...]:
    return mails.c.portal == tx.portal, mails.c.held_by == journey


def _let_go(tx: Tx, mail_id: str, token: str, **values: Any) -> bool:
    here = (mails.c.portal == tx.portal, mails.c.id == mail_id, mails.c.claim_token == token, mails.c.settled_at.is_(None))
    return tx.connection.execute(update(mails).where(*here).values(claim_token=None, claim_until_at=None, **values)).rowcount > 0


def _mine(tx: Tx) -> Select[Any]:
    return select(*_MAIL, *_ROW).where(mails.c.portal == tx.portal)


def _found(tx: Tx, query: Select[Any]) -> list[MailRow]:
    size = len(_MAIL)
    return [MailRow(OwedMail(*row[:size]), *row[size:]) for row in tx.connection.execute(query)]
