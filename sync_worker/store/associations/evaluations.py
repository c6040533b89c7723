"""Evaluations of a portal's rules: which stands, which is under way, how far it has come. One row each, numbered from 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, text, update

from sync_worker.store.associations.tables import evaluations, rule_members
from sync_worker.store.core.columns import Utc
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One set of rules, applied to every company.

    **Shapes** `document`: the rules, in JSON form. `position`: the last company done, of the phase at hand. `stood_at` None: under way;
    `told_at` None: deals of pairs that changed are still to be read again. `beginnings`: of one that stands, when each number began to.
    """

    no: int
    digest: str
    document: Sequence[Any]
    position: str
    run_id: str
    began_at: datetime
    stood_at: datetime | None
    told_at: datetime | None
    beginnings: Mapping[int, datetime] = field(default_factory=dict)

    def since(self, at: datetime, from_no: int) -> datetime:
        """Since when a row counts that was written then: one that waited for its evaluation, not before that stood."""
        return max(at, self.beginnings.get(from_no, at))


def newest(tx: Tx) -> Evaluation | None:
    """The last one that was begun."""
    return _first(tx, _newest())


def standing(tx: Tx, at: datetime | None = None) -> Evaluation | None:
    """The one whose answer counts; or counted then."""
    found = _first(tx, _standing(is_past=at is not None), {"at": at} if at else {})
    if found is None or found.no == 1:
        return replace(found, beginnings={1: found.stood_at}) if found and found.stood_at else None
    rows = tx.connection.execute(_beginnings(), {"portal": tx.portal})
    return replace(found, beginnings={no: stood_at for no, stood_at in rows if stood_at})


# asked before every other question, so made once
_MINE = evaluations.c.portal == bindparam("portal")


@cache
def _newest() -> Select[Any]:
    return select(evaluations).where(_MINE).order_by(evaluations.c.no.desc()).limit(1)


@cache
def _standing(*, is_past: bool) -> Select[Any]:
    stood = evaluations.c.stood_at
    return _newest().where(stood <= bindparam("at", type_=Utc) if is_past else stood.is_not(None))


@cache
def _beginnings() -> Select[Any]:
    return select(evaluations.c.no, evaluations.c.stood_at).where(_MINE, evaluations.c.stood_at.is_not(None))


def begin(tx: Tx, no: int, digest: str, document: Sequence[Any], run_id: str) -> None:
    """Begins this number with these rules; one of that number that never stood is forgotten."""
    row = {"portal": tx.portal, "no": no, "digest": digest, "document": document, "position": "", "run_id": run_id, "began_at": tx.now}
    upsert(tx, evaluations, [{**row, "stood_at": None, "told_at": None}])


def outdate(tx: Tx) -> None:
    """Whatever stands is to be evaluated again, were its rules the same."""
    tx.connection.execute(update(evaluations).where(evaluations.c.portal == tx.portal).values(digest=""))


def move(tx: Tx, no: int, position: str) -> None:
    """Everything up to `position` is in this commit or an earlier one."""
    _set(tx, no, position=position)


def stand(tx: Tx, no: int) -> None:
    """From now on its answer counts; and PostgreSQL looks at how many rows it has, before anybody asks."""
    _set(tx, no, position="", stood_at=tx.now)
    if tx.is_postgresql:
        tx.connection.execute(text(f"ANALYZE {rule_members.name}"))


def finish(tx: Tx, no: int) -> None:
    """Marks the evaluation as complete: all its companies were told."""
    _set(tx, no, position="", told_at=tx.now)


def _set(tx: Tx, no: int, **values: Any) -> None:
    tx.connection.execute(update(evaluations).where(evaluations.c.portal == tx.portal, evaluations.c.no == no).values(**values))


def _first(tx: Tx, query: Select[Any], told: Mapping[str, Any] | None = None) -> Evaluation | None:
    row = tx.connection.execute(query, {"portal": tx.portal, **(told or {})}).first()
    return Evaluation(*row[1:]) if row else None
