"""One deal and its record, side by side: the record's values with its companies by our id, and what the domain makes of the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Deal, Policy
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, FieldRule
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import CRM_ACTOR
from sync_worker.domain.deals.link import Link
from sync_worker.domain.sync.merge import Merged, merge
from sync_worker.mapping.fields import UNLISTED
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import text_problem, value_problems
from sync_worker.steps.core.tenant import field_rules
from sync_worker.steps.sync.ingest.deals.prefetched import REFERENCES, Shelf
from sync_worker.steps.sync.ingest.facts import gaps
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals


@dataclass(frozen=True, slots=True)
class Linked:
    """A record's values with its companies by our id.

    **Shapes** `between`: the bases of fields that a write of ours has left half done; they have no value. `problems`: what is wrong with
    the values; `failure`: why the record cannot be taken, where it cannot.
    """

    values: Mapping[str, Value]
    spellings: Mapping[str, object]
    between: Mapping[str, Base] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    failure: Problem | None = None


class DealMerge:
    """The deals of one chunk, each with its record."""

    def __init__(self, tx: Tx, chunk: Chunk, shelf: Shelf, policy: Policy) -> None:
        self._tx = tx
        self._chunk = chunk
        self._shelf = shelf
        self._policy = policy
        self._rules: Mapping[str, FieldRule] = field_rules(chunk.record)
        self._judges_pair = chunk.part is None or not chunk.part.fields.isdisjoint(REFERENCES)

    def between(self, native: NativeRecord, link: Link) -> Mapping[str, Base]:
        """The associations that a write of ours, under way or broken off, has left in between: not the CRM's word."""
        return gaps(link.base, self._shelf.sent.get(link.deal_id, {}), self._chunk.record, native.fields)

    def linked(self, native: NativeRecord, between: Mapping[str, Base]) -> Linked:
        """The values, companies by our id. A value that cannot be read holds the whole record back, and so does an unknown owner."""
        reading = self._shelf.readings[native.crm_id].without(between)
        if unread := [mistake for mistake in reading.mistakes if mistake.code != UNLISTED]:
            words = "; ".join(f"{mistake.native}: {mistake.what} — {mistake.hint}" for mistake in unread)
            unreadable = Problem(unread[0].code, unread[0].field, f"{native.native} {native.crm_id}: {words}")
            return Linked({}, reading.spellings, failure=unreadable)
        values = dict(reading.values)
        waiting: dict[str, Problem] = {}
        for name in REFERENCES:
            if crm_id := values.get(name):
                values[name] = self._shelf.company_ids.get(str(crm_id))
            if crm_id and not values[name]:
                waiting[name] = self._waits(name, str(crm_id))
                del values[name]
        problems = (*value_problems(reading), *filter(None, (text_problem(native),)))
        if "owner_company" in waiting:
            return Linked(values, reading.spellings, between, problems, waiting["owner_company"])
        return Linked(values, reading.spellings, between, (*problems, *waiting.values()))

    def _waits(self, name: str, crm_id: str) -> Problem:
        words = f"{name} is company {crm_id}, which the portal does not know yet; give it a portal status in the CRM"
        return Problem("waiting_for_parent", name, words, crm_id, waits_for=self._shelf.survivor(crm_id))

    def merged(self, deal: Deal, link: Link, linked: Linked, clocks: Clocks) -> Merged:
        """What becomes of the deal. When the portal edited its fields is looked up only where the newest edit counts."""
        merged = self._merged(deal, link, linked, clocks)
        if any(self._rules[conflict.field].conflict == "newest" for conflict in merged.conflicts if conflict.field in self._rules):
            edits = deals.edited_at(self._tx, [deal.id]).get(deal.id, {})
            ahead = self._chunk.tenant.crm_clock_ahead or timedelta(0)
            edited_at = {name: at + ahead for name, at in edits.items()}
            merged = self._merged(deal, link, linked, replace(clocks, portal_edited_at=edited_at))
        return merged

    def _merged(self, deal: Deal, link: Link, linked: Linked, clocks: Clocks) -> Merged:
        return merge(
            deal,
            rules=self._rules,
            base=link.base,
            crm_values=linked.values,
            crm_spellings=linked.spellings,
            clocks=clocks,
            policy=self._policy,
            verdict=self._shelf.verdict,
            parent=partial(self._shelf.parent, deal.id) if self._judges_pair else _no_parent,
            actor=CRM_ACTOR,
            decided=self._shelf.decided.get(deal.id, {}),
            changed_on=clocks.crm_now_at.astimezone(self._chunk.tenant.portal.zone).date(),
        )


def _no_parent(_owner_id: Value) -> Company | None:
    """Of a deal of which neither owner company nor second partner was read."""
    return None
