"""Runs: what one piece of work did, counted in the same commit as what it did, so that the sums hold after a crash too.

The process at a run says so every ten seconds. A run without such a sign for a minute was left by a process that died.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, Update, and_, bindparam, case, cast, func, insert, or_, select, true, update

from sync_worker.domain.core.ruling import APPLIED, FAILED, SKIPPED, UNCHANGED, Ruling, tally
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import begins
from sync_worker.store.core.tables import runs

SILENT_S: Final = 60  # six times as long as a living process is silent
LEFT: Final = "its process ended"


@dataclass(slots=True)
class Counts:
    """Reading: read = applied + unchanged + skipped + failed. Writing: claimed = written + unchanged + deferred + parked + uncertain."""

    read: int = 0
    applied: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    claimed: int = 0
    written: int = 0
    deferred: int = 0
    parked: int = 0
    uncertain: int = 0
    calls: int = 0
    skips: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        """One record skipped, with its reason."""
        self.skipped += 1
        self.skips[reason] = self.skips.get(reason, 0) + 1

    @classmethod
    def of(cls, rulings: Iterable[Ruling[Any]]) -> Counts:
        """The counts of a reading: a sum over its rulings."""
        ended, skips = tally(rulings)
        return cls(ended.total(), ended[APPLIED], ended[UNCHANGED], ended[SKIPPED], ended[FAILED], skips=dict(skips))

    def outcomes(self) -> dict[str, int]:
        """The counts that are not 0, without the calls."""
        return {name: count for name in NUMBERS if name != "calls" and (count := getattr(self, name))}

    def add(self, other: Counts) -> None:
        """Takes the other's counts in."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.skips.items():
            self.skips[reason] = self.skips.get(reason, 0) + count


NUMBERS = tuple(item.name for item in fields(Counts) if item.name != "skips")


@dataclass(frozen=True, slots=True)
class Run:
    """A run as kept."""

    id: str
    verb: str
    object: str
    started_at: datetime
    finished_at: datetime | None
    state: str
    error: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Pull:
    """One reading of a record type. **Shapes** `ended_at` None: it is under way, or it did not come to its end."""

    record: str
    began_at: datetime
    ended_at: datetime | None


def start(tx: Tx, run_id: str, verb: str, object_: str) -> None:
    """Opens the run."""
    begun = {"started_at": tx.shared_now, "seen_at": tx.shared_now, "state": "running", "skips": {}}
    tx.connection.execute(_STARTING, {"portal": tx.portal, "id": run_id, "verb": verb, "object": object_, **begun})


def go_on(tx: Tx, run_id: str) -> None:
    """The run's process is alive. A run that was taken for dead, because its process or clock stood still, is under way again."""
    here = (runs.c.portal == tx.portal) & (runs.c.id == run_id)
    tx.connection.execute(update(runs).where(here).values(seen_at=tx.shared_now, finished_at=None, state="running", error=""))


def is_any_left(tx: Tx) -> bool:
    """Whether there is a run that its process left; the transaction's portal's, or where that is "" anybody's."""
    return tx.connection.execute(select(runs.c.id).where(_left(tx)).limit(1)).first() is not None


def close_left(tx: Tx) -> None:
    """Closes those as stopped, at the moment at which they were last heard of."""
    tx.connection.execute(update(runs).where(_left(tx)).values(finished_at=runs.c.seen_at, state="stopped", error=LEFT))


def _left(tx: Tx) -> ColumnElement[bool]:
    mine = runs.c.portal == tx.portal if tx.portal else true()
    return and_(mine, runs.c.state == "running", runs.c.seen_at < tx.shared_now - timedelta(seconds=SILENT_S))


def count(tx: Tx, run_id: str, counts: Counts) -> None:
    """Adds to the run's sums, in the commit of what is counted."""
    sums: dict[str, Any] = {name: number for name in NUMBERS if (number := getattr(counts, name))}
    if counts.skips:
        sums["skips"] = _summed(tx, run_id, counts.skips)
    if sums:
        new = {f"new_{name}": value for name, value in sums.items()}
        tx.connection.execute(_counting(tuple(sums)), {"its_portal": tx.portal, "its_id": run_id, **new})


def _summed(tx: Tx, run_id: str, skips: Mapping[str, int]) -> dict[str, int]:
    """What the run holds by now, with these added."""
    here = (runs.c.portal == tx.portal) & (runs.c.id == run_id)
    summed: dict[str, int] = dict(tx.connection.execute(select(runs.c.skips).where(here).with_for_update()).scalar() or {})
    for reason, number in skips.items():
        summed[reason] = summed.get(reason, 0) + number
    return summed


def finish(tx: Tx, run_id: str, *, error: str = "", is_stopped: bool = False) -> Run:
    """Closes the run as done, or as failed or stopped with its words."""
    state = "stopped" if is_stopped else "failed" if error else "done"
    new = {"new_finished_at": tx.shared_now, "new_state": state, "new_error": error}
    return _run(tx.connection.execute(_finishing(), {"its_portal": tx.portal, "its_id": run_id, **new}).mappings().one())


