"""The console in a real browser: news without a reload, the keyboard alone, what axe finds, both colour schemes, a narrow screen."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.steps.operate.halt import pause
from sync_worker.steps.operate.inquire import ask_repair, inquire, take_up
from sync_worker.steps.operate.intervene import go_on_queued
from sync_worker.steps.people.console import leave
from sync_worker.store.core import companies, failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import deals, prices
from sync_worker.store.people import console
from sync_worker.store.tell import journeys
from tests.integration.api.desk import Desk
from tests.integration.conftest import edited
from tests.integration.console.browser import for_everybody, opened, tab_to
from tests.integration.console.visitor import refuse
from tests.patience import HANG_S

AT: Final = "/console/portals/acme"
REFUSED: Final = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
SCREENS: Final = (
    "/console/",
    AT,
    *(
        f"{AT}/{name}"
        for name in (
            "failures",
            "replays",
            "brake",
            "conflicts",
            "runs",
            "connection",
            "companies",
            "companies/Arrow Electronics",
            "contract-values",
            "distributors",
            "rules",
        )
    ),
    *(f"{AT}/{name}" for name in ("deals", "insights?by=registered_month", "prices", "journeys", "new-journey", "groups")),
    *(
        f"{AT}/{name}"
        for name in (
            "check",
            "plan",
            "compare",
            "feed",
            "mail",
            "configuration",
            "configuration/files/portal",
            "configuration/files/mapping",
        )
    ),
)
VALUE: Final = "Granite Distribution"


@pytest.fixture
def refused(acme: Desk, sandbox: str) -> None:
    """Three deals that a rule of the CRM has refused, and that rule is gone by now."""
    refuse(acme, sandbox, 3)


def test_a_page_shows_news_without_a_reload(browser: Browser, acme: Desk) -> None:
    with opened(browser, acme) as page:
        # Given the page of a portal
        page.goto(acme.url + AT)
        page.evaluate("window.isTheSamePage = true")
        # When somebody pauses it elsewhere
        pause(acme.installation.tenant("acme"), actor="Bo", reason="they move tonight")
        # Then the page says so by itself
        expect(page.get_by_text("they move tonight").first).to_be_visible(timeout=HANG_S * 1000)
        assert page.evaluate("window.isTheSamePage")


def test_a_page_whose_session_is_over_says_that_it_shows_no_more_news(
    browser: Browser, acme: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a page that asks for its news, each time for a moment
    monkeypatch.setattr("sync_worker.web.console.core.pages.STREAM_S", 0.5)
    with opened(browser, acme, may_complain=True) as page:
        page.clock.install()
        page.goto(acme.url + "/console/")
        expect(page.locator("[data-stale]")).to_be_hidden()
        # When the session is ended on the server, and the page hears of it
        with acme.installation.store.reading("") as tx:
            (session,) = console.sessions(tx)
        with page.expect_response(lambda answer: answer.status == 401):
            leave(acme.installation.store, "", session.id)
        # Then the page says so by itself, after it has waited for a while
        page.clock.fast_forward(10_000)
        expect(page.locator("[data-stale]")).to_be_visible()


@pytest.mark.usefixtures("refused")
def test_failures_are_previewed_and_replayed_with_the_keyboard_alone(browser: Browser, acme: Desk) -> None:
    with opened(browser, acme) as page:
        # Given the failures of one cause
        page.goto(acme.url + f"{AT}/failures")
        # When a person who has no mouse previews their replay, and starts it
        tab_to(page, "Preview replay")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="What a replay would do")).to_be_visible()
        tab_to(page, "Replay 3")
        page.keyboard.press("Enter")
        expect(page.get_by_text("0 of 3").first).to_be_visible()
        # Then the page of the replay shows by itself that a worker has done it
        go_on_queued(acme.installation.tenant("acme", "operator"))
        expect(page.get_by_text("3 of 3").first).to_be_visible(timeout=HANG_S * 1000)
    with acme.installation.store.reading("acme") as tx:
        assert failures.listed(tx, FailureFilter(code=REFUSED)) == []


def test_a_check_is_asked_with_the_keyboard_alone_and_its_answer_comes_by_itself(browser: Browser, acme: Desk) -> None:
    with opened(browser, acme) as page:
        # Given the page of checks
        page.goto(acme.url + f"{AT}/check")
        # When a person who has no mouse asks for one, and a worker answers
        tab_to(page, "Ask")
        page.keyboard.press("Enter")
        expect(page.get_by_text("It waits for a worker")).to_be_visible()
        take_up(acme.installation.tenant("acme", "operator"), "check")
        # Then the page shows the answer by itself
        expect(page.get_by_text("the CRM answers").first).to_be_visible(timeout=HANG_S * 1000)


def test_what_differs_is_repaired_with_the_keyboard_alone_and_without_javascript(browser: Browser, acme: Desk, sandbox: str) -> None:
    # Given a company that was renamed in the CRM, and a person without a mouse whose browser runs no script
    with edited(sandbox, "Cedar IT", Name="Cedar Group"), opened(browser, acme, java_script_enabled=False) as page:
        page.goto(acme.url + f"{AT}/compare")
        # When they have it repaired, with a reason, and a worker comes
        fill_in(page, **{"repair-reason": "they renamed it"})
        page.keyboard.press("Enter")
        expect(page.get_by_text("It waits for a worker")).to_be_visible()
        take_up(acme.installation.tenant("acme", "operator"), InquiryKind.REPAIR)
        page.reload()
        # Then the page says that nothing differs any more
        expect(page.get_by_text("Nothing differs any more")).to_be_visible()
    with acme.installation.store.reading("acme") as tx:
        assert companies.find(tx, "Cedar Group") is not None


@pytest.mark.usefixtures("refused")
def test_without_javascript_a_page_shows_everything_and_reloads_itself(browser: Browser, acme: Desk) -> None:
    with opened(browser, acme, java_script_enabled=False) as page:
        page.goto(acme.url + f"{AT}/failures")
        page.get_by_role("button", name="Preview replay").first.click()
        page.get_by_role("button", name="Replay 3").click()
        expect(page.get_by_text("0 of 3").first).to_be_visible()
        assert page.locator("meta[http-equiv=refresh]").count() == 1


def fill_in(page: Page, **said: str) -> None:
    """Writes into fields, as a person who has no mouse: the tabulator goes to each, in the order of the page."""
    for field, text in said.items():
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == field:
                break
        page.keyboard.insert_text(text)


def test_a_price_is_changed_a_journey_is_made_and_a_deal_approved_with_the_keyboard_and_without_javascript(
    browser: Browser, acme: Desk
) -> None:
    deal = acme.registered(name="Harbor lights", amount="48000.00", currency="EUR")
    with opened(browser, acme, java_script_enabled=False) as page:
        # A price is previewed, then set
        page.goto(acme.url + f"{AT}/prices")
        fill_in(page, product="Seat", currency="EUR", unit_price="99.90")
        tab_to(page, "Preview the price")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Nothing was changed")).to_be_visible()
        fill_in(page, reason="the new list")
        tab_to(page, "Set the price")
        page.keyboard.press("Enter")
        expect(page.get_by_text("take it today")).to_be_visible()
        # A journey is previewed on the deal that changed last, then made
        page.goto(acme.url + f"{AT}/new-journey")
        fill_in(page, name="Welcome", key="welcome")
        page.locator("input[value='second_partner.manager']").focus()
        page.keyboard.press("Space")
        fill_in(page, subject="{{ deal.name }} is here", body="Hello {{ recipient.name }}")
        tab_to(page, "Preview the journey")
        page.keyboard.press("Enter")
        expect(page.get_by_role("cell", name="arlo@example.com")).to_be_visible()
        tab_to(page, "Make the journey for")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        # A deal is approved for the vendor
        page.goto(acme.url + f"{AT}/deals")
        tab_to(page, "Harbor lights")
        page.keyboard.press("Enter")
        page.get_by_role("radio", name="Approve it for the vendor").focus()
        page.keyboard.press("Space")
        fill_in(page, reason="a good fit")
        page.keyboard.press("Enter")
        expect(page.get_by_text("approved by Ann (console)").first).to_be_visible()
    with acme.installation.store.reading("acme") as tx:
        assert [str(one.price.unit_price) for one in prices.history(tx)] == ["99.90"]
        assert [one.key for one in journeys.listed(tx)] == ["welcome"]
        stored = deals.get(tx, deal["id"])
    assert stored is not None
    assert stored.deal.vendor_approval == "approved"


@pytest.mark.usefixtures("refused")
def test_axe_finds_nothing_serious_in_both_colour_schemes_and_nothing_is_wider_than_the_screen(browser: Browser, acme: Desk) -> None:
    # Given a portal in which every page has something to show
    for kind in (InquiryKind.CHECK, InquiryKind.PLAN, InquiryKind.COMPARE):
        inquire(acme.installation.tenant("acme"), kind, actor="Ann")
        take_up(acme.installation.tenant("acme", "operator"), kind)
    repair = ask_repair(acme.installation.tenant("acme"), actor="Ann", reason="to look at it")
    take_up(acme.installation.tenant("acme", "operator"), InquiryKind.REPAIR)
    subgroup = {"name": "Delta IT", "may_register": True, "percents": {"new": "12.50"}}
    acme.post("/companies/Arrow Electronics/subgroups", subgroup, user="arlo", status=201)
    acme.post(
        "/groups", {"key": "gold", "name": "Gold", "conditions": [{"field": "tier", "operator": "is", "values": ["Gold"]}]}, status=201
    )
    body = {"trigger": "registered", "recipients": ["second_partner.manager"], "filters": [], "subject": "New", "body": "A deal."}
    acme.post("/journeys", {"key": "welcome", "name": "Welcome", **body}, user="vera", status=201)
    with acme.installation.store.reading("acme") as tx:
        (some, *_), vendor = failures.listed(tx, FailureFilter(code=REFUSED)), companies.vendor(tx)
    assert vendor is not None
    details = (
        f"failures/{some.failure.id}", f"deals/{some.failure.record}", f"deals/{some.failure.record}/correct", f"inquiries/{repair.id}",
        "companies/Birch Systems/pair?other=Arrow Electronics", f"contract-values/bind?value={VALUE}&company=Granite Group",
        "distributors/Arrow Electronics", f"terms/Arrow Electronics/{vendor.id}", "terms/Delta IT/Arrow Electronics",
        "groups/gold", "journeys/welcome", "journeys/welcome/edit",
    )  # fmt: skip
    # Then each of them can be used by everybody
    with opened(browser, acme, reduced_motion="reduce") as page:
        for path in (*SCREENS, *(f"{AT}/{one}" for one in details)):
            for_everybody(page, acme.url + path)
        page.goto(acme.url + "/console/")
