"""Contract values: which company each stands for. A person binds one by hand, after a look at what that would change."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.errors import ConfigError
from sync_worker.steps.associations.rebind import foresee, rebind
from sync_worker.store.associations import associations
from sync_worker.store.associations.associations import ValueFilter
from sync_worker.store.core import companies
from sync_worker.store.operate import interventions
from sync_worker.web.api.core.paging import Paging
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, Managing
from sync_worker.web.console.core.named import company_of_page, refuse_without_second_partners, word_of_page
from sync_worker.web.console.core.route import console_router

router = console_router()

PAGE_COUNT: Final = 50
ACTS_COUNT: Final = 20
PAIRS_COUNT: Final = 50


@router.get("/contract-values")
def show_values(request: Request, visit: Managing) -> Response:
    """The values on partners' records, each with what it stands for; or those that name no company alone."""
    tenant, said = visit.tenant, request.query_params
    refuse_without_second_partners(tenant)
    wanted = ValueFilter(word_of_page(said, "text"), is_unbound=bool(said.get("unbound")))
    page = Paging(PAGE_COUNT, said.get("cursor") or None)
    (after,) = page.place(1) or ("",)
    with tenant.store.reading(visit.portal) as tx:
        some = page.cut(associations.values(tx, wanted, after=after, limit=page.looked_for), lambda value: (value,))
        uses = associations.uses(tx, some.items)
        known = companies.by_ids(tx, {one.company_id for one in uses if one.company_id})
        bound, unbound = associations.counts(tx)
        acts = interventions.latest(tx, "rebind", limit=ACTS_COUNT)
    chosen = {"text": wanted.text, "unbound": "1" if wanted.is_unbound else "", "cursor": some.next or ""}
    further = urlencode({name: text for name, text in chosen.items() if text})
    context = visit.context(
        here="Contract values", rows=[(one, known.get(one.company_id or "")) for one in uses], wanted=wanted, acts=acts,
        bound=bound, unbound=unbound, further=f"{visit.address}/contract-values?{further}" if some.next else "",
        goes_by_rules=tenant.portal.associations.mode == "rules",
    )  # fmt: skip
    return visit.console.pages.show("associations/contract_values.html", context)


@router.get("/contract-values/bind")
def show_binding(request: Request, visit: Managing) -> Response:
    """Asks which company a value stands for; where one is named, what that would change."""
    tenant, said = visit.tenant, request.query_params
    refuse_without_second_partners(tenant)
    value, reference = word_of_page(said, "value"), word_of_page(said, "company")
    with tenant.store.reading(visit.portal) as tx:
        company = company_of_page(tx, tenant, reference) if reference else None
    try:
        found = foresee(tenant, value, company) if company else None
    except ConfigError as wrong:
        raise TurnedAway(409, "The value cannot be bound so", f"{wrong}.") from None
    context = visit.context(here="Contract values", value=value, company=company, found=found, most=PAIRS_COUNT)
    return visit.console.pages.show("associations/bind.html", context)


@router.post("/contract-values/bind")
def bind_value(change: Arranging) -> Response:
    """The value stands for this company on every record that holds it. Nothing that is read later says otherwise."""
    visit, tenant = change.visit, change.visit.tenant
    refuse_without_second_partners(tenant)
    value, reason = change.text("value"), change.text("reason", is_required=True)
    with tenant.store.reading(visit.portal) as tx:
        company = company_of_page(tx, tenant, change.text("company"))
    try:
        done = rebind(tenant, value, company, actor=visit.actor, reason=reason)
    except ConfigError as wrong:
        raise TurnedAway(409, "Nothing was changed", f"{wrong}.") from None
    visit.console.follow_ups(visit.portal, done.follow_ups)
    return RedirectResponse(f"{visit.address}/contract-values?text={quote(value)}", 303)
