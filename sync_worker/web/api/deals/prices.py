"""The price list: looked at by everybody in the portal, kept by the vendor's admins unless a file keeps it, with its history."""

from __future__ import annotations

from typing import Literal

from fastapi import Response

from sync_worker.domain.deals.quotes.price_list import Price
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals import prices as steps
from sync_worker.steps.people.answer import Keep
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import prices
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import Acting, Looking, again
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf, Some
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.core.visibility import refuse_onlookers
from sync_worker.web.api.deals import quote_shapes

router = portal_router("prices")


@router.get("/prices", responses=problems(400))
def list_prices(visit: Looking, page: PageOf) -> quote_shapes.PriceListView:
    """Lists the prices that count now, and those that begin on a later day."""
    with visit.tenant.store.reading(visit.portal) as tx:
        return _shown(visit.tenant, page.rising(steps.price_list(tx, visit.tenant).prices, _place))


@router.get("/prices/history", responses=problems(400))
def list_price_history(visit: Looking, page: PageOf) -> quote_shapes.PriceHistoryView:
    """Lists every price that was ever set, with who set it and when. For the admins of the vendor."""
    refuse_onlookers(visit, steps.keeping_refusal)
    with visit.tenant.store.reading(visit.portal) as tx:
        some = page.rising(prices.history(tx), lambda one: (*_place(one.price), one.said_at.isoformat(timespec="microseconds")))
    items = [
        quote_shapes.PriceRowView(**_row(one.price).model_dump(), said_at=one.said_at, said_by=one.said_by, reason=one.reason)
        for one in some.items
    ]
    return quote_shapes.PriceHistoryView(items=items, next=some.next)


@router.post("/prices", response_model=quote_shapes.PriceListView, responses=problems(400, 409))
def add_prices(visit: Acting, said: quote_shapes.PricesBody, once: OnceOnly) -> Response:
    """Adds rows to the price list. A row replaces one of the same product, currency and day. Existing quotes do not change."""
    tenant = visit.tenant
    rows = [Price(" ".join(one.product.split()), one.currency, one.unit_price, one.valid_from) for one in said.prices]

    def work(keep: Keep) -> Answer:
        made: list[Answer] = []

        def finish(tx: Tx) -> None:
            again(tx, visit)
            whole = Some(sorted(steps.price_list(tx, tenant).prices, key=_place), next=None)
            made.append(Answer(200, _shown(tenant, whole).model_dump_json(), views.JSON))
            keep(tx, made[-1])

        refused = steps.keep(tenant, rows, actor=visit.actor, reason=said.reason, finish=finish)
        return of_refusal(Refused(refused)) if refused else made[-1]

    return once.answer(visit, work)


def _shown(tenant: Tenant, some: Some[Price]) -> quote_shapes.PriceListView:
    managed_by: Literal["api", "file"] = "file" if tenant.price_file else "api"
    return quote_shapes.PriceListView(managed_by=managed_by, items=[_row(one) for one in some.items], next=some.next)


def _place(price: Price) -> tuple[str, str, str]:
    product, currency, day = price.key
    return product, currency, day.isoformat()


def _row(price: Price) -> quote_shapes.ListedPriceView:
    return quote_shapes.ListedPriceView(
        product=price.product, currency=price.currency, unit_price=price.unit_price, valid_from=price.valid_from
    )
