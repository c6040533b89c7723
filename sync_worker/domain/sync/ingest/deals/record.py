"""A deal's CRM record in our words, and the companies that it names."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.deals.arrival import Verdict, judge_from_crm
from sync_worker.domain.sync.ingest.own_key import key_of

REFERENCES: Final = ("owner_company", "second_partner")
_NOTHING: Final[Mapping[str, Any]] = {}


class DealRecord(NamedTuple):
    """One CRM record as it was read.

    **Shapes** `native`: its type, as the CRM calls it; `name`: what people call it. `key`: what stands in our key field, as the CRM spells
    it. `new_id`: the deal's id, where one begins with it. `changed_on`: its stamp as a day of the portal's calendar. `becomes`: the record
    that lives on in its place, where it lost a merge. `converted_to`: what it turned into, "" where that is not a record of deals;
    `converted_name`: what the CRM calls that one by itself. `is_marked`: it would be ours; `names_owner`: whether a deal may begin with it.
    `unread`: values that hold the whole record back; `refused`: values that concern their field alone; `text`: characters that cannot be
    stored. `associations`: as the CRM spells those that were read.
    """

    native: str
    crm_id: str
    modified_at: datetime
    changed_on: date
    key: Any = None
    name: str = ""
    new_id: str = ""
    is_deleted: bool = False
    is_gone: bool = False
    is_converted: bool = False
    is_marked: bool = False
    names_owner: bool = False
    becomes: str = ""
    converted_to: str = ""
    converted_name: str = ""
    values: Mapping[str, Value] = _NOTHING
    spellings: Mapping[str, Any] = _NOTHING
    unread: tuple[Problem, ...] = ()
    refused: tuple[Problem, ...] = ()
    text: Problem | None = None
    associations: Mapping[str, Any] = _NOTHING

    @property
    def stripped_key(self) -> str:
        """The key that stands on it; "" where there is none."""
        return key_of(self.key)


@dataclass(frozen=True, slots=True)
class DealSides:
    """The companies that the deals and the records of one page name.

    **Shapes** `ids`: our id for every CRM id that the records name as a company, losers of merges included; `survivors`: CRM id → the one
    under which that company goes on. By our id: `known`; `parents`, the distributors of subgroups. `pairs`: (owner, second partner) that
    may work together. `waived`: deal → (owner, distributor) that the vendor let it go without.
    """

    policy: Policy
    ids: Mapping[str, str] = field(default_factory=dict)
    survivors: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Company] = field(default_factory=dict)
    pairs: Set[tuple[str, str]] = frozenset()
    parents: Mapping[str, Company] = field(default_factory=dict)
    waived: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def verdict(self, owner_id: Value, second_id: Value) -> Verdict:
        """Whether the second partner that stands on a record is taken, and what to say of it."""
        second = self.known.get(str(second_id))
        if second is None or not self.policy.is_two_tier:  # without two tiers no record says one: it is the portal's, from before
            return Verdict(True)
        options = [second] if (str(owner_id), second.id) in self.pairs else []
        judged = judge_from_crm(self.known.get(str(owner_id)), second, options=options, policy=self.policy)
        parent = self.parents.get(str(owner_id))
        return replace(judged, is_accepted=True) if parent and parent.id == second.id else judged

    def parent(self, deal_id: str, owner_id: Value) -> Company | None:
        """The distributor that this deal keeps as long as that company owns it; None where it may name whom it likes."""
        parent = self.parents.get(str(owner_id))
        return None if parent is None or self.waived.get(deal_id) == (str(owner_id), parent.id) else parent

    def survivor(self, crm_id: str) -> str:
        """Under which id that company's record goes on; its own where it lost no merge."""
        return self.survivors.get(crm_id, crm_id)


class Linked(NamedTuple):
    """A record's values with its companies by our id.

    **Shapes** `between`: the bases of fields that a write of ours has left half done; they have no value. `problems`: what is wrong with
    the values; `failure`: why the record cannot be taken, where it cannot.
    """

    values: Mapping[str, Value]
    spellings: Mapping[str, Any]
    between: Mapping[str, Base] = _NOTHING
    problems: tuple[Problem, ...] = ()
    failure: Problem | None = None


def linked(record: DealRecord, companies: DealSides, between: Mapping[str, Base] = _NOTHING) -> Linked:
    """The values, companies by our id. A value that cannot be read holds the whole record back, and so does an unknown owner."""
    if record.unread and (unread := [problem for problem in record.unread if problem.field not in between]):
        words = "; ".join(problem.message for problem in unread)
        failure = Problem(unread[0].code, unread[0].field, f"{record.native} {record.crm_id}: {words}")
        return Linked({}, record.spellings, failure=failure)
    values = {name: value for name, value in record.values.items() if name not in between} if between else dict(record.values)
    waiting: dict[str, Problem] = {}
    for name in REFERENCES:
        if crm_id := values.get(name):
            values[name] = companies.ids.get(str(crm_id))
        if crm_id and not values[name]:
            waiting[name] = _waits(name, str(crm_id), companies)
            del values[name]
    problems = tuple(problem for problem in record.refused if problem.field not in between) if record.refused else ()
    problems += (record.text,) if record.text else ()
    if "owner_company" in waiting:
        return Linked(values, record.spellings, between, problems, waiting["owner_company"])
    return Linked(values, record.spellings, between, (*problems, *waiting.values()))


def _waits(name: str, crm_id: str, companies: DealSides) -> Problem:
    words = f"{name} is company {crm_id}, which the portal does not know yet; give it a portal status in the CRM"
    return Problem("waiting_for_parent", name, words, crm_id, waits_for=companies.survivor(crm_id))
