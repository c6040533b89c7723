"""RULING: what becomes of one record that was read, decided before anything is written.

    applied     it changed something here
    unchanged   it says what is known already
    skipped     it was not looked at, or is not ours; `why` says which
    failed      it could not be taken; `failure` says why, and the record is kept to be tried again

A page of records is judged in order, each in the light of the rulings before it. The rulings are then applied in one loop. A ruling can be
printed, compared and tested without a database. The counts of a run are a sum over rulings, so each record counts exactly once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from sync_worker.domain.core.problem import Problem
from sync_worker.errors import RecordError, UnresolvedLink

T = TypeVar("T")
Ended: TypeAlias = Literal["applied", "unchanged", "skipped", "failed"]
APPLIED: Final = "applied"
UNCHANGED: Final = "unchanged"
SKIPPED: Final = "skipped"
FAILED: Final = "failed"
READ_WHOLE: Final = "read_whole"  # skipped, a part of it was seen: there is more to it, so all of it is read again


class Remark(NamedTuple):
    """What is to be said of one record. **Shapes** `crm_id`: that record's; `name`: what people call it."""

    crm_id: str
    name: str
    problems: tuple[Problem, ...] = ()


class Ruling(NamedTuple, Generic[T]):  # made for every record of a first load, and a tuple costs half of a frozen dataclass
    """What becomes of one record.

    **Shapes** `is_judged`: the record was looked at, so what was said of it before and is not said again is over; `are_contracts_judged`:
    that of its contract values, too. `problems`: what is wrong with the record; `elsewhere`: what it shows to be wrong with others.
    `read_again`: the records to read again, as (record type, CRM id). `change`: what is to be written, None where that is nothing.
    """

    crm_id: str
    outcome: Ended
    why: str = ""
    name: str = ""
    is_judged: bool = False
    are_contracts_judged: bool = False
    problems: tuple[Problem, ...] = ()
    failure: Problem | None = None
    elsewhere: tuple[Remark, ...] = ()
    read_again: tuple[tuple[str, str], ...] = ()
    change: T | None = None


def repeated(crm_id: str) -> Ruling[Any]:
    """Of a record that stands more than once in one answer, all but one."""
    return Ruling(crm_id, SKIPPED, "repeated")


def failure_of(error: RecordError) -> Problem:
    """Why a record could not be taken."""
    return Problem(error.code, error.field, str(error), waits_for=error.waits_for if isinstance(error, UnresolvedLink) else None)


def tally(rulings: Iterable[Ruling[T]]) -> tuple[Counter[Ended], Counter[str]]:
    """How many records ended how; and of those that were skipped, how many for which reason."""
    ended, skips = Counter[Ended](), Counter[str]()
    for ruling in rulings:
        ended[ruling.outcome] += 1
        if ruling.outcome == SKIPPED:
            skips[ruling.why] += 1
    return ended, skips
