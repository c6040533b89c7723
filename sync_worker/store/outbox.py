"""Writes decided and committed, waiting for the CRM: one row per record, claimed before the call, never repeated blindly.

ready → claimed → (gone | ready again, when `generation` rose meanwhile | uncertain | parked). A claim that outlives its time is uncertain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, delete, false, func, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.reconcile import Base, from_document, to_document
from sync_worker.store.engine import Tx, among
from sync_worker.store.lists import each
from sync_worker.store.tables import outbox


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record that owes the CRM something. **Shapes** `sent`: per field what was under way when claimed; None = nothing computed yet."""

    object: str
    record_id: str
    state: str
    generation: int
    claimed_generation: int
    claim_token: str | None
    claim_until_at: datetime | None
    sent: Mapping[str, Base] | None
    due_at: datetime
    attempts: int
    cause_run: str


def owe(tx: Tx, object_: str, record_ids: Iterable[str], cause_run: str) -> None:
    """These records have something to write. A claimed or uncertain row keeps its state and is ready again once settled."""
    owing = set(record_ids)
    if not owing:
        return
    row = {"portal": tx.portal, "object": object_, "state": "ready", "generation": 1, "due_at": tx.shared_now, "cause_run": cause_run}
    values = [literal(value, outbox.c[name].type) for name, value in row.items()]
    insert = (postgresql if tx.is_postgresql else sqlite).insert(outbox)
    insert = insert.from_select([*row, "record_id"], select(*values, each(tx, owing)).where(true()))
    statement = insert.on_conflict_do_update(
        index_elements=["portal", "object", "record_id"],
        set_={
            "generation": outbox.c.generation + 1,
            "cause_run": insert.excluded.cause_run,
            "due_at": insert.excluded.due_at,
            "state": _ready_if_parked(),
        },
    )
    tx.connection.execute(statement)


def claim(tx: Tx, *, state: str, limit: int, token: str, until_at: datetime) -> list[OutboxRow]:
    """Takes due rows of one state and one object for this caller alone, the longest due first. **Shapes** as they stood before the claim.

    Of several objects the first by name, which is companies: deals name them.
    """
    query = _due(tx, outbox.c.state == state).limit(limit)
    if tx.is_postgresql:
        query = query.with_for_update(skip_locked=True)
    found = _rows(tx, query)
    if not found:
        return []
    object_ = min(row.object for row in found)
    taken = [row for row in found if row.object == object_]
    claimed = {"state": "claimed", "claim_token": token, "claim_until_at": until_at}
    raised = {"claimed_generation": outbox.c.generation, "attempts": outbox.c.attempts + 1}
    here = _here(tx, object_, [row.record_id for row in taken])
    tx.connection.execute(update(outbox).where(here).values(**claimed, **raised))
    return taken


def begin(tx: Tx, rows: Sequence[OutboxRow], token: str, sent: Mapping[str, Mapping[str, Base]]) -> set[str]:
    """Keeps what is about to be sent for these rows, all of one object, before it is.

    **Shapes** `sent`: by record id. Returns the records that may be sent; the claim of any other was lost.
    """
    held = _held(tx, rows, token)
    if held:
        one = and_(outbox.c.portal == tx.portal, outbox.c.object == rows[0].object, outbox.c.record_id == bindparam("its_id"))
        statement = update(outbox).where(one).values(sent=bindparam("its_sent"))
        tx.connection.execute(statement, [{"its_id": record_id, "its_sent": to_document(sent[record_id])} for record_id in held])
    return set(held)


def renew(tx: Tx, token: str, until_at: datetime) -> int:
    """Prolongs a claim while its call is in flight. Returns how many rows it still holds."""
    held = _locked(tx, and_(outbox.c.portal == tx.portal, outbox.c.claim_token == token))
    return tx.connection.execute(update(outbox).where(held).values(claim_until_at=until_at)).rowcount


def hold(tx: Tx, rows: Iterable[OutboxRow]) -> None:
    """Locks rows of a claim before they are settled one by one, in whatever order their answers came."""
    by_object: dict[str, list[str]] = {}
    for row in rows:
        by_object.setdefault(row.object, []).append(row.record_id)
    if tx.is_postgresql and by_object:
        _locked(tx, or_(*(_here(tx, object_, record_ids) for object_, record_ids in by_object.items())))


