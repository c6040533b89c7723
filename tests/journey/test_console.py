"""An operator's night in the console: a browser, `sync-worker run`, and a HubSpot that refuses deals and loses its partners.

Everything is done with the mouse, in three clicks or fewer; `run` does the work, and the browser shows it without a reload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from crm_sandbox.process import serve_process
from crm_sandbox.remote import Remote
from sync_worker.bootstrap import build
from tests.journey.crms import CRMS, LocalCrm
from tests.journey.partners import AMOUNT, registered
from tests.journey.stage import Installation
from tests.patience import HANG_S, until

COUNT: Final = 300
LEAVING_COUNT: Final = 25  # of partners: more than ten, and more than a seventh of them


@dataclass
class Night:
    """An operator before a browser, and the CRM beside it."""

    crm: LocalCrm
    remote: Remote
    installation: Installation
    page: Page
    url: str

    def opens(self, path: str) -> None:
        self.page.goto(f"{self.url}/console/portals/acme/{path}")

    def registers(self, count: int) -> list[str]:
        """Partners register deals in the portal, by the same database. Our ids of them."""
        with closing(build()) as installation:
            return [registered(installation.tenant("acme"), number, amount="9000") for number in range(count)]

    def keys(self) -> list[str]:
        """Our ids on the CRM's deals, each as often as it stands there."""
        return [str(record[self.crm.key]) for record in self.remote.records(self.crm.deal) if record[self.crm.key]]

    def active(self) -> list[str]:
        """The CRM ids of companies that are active."""
        return [str(record[self.crm.id]) for record in self.remote.records(self.crm.company) if record["portal_status"] == "active"]


@pytest.fixture
def night(browser: Browser, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    hubspot = CRMS["hubspot"]  # Salesforce's three hundred are replayed at the command line: test_rejected_deals.py
    crm = replace(hubspot, options=replace(hubspot.options, companies=120, every_company_active=True))
    with ExitStack() as stack:
        base_url = stack.enter_context(serve_process(crm.options))
        remote = stack.enter_context(crm.controls(base_url))
        installation = Installation(tmp_path, base_url, sqlite_url, more_env={"SYNC_WORKER_CONSOLE": "true"}, crm=crm)
        installation.write_portal()
        for name, value in installation.env.items():
            monkeypatch.setenv(name, value)
        installation.here("pull", "acme", code=None)
        url = stack.enter_context(installation.process("run")).address()
        page = stack.enter_context(browser.new_context()).new_page()
        page.set_default_timeout(HANG_S * 1000)
        hosts = set[str | None]()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        link = installation.command("console", "link", "--role", "operator", "--name", "Ann").out
        page.goto(url + next(word for word in link.split() if "/console/" in word).removeprefix("http://127.0.0.1:0"))
        page.get_by_role("button", name="Open the console").click()
        yield Night(crm, remote, installation, page, url)
        assert hosts == {"127.0.0.1"}


def test_three_hundred_refused_deals_and_a_held_brake_are_put_right(night: Night) -> None:
    page = night.page
    # Given three hundred deals that a rule of the CRM refuses
    night.remote.add_validation_rule(night.crm.deal, AMOUNT[night.crm.kind], "gt", 5000, message="ask finance first")
    ids = night.registers(COUNT)
    night.opens("failures")
    all_of_them = page.get_by_role("cell", name=str(COUNT), exact=True)
    until(lambda: page.reload() and all_of_them.count() == 1, what="all deals were refused, for one cause")
    expect(page.get_by_text("ask finance first").first).to_be_visible()

    # When the rule is gone, and the operator previews and replays the cause
    night.remote.clear_validation_rules()
    page.get_by_role("button", name="Preview replay").first.click()
    expect(page.get_by_role("heading", name="What a replay would do")).to_be_visible()
    page.get_by_role("button", name=f"Replay {COUNT}").click()
    # Then the page says by itself that all of them passed, and each deal stands in the CRM once
    expect(page.get_by_text(f"{COUNT} of {COUNT}").first).to_be_visible()
    assert Counter(night.keys()) & Counter(ids * 2) == Counter(ids)
    night.opens("failures")
    assert page.get_by_text("ask finance first").count() == 0

    # When somebody makes many partners inactive in one go, then the brake holds it
    left = night.active()
    for crm_id in left[-LEAVING_COUNT:]:
        night.remote.edit(night.crm.company, crm_id, {"portal_status": "inactive"})
    night.remote.advance_clock(60)
    night.installation.here("pull", "acme", code=None)
    night.opens("brake")
    expect(page.get_by_text("would go at once").first).to_be_visible()

    # When the operator releases it once, with a reason, then a worker takes the change over
    page.get_by_label("Why").first.fill("they left the program")
    page.get_by_role("button", name="Release it once").first.click()
    until(lambda: page.reload() and page.get_by_text("The brake holds nothing").count(), what="the release is done")
    assert page.get_by_text("they left the program").count()
