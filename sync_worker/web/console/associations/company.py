"""One company: whom it may work with and why, what is excluded, its contract values and its people; and one pair explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response

from sync_worker.domain.associations.association import Association
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.steps.associations.associate import whom, why
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.distributors.parents import parents_of
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.people import people
from sync_worker.web.api.core.paging import Paging, cursor_of
from sync_worker.web.console.associations.graph import Neighbour, graph_of
from sync_worker.web.console.core.door import ConsoleVisit, Managing
from sync_worker.web.console.core.named import company_of_page, moment_of_page, refuse_without_second_partners, word_of_page
from sync_worker.web.console.core.route import console_router

router = console_router()

PAGE_COUNT: Final = 150


@router.get("/companies/{company_id}")
def show_company(request: Request, visit: Managing, company_id: str) -> Response:
    """The company as the portal knows it now, and its associations now or as they were at a date."""
    tenant = visit.tenant
    at = moment_of_page(tenant, request.query_params)
    (after,) = Paging(PAGE_COUNT, request.query_params.get("cursor") or None).place(1) or ("",)
    with tenant.store.reading(visit.portal) as tx:
        one = company_of_page(tx, tenant, company_id)
        joined = _joined(tx, one, at, after) if tenant.portal.two_tier else {"pairs": [], "excluded": [], "next": "", "graph": None}
        context = visit.context(
            here="Companies", one=one, at_date=request.query_params.get("at", ""), is_two_tier=tenant.portal.two_tier,
            values=_values(tx, one) if tenant.portal.two_tier and at is None else [], users=people.of_companies(tx, [one.id]),
            blank=[name for name in tenant.portal.rule_fields if one.attributes.get(name.removeprefix("attributes.")) in (None, "", [])],
            problems=failures.listed(tx, FailureFilter(object=COMPANY, record=one.crm_id or one.id)),
            parent=parents_of(tx, [one]).get(one.id) if tenant.portal.two_tier else None, **joined,
        )  # fmt: skip
    context["is_cut"] = bool(after or joined["next"])
    context["further"] = _further(visit, one, context["at_date"], joined["next"])
    return visit.console.pages.show("associations/company.html", context)


@router.get("/companies/{company_id}/pair")
def show_pair(request: Request, visit: Managing, company_id: str) -> Response:
    """Why two companies may work together, or what is missing; now, or at a date."""
    tenant, said = visit.tenant, request.query_params
    refuse_without_second_partners(tenant)
    at = moment_of_page(tenant, said)
    with tenant.store.reading(visit.portal) as tx:
        one, other = company_of_page(tx, tenant, company_id), company_of_page(tx, tenant, word_of_page(said, "other"))
        found = why(tx, one, other, at=at)
    context = visit.context(here="Companies", one=one, other=other, found=found, at_date=said.get("at", ""))
    return visit.console.pages.show("associations/pair.html", context)


def _joined(tx: Tx, one: Company, at: datetime | None, after: str) -> dict[str, Any]:
    """A page of whom the company may work with, and of what is excluded, with the graph of it."""
    found, excluded = whom(tx, one, at=at, after=after, limit=PAGE_COUNT)
    others = {_other(pair, one) for pair in found} | {out.company_id for out in excluded if out.company_id}
    known = companies.by_ids(tx, others)
    pairs = sorted(((known[_other(pair, one)], pair) for pair in found), key=lambda row: (row[0].name.casefold(), row[0].id))
    near = [Neighbour(other.id, other.name, pair.reasons[0].source) for other, pair in pairs]
    return {
        "pairs": pairs,
        "excluded": [(known.get(out.company_id or ""), out) for out in excluded],
        "next": cursor_of(max(others)) if len(others) >= PAGE_COUNT else "",
        "graph": graph_of(one.name, near) if near else None,
    }


def _other(pair: Association, one: Company) -> str:
    return pair.second_partner_id if pair.partner_id == one.id else pair.partner_id


def _values(tx: Tx, one: Company) -> Sequence[dict[str, Any]]:
    """The contract values that stand on the company's record; of a second partner those that are bound to it, each once."""
    if one.account_type is AccountType.SECOND_PARTNER:
        counts = associations.counts_by_value(tx, one.id)
        return [{"value": value, "second": one, "how": "", "since_at": None, "records": count} for value, count in counts.items()]
    mine = associations.bindings(tx, [one.id]).get(one.id, {}).values()
    known = companies.by_ids(tx, {row.binding.company_id for row in mine if row.binding.company_id})
    return [
        {"value": row.binding.value, "second": known.get(row.binding.company_id or ""), "how": row.binding.how, "since_at": row.since_at}
        for row in mine
    ]


def _further(visit: ConsoleVisit, one: Company, at_date: str, following: str) -> str:
    chosen = {name: value for name, value in (("at", at_date), ("cursor", following)) if value}
    return f"{visit.address}/companies/{one.id}?{urlencode(chosen)}" if following else ""
