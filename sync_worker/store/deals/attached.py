"""Notes and files that people attached to deals. The content of a file is in `files.py`; here is where it lies.

A row goes with its author, when somebody takes it away, or once it was kept long enough after the end of its deal. The content of a file
that no row names is removed by the sweep of the same night, or the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, tuple_, update

from sync_worker.domain.core.user import Role
from sync_worker.domain.people.attached import Author, AuthorSide
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.tables import deal_files, deal_notes


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote on a deal. **Shapes** `edited_at` None: it is as it was written."""

    author: Author
    id: str
    deal_id: str
    text: str
    added_at: datetime
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DealFile:
    """A file that a person added to a deal. **Shapes** `key`: of its content."""

    author: Author
    id: str
    deal_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    key: str
    added_at: datetime


Attached: TypeAlias = Note | DealFile
A = TypeVar("A", Note, DealFile)
_TABLES: Final[Mapping[type[Attached], Table]] = {Note: deal_notes, DealFile: deal_files}
_AUTHOR: Final = ("author_id", "author", "role", "side")


def add(tx: Tx, one: Attached) -> None:
    """It stands on its deal from now on."""
    own = {name: getattr(one, name) for name in _own(type(one))}
    author = zip(_AUTHOR, (one.author.user_id, one.author.name, one.author.role, one.author.side), strict=True)
    tx.connection.execute(insert(_TABLES[type(one)]).values(portal=tx.portal, **own, **dict(author)))


def edit(tx: Tx, note_id: str, text: str) -> None:
    """The note says something else."""
    tx.connection.execute(update(deal_notes).where(*_one(tx, Note, note_id)).values(text=text, edited_at=tx.now))


def remove(tx: Tx, one: Attached) -> None:
    """It stands on its deal no more."""
    tx.connection.execute(delete(_TABLES[type(one)]).where(*_one(tx, type(one), one.id)))


def get(tx: Tx, kind: type[A], deal_id: str, id_: str) -> A | None:
    """One of this deal's."""
    return next(iter(_found(tx, kind, _TABLES[kind].c.deal_id == deal_id, _TABLES[kind].c.id == id_, limit=1)), None)


def listed(tx: Tx, kind: type[A], deal_id: str, *, after: tuple[datetime, str] | None = None, limit: int) -> list[A]:
    """Those of this deal that follow `after`, the newest first."""
    table = _TABLES[kind]
    behind = [tuple_(table.c.added_at, table.c.id) < after] if after else []
    return _found(tx, kind, table.c.deal_id == deal_id, *behind, limit=limit)


def count(tx: Tx, kind: type[Attached], deal_id: str) -> int:
    """How many the deal has."""
    table = _TABLES[kind]
    here = (table.c.portal == tx.portal, table.c.deal_id == deal_id)
    return int(tx.connection.execute(select(func.count()).select_from(table).where(*here)).scalar_one())


def keys(tx: Tx) -> set[str]:
    """The files that some row names."""
    return set(tx.connection.execute(select(deal_files.c.key).where(deal_files.c.portal == tx.portal)).scalars())


def _own(kind: type[Any]) -> tuple[str, ...]:
    return tuple(name for name in kind.__slots__ if name != "author")


def _one(tx: Tx, kind: type[Attached], id_: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    table = _TABLES[kind]
    return table.c.portal == tx.portal, table.c.id == id_


def _found(tx: Tx, kind: type[A], *conditions: ColumnElement[bool], limit: int) -> list[A]:
    table = _TABLES[kind]
    columns = [table.c[name] for name in (*_AUTHOR, *_own(kind))]
    query = select(*columns).where(table.c.portal == tx.portal, *conditions)
    rows = tx.connection.execute(query.order_by(table.c.added_at.desc(), table.c.id.desc()).limit(limit))
    return [_read(kind, *row) for row in rows]


def _read(kind: type[A], user_id: str, name: str, role: str, side: str, *own: Any) -> A:
    return kind(Author(user_id, name, Role(role), AuthorSide(side)), *own)
