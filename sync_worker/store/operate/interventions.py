"""What people did: about failures, with what became of each one, and against what the CRM or a file says. Who, when, why.

An intervention that is stopped leaves its marks.

A try's outcome: "" (marked, not tried yet) | passed | failed | superseded (nothing was left to try) | waiting (under way elsewhere) |
held (not tried, because its cause was still there) | continued (the next replay went on with it) | stopped (not tried, because a person
stopped it) | discarded | released.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, bindparam, exists, func, insert, or_, select, tuple_, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, begins
from sync_worker.store.core.tables import failures
from sync_worker.store.operate.tables import interventions, tries

LEFT = ""
HELD = "held"
STOPPED = "stopped"

Verb = Literal[
    "replay", "discard", "release", "stop", "repair", "mode", "rebind", "erase", "edit", "pause", "resume", "pause_feed", "resume_feed"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intervention:
    """One act of a person.

    **Shapes** `selection`: as it was asked for; `is_queued`: a worker does it, not the caller; `finished_at` None: some of it is left.
    """

    id: str
    verb: Verb
    selection: str
    actor: str
    reason: str = ""
    is_queued: bool = False
    asked_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TryOutcome:
    """What became of one try. **Shapes** `became`: the failure that took its place, where it failed otherwise."""

    outcome: str
    became: str | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """One failure's part in an intervention."""

    verb: str
    actor: str
    reason: str
    asked_at: datetime
    outcome: str
    became: str | None
    tried_at: datetime | None


def begin(tx: Tx, asked: Intervention, failure_ids: Sequence[str]) -> None:
    """Writes it down and marks the failures, in the order in which they will be tried."""
    names = ("id", "verb", "selection", "actor", "reason", "is_queued")
    values = {name: getattr(asked, name) for name in names}
    tx.connection.execute(insert(interventions).values(portal=tx.portal, asked_at=tx.now, **values))
    marks = [
        {"portal": tx.portal, "failure_id": failure_id, "intervention_id": asked.id, "place": place}
        for place, failure_id in enumerate(failure_ids)
    ]
    if marks:
        tx.connection.execute(insert(tries), marks)


def listed(tx: Tx, *verbs: Verb) -> list[Intervention]:
    """Everything people did of these kinds, the oldest first."""
    query = select(interventions).where(interventions.c.portal == tx.portal, interventions.c.verb.in_(verbs))
    return [_intervention(row) for row in tx.connection.execute(query.order_by(interventions.c.asked_at, interventions.c.id)).mappings()]


def get(tx: Tx, id_prefix: str) -> Intervention | None:
    """One by its id, or by the beginning of it where that is unambiguous."""
    here = (interventions.c.portal == tx.portal, begins(interventions.c.id, id_prefix))
    found = tx.connection.execute(select(interventions).where(*here).limit(2)).mappings().all()
    return _intervention(found[0]) if len(found) == 1 else None


def latest(tx: Tx, verb: Verb, *, limit: int, before: tuple[datetime, str] | None = None) -> list[Intervention]:
    """Those of one kind, the latest first. **Shapes** `before`: when the last one of the page before was asked for, and its id."""
    place = tuple_(interventions.c.asked_at, interventions.c.id)
    here = [interventions.c.portal == tx.portal, interventions.c.verb == verb, *([place < before] if before else [])]
    query = select(interventions).where(*here).order_by(interventions.c.asked_at.desc(), interventions.c.id.desc()).limit(limit)
    return [_intervention(row) for row in tx.connection.execute(query).mappings()]


def unfinished(tx: Tx) -> list[Intervention]:
    """Those of which something is left to try, the oldest first; what was closed since it was marked is not."""
    marked = (tries.c.portal == tx.portal, tries.c.intervention_id == interventions.c.id, tries.c.outcome == LEFT)
    still_open = (failures.c.resolved_at.is_(None), failures.c.discarded_at.is_(None))
    its = (failures.c.portal == tries.c.portal) & (failures.c.id == tries.c.failure_id)
    is_left = or_(interventions.c.is_queued, exists(select(1).select_from(tries.join(failures, its)).where(*marked, *still_open)))
    query = select(interventions).where(interventions.c.portal == tx.portal, interventions.c.finished_at.is_(None), is_left)
    return [_intervention(row) for row in tx.connection.execute(query.order_by(interventions.c.asked_at, interventions.c.id)).mappings()]


