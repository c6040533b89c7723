"""The pages of the vendor's admin in a real browser, with the keyboard alone."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Browser, expect

from sync_worker.domain.people.console import ConsoleRole
from sync_worker.store.operate import interventions
from tests.integration.api.desk import Desk
from tests.integration.console.browser import opened, tab_to

AT: Final = "/console/portals/acme"
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
