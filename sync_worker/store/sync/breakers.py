"""Circuit breakers as kept: a row per cause that has failed in a row; none where all is well."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, delete, select

from sync_worker.domain.sync.push.breaker import CLOSED, Breaker, Cause
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.sync.tables import breakers


def standing(tx: Tx) -> dict[Cause, Breaker]:
    """Those that are not as at the beginning."""
    rows = tx.connection.execute(select(breakers).where(breakers.c.portal == tx.portal)).mappings()
    return {Cause(row["object"], row["stage"], row["code"]): Breaker(row["failed_count"], row["rest_s"], row["until_at"]) for row in rows}


def resting(tx: Tx) -> dict[Cause, datetime]:
    """The causes whose work rests, and until when."""
    return {cause: breaker.until_at for cause, breaker in standing(tx).items() if breaker.until_at}


def save(tx: Tx, cause: Cause, breaker: Breaker) -> None:
    """Keeps one; one that is as at the beginning needs no row."""
    if breaker == CLOSED:
        close(tx, [cause])
        return
    kept = {"failed_count": breaker.failed_count, "rest_s": int(breaker.rest_s), "until_at": breaker.until_at}
    upsert(tx, breakers, [{"portal": tx.portal, **cause._asdict(), **kept}])


def close(tx: Tx, causes: Iterable[Cause]) -> None:
    """As at the beginning: a person says that the cause is gone, or something of it passed."""
    for cause in causes:
        here = [breakers.c[name] == value for name, value in cause._asdict().items()]
        tx.connection.execute(delete(breakers).where(breakers.c.portal == tx.portal, and_(*here)))
