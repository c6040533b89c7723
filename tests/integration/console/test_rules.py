"""The page of rules: what each says, and what others would do before they stand in the portal file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.domain.people.console import ConsoleRole
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.associations.mode import set_mode
from sync_worker.steps.operate.inquire import inquire, take_up
from sync_worker.store.associations import evaluations
from sync_worker.store.core import portals
from tests.integration.api.desk import Desk
from tests.integration.console.browser import opened, serious
from tests.integration.console.visitor import Page, Visitor, console, operator
from tests.integration.steps.world import Loaded

AT: Final = "/console/portals/acme"
REGION: Final[dict[str, Any]] = {"name": "same-region", "match": ["region"]}


@pytest.fixture
def by_rules(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """A portal whose companies work together by region."""
    with console(tmp_path, sandbox, loaded, changes={"associations": {"mode": "rules", "rules": [REGION]}}) as made:
        tenant = made.installation.tenant("acme")
        set_mode(tenant, "rules", actor="Ann", reason="by region")
        evaluate(tenant)
        with made.installation.store.reading("acme") as tx:
            row = portals.get(tx)
            assert row is not None
            assert row.mode == "rules"
        yield made


def test_rules_are_said_in_sentences_and_others_are_tried_before_they_are_saved(by_rules: Desk) -> None:
    # Given a portal by rules, and what its store holds
    vera = operator(by_rules, ConsoleRole.VENDOR, "acme")
    page = vera.open(f"{AT}/rules")
    assert "Every Partner may work with every Distributor, if both have region in common." in page.words
    with by_rules.installation.store.reading("acme") as tx:
        before = evaluations.newest(tx)
    # When the vendor's admin tries rules that fewer companies fulfil
    other = "rules:\n  - name: platinum\n    partner: {tier: [Platinum]}\n    match: [region]\n"
    asked = vera.press(page, "Preview", rules=other)
    # Then the page waits for a worker, which was sent for
    assert "It waits for a worker" in asked.words
    by_rules.wakes("inquire", "rules", share="operator")
    # And when it has answered, some associations of today would end, none would begin, and the text for the file is there
    preview = worked(vera, asked)
    assert "Nothing was changed" in preview.words
    assert "Every Partner whose tier is Platinum may work with every Distributor" in preview.words
    assert "Associations that would begin: 0" in preview.words
    assert "Associations that would end: 0" not in preview.words
    assert "portals/acme.yaml" in preview.words
    assert "- name: platinum" in preview.words
    # And rules that join more companies show what would begin
    begins = worked(vera, vera.press(preview, "Preview", rules="rules:\n  - name: all\n    partner: {tier: [Gold, Platinum, Silver]}\n"))
    assert "Associations that would begin: 0" not in begins.words
    assert "Birch Systems" in begins.rows
    # And nothing was changed
    with by_rules.installation.store.reading("acme") as tx:
        assert evaluations.newest(tx) == before
    page = vera.open(f"{AT}/rules")
    assert "Platinum" not in page.words
    # And the page leads to what was tried last, which is not there under another kind's address, or for another kind
    assert "Associations that would begin" in vera.open(page.links["what they would do"]).words
    tried = page.links["what they would do"].rpartition("/")[2]
    assert operator(by_rules).open(f"{AT}/inquiries/{tried}").status == 404
    assert vera.open(f"{AT}/rules/tried/{inquire(by_rules.installation.tenant('acme'), InquiryKind.CHECK, actor='Ann').id}").status == 404


def worked(vera: Visitor, asked: Page) -> Page:
    """The page, after a worker has come."""
    take_up(vera.desk.installation.tenant("acme", "operator"), "rules")
    return vera.open(asked.url.removeprefix(vera.base))


MISTAKES: Final = {
    "rules:\n  - name: x\n    match: [regoin]\n": "rules:3:13",
    "rules:\n  - name: x\n": "has no condition",
    "mode: contracts\n": "only rules are written here",
    "rules: [": "rules:1",
    "": "is empty",
}


def test_a_mistake_in_rules_is_shown_at_its_line_and_the_text_is_kept(by_rules: Desk) -> None:
    vera = operator(by_rules, ConsoleRole.VENDOR, "acme")
    for written, said in MISTAKES.items():
        page = vera.press(vera.open(f"{AT}/rules"), "Preview", rules=written)
        assert (page.status, said in page.words, written.strip() in page.words) == (422, True, True), written


def test_a_worker_tries_one_text_at_a_time(by_rules: Desk) -> None:
    vera = operator(by_rules, ConsoleRole.VENDOR, "acme")
    page, written = vera.open(f"{AT}/rules"), "rules:\n  - name: tier\n    match: [tier]\n"
    asked = vera.press(page, "Preview", rules=written)
    # While one waits, the same text leads to it and another is turned away; after it that one is taken
    assert vera.press(page, "Preview", rules=written).url == asked.url
    other = written.replace("tier", "region")
    assert vera.press(page, "Preview", rules=other).status == 409
    worked(vera, asked)
    assert "It waits for a worker" in vera.press(page, "Preview", rules=other).words


def test_a_portal_by_contracts_has_no_rules_to_try(acme: Desk, vera: Visitor) -> None:
    page = vera.open(f"{AT}/rules")
    assert "goes by contracts" in page.words
    mark = page.form_of("Log out").fields[0][1]
    assert vera.send(f"{AT}/rules/preview", {"mark": mark, "rules": "rules: []"}).status_code == 409


def test_the_preview_of_rules_is_for_everybody(browser: Browser, by_rules: Desk) -> None:
    size = {"width": 360, "height": 800}
    with opened(browser, by_rules, role=ConsoleRole.VENDOR, color_scheme="dark", viewport=size) as page:
        page.goto(f"{by_rules.url}{AT}/rules")
        page.get_by_label("Rules, as in the portal file").fill("rules:\n  - name: tier\n    match: [tier]\n")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("It waits for a worker")).to_be_visible()
        take_up(by_rules.installation.tenant("acme", "operator"), "rules")
        expect(page.get_by_role("heading", name="Associations that would end")).to_be_visible()
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
