"""Insights: how many deals there are and what they are worth, by stage, outcome, month, partner or second partner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from sync_worker.domain.deals.insights import DealGroup, Grouping, group_of, groups_of
from sync_worker.domain.people.visibility import Viewer, shares
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.stages import stage_labels
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.sums import GroupsWanted, sums_of
from sync_worker.web.api.core import views
from sync_worker.web.api.core.references import refuse_of_two_tiers
from sync_worker.web.api.deals.wishes import narrowed
from sync_worker.web.console.core.door import Managing
from sync_worker.web.console.core.pictures.chart import Chart, Series, columns, share
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.deals.amounts import amount_shown
from sync_worker.web.console.deals.filters import STATES, asked_in, filters_of

router = console_router()

SHOWN_COUNT: Final = 60  # groups: five years of months
WITHOUT: Final = "without"


@router.get("/insights")
def show_insights(request: Request, visit: Managing) -> Response:
    """The same sums as the API has, of all deals that the vendor's admins see."""
    tenant, said = visit.tenant, request.query_params
    by = next((one for one in Grouping if one == said.get("by")), Grouping.STAGE)
    refuse_of_two_tiers(tenant, {"by": by is Grouping.SECOND_PARTNER})
    asked = asked_in(said)
    wanted = GroupsWanted(by, str(tenant.portal.time_zone), limit=SHOWN_COUNT + 1)
    with tenant.store.reading(visit.portal) as tx:
        found = sums_of(tx, shares(Viewer(visit.admin)), narrowed(tx, tenant, filters_of(asked)), wanted)
        groups = groups_of(found.page)[:SHOWN_COUNT]
        names = _names(tx, tenant, by, groups)
    overall = group_of(found.total)
    top = max((group.count for group in groups), default=0)
    context = visit.context(
        here="Insights", by=by, rows=[_row(group, names, top) for group in groups], asked=asked, states=STATES,
        label=views.label_of(tenant), is_two_tier=tenant.portal.two_tier, groupings=_groupings(tenant),
        months=_months(groups) if by.is_in_time else None,
        overall={"count": overall.count, "worth": _worth(overall)}, has_more=len(groups_of(found.page)) > SHOWN_COUNT,
    )  # fmt: skip
    return visit.console.pages.show("deals/insights.html", context)


def _groupings(tenant: Tenant) -> dict[str, str]:
    """Grouping → as people call it here."""
    words = {
        Grouping.STAGE: "stage",
        Grouping.OUTCOME: "outcome",
        Grouping.MONTH: "month of the expected close",
        Grouping.REGISTERED_MONTH: "month of the registration",
        Grouping.OWNER_COMPANY: "partner",
        Grouping.SECOND_PARTNER: views.label_of(tenant),
    }
    return {one.value: text for one, text in words.items() if tenant.portal.two_tier or one is not Grouping.SECOND_PARTNER}


def _names(tx: Tx, tenant: Tenant, by: Grouping, groups: Sequence[DealGroup]) -> Mapping[str, str]:
    """What people call the values that deals have in common."""
    if by is Grouping.STAGE:
        return stage_labels(tx, tenant)
    if by in (Grouping.OWNER_COMPANY, Grouping.SECOND_PARTNER):
        return {one.id: one.name for one in companies.by_ids(tx, [group.value for group in groups if group.value]).values()}
    return {}


def _row(group: DealGroup, names: Mapping[str, str], top: int) -> dict[str, Any]:
    name = names.get(group.value, group.value) if group.value else WITHOUT
    return {"name": name, "count": group.count, "worth": _worth(group), "width": share(group.count, top)}


def _worth(group: DealGroup) -> list[str]:
    return [amount_shown(one.amount, one.currency) for one in group.sums]


def _months(groups: Sequence[DealGroup]) -> Chart:
    """Deals by month, as a picture."""
    dated = [group for group in groups if group.value]
    return columns(
        "months", "Deals by month", [str(group.value) for group in dated], [Series("deals", "first", [group.count for group in dated])]
    )
