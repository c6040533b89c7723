"""The price list: which price quotes take, what another price would change, and every price that was ever set."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.quotes.price_list import Price, PriceList
from sync_worker.steps.deals import prices as steps
from sync_worker.store.deals import prices
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleChange, Managing
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.deals.amounts import amount_shown
from sync_worker.web.console.deals.filters import day_of, refusal_words

router = console_router()

FIELDS: Final = ("product", "currency", "unit_price", "valid_from")
MOST_PAST: Final = 200


@router.get("/prices")
def show_prices(visit: Managing) -> Response:
    """Every price of the list, and the latest changes of it."""
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        found, today = steps.price_list(tx, tenant), tenant.today(tx)
        past = sorted(prices.history(tx), key=lambda one: one.said_at, reverse=True)[:MOST_PAST]
    rows = [_row(one, found, today) for one in sorted(found.prices, key=lambda price: price.key)]
    context = visit.context(
        here="Prices", rows=rows, today=today, file=found.file, past=[{"said": one, "amount": _amount(one.price)} for one in past],
    )  # fmt: skip
    return visit.console.pages.show("deals/prices.html", context)


@router.post("/prices/preview")
def preview_price(change: Arranging) -> Response:
    """What this price would change. Nothing is kept."""
    visit, price = change.visit, _price(change)
    found = steps.preview(visit.tenant, price, actor=visit.for_vendor)
    if isinstance(found, Refusal):
        raise TurnedAway(422, "This price cannot be set", refusal_words(found))
    said = [(name, change.text(name)) for name in FIELDS]
    context = visit.context(
        here="Prices", found=found, said=said, amount=_amount(price), before=_amount(found.before) if found.before else ""
    )  # fmt: skip
    return visit.console.pages.show("deals/price.html", context)


@router.post("/prices")
def set_price(change: Arranging) -> Response:
    """The price counts from its day on. Quotes that were made stay as they are."""
    visit, price = change.visit, _price(change)
    reason = change.text("reason", is_required=True)
    if refused := steps.keep(visit.tenant, [price], actor=visit.for_vendor, reason=reason):
        raise TurnedAway(409, "Nothing was changed", refusal_words(refused))
    return RedirectResponse(f"{visit.address}/prices", 303)


def _price(change: ConsoleChange) -> Price:
    """What the form says. A price that is left blank ends the one before. **Raises** TurnedAway."""
    said = {name: change.text(name) for name in FIELDS}
    try:
        amount = Decimal(said["unit_price"]) if said["unit_price"] else None
    except InvalidOperation:
        raise TurnedAway(422, "This price cannot be set", "Price: write a number as 99.90, without the currency.") from None
    return Price(" ".join(said["product"].split()), said["currency"].upper(), amount, day_of(said["valid_from"], "from"))


def _row(price: Price, whole: PriceList, today: date) -> dict[str, Any]:
    """**Shapes** `counts`: quotes whose term begins today take it."""
    counts = price == whole.on(price.product, price.currency, today)
    return {"price": price, "amount": _amount(price), "counts": counts, "is_later": price.valid_from > today}


def _amount(price: Price) -> str:
    return amount_shown(price.unit_price, price.currency) or "not sold"
