"""Companies that the portal writes too: when their CRM record is read, what the portal changed and the CRM does not hold yet stays.

Contract values are merged one by one; what only the portal says (may register, the agreement) is put back. A name is merged where both
sides have agreed on one before: a parent renames its subgroup. Otherwise the CRM's word counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, Conflict, CrmSide, FieldRule, PortalSide, owed, reconcile
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord
from sync_worker.domain.sync.push.late_write import Recognized, Shown, recognize

NAME: Final = "name"
OURS: Final = (CONTRACTS, "may_register", "agreement_state", NAME)  # what is merged; type and status are the CRM's once it has the record


class WrittenCompany(NamedTuple):
    """A company that the portal writes.

    **Shapes** `base`: what both sides agreed on last; `words`: what the portal says of it now; `shown`: by CRM id, what that record shows
    of sends whose outcome was never learned.
    """

    base: Mapping[str, Base]
    words: Mapping[str, Value]
    shown: Mapping[str, tuple[Shown, ...]] = {}


class MergedCompany(NamedTuple):
    """The company after the merge.

    **Shapes** `base`: what both sides agree on by now, None where that is as before; `is_owed`: whether the CRM is owed something;
    `problems`: what somebody changed in the CRM that is not theirs to change; `recognized`: sends whose outcome is known now, if any.
    """

    company: Company
    base: Mapping[str, Base] | None = None
    is_owed: bool = False
    problems: tuple[Problem, ...] = ()
    recognized: Recognized | None = None

    @property
    def has_news(self) -> bool:
        """Whether there is something to keep besides the company."""
        return self.base is not None or self.is_owed or self.recognized is not None


def merge_company(record: CompanyRecord, company: Company, written: WrittenCompany | None, rules: Mapping[str, FieldRule]) -> MergedCompany:
    """The company as the CRM tells it, with what the portal has changed since. **Shapes** `rules`: of the fields that are merged."""
    if written is None:
        return MergedCompany(company)
    recognized = recognize(written.base, written.words, written.shown.get(record.crm_id, ()))
    base = recognized.base
    rules = {name: rule for name, rule in rules.items() if name != NAME or NAME in base}
    plan = reconcile(
        rules,
        CrmSide(values=record.values, spellings=record.spellings),
        PortalSide(values=written.words, base=base),
        clocks=Clocks(None, record.modified_at),
    )
    after: Mapping[str, Value] = {**written.words, **plan.keep}
    agreed = {**base, **plan.base} if plan.base or base != written.base else None
    problems = tuple(map(_told, plan.conflicts))
    is_owed = owed(rules, base=base if agreed is None else agreed, portal=after, is_create=False)
    if CONTRACTS in rules:
        company = replace(company, second_partner_values=tuple(after[CONTRACTS] or ()))  # type: ignore[arg-type]  # a set of text
    if NAME in rules:
        company = replace(company, name=str(after[NAME]))
    return MergedCompany(company, agreed, bool(is_owed), problems, recognized if recognized.learned else None)


def _told(conflict: Conflict) -> Problem:
    if conflict.taken == "crm":
        both = f"{conflict.field} was changed to {conflict.crm!r} in the CRM and to {conflict.portal!r} in the portal; the CRM's was taken"
        return Problem(conflict.code, conflict.field, both, conflict.portal)
    words = f"{conflict.field} was changed to {conflict.crm!r} in the CRM; the portal's {conflict.portal!r} is written again"
    return Problem(conflict.code, conflict.field, words, conflict.crm)
