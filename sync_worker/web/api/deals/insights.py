"""/insights: how many deals a person sees and what they are worth, by one thing that they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from sync_worker.domain.deals.insights import DealGroup, Grouping, group_of, groups_of
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.sums import GroupsWanted, sums_of
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import Looking
from sync_worker.web.api.core.paging import PageOf, Paging, Place, refused_cursor
from sync_worker.web.api.core.references import refuse_of_two_tiers
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.core.shapes import ListView, ShownMoney, View
from sync_worker.web.api.deals.wishes import BIGGEST, FiltersOf, narrowing_of, sight_of

router = portal_router("deals")

_SIDES = (Grouping.OWNER_COMPANY, Grouping.SECOND_PARTNER)
_HELD = "="  # before a value in a cursor; a missing value is ""


class CurrencySumView(View):
    """The sum of the amounts in one currency."""

    currency: Annotated[str | None, Field(description="The code of the currency. It is null for amounts without a currency.")]
    count: Annotated[int, Field(description="The number of deals with an amount in this currency.")]
    amount: ShownMoney


class DealSumsView(View):
    """How many deals there are, and what they are worth in each currency."""

    count: Annotated[int, Field(description="The number of deals, with an amount or without.")]
    sums: list[CurrencySumView]


class InsightView(DealSumsView):
    """The deals that have one value in common."""

    value: Annotated[str | None, Field(description="The value that they have in common. It is null for deals without one.")]
    name: Annotated[str | None, Field(description="The name of the company, if they are grouped by companies.")] = None


class InsightsView(ListView):
    """One page of groups, and the sum of all groups. A deal is in one group."""

    by: Grouping
    overall: Annotated[DealSumsView, Field(description="The sum of all groups, also of those on other pages.")]
    items: list[InsightView]
    second_partner_label: str = ""


@router.get("/insights", responses=problems(400), response_model_exclude_unset=True)
def get_insights(
    visit: Looking,
    page: PageOf,
    wanted: FiltersOf,
    by: Annotated[
        Grouping, Query(description="What the deals are grouped by. `month` is the month of the expected close, by the portal's calendar.")
    ] = Grouping.STAGE,
) -> InsightsView:
    """Counts the deals that the user may see and adds up their amounts, each deal once. Months come in their order; otherwise the group
    with the most deals comes first. With `visible_to`, counts the deals that both users may see.
    """
    tenant = visit.tenant
    refuse_of_two_tiers(tenant, {"by": by is Grouping.SECOND_PARTNER})
    groups = GroupsWanted(by, str(tenant.portal.time_zone), _after(by, page), page.looked_for)
    with tenant.store.reading(visit.portal) as tx:
        found = sums_of(tx, sight_of(tx, visit), narrowing_of(tx, visit, wanted), groups)
        some = page.cut(groups_of(found.page), lambda group: _place(by, group))
        names = _names(tx, by, some.items)
    label = {"second_partner_label": views.label_of(tenant)} if tenant.portal.two_tier else {}
    items = [InsightView(value=group.value, **{**_summed(group), **names.get(group.value, {})}) for group in some.items]
    return InsightsView(by=by, overall=DealSumsView(**_summed(group_of(found.total))), items=items, next=some.next, **label)


def _summed(group: DealGroup) -> dict[str, Any]:
    sums = [CurrencySumView(currency=one.currency, count=one.count, amount=one.amount) for one in group.sums]
    return {"count": group.count, "sums": sums}


def _names(tx: Tx, by: Grouping, groups: Sequence[DealGroup]) -> dict[str | None, dict[str, str | None]]:
    if by not in _SIDES:
        return {}
    known = companies.by_ids(tx, [group.value for group in groups if group.value])
    return {group.value: {"name": known[group.value].name if group.value in known else None} for group in groups}


def _place(by: Grouping, group: DealGroup) -> Place:
    return (by.value, str(group.count), "" if group.value is None else f"{_HELD}{group.value}")


def _after(by: Grouping, page: Paging) -> tuple[int, str | None] | None:
    """The last group seen. **Raises** Refused."""
    place = page.place(3)
    if place is None:
        return None
    grouping, count, value = place
    if grouping != by or not (count.isascii() and count.isdecimal()) or int(count) >= BIGGEST or value[:1] not in ("", _HELD):
        raise refused_cursor()
    return int(count), value.removeprefix(_HELD) if value else None
