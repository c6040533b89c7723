"""Distributors: second partners, the subgroups of each, and where each stands with the vendor."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.distributors.terms import Pair
from sync_worker.store.core import companies
from sync_worker.store.core.companies import CompanyFilter
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import agreements, subgroups, terms
from sync_worker.web.api.core.paging import Paging
from sync_worker.web.api.core.views import label_of
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Managing
from sync_worker.web.console.core.named import company_of_page, refuse_without_second_partners, word_of_page
from sync_worker.web.console.core.route import console_router

router = console_router()

PAGE_COUNT: Final = 50


@router.get("/distributors")
def show_distributors(request: Request, visit: Managing) -> Response:
    """Second partners by name, with how many subgroups each has, and where it stands with the vendor."""
    tenant, text = visit.tenant, word_of_page(request.query_params, "text")
    refuse_without_second_partners(tenant)
    page = Paging(PAGE_COUNT, request.query_params.get("cursor") or None)
    name, company_id = page.place(2) or ("", "")
    wanted = CompanyFilter(frozenset({AccountType.SECOND_PARTNER}), text=text or None)
    with tenant.store.reading(visit.portal) as tx:
        found = [stored.company for stored in companies.listed(tx, wanted, after=(name, company_id), limit=page.looked_for)]
        some = page.cut(found, lambda one: (one.name, one.id))
        counts, vendor = subgroups.counts(tx, [one.id for one in some.items]), companies.vendor(tx)
        rows = [(one, counts.get(one.id, 0), _standing(tx, one, vendor)) for one in some.items]
    chosen = {"text": text, "cursor": some.next or ""}
    further = f"{visit.address}/distributors?{urlencode({key: value for key, value in chosen.items() if value})}" if some.next else ""
    context = visit.context(here="Distributors", rows=rows, text=text, further=further, vendor=vendor, label=label_of(tenant))
    return visit.console.pages.show("distributors/distributors.html", context)


@router.get("/distributors/{company_id}")
def show_distributor(visit: Managing, company_id: str) -> Response:
    """One second partner: its subgroups, with what it agreed with each."""
    tenant = visit.tenant
    refuse_without_second_partners(tenant)
    with tenant.store.reading(visit.portal) as tx:
        one = company_of_page(tx, tenant, company_id)
        if one.account_type is not AccountType.SECOND_PARTNER:
            raise TurnedAway(404, "There is no such page", f"{one.name} is not a second partner, so it has no subgroups.")
        under, vendor = subgroups.under(tx, one.id), companies.vendor(tx)
        known = companies.by_ids(tx, [child.company_id for child in under])
        rows = [(known[child.company_id], child, _standing(tx, known[child.company_id], one)) for child in under]
        standing = _standing(tx, one, vendor)
    rows.sort(key=lambda row: (row[0].name.casefold(), row[0].id))
    context = visit.context(here="Distributors", one=one, rows=rows, vendor=vendor, standing=standing, label=label_of(tenant))
    return visit.console.pages.show("distributors/distributor.html", context)


def _standing(tx: Tx, lower: Company, upper: Company | None) -> dict[str, Any]:
    """What a company has agreed with the one above it. **Shapes** `terms` None: nothing was ever set."""
    if upper is None:
        return {"terms": None, "has_agreement": False}
    pair = Pair(lower.id, upper.id)
    return {"terms": terms.current(tx, [pair]).get(pair), "has_agreement": agreements.is_on_file(tx, pair)}
