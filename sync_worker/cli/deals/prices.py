"""`prices`: a portal's price list, shown, and loaded out of a file as an operator does it for the vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync_worker.cli.core.command import AsJson, PortalName, Who, refuse, tenant_of, user
from sync_worker.cli.core.output import Caption, out, show, show_json
from sync_worker.config.price_file import load_prices
from sync_worker.domain.core.deal import Actor
from sync_worker.domain.core.values import plain
from sync_worker.steps.deals.prices import keep, price_list

app = typer.Typer(no_args_is_help=True, help="Shows the price list that quotes take their prices from, and adds prices to it.")

COLUMNS = ("product", "currency", "unit_price", "valid_from")


@app.command(name="list")
def list_(portal: PortalName, as_json: AsJson = False) -> None:
    """Lists the prices that count: for each product and currency, from which day on.

    An empty price means that the product is not sold in that currency from that day on.

    Example: sync-worker prices list acme
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            found = price_list(tx, tenant)
    rows = [
        {"product": one.product, "currency": one.currency, "unit_price": plain(one.unit_price), "valid_from": one.valid_from.isoformat()}
        for one in sorted(found.prices, key=lambda price: price.key)
    ]
    title = f"prices of {portal}" + (f", kept in {found.file}" if found.file else "")
    empty = f"none yet: sync-worker prices load {portal} FILE, or POST /portals/{portal}/prices"
    show(rows, columns=COLUMNS, as_json=as_json, caption=Caption(title, empty=empty))


@app.command()
def load(
    portal: PortalName,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A YAML file with prices; docs/distributors.md shows its form.", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.")] = "",
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Adds the prices of a file to the list that the API keeps: all of them, or none if one is wrong. Replaced prices stay as history.

    Example: sync-worker prices load acme prices-2027.yaml
    """
    with tenant_of(portal) as tenant:
        rows = load_prices(file).prices
        refused = keep(tenant, rows, actor=Actor(actor or user(), None, "portal"), reason=reason)
        if refused:
            refuse(refused, as_json=as_json)
    if as_json:
        show_json({"loaded": len(rows)})
    else:
        out.print(f"{len(rows)} prices of {file} are on the list of {portal}")