def get(tx: Tx, id_prefix: str) -> Run | None:
    """One run by its id, or by the beginning of it where that is unambiguous."""
    query = select(runs).where(runs.c.portal == tx.portal, begins(runs.c.id, id_prefix)).limit(2)
    found = [_run(row) for row in tx.connection.execute(query).mappings()]
    return found[0] if len(found) == 1 else None


def latest(tx: Tx, verb: str, *, since_at: datetime) -> Run | None:
    """The last run of this verb that was begun since then."""
    here = (runs.c.portal == tx.portal) & (runs.c.started_at >= since_at) & (runs.c.verb == verb)
    found = tx.connection.execute(select(runs).where(here).order_by(runs.c.started_at.desc(), runs.c.id).limit(1)).mappings().first()
    return _run(found) if found else None


def has_written(tx: Tx, *, since_at: datetime) -> bool:
    """Whether a run that was at work since then has written to the CRM. One that was begun more than a day before that does not count."""
    here = {"its_portal": tx.portal, "since_at": since_at, "begun_at": since_at - timedelta(days=1)}
    return tx.connection.execute(_having_written(), here).first() is not None


def calls(tx: Tx, *, since_at: datetime) -> list[tuple[str, datetime, int]]:
    """(verb, begun at, calls) of the runs begun since then that made any."""
    here = (runs.c.portal == tx.portal) & (runs.c.started_at >= since_at) & (runs.c.calls > 0)
    query = select(runs.c.verb, runs.c.started_at, runs.c.calls).where(here)
    return [(verb, started_at, calls) for verb, started_at, calls in tx.connection.execute(query)]


def sums(tx: Tx, edges: Sequence[datetime]) -> list[Counts]:
    """The sums of the runs begun in each span between two edges, without why records were skipped. **Shapes** `edges` rise."""
    begun = runs.c.started_at
    span_no = case(*((begun < edge, number) for number, edge in enumerate(edges[1:])), else_=len(edges)).label("span_no")
    totals = [cast(func.sum(runs.c[name]), Integer).label(name) for name in NUMBERS]
    here = (runs.c.portal == tx.portal) & (begun >= edges[0]) & (begun < edges[-1])
    rows = tx.connection.execute(select(span_no, *totals).where(here).group_by(span_no)).mappings()
    found = {row["span_no"]: Counts(**{name: row[name] for name in NUMBERS}) for row in rows}
    return [found.get(number, Counts()) for number in range(len(edges) - 1)]


def pulls(tx: Tx, *, since_at: datetime) -> list[Pull]:
    """Those begun since then, in their order."""
    here = (runs.c.portal == tx.portal) & (runs.c.started_at >= since_at) & (runs.c.verb == "pull")
    columns = [runs.c[name] for name in ("object", "started_at", "finished_at", "state")]
    query = select(*columns).where(here).order_by(runs.c.started_at, runs.c.id)
    return [
        Pull(record, began_at, ended_at if state == "done" else None) for record, began_at, ended_at, state in tx.connection.execute(query)
    ]


def listed(tx: Tx, *, limit: int | None = 50, after: tuple[datetime, str] | None = None) -> list[Run]:
    """The latest first. **Shapes** `after`: when the last one of the page before was begun, and its id."""
    behind = []
    if after:
        began_at, id_ = after
        same = (runs.c.started_at == began_at) & (runs.c.id > id_)
        behind = [runs.c.started_at <= began_at, or_(runs.c.started_at < began_at, same)]
    query = select(runs).where(runs.c.portal == tx.portal, *behind).order_by(runs.c.started_at.desc(), runs.c.id).limit(limit)
    return [_run(row) for row in tx.connection.execute(query).mappings()]


def _run(row: Mapping[Any, Any]) -> Run:
    counts = Counts(**{name: row[name] for name in NUMBERS}, skips=dict(row["skips"] or {}))
    return Run(row["id"], row["verb"], row["object"], row["started_at"], row["finished_at"], row["state"], row["error"], counts)


# Each run needs these, so they are made once.

_STARTING: Final = insert(runs)
_HERE: Final = (runs.c.portal == bindparam("its_portal"), runs.c.id == bindparam("its_id"))


@cache
def _counting(names: tuple[str, ...]) -> Update:
    new = {name: bindparam(f"new_{name}", type_=runs.c[name].type) for name in names}
    return update(runs).where(*_HERE).values({name: value if name == "skips" else runs.c[name] + value for name, value in new.items()})


@cache
def _finishing() -> Update:
    return (
        update(runs).where(*_HERE).values({name: bindparam(f"new_{name}") for name in ("finished_at", "state", "error")}).returning(*runs.c)
    )


@cache
def _having_written() -> Select[Any]:
    late = runs.c.started_at >= bindparam("begun_at"), runs.c.seen_at >= bindparam("since_at")
    query = select(runs.c.id).where(runs.c.portal == bindparam("its_portal"), *late, runs.c.written > 0)
    return query.order_by(runs.c.started_at.desc()).limit(1)
