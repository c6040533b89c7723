"""What could not pass and what passed with something wrong: one open row per (object, record, stage, code, field), kept once resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.sync.push.breaker import Cause
from sync_worker.store.core.documents import storable
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, among_listed, begins, listing
from sync_worker.store.core.tables import failures


@dataclass(frozen=True, slots=True)
class Failure:
    """What is recorded. **Shapes** `record`: the CRM id when reading, ours when writing; `waits_for`: CRM id of a parent not seen yet."""

    id: str
    kind: Literal["failure", "problem"]
    object: str
    record: str
    stage: Literal["ingest", "push", "pull", "deliver", "register"]
    code: str
    message: str
    run_id: str
    field: str = ""
    name: str = ""
    payload: Any = None
    payload_hash: str = ""
    mapping_hash: str = ""
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A failure as kept."""

    failure: Failure
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    resolved_at: datetime | None
    resolution: str | None
    discarded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailureFilter:
    """Which failures; None = whatever. **Shapes** `record`: its id or name."""

    code: str | None = None
    record: str | None = None
    since: datetime | None = None
    object: str | None = None
    stage: str | None = None
    kind: str | None = None


EVERY = FailureFilter()


@dataclass(frozen=True, slots=True)
class CauseRow:
    """Failures of one cause, counted."""

    kind: str
    code: str
    object: str
    stage: str
    records: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class OpenRow:
    """What is needed to tell whether an open row is news."""

    id: str
    kind: str
    record: str
    code: str
    field: str
    message: str
    payload_hash: str
    mapping_hash: str
    waits_for: str | None


def record(tx: Tx, found: Sequence[Failure]) -> None:
    """Opens the rows, or counts up those that are open already."""
    rows = [
        _row(tx, failure)
        for failure in sorted(found, key=lambda failure: (failure.object, failure.record, failure.stage, failure.code, failure.field))
    ]
    if not rows:
        return
    insert = (postgresql if tx.is_postgresql else sqlite).insert(failures)
    news = ("kind", "name", "message", "payload", "payload_hash", "mapping_hash", "waits_for", "run_id", "last_seen_at")
    statement = insert.on_conflict_do_update(
        index_elements=["portal", "object", "record", "stage", "code", "field"],
        index_where=failures.c.resolved_at.is_(None),
        set_={**{name: insert.excluded[name] for name in news}, "count": failures.c.count + 1, "discarded_at": None},
    )
    tx.connection.execute(statement, rows)


def reword(tx: Tx, failure: Failure) -> None:
    """Gives the open row these words. It is not counted again."""
    named = {name: getattr(failure, name) for name in ("object", "record", "stage", "code", "field")}
    open_row = (failures.c.portal == tx.portal, failures.c.resolved_at.is_(None))
    tx.connection.execute(update(failures).where(*open_row).filter_by(**named).values(message=storable(failure.message)))


def close(tx: Tx, ids: Sequence[str], resolution: str) -> int:
    """Closes these rows. Returns how many were open."""
    if not ids:
        return 0
    return tx.connection.execute(
        update(failures)
        .where(failures.c.portal == tx.portal, among(tx, failures.c.id, ids), failures.c.resolved_at.is_(None))
        .values(resolved_at=tx.now, resolution=resolution)
    ).rowcount


def close_fields(tx: Tx, object_: str, fields: Collection[str], codes: Sequence[str], resolution: str) -> None:
    """Closes what is open about these fields (contract values) on every record."""
    if not fields:
        return
    tx.connection.execute(
        update(failures)
        .where(
            failures.c.portal == tx.portal,
            failures.c.object == object_,
            among(tx, failures.c.field, fields),
            among(tx, failures.c.code, codes),
            failures.c.resolved_at.is_(None),
        )
        .values(resolved_at=tx.now, resolution=resolution)
    )


def open_rows(tx: Tx, object_: str, records: Collection[str], stage: str) -> list[OpenRow]:
    """What is open for these records at this stage."""
    here = {"its_portal": tx.portal, "its_object": object_, "its_stage": stage, "records": listing(tx, failures.c.record, records)}
    return [OpenRow(*row) for row in tx.connection.execute(_open_rows(tx.is_postgresql), here)]


@cache
def _open_rows(is_postgresql: bool) -> Select[Any]:
    """Asked for each page and each batch, so made once."""
    return select(*(failures.c[name] for name in OpenRow.__slots__)).where(
        failures.c.portal == bindparam("its_portal"),
        failures.c.object == bindparam("its_object"),
        failures.c.stage == bindparam("its_stage"),
        failures.c.resolved_at.is_(None),
        among_listed(failures.c.record, "records", is_postgresql),
    )


