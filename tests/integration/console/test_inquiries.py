"""Check, plan and compare in the console: asked on a page, answered by a worker; and what the brake holds, by name."""

from __future__ import annotations

import pytest

from sync_worker.errors import HeldForReview
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.inquire import take_up
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import companies
from sync_worker.store.operate import interventions
from tests.integration.api.desk import Desk
from tests.integration.conftest import edited
from tests.integration.console.visitor import Visitor

AT = "/console/portals/acme"


def worked(acme: Desk, kind: str) -> None:
    """A worker comes."""
    take_up(acme.installation.tenant("acme", "operator"), kind)


def test_a_check_is_asked_and_shows_what_to_do_when_a_worker_has_answered(acme: Desk, ann: Visitor) -> None:
    # Given a page on which no check was asked for
    page = ann.open(f"{AT}/check")
    # When the operator asks
    asked = ann.press(page, "Ask")
    # Then the page says that it waits, the worker is woken, and asking again asks nothing new
    assert "It waits for a worker" in asked.words
    acme.wakes("inquire", "check", share="operator")
    ann.press(asked, "Ask again")
    worked(acme, "check")
    # And then it shows the findings, at an address that stays
    found = ann.open(f"{AT}/check")
    assert "connection" in found.words
    assert "Earlier" not in found.words
    same = ann.open(found.links["Address of this answer"])
    assert "connection" in same.words
    assert ann.open(f"{AT}/inquiries/nothing").status == 404


def test_a_plan_shows_each_field_before_and_after_with_what_it_costs(acme: Desk, ann: Visitor, sandbox: str) -> None:
    # Given a company that was renamed in the CRM to something that looks like markup
    with edited(sandbox, "Cedar IT", Name="Cedar <b>IT</b>"):
        acme.clock.forward(seconds=30)
        # When a plan of every record is asked for and answered
        ann.press(ann.open(f"{AT}/plan"), "Ask", full="yes")
        worked(acme, "plan")
    # Then both sides of the field are there as text, with the calls
    page = ann.open(f"{AT}/plan")
    assert "of every record" in page.words
    assert "Cedar <b>IT</b>" in page.words
    assert "<b>IT" not in page.html
    assert "calls" in page.words
    assert "Companies that would change in the portal" in page.words


def test_a_comparison_shows_what_differs_and_a_repair_mends_it(acme: Desk, ann: Visitor, sandbox: str) -> None:
    with edited(sandbox, "Cedar IT", Name="Cedar Group"):
        ann.press(ann.open(f"{AT}/compare"), "Ask")
        worked(acme, "compare")
        page = ann.open(f"{AT}/compare")
        assert "Cedar Group" in page.words
        # When the operator has it repaired, which needs a reason
        assert ann.press(page, "Repair what differs", reason=" ").status == 422
        repair = ann.press(page, "Repair what differs", reason="they renamed it at night")
        # Then the page waits for a worker, and asking again leads to the same
        assert "It waits for a worker" in repair.words
        acme.wakes("inquire", "repair", share="operator")
        assert ann.press(page, "Repair what differs", reason="again").url == repair.url
        # And when it is done, nothing differs any more, and who asked for it, when and why is kept
        worked(acme, "repair")
        done = ann.open(repair.url.removeprefix(acme.url))
    assert "Nothing differs any more" in done.words
    assert "Cedar Group" in done.words
    assert "they renamed it at night" in ann.open(f"{AT}/compare").words
    with acme.installation.store.reading("acme") as tx:
        company = companies.find(tx, "Cedar Group")
        (act,) = interventions.listed(tx, "repair")
    assert company is not None
    assert (act.actor, act.reason, act.finished_at is not None) == ("Ann (console)", "they renamed it at night", True)


def test_nothing_is_asked_while_a_person_has_paused_the_portal(acme: Desk, ann: Visitor) -> None:
    ann.press(ann.open(AT), "Pause the portal", reason="they move tonight")
    page = ann.press(ann.open(f"{AT}/check"), "Ask")
    assert page.status == 409
    assert "they move tonight" in page.words


def test_the_brake_shows_by_name_what_would_go(acme: Desk, ann: Visitor, leaving: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    # Given five partners whose status was taken away in one go, which the brake holds
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    acme.clock.forward(seconds=30)
    with pytest.raises(HeldForReview):
        pull(acme.installation.tenant("acme"), COMPANY)
    # When the operator asks what would go, and a worker has answered
    plan = ann.press(ann.open(f"{AT}/brake"), "See what would go")
    assert plan.url.endswith("/plan")
    worked(acme, "plan")
    # Then each company is there by name, with its status now and then
    page = ann.open(f"{AT}/brake")
    assert "5 companies would leave the portal" in page.words
    assert all(name in page.words for name in leaving)
    assert "The brake would hold this" in ann.open(page.links["the whole plan"]).words
