"""The page of the price list: a price is previewed, then set with a reason."""

from __future__ import annotations

from pathlib import Path

from sync_worker.domain.people.console import ConsoleRole
from sync_worker.store.deals import prices
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, console, operator
from tests.integration.steps.world import Loaded

AT = "/console/portals/acme"
SEAT = {"product": "Seat", "currency": "eur", "unit_price": "99.90", "valid_from": "2026-01-01"}


def kept(acme: Desk) -> list[tuple[str, str, str]]:
    with acme.installation.store.reading("acme") as tx:
        return [(str(one.price.unit_price), one.said_by, one.reason) for one in prices.history(tx)]


def test_a_price_is_previewed_and_set_with_a_reason(acme: Desk, vera: Visitor) -> None:
    # Given a product that costs 99.90 EUR from the new year on
    preview = vera.press(vera.open(f"{AT}/prices"), "Preview the price", **SEAT)
    assert "the product is not on the list in EUR" in preview.words
    assert kept(acme) == []
    assert vera.press(preview, "Set the price", reason=" ").status == 422
    page = vera.press(preview, "Set the price", reason="the new list")
    assert "99.90 EUR" in page.words
    assert kept(acme) == [("99.90", "Ann (console)", "the new list")]
    # When the vendor's admin looks what another price from March on would change
    dearer = {**SEAT, "unit_price": "110", "valid_from": "2027-03-01"}
    preview = vera.press(page, "Preview the price", **dearer)
    # Then the page names the price that counts on that day
    assert "99.90 EUR, since 2026-01-01" in preview.words
    assert kept(acme) == [("99.90", "Ann (console)", "the new list")]
    # And once it is set, quotes take the first until then and the second later
    page = vera.press(preview, "Set the price", reason="a dearer year")
    assert "take it today" in page.words
    assert "take it later" in page.words
    assert acme.get("/prices", user="rita")["items"][1]["unit_price"] == "110"
    # And to set it once more changes nothing
    assert "The list has this very price" in vera.press(page, "Preview the price", **dearer).words


def test_what_is_no_price_is_said_in_words(acme: Desk, vera: Visitor) -> None:
    page = vera.open(f"{AT}/prices")
    wrong = {"currency": "ZZZ", "unit_price": "cheap", "valid_from": "soon", "product": " "}
    for name, value in wrong.items():
        assert vera.press(page, "Preview the price", **{**SEAT, name: value}).status == 422, name
    assert "no such code" in vera.press(page, "Preview the price", **{**SEAT, "currency": "ZZZ"}).words
    assert kept(acme) == []


def test_a_list_that_a_file_keeps_is_shown_and_not_changed(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    # Given a price list in a file
    (tmp_path / "config" / "prices").mkdir(parents=True)
    (tmp_path / "config" / "prices" / "acme.yaml").write_text(
        "prices:\n  - {product: Seat, currency: EUR, unit_price: 99.90, valid_from: 2026-01-01}\n"
    )
    with console(tmp_path, sandbox, loaded) as acme:
        vera = operator(acme, ConsoleRole.VENDOR, "acme")
        page = vera.open(f"{AT}/prices")
        # Then the page has its prices, and no form to set one
        assert "99.90 EUR" in page.words
        assert "acme.yaml" in page.words
        mark = page.form_of("Log out").fields[0][1]
        assert vera.send(f"{AT}/prices", {**SEAT, "mark": mark, "reason": "why"}).status_code == 409
        assert kept(acme) == []