def open_fields(tx: Tx, objects: Collection[str], record: str, stage: str, code: str) -> dict[str, set[str]]:
    """The fields about which something of one code is open at this record, by object; each of these objects is there."""
    place = {"its_portal": tx.portal, "its_record": record, "its_stage": stage, "its_code": code}
    found: dict[str, set[str]] = {object_: set() for object_ in objects}
    here = {**place, "objects": listing(tx, failures.c.object, objects)}
    for object_, field in tx.connection.execute(_open_fields(tx.is_postgresql), here):
        found[object_].add(field)
    return found


@cache
def _open_fields(is_postgresql: bool) -> Select[Any]:
    """Asked at the beginning of each run, so made once."""
    return select(failures.c.object, failures.c.field).where(
        *(failures.c[name] == bindparam(f"its_{name}") for name in ("portal", "record", "stage", "code")),
        among_listed(failures.c.object, "objects", is_postgresql),
        failures.c.resolved_at.is_(None),
    )


@dataclass(frozen=True, slots=True)
class ShownRow:
    """What is wrong with one record, as long as it is not discarded."""

    object: str
    record: str
    code: str
    field: str
    message: str
    first_seen_at: datetime


def shown_of(tx: Tx, places: Collection[tuple[str, str]]) -> list[ShownRow]:
    """What is open, and not discarded, for these (object, record)s, whatever the stage."""
    records: dict[str, set[str]] = {}
    for object_, record_ in places:
        records.setdefault(object_, set()).add(record_)
    if not records:
        return []
    here = or_(*((failures.c.object == name) & among(tx, failures.c.record, ids) for name, ids in sorted(records.items())))
    query = select(*(failures.c[name] for name in ShownRow.__slots__)).where(failures.c.portal == tx.portal, *SHOWN, here)
    return [ShownRow(*row) for row in tx.connection.execute(query)]


def discard(tx: Tx, ids: Sequence[str], words: str) -> int:
    """These are no longer reported, and they are not tried again, until their records are news. Returns how many."""
    here = (failures.c.portal == tx.portal, among(tx, failures.c.id, ids), *SHOWN)
    return tx.connection.execute(update(failures).where(*here).values(discarded_at=tx.now, resolution=words)).rowcount


def forget_payloads(tx: Tx, ids: Collection[str]) -> None:
    """The same records under the same mapping are tried once more."""
    if ids:
        here = (failures.c.portal == tx.portal, among(tx, failures.c.id, ids))
        tx.connection.execute(update(failures).where(*here).values(payload_hash="", mapping_hash=""))


def waiting_for(tx: Tx, crm_ids: Iterable[str]) -> list[tuple[str, str]]:
    """(object, record) of open rows that wait for one of these parents, each once.

    Sorted here: asked for distinct rows, SQLite walks all open failures instead of looking the parents up.
    """
    here = (failures.c.portal == tx.portal, failures.c.resolved_at.is_(None))
    if not tx.connection.execute(select(exists().where(*here, failures.c.waits_for.is_not(None)))).scalar():
        return []
    its = (*here, among(tx, failures.c.waits_for, set(crm_ids)))
    query = select(failures.c.object, failures.c.record).where(*its).order_by(failures.c.waits_for)
    return sorted({(object_, record_) for object_, record_ in tx.connection.execute(query)})


def get(tx: Tx, id_prefix: str) -> FailureRow | None:
    """One row by its id, or by the beginning of it where that is unambiguous."""
    found = _rows(tx, select(failures).where(failures.c.portal == tx.portal, begins(failures.c.id, id_prefix)).limit(2))
    return found[0] if len(found) == 1 else None


def by_ids(tx: Tx, ids: Collection[str]) -> dict[str, FailureRow]:
    """Those of these ids, resolved ones too."""
    rows = _rows(tx, select(failures).where(failures.c.portal == tx.portal, among(tx, failures.c.id, ids)))
    return {row.failure.id: row for row in rows}


def listed(tx: Tx, wanted: FailureFilter = EVERY, *, include_resolved: bool = False, limit: int | None = None) -> list[FailureRow]:
    """Rows by cause, the latest first within each."""
    query = select(failures).where(*_conditions(tx, wanted), *(() if include_resolved else SHOWN))
    return _rows(tx, query.order_by(failures.c.kind, failures.c.code, failures.c.last_seen_at.desc(), failures.c.id).limit(limit))


