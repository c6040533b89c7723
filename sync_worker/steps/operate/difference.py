"""DIFFERENCE: what the work on a copy of a portal changed in it, told to a plan: companies, associations, deals, conflicts, failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import CLOSED
from sync_worker.domain.operate.plan import Entry, Plan, changes
from sync_worker.steps.associations.changed_pairs import changed_pairs
from sync_worker.steps.operate.preview import company_values, deal_values
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.deals import conflicts, deals
from sync_worker.store.operate import schema
from sync_worker.store.operate.copies import Copy

_OWN = ("portal", "id", "version", "created_at", "updated_at", "registered_at")
_COMPANY = ("crm_id", "name", "status", "account_type", "account_owner_email", "attributes", "second_partner_values", "deleted_at")
_DEAL = tuple(column.name for column in schema.deals.columns if column.name not in _OWN)
_CONFLICT = ("crm_value", "portal_value", "taken", "resolved_at")


def tell_differences(copy: Copy, plan: Plan) -> None:
    """Everything that differs, each record once."""
    with copy.before.reading(copy.portal) as was, copy.after.reading(copy.portal) as now:
        for ids in copy.pages(schema.companies, *_COMPANY):
            _companies(plan, companies.by_ids(was, ids), companies.by_ids(now, ids))
        _associations(copy, now, plan)
        for ids in copy.pages(schema.deals, *_DEAL):
            _deals(plan, deals.by_ids(was, ids), deals.by_ids(now, ids))
        for ids in copy.pages(schema.conflicts, *_CONFLICT):
            _conflicts(plan, conflicts.by_ids(now, ids))
        for ids in copy.pages(schema.failures, "resolved_at"):
            _failures(plan, failures.by_ids(was, ids), failures.by_ids(now, ids))


def _companies(plan: Plan, before: Mapping[str, Company], after: Mapping[str, Company]) -> None:
    for company in sorted(after.values(), key=lambda company: (company.name, company.id)):
        known = before.get(company.id)
        who: Entry = {"name": company.name, "id": company.id, "crm_id": company.crm_id}
        if known is None:
            plan.listings["companies_new"].add({**who, "account_type": company.account_type.value, "status": company.status.value})
            continue
        fields = changes(company_values(known), company_values(company))
        if company.is_inactive and not known.is_inactive:
            plan.listings["companies_leaving"].add({**who, "changes": fields})
        else:
            plan.listings["companies_changed"].add({**who, "changes": fields})


def _associations(copy: Copy, now: Tx, plan: Plan) -> None:
    for pair in changed_pairs(copy):
        ids = (pair.partner_id, pair.second_partner_id)
        kind = plan.listings["associations_added" if pair.is_added else "associations_removed"]
        names = {company.id: company.name for company in companies.by_ids(now, ids).values()}
        entry: Entry = {"partner": names.get(ids[0]), "second_partner": names.get(ids[1]), "ids": list(ids)}
        if not pair.is_added:
            entry["open_deals"] = _open_deals(now, *ids)
        kind.add(entry)


def _open_deals(tx: Tx, partner_id: str, second_id: str) -> list[Entry]:
    """The deals that would stand between two companies that are not associated any more."""
    found = [stored.deal for stored in deals.naming(tx, partner_id)]
    mine = [deal for deal in found if (deal.owner_company, deal.second_partner) == (partner_id, second_id)]
    return [{"id": deal.id, "name": deal.values.get("name")} for deal in mine if deal.lifecycle not in CLOSED]


def _deals(plan: Plan, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for deal_id, stored in sorted(after.items()):
        known = before.get(deal_id)
        who: Entry = {"name": stored.deal.values.get("name"), "id": deal_id}
        fields = changes(deal_values(known.deal) if known else {}, deal_values(stored.deal))
        plan.listings["deals_changed" if known else "deals_new"].add({**who, "changes": fields})


def _conflicts(plan: Plan, after: Mapping[str, Mapping[str, Any]]) -> None:
    for row in after.values():
        values = {"base": row["base_value"], "crm": row["crm_value"], "portal": row["portal_value"]}
        plan.listings["conflicts"].add(
            {"deal": row["deal_id"], "field": row["field"], "code": row["code"], **values, "taken": row["taken"]}
        )
        plan.waiting += row["resolved_at"] is None


def _failures(plan: Plan, before: Mapping[str, FailureRow], after: Mapping[str, FailureRow]) -> None:
    """What opens, and what was open and is resolved; not what came and went on the way."""
    for id_, row in after.items():
        failure, known = row.failure, before.get(id_)
        is_open, was_open = row.resolved_at is None, known is not None and known.resolved_at is None
        if is_open == was_open:
            continue
        words = {"code": failure.code, "record": failure.record, "name": failure.name, "field": failure.field, "message": failure.message}
        plan.listings["failures" if is_open else "healed"].add({"kind": failure.kind, "object": failure.object, **words})
        plan.failing += is_open and failure.kind == "failure"
