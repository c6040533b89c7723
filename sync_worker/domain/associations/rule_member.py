"""Memberships in time: which rows stand, which wait for an evaluation to be complete, which have ended. Pure arithmetic of rows.

Evaluations are numbered. One stands; the next may be under way. A row is part of the evaluations from `from_no` until before `until_no`,
and of the time from `since` until `until`: so both answers are right at every moment, and one number makes the new one stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sync_worker.domain.associations.rule import Membership


class Member(NamedTuple):  # made for every membership of an evaluation
    """One company's part in a rule. **Shapes** `until_no`, `until`: `None` while it goes on. **Units** aware UTC."""

    company_id: str
    membership: Membership
    since: datetime
    from_no: int
    run_id: str
    until: datetime | None = None
    until_no: int | None = None

    def is_in(self, no: int) -> bool:
        """Whether it is part of that evaluation now."""
        return self.until is None and self.from_no <= no and (self.until_no is None or self.until_no > no)


@dataclass(slots=True)
class MemberChanges:
    """What has to be written so that a company holds what it should.

    **Shapes** `saved` as it is now; `waiting` is new, and for the next evaluation; `gone` never stood.
    """

    saved: list[Member]
    waiting: list[Member]
    gone: list[Member]

    @property
    def is_idle(self) -> bool:
        return not (self.saved or self.waiting or self.gone)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a company should hold. **Shapes** `later`: under the evaluation after the standing one, `None` where none is under way."""

    company_id: str
    now: Collection[Membership]
    later: Collection[Membership] | None = None


def turn(should: Holding, held: Iterable[Member], *, standing_no: int, now: datetime, run_id: str) -> MemberChanges:
    """From what a company held to what it should hold, now and once the next evaluation stands.

    **Shapes** `held`: its rows without `until`; those that ended with an earlier evaluation are left alone. `standing_no` 0: none stands
    yet. A row that goes on keeps its beginning.
    """
    company_id, now_holds, next_no = should.company_id, should.now, standing_no + 1
    later = now_holds if should.later is None else should.later
    ending = {one: None if one in later else next_no for one in now_holds}
    result, kept = MemberChanges([], [], []), set[Membership]()
    for member in held:
        one = member.membership
        if member.is_in(standing_no) and one in ending:
            kept.add(one)
            if member.until_no != ending[one]:
                result.saved.append(member._replace(until_no=ending[one]))
        elif member.is_in(standing_no):
            result.saved.append(member._replace(until=now))
        elif member.from_no == next_no and one in later and one not in ending:
            kept.add(one)
        elif member.from_no == next_no:
            result.gone.append(member)
    for one in ending.keys() - kept:
        result.saved.append(Member(company_id, one, now, standing_no, run_id, None, ending[one]))
    result.waiting += [Member(company_id, one, now, next_no, run_id) for one in later if one not in ending and one not in kept]
    return result
