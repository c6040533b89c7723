"""Writes decided and committed, waiting for the CRM: one row per record, claimed before the call, never repeated blindly.

ready → claimed → (gone | ready again, when `generation` rose meanwhile | uncertain | parked). A claim that outlives its time is uncertain
where its call had begun. `domain/sync/push/attempts.py` says what the two counters mean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.selectable import NamedFromClause

from sync_worker.domain.core.reconcile import Base, from_document, to_document
from sync_worker.domain.sync.push.attempts import is_sent_alone
from sync_worker.domain.sync.push.next_batch import DueWrite, WriteBatch
from sync_worker.store.core.columns import Utc
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, among_listed, each, has, listing
from sync_worker.store.deals.tables import deals
from sync_worker.store.sync.tables import outbox


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record that owes the CRM something.

    **Shapes** `sent`: per field what was computed at the claim; `sent_at`: when the call with it began. `refused`, `unanswered`: tries.
    """

    object: str
    record_id: str
    state: str
    generation: int
    claimed_generation: int
    claim_token: str | None
    claim_until_at: datetime | None
    sent: Mapping[str, Base] | None
    sent_at: datetime | None
    due_at: datetime
    refused: int
    unanswered: int
    cause_run: str


def owe(tx: Tx, object_: str, record_ids: Iterable[str], cause_run: str) -> None:
    """These records have something to write. A claimed or uncertain row keeps its state and is ready again once settled."""
    owing = set(record_ids)
    if not owing:
        return
    row = {"portal": tx.portal, "object": object_, "state": "ready", "generation": 1, "due_at": tx.shared_now, "cause_run": cause_run}
    values = [literal(value, outbox.c[name].type) for name, value in row.items()]
    insert = (postgresql if tx.is_postgresql else sqlite).insert(outbox)
    insert = insert.from_select([*row, "record_id"], select(*values, each(tx, outbox.c.record_id, owing)).where(true()))
    statement = insert.on_conflict_do_update(
        index_elements=["portal", "object", "record_id"],
        set_={
            "generation": outbox.c.generation + 1,
            "cause_run": insert.excluded.cause_run,
            "due_at": insert.excluded.due_at,
            "state": case((_IS_PARKED, "ready"), else_=outbox.c.state),
            **{name: case((_IS_PARKED, 0), else_=outbox.c[name]) for name in _ANEW},
        },
    )
    tx.connection.execute(statement)


def claim(tx: Tx, *, state: str, limit: int, token: str, until_at: datetime, only: WriteBatch | None = None) -> list[OutboxRow]:
    """Takes due rows of one state and one object for this caller alone, the longest due first. **Shapes** as they stood before the claim.

    Of several objects the first by name, which is companies: deals name them. A ready row that is to be sent alone is the only one taken
    where it is the longest due, and is left where it is not.
    """
    chosen = true() if only is None else _here(tx, only.object, only.record_ids)
    query = _due(tx, and_(outbox.c.state == state, chosen)).limit(limit)
    if tx.is_postgresql:
        query = query.with_for_update(skip_locked=True)
    found = _rows(tx, query)
    if not found:
        return []
    object_ = min(row.object for row in found)
    taken = [row for row in found if row.object == object_]
    if state == "ready":
        taken = _together(taken)
    claimed = {"state": "claimed", "claim_token": token, "claim_until_at": until_at, "claimed_generation": outbox.c.generation}
    tx.connection.execute(update(outbox).where(_here(tx, object_, [row.record_id for row in taken])).values(**claimed))
    return taken