def done(tx: Tx, rows: Sequence[OutboxRow], token: str) -> dict[str, bool]:
    """The writes of these rows, all of one object, are settled: a row goes, or stays ready when its record was edited meanwhile.

    **Shapes** record id → whether it is owed again; rows whose claim was lost are absent.
    """
    held = _held(tx, rows, token)
    edited = {row.record_id: held[row.record_id] != row.generation for row in rows if row.record_id in held}
    if again := [record_id for record_id, is_edited in edited.items() if is_edited]:
        free = {"state": "ready", "claim_token": None, "claim_until_at": None, "sent": None, "attempts": 0}
        tx.connection.execute(update(outbox).where(_here(tx, rows[0].object, again)).values(**free))
    if gone := [record_id for record_id, is_edited in edited.items() if not is_edited]:
        tx.connection.execute(delete(outbox).where(_here(tx, rows[0].object, gone)))
    return edited


def later(tx: Tx, row: OutboxRow, token: str, due_at: datetime, *, is_attempt: bool = True) -> bool:
    """Surely not written: due again at `due_at`. **Shapes** `is_attempt`: the CRM was asked for it, which counts."""
    attempts = outbox.c.attempts if is_attempt else row.attempts
    return _set_claimed(tx, row, token, state="ready", claim_token=None, claim_until_at=None, sent=None, due_at=due_at, attempts=attempts)


def put_off(tx: Tx, rows: Sequence[OutboxRow], token: str, due_at: datetime) -> int:
    """These rows, all of one object, were not tried: due again at `due_at`. Returns how many the claim still held."""
    held = _held(tx, rows, token)
    if not held:
        return 0
    free = {"state": "ready", "claim_token": None, "claim_until_at": None, "sent": None, "due_at": due_at}
    tries = {"attempts": outbox.c.attempts - 1}
    return tx.connection.execute(update(outbox).where(_here(tx, rows[0].object, held)).values(**free, **tries)).rowcount


def hasten(tx: Tx, object_: str, record_ids: Collection[str]) -> int:
    """Those of these records that are ready later are ready now. Returns how many."""
    later = _locked(tx, and_(_here(tx, object_, record_ids), outbox.c.state == "ready", outbox.c.due_at > tx.shared_now))
    return tx.connection.execute(update(outbox).where(later).values(due_at=tx.shared_now)).rowcount


def park(tx: Tx, row: OutboxRow, token: str) -> bool:
    """The CRM refused it: waits for a person, or for the record's next change."""
    state = case((outbox.c.generation == row.generation, "parked"), else_="ready")
    return _set_claimed(tx, row, token, state=state, claim_token=None, claim_until_at=None, sent=None)


def doubt(tx: Tx, row: OutboxRow, token: str) -> bool:
    """Sent, outcome unknown: to be read back before anything else. What was sent stays with the row."""
    return _set_claimed(tx, row, token, state="uncertain", claim_token=None, claim_until_at=None)


def doubt_expired(tx: Tx) -> int:
    """Claims past their time become uncertain where something was about to be sent, ready where nothing was. Returns how many."""
    expired = _locked(tx, and_(outbox.c.portal == tx.portal, outbox.c.state == "claimed", outbox.c.claim_until_at < tx.shared_now))
    state = case((outbox.c.sent.is_(None), "ready"), else_="uncertain")
    return tx.connection.execute(update(outbox).where(expired).values(state=state, claim_token=None, claim_until_at=None)).rowcount


def sent(tx: Tx, object_: str, record_ids: Collection[str]) -> dict[str, Mapping[str, Base]]:
    """What is, or may have been, under way for these records."""
    if not record_ids:
        return {}
    rows = _rows(tx, select(outbox).where(_here(tx, object_, record_ids)))
    return {row.record_id: row.sent for row in rows if row.sent is not None}


def unpark(tx: Tx, object_: str, record_ids: Sequence[str]) -> int:
    """Parked rows are tried again now. Returns how many."""
    parked = _locked(tx, and_(_here(tx, object_, record_ids), outbox.c.state == "parked"))
    return tx.connection.execute(update(outbox).where(parked).values(state="ready", due_at=tx.shared_now, attempts=0)).rowcount