def left(tx: Tx, intervention_id: str) -> list[str]:
    """The failures that are marked and not tried yet, in their order."""
    return of_outcome(tx, intervention_id, LEFT)


def of_outcome(tx: Tx, intervention_id: str, outcome: str) -> list[str]:
    """The failures that ended so, in their order."""
    query = select(tries.c.failure_id).where(*_of(tx, intervention_id), tries.c.outcome == outcome).order_by(tries.c.place)
    return list(tx.connection.execute(query).scalars())


def settle(tx: Tx, intervention_id: str, outcomes: Mapping[str, TryOutcome]) -> None:
    """What became of these failures. One that somebody else has settled meanwhile stays as it is; one of a batch at hand when a person
    stopped the replay was tried.
    """
    if not outcomes:
        return
    here = (*_of(tx, intervention_id), tries.c.failure_id == bindparam("its_id"), or_(tries.c.outcome == LEFT, tries.c.outcome == STOPPED))
    statement = update(tries).where(*here).values(outcome=bindparam("its_outcome"), became=bindparam("its_heir"), tried_at=tx.now)
    rows = [{"its_id": id_, "its_outcome": one.outcome, "its_heir": one.became} for id_, one in sorted(outcomes.items())]
    tx.connection.execute(statement, rows)


def finish(tx: Tx, intervention_id: str) -> None:
    """Nothing of it is left."""
    here = (interventions.c.portal == tx.portal, interventions.c.id == intervention_id)
    tx.connection.execute(update(interventions).where(*here).values(finished_at=tx.now))


def is_unfinished(tx: Tx, intervention_id: str) -> bool:
    """Whether some of it is left, and no person has stopped it."""
    here = (interventions.c.portal == tx.portal, interventions.c.id == intervention_id, interventions.c.finished_at.is_(None))
    return tx.connection.execute(select(interventions.c.id).where(*here)).first() is not None


def counts(tx: Tx, intervention_id: str) -> dict[str, int]:
    """How many failures by outcome."""
    query = select(tries.c.outcome, func.count()).where(*_of(tx, intervention_id)).group_by(tries.c.outcome)
    return {outcome: count for outcome, count in tx.connection.execute(query)}


def counts_by_id(tx: Tx, intervention_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """The same for several at once; of one without failures nothing is told."""
    here = (tries.c.portal == tx.portal, among(tx, tries.c.intervention_id, intervention_ids))
    query = select(tries.c.intervention_id, tries.c.outcome, func.count()).where(*here).group_by(tries.c.intervention_id, tries.c.outcome)
    found: dict[str, dict[str, int]] = {}
    for intervention_id, outcome, count in tx.connection.execute(query):
        found.setdefault(intervention_id, {})[outcome] = count
    return found


def history(tx: Tx, failure_id: str) -> list[Try]:
    """Everything people did about one failure, and about those that it took the place of: the oldest first."""
    found = tx.connection.execute(_tries(tx).where(tries.c.failure_id == failure_id)).all()
    before = tx.connection.execute(_tries(tx).where(tries.c.became == failure_id)).all()
    return sorted((Try(*row) for row in (*found, *before)), key=lambda one: one.asked_at)


def _tries(tx: Tx) -> Select[Any]:
    asked = [interventions.c[name] for name in ("verb", "actor", "reason", "asked_at")]
    joined = (interventions.c.portal == tries.c.portal) & (interventions.c.id == tries.c.intervention_id)
    return select(*asked, tries.c.outcome, tries.c.became, tries.c.tried_at).join(interventions, joined).where(tries.c.portal == tx.portal)


def _of(tx: Tx, intervention_id: str) -> tuple[Any, Any]:
    return tries.c.portal == tx.portal, tries.c.intervention_id == intervention_id


def _intervention(row: Mapping[Any, Any]) -> Intervention:
    return Intervention(**{name: row[name] for name in Intervention.__slots__})
