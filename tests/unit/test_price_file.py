"""A price list as a file: read whole, or every mistake with its place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sync_worker.config.price_file import find_prices, load_prices
from sync_worker.domain.deals.quotes.price_list import Price
from sync_worker.errors import ConfigError

FILE = """
prices:
  - {product: Seat, currency: EUR, unit_price: 99.90, valid_from: 2026-01-01}
  - {product: " Seat  Plus", currency: KWD, unit_price: "10.123", valid_from: 2026-01-01}
  - {product: Seat, currency: EUR, unit_price: null, valid_from: 2027-01-01}
"""

TWICE = "\n  - ".join(f"{{product: {name}, currency: EUR, unit_price: 1, valid_from: 2026-01-01}}" for name in ("Seat", "SEAT"))


def written(folder: Path, text: str) -> Path:
    path = folder / "prices" / "acme.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_the_whole_list(tmp_path: Path) -> None:
    path = written(tmp_path, FILE)
    found = find_prices(tmp_path, "acme")
    assert found is not None
    assert (found.file, found.prices) == (
        str(path),
        (
            Price("Seat", "EUR", Decimal("99.90"), date(2026, 1, 1)),
            Price("Seat Plus", "KWD", Decimal("10.123"), date(2026, 1, 1)),
            Price("Seat", "EUR", None, date(2027, 1, 1)),
        ),
    )
    assert find_prices(tmp_path, "zebra") is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            "{product: Seat, currency: EUR, unit_price: 1000.505, valid_from: 2026-01-01}",
            "acme.yaml:2:48: prices[0].unit_price: 1000.505 is not",
        ),
        ("{product: Seat, currency: EURO, unit_price: 1, valid_from: 2026-01-01}", "'EURO' is not a currency"),
        ("{product: Seat, currency: EUR, unit_price: cheap, valid_from: 2026-01-01}", "'cheap' is not a price"),
        ("{product: Seat, currency: EUR, unit_price: 1, valid_from: soon}", "'soon' is not a day"),
        ("{product: Seat, currency: EUR, unit_price: 1}", "'valid_from' is missing"),
        ("{product: Seat, currency: EUR, price: 1, unit_price: 1, valid_from: 2026-01-01}", "unknown key 'price'"),
        ("{product: ' ', currency: EUR, unit_price: 1, valid_from: 2026-01-01}", "is blank"),
        (TWICE, "SEAT has two prices in EUR from 2026-01-01"),
    ],
)
def test_every_mistake_is_said_with_its_place(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_prices(written(tmp_path, f"prices:\n  - {row}\n"))
    assert words in str(error.value)
