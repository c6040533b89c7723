"""The pages of the vendor's admin in a real browser: with the keyboard alone, what axe finds, both colour schemes, a narrow screen."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from sync_worker.domain.people.console import ConsoleRole
from sync_worker.store.core import companies
from sync_worker.store.operate import interventions
from tests.integration.api.desk import Desk
from tests.integration.console.browser import opened, serious, tab_to

AT: Final = "/console/portals/acme"
WIDTHS: Final = {"light": 1280, "dark": 360}
VALUE: Final = "Granite Distribution"


def test_an_association_is_explained_and_a_value_bound_with_the_keyboard_alone(browser: Browser, acme: Desk) -> None:
    with opened(browser, acme, role=ConsoleRole.VENDOR) as page:
        # Given the page of a partner, and a person without a mouse
        page.goto(f"{acme.url}{AT}/companies/Birch Systems")
        # When they go along a line of the graph to a second partner, and ask about the pair
        tab_to(page, "Arrow Electronics")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Arrow Electronics")).to_be_visible()
        tab_to(page, "Explain")
        page.keyboard.press("Enter")
        # Then the page says why the two may work together
        expect(page.get_by_text("They may work together")).to_be_visible()
        # And when they bind a value that names no company
        page.goto(f"{acme.url}{AT}/contract-values?text={VALUE}")
        tab_to(page, "Bind")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=VALUE)).to_be_visible()
        page.get_by_label("Second partner").focus()
        page.keyboard.type("Granite Group")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Nothing was changed yet")).to_be_visible()
        page.get_by_label("Why").focus()
        page.keyboard.type("their old name")
        page.keyboard.press("Enter")
        expect(page.get_by_role("cell", name="their old name")).to_be_visible()
    with acme.installation.store.reading("acme") as tx:
        (act,) = interventions.listed(tx, "rebind")
    assert act.reason == "their old name"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(browser: Browser, acme: Desk, scheme: str) -> None:
    body = {"name": "Delta IT", "may_register": True, "percents": {"new": "12.50"}}
    acme.post("/companies/Arrow Electronics/subgroups", body, user="arlo", status=201)
    with acme.installation.store.reading("acme") as tx:
        vendor = companies.vendor(tx)
    assert vendor is not None
    paths = (
        "companies/Birch Systems/pair?other=Arrow Electronics", f"contract-values/bind?value={VALUE}&company=Granite Group",
        "distributors/Arrow Electronics", f"terms/Arrow Electronics/{vendor.id}", "terms/Delta IT/Arrow Electronics",
    )  # fmt: skip
    size = {"width": WIDTHS[scheme], "height": 800}
    with opened(browser, acme, role=ConsoleRole.VENDOR, color_scheme=scheme, viewport=size, reduced_motion="reduce") as page:
        for path in paths:
            page.goto(f"{acme.url}{AT}/{path}")
            assert serious(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[scheme], path
