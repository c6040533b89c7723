"""Sends whose outcome was never learned, kept beside the outbox: the CRM may still commit them, when their rows have long been settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, select, update

from sync_worker.domain.core.reconcile import from_document, to_document
from sync_worker.domain.sync.push.late_write import Send
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.sync.tables import unlearned_sends


def keep(tx: Tx, sends: Sequence[Send]) -> None:
    """From now on what the CRM shows of these records is held against them, too."""
    upsert(tx, unlearned_sends, [{"portal": tx.portal, **_key(send), **_rest(send)} for send in sends])


def of(tx: Tx, object_: str, record_ids: Collection[str]) -> dict[str, list[Send]]:
    """Those of these records, the oldest first."""
    if not record_ids:
        return {}
    here = and_(unlearned_sends.c.portal == tx.portal, unlearned_sends.c.object == object_)
    found: dict[str, list[Send]] = {}
    for send in _sends(tx, select(unlearned_sends).where(here, among(tx, unlearned_sends.c.record_id, record_ids))):
        found.setdefault(send.record_id, []).append(send)
    return found


def due(tx: Tx, limit: int) -> list[Send]:
    """Those whose records are to be read again, or that are over."""
    return _sends(tx, select(unlearned_sends).where(_is_due(tx)).limit(limit))


def has_due(tx: Tx) -> bool:
    """Whether there are any."""
    return tx.connection.execute(_one_due(), {"its_portal": tx.portal, "now": tx.shared_now}).first() is not None


@cache
def _one_due() -> Select[Any]:
    """Asked after each batch, so made once."""
    here = (unlearned_sends.c.portal == bindparam("its_portal"), unlearned_sends.c.look_at <= bindparam("now"))
    return select(unlearned_sends.c.record_id).where(*here).limit(1)


def look_later(tx: Tx, sends: Sequence[Send], look_at: datetime) -> None:
    """Their records are read now, and once more at that time."""
    if sends:
        tx.connection.execute(update(unlearned_sends).where(*_THIS).values(look_at=look_at), [_bound(tx, send) for send in sends])


def drop(tx: Tx, sends: Sequence[Send]) -> None:
    """They are over, or were recognized."""
    if sends:
        tx.connection.execute(delete(unlearned_sends).where(*_THIS), [_bound(tx, send) for send in sends])


def _is_due(tx: Tx) -> ColumnElement[bool]:
    return and_(unlearned_sends.c.portal == tx.portal, unlearned_sends.c.look_at <= tx.shared_now)


def _sends(tx: Tx, query: Select[Any]) -> list[Send]:
    ordered = query.with_only_columns(*_COLUMNS).order_by(unlearned_sends.c.object, unlearned_sends.c.record_id, unlearned_sends.c.sent_at)
    rows = tx.connection.execute(ordered).all()
    return [Send(object_, id_, at, until_at, look_at, from_document(sent)) for object_, id_, at, until_at, look_at, sent in rows]


def _key(send: Send) -> dict[str, Any]:
    return {"object": send.object, "record_id": send.record_id, "sent_at": send.sent_at}


def _rest(send: Send) -> dict[str, Any]:
    return {"until_at": send.until_at, "look_at": send.look_at, "sent": to_document(send.sent)}


def _bound(tx: Tx, send: Send) -> dict[str, Any]:
    return {"its_portal": tx.portal} | {f"its_{name}": value for name, value in _key(send).items()}


_THIS = tuple(unlearned_sends.c[name] == bindparam(f"its_{name}") for name in ("portal", "object", "record_id", "sent_at"))
_COLUMNS = [unlearned_sends.c[name] for name in Send.__slots__]
