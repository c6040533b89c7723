"""PRICES: the portal's price list, from its file or as the vendor's admins keep it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.deals.quotes.price_list import Price, PriceChange, PriceList, unsound
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import prices


def price_list(tx: Tx, tenant: Tenant) -> PriceList:
    """The list that counts now."""
    return tenant.price_file or prices.current(tx)


def keep(
    tenant: Tenant, said: Sequence[Price], *, actor: Actor, reason: str = "", finish: Callable[[Tx], None] | None = None
) -> Refusal | None:
    """These rows count from now on, all or none; those of the same product, currency and day before them stay as history.

    A row that is on the list as it is already is not said again.
    """
    if refused := keeping_refusal(actor) or _managed(tenant) or _unsound(said):
        return refused
    with tenant.store.transaction(tenant.name) as tx:
        known = {one.key: one for one in prices.current(tx).prices}
        prices.add(tx, [one for one in said if known.get(one.key) != one], actor.name, reason)
        if finish:
            finish(tx)
    return None


def preview(tenant: Tenant, said: Price, *, actor: Actor) -> PriceChange | Refusal:
    """What this row would change, or why it would be refused. Nothing is kept."""
    if refused := keeping_refusal(actor) or _managed(tenant) or _unsound([said]):
        return refused
    with tenant.store.reading(tenant.name) as tx:
        return prices.current(tx).change(said)


def keeping_refusal(actor: Actor) -> Refusal | None:
    """Why this person may not change the price list or look at its history."""
    if actor.is_operator or (actor.user is not None and actor.user.is_vendor_admin):
        return None
    return Refusal("prices_not_yours", f"{actor.name} may not see or change the price list", "the vendor's admins")


def _managed(tenant: Tenant) -> Refusal | None:
    if tenant.price_file is None:
        return None
    why = f"the price list of portal {tenant.name} is kept in the file {tenant.price_file.file}"
    return Refusal("managed_by_file", why, "an operator, who edits that file and restarts the worker")


def _unsound(said: Sequence[Price]) -> Refusal | None:
    keys: set[object] = set()
    for number, price in enumerate(said):
        if found := unsound(price):
            return Refusal("price_malformed", f"{price.product}: {found[1]}", "another value", (), f"prices.{number}.{found[0]}")
        if price.key in keys:
            why = f"{price.product} has two prices in {price.currency} from {price.valid_from}"
            return Refusal("price_malformed", why, "one price for each day", (), f"prices.{number}")
        keys.add(price.key)
    return None
