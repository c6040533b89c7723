"""Fields that both sides changed: both values, which was taken, one open row per deal and field."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.reconcile import Conflict
from sync_worker.store.engine import Tx, among
from sync_worker.store.tables import conflicts


def record(tx: Tx, found: Sequence[tuple[str, str, Conflict]], run_id: str) -> None:
    """Opens (id, deal id, conflict) rows, or renews those that are open; one that was decided by rule is, or becomes, resolved."""
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
            "taken": conflict.taken,
            "run_id": run_id,
            "opened_at": tx.now,
            "last_seen_at": tx.now,
        }
        for row_id, deal_id, conflict in sorted(found, key=lambda item: (item[1], item[2].field))
    ]
    if not rows:
        return
    insert = (postgresql if tx.is_postgresql else sqlite).insert(conflicts)
    statement = insert.on_conflict_do_update(
        index_elements=["portal", "deal_id", "field"],
        index_where=conflicts.c.resolved_at.is_(None),
        set_={name: insert.excluded[name] for name in ("code", "crm_value", "portal_value", "taken", "run_id", "last_seen_at")},
    )
    tx.connection.execute(statement, rows)
    open_but_taken = (conflicts.c.portal == tx.portal) & conflicts.c.resolved_at.is_(None) & (conflicts.c.taken != "")
    tx.connection.execute(update(conflicts).where(open_but_taken).values(resolved_at=tx.now))


def settle(tx: Tx, deal_id: str, fields: Sequence[str]) -> None:
    """The two sides agree on these fields by now."""
    if not fields:
        return
    tx.connection.execute(
        update(conflicts)
        .where(
            conflicts.c.portal == tx.portal,
            conflicts.c.deal_id == deal_id,
            among(tx, conflicts.c.field, fields),
            conflicts.c.resolved_at.is_(None),
        )
        .values(resolved_at=tx.now)
    )


def open_fields(tx: Tx, deal_ids: Sequence[str]) -> dict[str, set[str]]:
    """Fields that wait for a person, by deal id."""
    query = select(conflicts.c.deal_id, conflicts.c.field).where(
        conflicts.c.portal == tx.portal, among(tx, conflicts.c.deal_id, deal_ids), conflicts.c.resolved_at.is_(None)
    )
    found: dict[str, set[str]] = {}
    for deal_id, field in tx.connection.execute(query):
        found.setdefault(deal_id, set()).add(field)
    return found


def by_ids(tx: Tx, ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Those of these ids, resolved ones too."""
    query = select(conflicts).where(conflicts.c.portal == tx.portal, among(tx, conflicts.c.id, ids))
    return {row["id"]: row for row in _rows(tx, query)}


def listed(tx: Tx, *, include_resolved: bool = False) -> list[Mapping[str, Any]]:
    """Conflicts, the latest first."""
    query = select(conflicts).where(conflicts.c.portal == tx.portal)
    if not include_resolved:
        query = query.where(conflicts.c.resolved_at.is_(None))
    ordered = query.order_by(conflicts.c.last_seen_at.desc(), conflicts.c.id)
    return _rows(tx, ordered)


def _rows(tx: Tx, query: Select[Any]) -> list[Mapping[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in tx.connection.execute(query).mappings()]
