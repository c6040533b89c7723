"""Whom each journey told of each event, whom it did not tell, and why: one row per (journey, event, person)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from sqlalchemy import delete, func, select, tuple_, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.tell.tables import journey_log

LogOutcome: TypeAlias = Literal["told", "not_told", "held", "discarded"]
WRITTEN: Final = ("told", "held", "discarded")
"""Where a mail was written."""


@dataclass(frozen=True, slots=True)
class JourneyLogRow:
    """What a journey made of one event, for one person or as a whole.

    **Shapes** `id` is computed of journey, event and person; `user_id`: the portal's own, or the address of somebody the portal knows no
    user of; "" = the event as a whole. `why`: a sentence; "" where the person was told.
    """

    id: str
    at: datetime
    journey: str
    version: int
    event: str
    deal_id: str
    user_id: str
    recipient: str
    outcome: LogOutcome
    why: str = ""
    mail_id: str | None = None


_COLUMNS = [journey_log.c[name] for name in JourneyLogRow.__slots__]


def write(tx: Tx, rows: Sequence[JourneyLogRow]) -> None:
    """From now on it is known. What is there already stays as it is."""
    values = [{"portal": tx.portal, **{name: getattr(row, name) for name in JourneyLogRow.__slots__}} for row in rows]
    upsert(tx, journey_log, values, keep=[column.name for column in journey_log.columns if not column.primary_key])


def written_count(tx: Tx, journey: str, since: datetime) -> int:
    """How many mails the journey has written since then, held ones included."""
    here = (journey_log.c.portal == tx.portal, journey_log.c.journey == journey, journey_log.c.at > since)
    query = select(func.count()).select_from(journey_log).where(*here, journey_log.c.outcome.in_(WRITTEN))
    return int(tx.connection.execute(query).scalar_one())


def page(tx: Tx, journey: str, *, before: tuple[datetime, str] | None = None, limit: int | None = 100) -> list[JourneyLogRow]:
    """The latest first, those before that place."""
    place = tuple_(journey_log.c.at, journey_log.c.id)
    query = select(*_COLUMNS).where(journey_log.c.portal == tx.portal, journey_log.c.journey == journey)
    if before:
        query = query.where(journey_log.c.at <= before[0], place < before)
    ordered = query.order_by(journey_log.c.at.desc(), journey_log.c.id.desc()).limit(limit)
    return [JourneyLogRow(*row) for row in tx.connection.execute(ordered)]


def settle_held(tx: Tx, journey: str, outcome: LogOutcome, why: str) -> None:
    """What became of the mails that waited for a person."""
    here = (journey_log.c.portal == tx.portal, journey_log.c.journey == journey, journey_log.c.outcome == "held")
    tx.connection.execute(update(journey_log).where(*here).values(outcome=outcome, why=why))


def withhold(tx: Tx, mail_id: str, why: str) -> None:
    """The person of this mail was not told after all."""
    here = (journey_log.c.portal == tx.portal, journey_log.c.mail_id == mail_id)
    tx.connection.execute(update(journey_log).where(*here).values(outcome="not_told", why=why, mail_id=None))


def forget_people(tx: Tx, user_ids: Collection[str]) -> None:
    """Nothing is kept of whom a journey told, where it was one of these."""
    here = (journey_log.c.portal == tx.portal, among(tx, journey_log.c.user_id, set(user_ids)))
    tx.connection.execute(delete(journey_log).where(*here))
