"""A company's CRM record in our words, and what it makes of the company by one portal's file and mapping."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sync_worker.domain.associations.association import unfit_name
from sync_worker.domain.core.company import Arrival, Company, arrive
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.own_key import key_of

_NOTHING: Final[Mapping[str, Any]] = {}


class CompanyRecord(NamedTuple):
    """One CRM record as it was read.

    **Shapes** `key`: what stands in our key field, as the CRM spells it; `is_key_read`: whether that field was read. `new_id`: the
    company's id, where the portal does not know it yet. `becomes`: the record that lives on in its place, where it lost a merge; itself
    where nothing does. `values`, `unreadable`, `unlisted` as in `arrive`; `spellings`: as the CRM spells them; `hints`: field → what can be
    read there; `text`: characters of it that cannot be stored. `digest`: of all that was read.
    """

    crm_id: str
    modified_at: datetime
    key: Any = None
    is_key_read: bool = False
    new_id: str = ""
    is_deleted: bool = False
    is_gone: bool = False
    becomes: str = ""
    values: Mapping[str, Value] = _NOTHING
    spellings: Mapping[str, Any] = _NOTHING
    unreadable: Mapping[str, str] = _NOTHING
    unlisted: Mapping[str, str] = _NOTHING
    hints: Mapping[str, str] = _NOTHING
    text: Problem | None = None
    digest: int | None = None

    @property
    def stripped_key(self) -> str:
        """The key that stands on it; "" where there is none."""
        return key_of(self.key)


@dataclass(frozen=True, slots=True)
class CompanyRules:
    """What a portal's file and mapping say of companies.

    **Shapes** `vendor_crm_id`: the vendor's own company. `rule_fields`: fields that rules use. `has_contracts`: whether contract values
    name second partners; `mapped`: CRM ids of those that the portal file spells for them.
    """

    vendor_crm_id: str | None
    attribute_names: frozenset[str] = frozenset()
    rule_fields: frozenset[str] = frozenset()
    has_contracts: bool = False
    mapped: Set[str] = frozenset()


def arrived(record: CompanyRecord, known: Company | None, rules: CompanyRules) -> Arrival:
    """What the record makes of the company. **Raises** InvalidRecord for a company of ours without a name."""
    arrival = arrive(
        record.values,
        unreadable=record.unreadable,
        unlisted=record.unlisted,
        crm_id=record.crm_id,
        company_id=record.new_id,
        known=known,
        is_vendor=record.crm_id == rules.vendor_crm_id,
        attribute_names=rules.attribute_names,
        rule_fields=rules.rule_fields,
    )
    if arrival.company is None:
        return _with_hints(arrival, record)
    unfit = unfit_name(arrival.company, is_mapped=record.crm_id in rules.mapped) if rules.has_contracts else None
    if unfit or record.text or arrival.problems:
        return _with_hints(arrival, record, *filter(None, (unfit, record.text)))
    return arrival


def _with_hints(arrival: Arrival, record: CompanyRecord, *told: Problem) -> Arrival:
    """What the mapping could not read is told with what it can read, and where that is written."""
    return arrival._replace(problems=(*(_with_hint(problem, record.hints) for problem in arrival.problems), *told))


def _with_hint(problem: Problem, hints: Mapping[str, str]) -> Problem:
    hint = hints.get(problem.field)
    return replace(problem, message=f"{problem.message} — {hint}") if hint else problem