def page(
    tx: Tx,
    wanted: FailureFilter = EVERY,
    *,
    include_resolved: bool = False,
    after: tuple[str, str, datetime, str] | None = None,
    limit: int,
) -> list[FailureRow]:
    """Rows by cause, the newest first within each; a row keeps its place even if it is met again.

    **Shapes** `after`: (kind, code, first seen at, id) of the last one seen.
    """
    query = select(failures).where(*_conditions(tx, wanted), *(() if include_resolved else SHOWN))
    if after:
        kind, code, first_seen_at, id_ = after
        cause, since = tuple_(failures.c.kind, failures.c.code), failures.c.first_seen_at
        older = or_(since < first_seen_at, and_(since == first_seen_at, failures.c.id > id_))
        query = query.where(or_(cause > (kind, code), and_(failures.c.kind == kind, failures.c.code == code, older)))
    return _rows(tx, query.order_by(failures.c.kind, failures.c.code, failures.c.first_seen_at.desc(), failures.c.id).limit(limit))


def count(tx: Tx, wanted: FailureFilter = EVERY, *, include_resolved: bool = False) -> int:
    """How many `listed` would find without a limit."""
    query = select(func.count()).select_from(failures).where(*_conditions(tx, wanted), *(() if include_resolved else SHOWN))
    return int(tx.connection.execute(query).scalar_one())


def causes(tx: Tx, wanted: FailureFilter = EVERY) -> list[CauseRow]:
    """What is open, by cause, with counts: failures before problems, the largest first."""
    cause = [failures.c[name] for name in ("kind", "code", "object", "stage")]
    sums = (func.count().label("records"), func.min(failures.c.first_seen_at), func.max(failures.c.last_seen_at))
    query: Select[Any] = select(*cause, *sums).where(*_conditions(tx, wanted), *SHOWN).group_by(*cause)
    rows = [CauseRow(*row) for row in tx.connection.execute(query)]
    return sorted(rows, key=lambda row: (row.kind, -row.records, row.code, row.object))


def records_of(tx: Tx, cause: Cause) -> list[str]:
    """The records with something open of this cause."""
    here = [failures.c[name] == value for name, value in cause._asdict().items()]
    query = select(failures.c.record).where(failures.c.portal == tx.portal, failures.c.resolved_at.is_(None), *here)
    return list(tx.connection.execute(query).scalars())


def seen_count(tx: Tx, stage: str, code: str) -> int:
    """How many times this code was met, on the record where it was met most often since that last passed."""
    here = (failures.c.portal == tx.portal, failures.c.stage == stage, failures.c.code == code, failures.c.resolved_at.is_(None))
    return int(tx.connection.execute(select(func.max(failures.c.count)).where(*here)).scalar() or 0)


def codes(tx: Tx) -> set[str]:
    """Every code that was ever met here, of closed rows too."""
    return set(tx.connection.execute(select(failures.c.code).where(failures.c.portal == tx.portal).distinct()).scalars())


def counts(tx: Tx) -> dict[str, int]:
    """Open rows by kind."""
    query = select(failures.c.kind, func.count()).where(failures.c.portal == tx.portal, *SHOWN)
    return {kind: count for kind, count in tx.connection.execute(query.group_by(failures.c.kind))}


def open_kinds(tx: Tx, *, runs: Collection[str] | None = None) -> dict[str, str]:
    """The kind of each open row, by its id; of all of them, or of those that these runs met last."""
    here = () if runs is None else (among(tx, failures.c.run_id, runs),)
    query = select(failures.c.id, failures.c.kind).where(failures.c.portal == tx.portal, *SHOWN, *here)
    return {id_: kind for id_, kind in tx.connection.execute(query)}


SHOWN = (failures.c.resolved_at.is_(None), failures.c.discarded_at.is_(None))


def _conditions(tx: Tx, wanted: FailureFilter) -> list[ColumnElement[bool]]:
    named = {name: value for name in ("code", "object", "stage", "kind") if (value := getattr(wanted, name)) is not None}
    found = [failures.c.portal == tx.portal, *(failures.c[name] == value for name, value in named.items())]
    if wanted.record is not None:
        found.append(or_(failures.c.record == wanted.record, failures.c.name == wanted.record))
    if wanted.since is not None:
        found.append(failures.c.last_seen_at >= wanted.since)
    return found


_KEPT = tuple(Failure.__slots__)


def _rows(tx: Tx, query: Select[Any]) -> list[FailureRow]:
    return [_from_row(row) for row in tx.connection.execute(query).mappings()]


def _from_row(row: Mapping[Any, Any]) -> FailureRow:
    failure = Failure(**{name: row[name] for name in _KEPT})
    return FailureRow(failure, *(row[name] for name in FailureRow.__slots__[1:]))


def _row(tx: Tx, failure: Failure) -> dict[str, Any]:
    kept = {name: storable(getattr(failure, name)) for name in _KEPT}
    return {**kept, "portal": tx.portal, "first_seen_at": tx.now, "last_seen_at": tx.now, "count": 1}
