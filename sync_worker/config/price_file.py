"""`config/prices/<portal>.yaml`: a portal's price list as a file, every mistake with its place.

    prices:
      - {product: Seat, currency: EUR, unit_price: 100.00, valid_from: 2026-01-01}
      - {product: Seat, currency: EUR, unit_price: null, valid_from: 2027-01-01}     # not sold from that day on

Where the file is there, it is the whole list, and HTTP requests cannot change it. `sync-worker prices load` reads the same shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict

from sync_worker.config.scalars import Text
from sync_worker.config.source import Source, in_order, read_source
from sync_worker.config.validation import shown, validated, wrong
from sync_worker.domain.deals.quotes.price_list import Price, PriceList, unsound
from sync_worker.errors import ConfigError, Mistake

MOST_SCALARS = 500_000  # keys and values: 50,000 prices


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise wrong(f"{shown(value)} is not a day", "write it as 2026-01-31") from None


def _amount(value: Any) -> Any:
    if value is None:
        return None
    try:
        return Decimal(value)
    except (TypeError, ValueError, InvalidOperation):
        raise wrong(f"{shown(value)} is not a price", "write a number as 99.90; null: not sold from that day on") from None


Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
Amount: TypeAlias = Annotated[Decimal | None, BeforeValidator(_amount)]


class PriceRow(BaseModel):
    """One price."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    product: Text
    currency: Text
    unit_price: Amount
    valid_from: Day

    @property
    def price(self) -> Price:
        return Price(" ".join(self.product.split()), self.currency, self.unit_price, self.valid_from)


class PriceFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    prices: tuple[PriceRow, ...]


def find_prices(config_dir: Path, portal: str) -> PriceList | None:
    """The portal's list, where a file keeps it. **Raises** ConfigError: every mistake, each with its place."""
    path = config_dir / "prices" / f"{portal}.yaml"
    return load_prices(path) if path.is_file() else None


def load_prices(path: Path) -> PriceList:
    """The list in this file. **Raises** ConfigError: every mistake, each with its place."""
    source = read_source(path, most_scalars=MOST_SCALARS)
    rows = [row.price for row in validated(PriceFile, source).prices]
    mistakes = [*_unsound(source, rows), *_double(source, rows)]
    if mistakes:
        raise ConfigError(in_order(mistakes))
    return PriceList(tuple(rows), str(path))


def _unsound(source: Source, rows: list[Price]) -> Iterator[Mistake]:
    for place, price in enumerate(rows):
        if found := unsound(price):
            yield source.mistake(("prices", place, found[0]), found[1], "correct it")


def _double(source: Source, rows: list[Price]) -> Iterator[Mistake]:
    seen: set[object] = set()
    for place, price in enumerate(rows):
        if price.key in seen:
            what = f"{price.product} has two prices in {price.currency} from {price.valid_from}"
            yield source.mistake(("prices", place), what, "keep one")
        seen.add(price.key)