def listed(tx: Tx) -> list[OutboxRow]:
    """Every row, the longest due first."""
    return _rows(tx, select(outbox).where(outbox.c.portal == tx.portal).order_by(outbox.c.due_at, outbox.c.record_id))


def of(tx: Tx, object_: str, record_ids: Collection[str]) -> list[OutboxRow]:
    """The rows of these records, in any state."""
    return _rows(tx, select(outbox).where(_here(tx, object_, record_ids)).order_by(outbox.c.record_id))


def due(tx: Tx, limit: int) -> list[str]:
    """Records ready to be written, the longest due first."""
    query = _due(tx, outbox.c.state == "ready").with_only_columns(outbox.c.record_id).limit(limit)
    return list(tx.connection.execute(query).scalars())


def has_due(tx: Tx) -> bool:
    """Whether a push would find something to do now."""
    claims = and_(outbox.c.state == "claimed", outbox.c.claim_until_at < tx.shared_now)
    waiting = outbox.c.state.in_(["ready", "uncertain"])
    return tx.connection.execute(_due(tx, or_(waiting, claims)).limit(1)).first() is not None


def counts(tx: Tx) -> dict[str, int]:
    """How many rows stand in which state."""
    query = select(outbox.c.state, func.count()).where(outbox.c.portal == tx.portal).group_by(outbox.c.state)
    return {state: count for state, count in tx.connection.execute(query)}


def _due(tx: Tx, condition: ColumnElement[bool]) -> Select[Any]:
    query = select(outbox).where(outbox.c.portal == tx.portal, outbox.c.due_at <= tx.shared_now, condition)
    return query.order_by(outbox.c.due_at, outbox.c.object, outbox.c.record_id)


def _here(tx: Tx, object_: str, record_ids: Collection[str]) -> ColumnElement[bool]:
    return and_(outbox.c.portal == tx.portal, outbox.c.object == object_, among(tx, outbox.c.record_id, record_ids))


def _held(tx: Tx, rows: Sequence[OutboxRow], token: str) -> dict[str, int]:
    """Those of the rows, all of one object, that this claim still holds: record id → generation. They are locked, in the order of `owe`."""
    if not rows:
        return {}
    mine = and_(_here(tx, rows[0].object, [row.record_id for row in rows]), outbox.c.state == "claimed", outbox.c.claim_token == token)
    query = select(outbox.c.record_id, outbox.c.generation).where(mine).order_by(outbox.c.record_id).with_for_update()
    return {record_id: generation for record_id, generation in tx.connection.execute(query)}


def _mine(tx: Tx, row: OutboxRow, token: str) -> ColumnElement[bool]:
    return and_(
        outbox.c.portal == tx.portal,
        outbox.c.object == row.object,
        outbox.c.record_id == row.record_id,
        outbox.c.state == "claimed",
        outbox.c.claim_token == token,
    )


def _set_claimed(tx: Tx, row: OutboxRow, token: str, **values: Any) -> bool:
    return bool(tx.connection.execute(update(outbox).where(_mine(tx, row, token)).values(**values)).rowcount)


def _locked(tx: Tx, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows of the condition, locked in the order in which `owe` does, for this transaction may not hold the portal's lock.

    A row that comes to fulfil the condition afterwards is not among them: it would be locked out of turn.
    """
    if not tx.is_postgresql:
        return condition
    query = select(outbox.c.object, outbox.c.record_id).where(condition).order_by(outbox.c.object, outbox.c.record_id)
    found: dict[str, list[str]] = {}
    for object_, record_id in tx.connection.execute(query.with_for_update()):
        found.setdefault(object_, []).append(record_id)
    return or_(false(), *(_here(tx, object_, record_ids) for object_, record_ids in found.items()))


def _ready_if_parked() -> ColumnElement[str]:
    return case((outbox.c.state == "parked", "ready"), else_=outbox.c.state)


def _rows(tx: Tx, query: Select[Any]) -> list[OutboxRow]:
    rows = [OutboxRow(*row) for row in tx.connection.execute(query.with_only_columns(*_COLUMNS)).all()]
    return [row if row.sent is None else replace(row, sent=from_document(row.sent)) for row in rows]


_COLUMNS = [outbox.c[name] for name in OutboxRow.__slots__]
