"""How a deal comes in with its first record: one that begins there, or one that the database lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from sync_worker.domain.core.deal import Deal, Policy
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import FieldRule
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.last_day import granted
from sync_worker.domain.distributors.parenthood import second_partner_in_crm
from sync_worker.domain.sync.arrival import arrive_from_crm, return_from_crm
from sync_worker.domain.sync.merge import writes
from sync_worker.steps.sync.ingest.deals.draft import Draft
from sync_worker.steps.sync.ingest.deals.prefetched import Shelf


class Began(NamedTuple):
    """The deal, and what is wrong with its record."""

    deal: Deal
    problems: tuple[Problem, ...]


class Beginnings:
    """The deals that one chunk brings. **Shapes** `today`: the portal's day."""

    def __init__(self, shelf: Shelf, draft: Draft, rules: Mapping[str, FieldRule], policy: Policy, today: Callable[[], date]) -> None:
        self._today = today
        self._shelf = shelf
        self._draft = draft
        self._rules = rules
        self._policy = policy

    def arrived(self, found: Mapping[str, Value], deal_id: str) -> Began:
        """A deal that begins in the CRM. A subgroup's names its distributor at first sight, whatever the CRM names."""
        values, kept = dict(found), None
        if parent := self._shelf.parent(deal_id, values.get("owner_company")):
            named, is_written = values.get("second_partner"), writes(self._rules.get("second_partner"))
            values["second_partner"], kept = second_partner_in_crm(named, parent, held=None, is_new_owner=True, is_written=is_written)
        verdict = self._shelf.verdict(values.get("owner_company"), values.get("second_partner"))
        if not verdict.is_accepted:
            values.pop("second_partner", None)
        deal = granted(arrive_from_crm(values, deal_id=deal_id, policy=self._policy), self._policy, self._today())
        self._draft.begin(deal)
        return Began(deal, tuple(filter(None, (kept, verdict.problem))))

    def returned(self, values: Mapping[str, Value], deal_id: str) -> Began:
        """A deal that the database lost: its companies are as we left them in the CRM, too."""
        problem = self._shelf.verdict(values.get("owner_company"), values.get("second_partner")).problem
        deal = return_from_crm(values, deal_id=deal_id, policy=self._policy)
        self._draft.take_back(deal)
        return Began(deal, (problem,) if problem else ())
