"""A deal that begins with a CRM record, or comes back with it: the database had lost it, and the record carries its key."""

from __future__ import annotations

from collections.abc import Mapping

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.core.ruling import APPLIED
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import begun
from sync_worker.domain.deals.last_day import granted
from sync_worker.domain.deals.standing import Stands, came_back
from sync_worker.domain.distributors.parenthood import second_partner_in_crm
from sync_worker.domain.sync.ingest.deals.arrival import Verdict, arrive_from_crm, return_from_crm
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals, ruled
from sync_worker.domain.sync.ingest.deals.key import is_owed, key_problems, lost_id
from sync_worker.domain.sync.ingest.deals.merge import writes
from sync_worker.domain.sync.ingest.deals.record import DealRecord, Linked


def began(record: DealRecord, found: Linked, held: HeldDeals) -> DealRuling:
    """The deal that begins with the record. One that the database lost comes back as we left it; its people were told of it before."""
    lost = lost_id(record, held)
    values, kept = (found.values, None) if lost else _with_parent(record, found, held)
    verdict = held.companies.verdict(values.get("owner_company"), values.get("second_partner"))
    deal = return_from_crm(values, deal_id=lost, policy=held.policy) if lost else _arrived(record, values, verdict, held)
    note = "came back from the CRM, where its record carries our key" if lost else "began in the CRM"
    edit = begun(deal, held.now, held.run_id, note, is_known=bool(lost))
    link = Link(held.object, record.crm_id, deal.id, base=_first_base(record, found, held), crm_modified_at=record.modified_at)
    change = DealChange(
        deal.id,
        (edit,),
        (link,),
        is_seen=True,
        standing=tuple(Stands(deal, problem) for problem in came_back(deal)) if lost else (),
        is_owed=is_owed(link, deal, held),
    )
    problems = (*found.problems, *filter(None, (kept, verdict.problem)), *key_problems(record, deal.id, held))
    return ruled(record, APPLIED, *problems, change=change)


def _with_parent(record: DealRecord, found: Linked, held: HeldDeals) -> tuple[Mapping[str, Value], Problem | None]:
    """The values that a deal begins with. A subgroup's names its distributor at first sight, whatever the CRM names."""
    parent = held.companies.parent(record.new_id, found.values.get("owner_company"))
    if parent is None:
        return found.values, None
    named, is_written = found.values.get("second_partner"), writes(held.rules.get("second_partner"))
    second, kept = second_partner_in_crm(named, parent, held=None, is_new_owner=True, is_written=is_written)
    return {**found.values, "second_partner": second}, kept


def _arrived(record: DealRecord, values: Mapping[str, Value], verdict: Verdict, held: HeldDeals) -> Deal:
    """The deal that begins in the CRM, without a second partner that is not taken."""
    taken = values if verdict.is_accepted else {name: value for name, value in values.items() if name != "second_partner"}
    return granted(arrive_from_crm(taken, deal_id=record.new_id, policy=held.policy), held.policy, held.today)


def _first_base(record: DealRecord, found: Linked, held: HeldDeals) -> dict[str, Base]:
    """What the CRM says is what both agree on, until the portal says otherwise. A company we do not know yet was not agreed on."""
    values, spellings = found.values, found.spellings
    written = (name for name, rule in held.rules.items() if rule.direction != "pull" and name in spellings and name in values)
    return {**{name: Base(comparable(values[name]), spellings[name]) for name in written}, KEY: Base(None, record.key)}
