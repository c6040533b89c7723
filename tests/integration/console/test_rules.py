"""The page of rules: what each says, and what others would do before they stand in the portal file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from sync_worker.domain.people.console import ConsoleRole
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.associations.mode import set_mode
from sync_worker.store.associations import evaluations
from sync_worker.store.core import portals
from sync_worker.web.console.associations import rules
from tests.integration.api.desk import Desk
from tests.integration.console.browser import opened, serious
from tests.integration.console.visitor import Visitor, console, operator
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
    preview = vera.press(page, "Preview", rules=other)
    # Then some associations of today would end, none would begin, and the text for the file is there
    assert preview.status == 200
    assert "Nothing was changed" in preview.words
    assert "Every Partner whose tier is Platinum may work with every Distributor" in preview.words
    assert "Associations that would begin: 0" in preview.words
    assert "Associations that would end: 0" not in preview.words
    assert "portals/acme.yaml" in preview.words
    assert "- name: platinum" in preview.words
    # And rules that join more companies show what would begin
    begins = vera.press(page, "Preview", rules="rules:\n  - name: all\n    partner: {tier: [Gold, Platinum, Silver]}\n")
    assert begins.status == 200
    assert "Associations that would begin: 0" not in begins.words
    assert "Birch Systems" in begins.rows
    # And nothing was changed
    with by_rules.installation.store.reading("acme") as tx:
        assert evaluations.newest(tx) == before
    assert "Platinum" not in vera.open(f"{AT}/rules").words


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


def test_one_preview_of_rules_runs_at_a_time(by_rules: Desk) -> None:
    vera = operator(by_rules, ConsoleRole.VENDOR, "acme")
    page, written = vera.open(f"{AT}/rules"), "rules:\n  - name: tier\n    match: [tier]\n"
    # While one is under way, another is turned away, and after it the same form works
    with rules._TRYING:
        assert vera.press(page, "Preview", rules=written).status == 409
    assert vera.press(page, "Preview", rules=written).status == 200


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
        expect(page.get_by_text("Nothing was changed")).to_be_visible()
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
