"""Companies of the portal: by name, by type and by status, a page at a time."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from fastapi import Request, Response

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.store.core import companies
from sync_worker.store.core.companies import CompanyFilter
from sync_worker.web.api.associations.company_views import company, types_shown_as
from sync_worker.web.api.core.paging import Paging
from sync_worker.web.console.core.door import Managing
from sync_worker.web.console.core.named import word_of_page
from sync_worker.web.console.core.route import console_router

router = console_router()

PAGE_COUNT: Final = 50


@router.get("/companies")
def show_companies(request: Request, visit: Managing) -> Response:
    """Those whose name holds a text, of a type and a status; all of them where nothing is asked for."""
    asked = {name: word_of_page(request.query_params, name) for name in ("text", "type", "status")}
    kind = next((one for one in AccountType if one == asked["type"]), None)
    status = next((one for one in PortalStatus if one == asked["status"]), None)
    page = Paging(PAGE_COUNT, request.query_params.get("cursor") or None)
    name, company_id = page.place(2) or ("", "")
    tenant = visit.tenant
    wanted = CompanyFilter(types_shown_as(tenant, kind), status, asked["text"] or None)
    with tenant.store.reading(visit.portal) as tx:
        found = companies.listed(tx, wanted, after=(name, company_id), limit=page.looked_for)
    some = page.cut([stored.company for stored in found], lambda one: (one.name, one.id))
    chosen = {name: value for name, value in asked.items() if value}
    older = f"{visit.address}/companies?{urlencode({**chosen, 'cursor': some.next})}" if some.next else ""
    context = visit.context(
        here="Companies", rows=[company(tenant, one) for one in some.items], asked=asked, older=older,
        types=[one for one in AccountType if types_shown_as(tenant, one)], statuses=list(PortalStatus),
    )  # fmt: skip
    return visit.console.pages.show("associations/companies.html", context)
