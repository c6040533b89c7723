"""The pipeline: how many deals stand in each stage and what they are worth, and the deals one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response

from sync_worker.domain.deals.flags import FlagReader
from sync_worker.domain.deals.insights import DealGroup, Grouping, groups_of
from sync_worker.domain.people.visibility import Viewer, shares
from sync_worker.steps.tell.stages import stage_labels
from sync_worker.store.deals import pipeline
from sync_worker.store.deals.sums import GroupsWanted, sums_of
from sync_worker.web.api.core import views
from sync_worker.web.api.core.deal_shape import DealView
from sync_worker.web.api.core.paging import Paging
from sync_worker.web.api.deals.wishes import last_seen, narrowed, order_wanted, place_of
from sync_worker.web.console.core.door import Managing
from sync_worker.web.console.core.pictures.chart import share
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.deals.amounts import amount_shown
from sync_worker.web.console.deals.filters import STATES, asked_in, filters_of

router = console_router()

PAGE_COUNT: Final = 50
MOST_STAGES: Final = 50
ORDERS: Final = {
    "-updated_at": "latest change first",
    "-amount": "largest amount first",
    "expected_close_on": "earliest close first",
    "name": "by name",
    "owner_company": "by partner",
}
"""What a person can choose; an address can name every order of the API."""


@router.get("/deals")
def show_deals(request: Request, visit: Managing) -> Response:
    """Every deal of the portal, as the vendor's admins see them over the API."""
    tenant, said = visit.tenant, request.query_params
    asked, sort = asked_in(said), said.get("sort", "").strip() or "-updated_at"
    wanted, by = filters_of(asked), order_wanted(tenant, sort)
    page = Paging(PAGE_COUNT, said.get("cursor") or None)
    after, seen = last_seen(by, page), shares(Viewer(visit.admin))
    with tenant.store.reading(visit.portal) as tx:
        narrowing = narrowed(tx, tenant, wanted)
        found = pipeline.seen(tx, seen, narrowing, order=by.order, after=after, limit=page.looked_for)
        some = page.cut(found, lambda one: place_of(by, one))
        rows = views.list_of(tx, tenant, [one.stored for one in some.items], FlagReader.VENDOR)
        of_any_stage = narrowed(tx, tenant, filters_of({**asked, "stage": ""}))
        groups = groups_of(sums_of(tx, seen, of_any_stage, GroupsWanted(Grouping.STAGE, limit=MOST_STAGES)).page)
        labels = stage_labels(tx, tenant)
    chosen = {name: value for name, value in {**asked, "sort": sort}.items() if value}
    stages = _stages(groups, labels, f"{visit.address}/deals", chosen)
    context = visit.context(
        here="Deals", rows=[_row(one, labels) for one in rows], stages=stages, asked=asked, sort=sort, orders=ORDERS,
        states=STATES, is_two_tier=tenant.portal.two_tier, label=views.label_of(tenant),
        older=f"{visit.address}/deals?{urlencode({**chosen, 'cursor': some.next})}" if some.next else "",
    )  # fmt: skip
    return visit.console.pages.show("deals/deals.html", context)


def _row(deal: DealView, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"deal": deal, "amount": amount_shown(deal.amount, deal.currency), "stage": labels.get(deal.stage or "", deal.stage)}


def _stages(groups: Sequence[DealGroup], labels: Mapping[str, str], address: str, chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """What stands in each stage. **Shapes** `address`: of its deals, "" for those without a stage."""
    top = max((group.count for group in groups), default=0)
    return [
        {
            "name": labels.get(group.value or "", group.value) or "without a stage",
            "count": group.count,
            "worth": ", ".join(amount_shown(one.amount, one.currency) for one in group.sums),
            "width": share(group.count, top),
            "address": f"{address}?{urlencode({**chosen, 'stage': group.value})}" if group.value else "",
        }
        for group in groups
    ]