def _together(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """The first of these rows and those that may be sent with it."""
    if is_sent_alone(rows[0].unanswered):
        return [rows[0]]
    return [row for row in rows if not is_sent_alone(row.unanswered)]


def prepare(tx: Tx, rows: Sequence[OutboxRow], token: str, sent: Mapping[str, Mapping[str, Base]]) -> set[str]:
    """Keeps what is to be sent for these rows, all of one object, before their calls begin.

    **Shapes** `sent`: by record id. Returns the records that may be sent; the claim of any other was lost.
    """
    held = _held(tx, rows, token)
    if held:
        one = and_(outbox.c.portal == tx.portal, outbox.c.object == rows[0].object, outbox.c.record_id == bindparam("its_id"))
        statement = update(outbox).where(one).values(sent=bindparam("its_sent"))
        tx.connection.execute(statement, [{"its_id": record_id, "its_sent": to_document(sent[record_id])} for record_id in held])
    return set(held)


def begin(tx: Tx, object_: str, record_ids: Collection[str], token: str) -> set[str]:
    """The call with these rows is made now: until its outcome is known it counts as unanswered. Returns the records that may be sent."""
    held = _locked(tx, and_(_here(tx, object_, record_ids), outbox.c.state == "claimed", outbox.c.claim_token == token))
    unanswered = _WITHOUT_THIS_SEND + 1  # a record that is sent twice in one claim is counted once
    begun = update(outbox).where(held).values(sent_at=tx.shared_now, unanswered=unanswered).returning(outbox.c.record_id)
    return set(tx.connection.execute(begun).scalars())


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
        tx.connection.execute(update(outbox).where(_here(tx, rows[0].object, again)).values(**_FREE, **_ANEW))
    if gone := [record_id for record_id, is_edited in edited.items() if not is_edited]:
        tx.connection.execute(delete(outbox).where(_here(tx, rows[0].object, gone)))
    return edited


def refused(tx: Tx, row: OutboxRow, token: str, due_at: datetime) -> bool:
    """The CRM answered that it does not take the record now: due again at `due_at`."""
    return _set_claimed(tx, row, token, **_FREE, due_at=due_at, refused=outbox.c.refused + 1, unanswered=_WITHOUT_THIS_SEND)


def put_off(tx: Tx, rows: Sequence[OutboxRow], token: str, due_at: datetime) -> int:
    """These rows, all of one object, were surely not sent, which counts for nothing: due again at `due_at`. Returns how many were held."""
    held = _held(tx, rows, token)
    if not held:
        return 0
    again = {**_FREE, "due_at": due_at, "unanswered": _WITHOUT_THIS_SEND}
    return tx.connection.execute(update(outbox).where(_here(tx, rows[0].object, held)).values(**again)).rowcount


def leave(tx: Tx, rows: Sequence[OutboxRow], token: str, due_at: datetime) -> None:
    """These rows, all of one object and uncertain before their claim, were not looked for: they stay uncertain, due again at `due_at`."""
    if held := _held(tx, rows, token):
        again = {"state": "uncertain", "claim_token": None, "claim_until_at": None, "due_at": due_at}
        tx.connection.execute(update(outbox).where(_here(tx, rows[0].object, held)).values(**again))


def hasten_all(tx: Tx, due_at: datetime) -> int:
    """What waits until exactly this moment is due now. Returns how many."""
    waiting = and_(outbox.c.portal == tx.portal, outbox.c.due_at == due_at, outbox.c.state.in_(["ready", "uncertain"]))
    return tx.connection.execute(update(outbox).where(_locked(tx, waiting)).values(due_at=tx.shared_now)).rowcount


def not_there(tx: Tx, row: OutboxRow, token: str, due_at: datetime) -> bool:
    """A send without answer was looked for, and does not stand in the CRM as it was sent: due again at `due_at`."""
    return _set_claimed(tx, row, token, **_FREE, due_at=due_at)


def arrived(tx: Tx, row: OutboxRow, token: str) -> bool:
    """A send without answer was looked for and stands in the CRM: what is owed since is due now, and tried again."""
    return _set_claimed(tx, row, token, **_FREE, **_ANEW, due_at=tx.shared_now)


def hasten(tx: Tx, object_: str, record_ids: Collection[str]) -> int:
    """Those of these records that are ready later are ready now. Returns how many."""
    later = _locked(tx, and_(_here(tx, object_, record_ids), outbox.c.state == "ready", outbox.c.due_at > tx.shared_now))
    return tx.connection.execute(update(outbox).where(later).values(due_at=tx.shared_now)).rowcount


def park(tx: Tx, row: OutboxRow, token: str) -> bool:
    """It cannot pass: waits for a person, or for the record's next change. Where that came meanwhile, it is ready and tried again."""
    is_same = outbox.c.generation == row.generation
    counts = {"refused": outbox.c.refused, "unanswered": outbox.c.unanswered if row.state == "uncertain" else _WITHOUT_THIS_SEND}
    anew = {name: case((is_same, count), else_=0) for name, count in counts.items()}
    return _set_claimed(tx, row, token, **{**_FREE, "state": case((is_same, "parked"), else_="ready"), **anew})


def doubt(tx: Tx, row: OutboxRow, token: str) -> bool:
    """Sent, outcome unknown: to be read back before anything else. What was sent stays with the row."""
    return _set_claimed(tx, row, token, state="uncertain", claim_token=None, claim_until_at=None)


def doubt_expired(tx: Tx) -> int:
    """Claims past their time become uncertain where their call had begun, ready where it had not. Returns how many."""
    expired = _locked(tx, and_(outbox.c.portal == tx.portal, outbox.c.state == "claimed", outbox.c.claim_until_at < tx.shared_now))
    is_begun = outbox.c.sent_at.is_not(None)
    kept = {"state": case((is_begun, "uncertain"), else_="ready"), "sent": case((is_begun, outbox.c.sent), else_=null())}
    return tx.connection.execute(update(outbox).where(expired).values(claim_token=None, claim_until_at=None, **kept)).rowcount


def sent(tx: Tx, object_: str, record_ids: Collection[str]) -> dict[str, Mapping[str, Base]]:
    """What is, or may have been, under way for these records."""
    if not record_ids:
        return {}
    rows = _rows(tx, select(outbox).where(_here(tx, object_, record_ids)))
    return {row.record_id: row.sent for row in rows if row.sent is not None and row.sent_at is not None}


def unpark(tx: Tx, object_: str, record_ids: Sequence[str]) -> int:
    """Parked rows are tried again now. Returns how many."""
    parked = _locked(tx, and_(_here(tx, object_, record_ids), outbox.c.state == "parked"))
    return tx.connection.execute(update(outbox).where(parked).values(state="ready", due_at=tx.shared_now, **_ANEW)).rowcount


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


def beside(tx: Tx, limit: int) -> list[DueWrite]:
    """Records ready to be written that share no owner company with those in flight, of any process; the longest due first.

    What the CRM has refused before is left while something such is in flight, and deals are left while companies are: deals name them.
    """
    return list(map(DueWrite._make, tx.connection.execute(_beside(), {"its_portal": tx.portal, "now": tx.shared_now, "most": limit})))


@cache
def _beside() -> Select[Any]:
    """Asked before each batch, so made once."""
    portal: BindParameter[str] = bindparam("its_portal", type_=outbox.c.portal.type)
    now, in_flight = bindparam("now", type_=Utc), outbox.alias("in_flight")
    is_in_flight = and_(in_flight.c.portal == portal, in_flight.c.state == "claimed", in_flight.c.claim_until_at >= now)
    owner, owners = _owner(outbox), select(_owner(in_flight)).where(is_in_flight)
    by_state = in_flight.c.object.concat("")  # for the smallest of the column itself SQLite walks all rows by their key
    first_object = select(func.min(by_state)).where(is_in_flight).scalar_subquery()
    is_any_refused = select(in_flight.c.record_id).where(is_in_flight, in_flight.c.refused > 0).exists()
    is_free = and_(
        outbox.c.state == "ready",
        outbox.c.object <= func.coalesce(first_object, outbox.c.object),
        or_(outbox.c.refused == 0, ~is_any_refused),
        owner.not_in(owners),
    )
    query = select(outbox.c.object, outbox.c.record_id, owner, outbox.c.unanswered)
    due = query.where(outbox.c.portal == portal, outbox.c.due_at <= now, is_free)
    return due.order_by(outbox.c.due_at, outbox.c.object, outbox.c.record_id).limit(bindparam("most"))


def is_any_uncertain(tx: Tx) -> bool:
    """Whether a send without answer is to be looked for now."""
    due = (outbox.c.portal == tx.portal, outbox.c.due_at <= tx.shared_now, outbox.c.state == "uncertain")
    return bool(tx.connection.execute(select(has(*due, by=outbox.c.due_at))).scalar_one())


def has_due(tx: Tx) -> bool:
    """Whether a push would find something to do now."""
    return bool(tx.connection.execute(_has_due(), {"its_portal": tx.portal, "now": tx.shared_now}).scalar_one())


@cache
def _has_due() -> Select[Any]:
    """Asked after each batch, so made once."""
    return select(is_any_due(bindparam("its_portal", type_=outbox.c.portal.type), bindparam("now", type_=Utc)))


def is_any_due(portal: ColumnElement[str], now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a push of this portal would find something to do at that moment, as a condition."""
    due = (outbox.c.portal == portal, outbox.c.due_at <= now)
    is_expired = has(*due, outbox.c.state == "claimed", outbox.c.claim_until_at < now, by=outbox.c.due_at)
    return or_(*(has(*due, outbox.c.state == state, by=outbox.c.due_at) for state in ("ready", "uncertain")), is_expired)


def counts(tx: Tx) -> dict[str, int]:
    """How many rows stand in which state."""
    query = select(outbox.c.state, func.count()).where(outbox.c.portal == tx.portal).group_by(outbox.c.state)
    return {state: count for state, count in tx.connection.execute(query)}


def _due(tx: Tx, condition: ColumnElement[bool]) -> Select[Any]:
    query = select(outbox).where(outbox.c.portal == tx.portal, outbox.c.due_at <= tx.shared_now, condition)
    return query.order_by(outbox.c.due_at, outbox.c.object, outbox.c.record_id)


def _owner(rows: Table | NamedFromClause) -> ColumnElement[str]:
    """The company that a write of a row of the outbox locks: the owner of its deal, or the record itself.

    It is looked up row by row: PostgreSQL would join a large outbox with all deals to find two hundred.
    """
    its_deal = deals.alias(f"deal_of_{rows.name}")
    its_owner = select(its_deal.c.owner_company).where(its_deal.c.portal == rows.c.portal, its_deal.c.id == rows.c.record_id)
    return func.coalesce(its_owner.scalar_subquery(), rows.c.record_id)


def _here(tx: Tx, object_: str, record_ids: Collection[str]) -> ColumnElement[bool]:
    return and_(outbox.c.portal == tx.portal, outbox.c.object == object_, among(tx, outbox.c.record_id, record_ids))


def _held(tx: Tx, rows: Sequence[OutboxRow], token: str) -> dict[str, int]:
    """Those of the rows, all of one object, that this claim still holds: record id → generation. They are locked, in the order of `owe`."""
    if not rows:
        return {}
    ids = listing(tx, outbox.c.record_id, [row.record_id for row in rows])
    here = {"its_portal": tx.portal, "its_object": rows[0].object, "its_token": token, "ids": ids}
    return {record_id: generation for record_id, generation in tx.connection.execute(_holding(tx.is_postgresql), here)}


@cache
def _holding(is_postgresql: bool) -> Select[Any]:
    """Asked for each answer, so made once."""
    mine = (outbox.c[name] == bindparam(f"its_{name}") for name in ("portal", "object"))
    claim = (outbox.c.state == "claimed", outbox.c.claim_token == bindparam("its_token"))
    query = select(outbox.c.record_id, outbox.c.generation).where(*mine, among_listed(outbox.c.record_id, "ids", is_postgresql), *claim)
    return query.order_by(outbox.c.record_id).with_for_update()


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


def _rows(tx: Tx, query: Select[Any]) -> list[OutboxRow]:
    rows = [OutboxRow(*row) for row in tx.connection.execute(query.with_only_columns(*_COLUMNS)).all()]
    return [row if row.sent is None else replace(row, sent=from_document(row.sent)) for row in rows]


_FREE: Mapping[str, Any] = {"state": "ready", "claim_token": None, "claim_until_at": None, "sent": None, "sent_at": None}
_ANEW: Mapping[str, int] = {"refused": 0, "unanswered": 0}
_IS_PARKED = outbox.c.state == "parked"
_WITHOUT_THIS_SEND = outbox.c.unanswered - case((outbox.c.sent_at.is_not(None), 1), else_=0)
_COLUMNS = [outbox.c[name] for name in OutboxRow.__slots__]
