"""Fields that both sides changed: both values, which was taken and why. One open row per deal and field; other values are another row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.core.reconcile import Conflict, Decided, Take
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, among_listed, begins, listing
from sync_worker.store.deals.tables import conflicts

OPEN = conflicts.c.resolved_at.is_(None)


def record(tx: Tx, found: Sequence[tuple[str, str, Conflict]], run_id: str) -> None:
    """Opens (id, deal id, conflict) rows, or renews those that are open with these very values; others have moved, and end.

    One that was decided, by its rule or by a person, is, or becomes, resolved.
    """
    rows = [
        {
            "portal": tx.portal,
            "id": row_id,
            "deal_id": deal_id,
            "field": conflict.field,
            "code": conflict.code,
            "base_value": conflict.base,
            "crm_value": conflict.crm,
            "portal_value": conflict.portal,
            "rule": conflict.rule,
            "taken": conflict.taken,
            "run_id": run_id,
            "opened_at": tx.now,
            "last_seen_at": tx.now,
        }
        for row_id, deal_id, conflict in sorted(found, key=lambda item: (item[1], item[2].field))
    ]
    if not rows:
        return
    _end_moved(tx, rows)
    insert = (postgresql if tx.is_postgresql else sqlite).insert(conflicts)
    statement = insert.on_conflict_do_update(
        index_elements=["portal", "deal_id", "field"],
        index_where=OPEN,
        set_={name: insert.excluded[name] for name in ("code", "taken", "run_id", "last_seen_at")},
    )
    tx.connection.execute(statement, rows)
    open_but_taken = (conflicts.c.portal == tx.portal) & OPEN & (conflicts.c.taken != "")
    by_whom = case((conflicts.c.decision != "", "person"), else_="rule")
    tx.connection.execute(update(conflicts).where(open_but_taken).values(resolved_at=tx.now, resolution=by_whom))


def _end_moved(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Open rows of these fields whose values are not these any more."""
    deal, field = conflicts.c.deal_id == bindparam("at_deal"), conflicts.c.field == bindparam("at_field")
    sides = (conflicts.c.crm_value, conflicts.c.portal_value)
    moved = or_(*(side.is_distinct_from(bindparam(f"at_{side.name}", type_=side.type)) for side in sides))
    statement = update(conflicts).where(conflicts.c.portal == tx.portal, deal, field, OPEN, moved)
    given = [{f"at_{name}": row[name] for name in ("crm_value", "portal_value")} for row in rows]
    places = [{"at_deal": row["deal_id"], "at_field": row["field"]} for row in rows]
    tx.connection.execute(
        statement.values(resolved_at=tx.now, resolution="moved"), [{**place, **values} for place, values in zip(places, given, strict=True)]
    )


def settle(tx: Tx, deal_id: str, fields: Sequence[str]) -> None:
    """Closes the conflicts of these fields, because both sides agree by now."""
    if fields:
        here = (_of(tx, deal_id), among(tx, conflicts.c.field, fields), OPEN)
        tx.connection.execute(update(conflicts).where(*here).values(resolved_at=tx.now, resolution="agreed"))


def decide(tx: Tx, id_: str, *, take: Take, by: str, reason: str) -> None:
    """A person's word on an open conflict; it is applied when the record is read, if the same values still stand there."""
    here = (conflicts.c.portal == tx.portal, conflicts.c.id == id_, OPEN)
    tx.connection.execute(update(conflicts).where(*here).values(decision=take, decided_by=by, reason=reason))


def decided(tx: Tx, deal_ids: Collection[str]) -> dict[str, dict[str, Decided]]:
    """What people said of open conflicts, and was not applied yet: by deal id, then by field."""
    columns = (conflicts.c.deal_id, conflicts.c.field, conflicts.c.decision, conflicts.c.crm_value, conflicts.c.portal_value)
    query = select(*columns).where(conflicts.c.portal == tx.portal, among(tx, conflicts.c.deal_id, deal_ids), OPEN)
    found: dict[str, dict[str, Decided]] = {}
    for deal_id, field, *word in tx.connection.execute(query.where(conflicts.c.decision != "")):
        found.setdefault(deal_id, {})[field] = Decided(*word)
    return found


def open_fields(tx: Tx, deal_ids: Sequence[str]) -> dict[str, set[str]]:
    """Fields that wait for a person, by deal id."""
    here = {"portal": tx.portal, "deals": listing(tx, conflicts.c.deal_id, deal_ids)}
    found: dict[str, set[str]] = {}
    for deal_id, field in tx.connection.execute(_open_fields(tx.is_postgresql), here):
        found.setdefault(deal_id, set()).add(field)
    return found


@cache
def _open_fields(is_postgresql: bool) -> Select[Any]:
    """Asked for each page and each batch, so made once."""
    here = (conflicts.c.portal == bindparam("portal"), among_listed(conflicts.c.deal_id, "deals", is_postgresql), OPEN)
    return select(conflicts.c.deal_id, conflicts.c.field).where(*here)


def waiting(tx: Tx, deal_ids: Collection[str]) -> list[tuple[str, str, datetime]]:
    """(deal id, field, since when) of what waits for a person."""
    here = (conflicts.c.portal == tx.portal, among(tx, conflicts.c.deal_id, deal_ids), OPEN)
    return [tuple(row) for row in tx.connection.execute(select(conflicts.c.deal_id, conflicts.c.field, conflicts.c.opened_at).where(*here))]


def by_ids(tx: Tx, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Those of these ids, resolved ones too."""
    query = select(conflicts).where(conflicts.c.portal == tx.portal, among(tx, conflicts.c.id, ids))
    return {row["id"]: row for row in _rows(tx, query)}


def find(tx: Tx, id_prefix: str) -> Mapping[str, Any] | None:
    """One conflict by its id, or by the beginning of it where that is unambiguous."""
    found = _rows(tx, select(conflicts).where(conflicts.c.portal == tx.portal, begins(conflicts.c.id, id_prefix)).limit(2))
    return found[0] if len(found) == 1 else None


def of(tx: Tx, deal_id: str) -> list[Mapping[str, Any]]:
    """Every conflict of a deal, the oldest first."""
    return _rows(tx, select(conflicts).where(_of(tx, deal_id)).order_by(conflicts.c.opened_at, conflicts.c.id))


def listed(
    tx: Tx,
    *,
    deal_id: str | None = None,
    include_resolved: bool = False,
    before: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> list[Mapping[str, Any]]:
    """Conflicts, the latest first. **Shapes** `deal_id` None: of every deal. `before`: (opened at, id) of the last one seen."""
    query = select(conflicts).where(conflicts.c.portal == tx.portal if deal_id is None else _of(tx, deal_id))
    if not include_resolved:
        query = query.where(OPEN)
    if before:
        opened_at, id_ = before
        query = query.where(or_(conflicts.c.opened_at < opened_at, and_(conflicts.c.opened_at == opened_at, conflicts.c.id > id_)))
    return _rows(tx, query.order_by(conflicts.c.opened_at.desc(), conflicts.c.id).limit(limit))


def _of(tx: Tx, deal_id: str) -> ColumnElement[bool]:
    return (conflicts.c.portal == tx.portal) & (conflicts.c.deal_id == deal_id)


def _rows(tx: Tx, query: Select[Any]) -> list[Mapping[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in tx.connection.execute(query).mappings()]
