"""`prices` as an operator types it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.conftest import Terminal

ROWS = """prices:
  - {product: Seat, currency: EUR, unit_price: 99.90, valid_from: 2026-01-01}
  - {product: Seat, currency: EUR, unit_price: null, valid_from: 2028-01-01}
"""


def test_a_list_is_loaded_and_shown_and_a_file_in_the_configuration_goes_before_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.types("db", "upgrade", code=None)
    assert terminal.types("prices", "list", "acme", "--json").json == []
    # When a file is loaded, and once more
    rows = tmp_path / "rows.yaml"
    rows.write_text(ROWS)
    for _ in range(2):
        assert "2 prices" in terminal.types("prices", "load", "acme", str(rows), "--actor", "Olga").out
    # Then it is on the list
    listed = [("Seat", "EUR", "99.90", "2026-01-01"), ("Seat", "EUR", None, "2028-01-01")]
    found = terminal.types("prices", "list", "acme", "--json").json
    assert [tuple(one[name] for name in ("product", "currency", "unit_price", "valid_from")) for one in found] == listed
    # When a row is wrong, the file is refused with the place, and nothing of it is loaded
    rows.write_text(ROWS.replace("99.90", "99.905"))
    assert "rows.yaml:2:48" in terminal.types("prices", "load", "acme", str(rows), code=2).err
    # When a file keeps the list, then it is the list, and nothing is loaded beside it
    kept = terminal.installation.folder / "config" / "prices" / "acme.yaml"
    kept.parent.mkdir()
    kept.write_text(ROWS.replace("Seat", "Server"))
    refused = terminal.types("prices", "load", "acme", str(kept), "--json", code=2)
    assert refused.json["refused"] == "managed_by_file"
    assert {one["product"] for one in terminal.types("prices", "list", "acme", "--json").json} == {"Server"}
    # and a mistake in it is said by every command, as one in a portal file is
    kept.write_text(ROWS.replace("EUR", "EURO", 1))
    assert "'EURO' is not a currency" in terminal.types("prices", "list", "acme", code=2).err
