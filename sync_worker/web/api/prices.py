"""The price list: looked at by everybody in the portal, kept by the vendor's admins unless a file keeps it, with its history."""

from __future__ import annotations

from fastapi import Response

from sync_worker.domain.price_list import Price
from sync_worker.steps import prices as steps
from sync_worker.steps.answer import Keep
from sync_worker.steps.tenant import Tenant
from sync_worker.store import prices
from sync_worker.store.answers import Answer
from sync_worker.store.engine import Tx
from sync_worker.web.api import quote_shapes, views
from sync_worker.web.api.doors import Acting, Looking
from sync_worker.web.api.once import OnceOnly
from sync_worker.web.api.problems import Refused, of_refusal
from sync_worker.web.api.route import portal_router, problems
from sync_worker.web.api.sight import refuse_onlookers

router = portal_router("prices")


@router.get("/prices", responses=problems(400))
def list_prices(visit: Looking) -> quote_shapes.PriceList:
    """The price list as it counts now, prices of days to come included."""
    with visit.tenant.store.reading(visit.portal) as tx:
        return _shown(tx, visit.tenant)


@router.get("/prices/history", responses=problems(400))
def list_price_history(visit: Looking) -> quote_shapes.PriceHistory:
    """Who said which price when; for the vendor's admins."""
    refuse_onlookers(visit, steps.keeping_refusal)
    with visit.tenant.store.reading(visit.portal) as tx:
        items = [
            quote_shapes.SaidPrice(**_row(one.price).model_dump(), said_at=one.said_at, said_by=one.said_by) for one in prices.history(tx)
        ]
    return quote_shapes.PriceHistory(items=items)


@router.post("/prices", response_model=quote_shapes.PriceList, responses=problems(400, 409))
def add_prices(visit: Acting, said: quote_shapes.PricesSaid, once: OnceOnly) -> Response:
    """Adds rows to the price list, or takes the place of rows for the same product, currency and day. Quotes that were made stay."""
    tenant = visit.tenant
    rows = [Price(" ".join(one.product.split()), one.currency, one.unit_price, one.valid_from) for one in said.prices]

    def work(keep: Keep) -> Answer:
        made: list[Answer] = []

        def finish(tx: Tx) -> None:
            made.append(Answer(200, _shown(tx, tenant).model_dump_json(), views.JSON))
            keep(tx, made[-1])

        refused = steps.keep(tenant, rows, actor=visit.actor, finish=finish)
        return of_refusal(Refused(refused)) if refused else made[-1]

    return once.answer(visit, work)


def _shown(tx: Tx, tenant: Tenant) -> quote_shapes.PriceList:
    found = steps.price_list(tx, tenant)
    return quote_shapes.PriceList(
        managed_by="file" if tenant.price_file else "api", items=[_row(one) for one in sorted(found.prices, key=lambda price: price.key)]
    )


def _row(price: Price) -> quote_shapes.ListedPrice:
    return quote_shapes.ListedPrice(
        product=price.product, currency=price.currency, unit_price=price.unit_price, valid_from=price.valid_from
    )
