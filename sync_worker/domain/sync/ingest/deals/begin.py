"""A deal that begins with a CRM record, or comes back with it: the database had lost it, and the record carries its key."""

from __future__ import annotations

from collections.abc import Mapping

from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.core.ruling import APPLIED
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import BEGAN_IN_CRM, DealEdit, begun
from sync_worker.domain.deals.last_day import granted
from sync_worker.domain.deals.standing import Stands, came_back
from sync_worker.domain.distributors.parenthood import second_partner_in_crm
from sync_worker.domain.sync.ingest.deals.arrival import arrive_from_crm, return_from_crm
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals, ruled
from sync_worker.domain.sync.ingest.deals.key import is_owed, key_problems, lost_id
from sync_worker.domain.sync.ingest.deals.merge import writes
from sync_worker.domain.sync.ingest.deals.record import DealRecord, Linked


def began(record: DealRecord, found: Linked, held: HeldDeals) -> DealRuling:
    """The deal that begins with the record, or comes back with it."""
    lost = lost_id(record, held)
    edit, problems = _returned(found.values, lost, held) if lost else _arrived(found.values, record.new_id, held)
    link = Link(held.object, record.crm_id, edit.deal.id, base=_first_base(record, found, held), crm_modified_at=record.modified_at)
    change = DealChange(
        edit.deal.id,
        (edit,),
        (link,),
        is_seen=True,
        standing=tuple(Stands(edit.deal, problem) for problem in came_back(edit.deal)) if lost else (),
        is_owed=is_owed(link, edit.deal, held),
    )
    return ruled(record, APPLIED, *found.problems, *problems, *key_problems(record, edit.deal.id, held), change=change)


def _arrived(found: Mapping[str, Value], deal_id: str, held: HeldDeals) -> tuple[DealEdit, tuple[Problem, ...]]:
    """A deal that begins in the CRM. A subgroup's names its distributor at first sight, whatever the CRM names."""
    values, kept = dict(found), None
    if parent := held.companies.parent(deal_id, values.get("owner_company")):
        named, is_written = values.get("second_partner"), writes(held.rules.get("second_partner"))
        values["second_partner"], kept = second_partner_in_crm(named, parent, held=None, is_new_owner=True, is_written=is_written)
    verdict = held.companies.verdict(values.get("owner_company"), values.get("second_partner"))
    if not verdict.is_accepted:
        values.pop("second_partner", None)
    deal = granted(arrive_from_crm(values, deal_id=deal_id, policy=held.policy), held.policy, held.today)
    return begun(deal, held.now, held.run_id, BEGAN_IN_CRM), tuple(filter(None, (kept, verdict.problem)))


def _returned(values: Mapping[str, Value], deal_id: str, held: HeldDeals) -> tuple[DealEdit, tuple[Problem, ...]]:
    """A deal that the database lost: its companies are as we left them in the CRM, too. Its people were told when it was registered."""
    problem = held.companies.verdict(values.get("owner_company"), values.get("second_partner")).problem
    deal = return_from_crm(values, deal_id=deal_id, policy=held.policy)
    note = "came back from the CRM, where its record carries our key"
    return begun(deal, held.now, held.run_id, note, is_known=True), (problem,) if problem else ()


def _first_base(record: DealRecord, found: Linked, held: HeldDeals) -> dict[str, Base]:
    """What the CRM says is what both agree on, until the portal says otherwise. A company we do not know yet was not agreed on."""
    values, spellings = found.values, found.spellings
    written = (name for name, rule in held.rules.items() if rule.direction != "pull" and name in spellings and name in values)
    return {**{name: Base(comparable(values[name]), spellings[name]) for name in written}, KEY: Base(None, record.key)}
