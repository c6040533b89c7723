"""The pages of the vendor's admin about companies: which there are, and whom each may work with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.domain.core.company import PortalStatus
from sync_worker.domain.people.console import ConsoleRole
from sync_worker.steps.associations.associate import whom, why
from sync_worker.store.associations import history
from sync_worker.store.core import companies
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, operator

AT = "/console/portals/acme"


def test_companies_are_found_by_name_and_type_and_shown_page_by_page(acme: Desk, vera: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a portal with more companies than one page holds
    monkeypatch.setattr("sync_worker.web.console.associations.companies.PAGE_COUNT", 5)
    # When the vendor's admin goes from page to page
    page, seen = vera.open(f"{AT}/companies"), list[str]()
    while True:
        seen += page.rows
        if "Further companies" not in page.links:
            break
        page = vera.open(page.links["Further companies"])
    # Then each company is there once, by name
    with acme.installation.store.reading("acme") as tx:
        assert seen == [stored.company.name for stored in companies.listed(tx)]
    assert len(seen) == 20
    # And a search finds those of a name and a type alone
    assert vera.open(f"{AT}/companies?text=birch").rows == ["Birch Systems"]
    assert vera.open(f"{AT}/companies?text=birch&type=second_partner").rows == []
    assert "Arrow Electronics" in vera.open(f"{AT}/companies?type=second_partner").rows
    assert "No company is like this" in vera.open(f"{AT}/companies?text=%3Cscript%3E").words
    assert vera.open(f"{AT}/companies?cursor=x").status == 400


def test_a_company_shows_whom_it_may_work_with_and_why_on_both_sides(acme: Desk, vera: Visitor) -> None:
    # Given a partner with second partners
    with acme.installation.store.reading("acme") as tx:
        birch = companies.find(tx, "Birch Systems")
        assert birch is not None
        pairs, _ = whom(tx, birch)
        seconds = companies.by_ids(tx, [pair.second_partner_id for pair in pairs])
    assert pairs
    # When the vendor's admin opens its page, by name as a person would
    page = vera.open(f"{AT}/companies/Birch Systems")
    # Then each of them is there with the words of `explain`, in the table and in the graph, and so are its people
    for pair in pairs:
        other = seconds[pair.second_partner_id]
        assert pair.reason in page.words
        assert page.links[other.name] == f"{AT}/companies/{other.id}"
        assert f'aria-label="{other.name}"' in page.html
        # And the page of the other side names this one
        assert vera.open(page.links[other.name]).links["Birch Systems"] == f"{AT}/companies/{birch.id}"
    assert "rita@example.com" in page.words
    # And a pair is explained by its address
    arrow = acme.id_of("Arrow Electronics")
    told = vera.open(f"{AT}/companies/{birch.id}/pair?other={arrow}")
    assert "They may work together" in told.words
    with acme.installation.store.reading("acme") as tx:
        assert why(tx, birch, seconds[arrow]).words in told.words


def test_what_is_excluded_is_shown_with_its_reason_and_a_past_day_as_it_was(acme: Desk) -> None:
    # Given a pair that worked together until its second partner became inactive, two days later
    acme.clock.forward(hours=48)
    with acme.installation.store.transaction("acme") as tx:
        arrow = companies.stored(tx, acme.id_of("Arrow Electronics"))
        assert arrow is not None
        history.leave(tx, [arrow.company])
        companies.save(tx, [replace(arrow, company=replace(arrow.company, status=PortalStatus.INACTIVE))])
        day = (tx.now - timedelta(days=1)).date().isoformat()
    vera = operator(acme, ConsoleRole.VENDOR, "acme")
    at = f"{AT}/companies/{acme.id_of('Birch Systems')}"
    # Then the page of today excludes it and says why
    today = vera.open(at)
    assert "Arrow Electronics is inactive" in today.words
    assert "They may not work together" in vera.open(f"{at}/pair?other=Arrow+Electronics").words
    # And the page of the day before has the pair
    past = vera.open(f"{at}?at={day}")
    assert f"as it was on {day}" in past.words
    assert "Arrow Electronics is inactive" not in past.words
    assert "They may work together" in vera.open(f"{at}/pair?other=Arrow+Electronics&at={day}").words


def test_a_mistyped_address_of_a_company_says_what_is_wrong(acme: Desk, vera: Visitor) -> None:
    with acme.installation.store.reading("acme") as tx:
        names = [stored.company.name for stored in companies.listed(tx)]
    (shared,) = {name for name in names if names.count(name) > 1}
    answers = {
        "nothing": 404, shared: 409, "Birch Systems?at=tomorrow": 422, "Birch Systems?at=2999-01-01": 422, "Birch Systems?cursor=x": 400,
        "Birch Systems/pair?other=nothing": 404, "Birch Systems/pair": 404,
    }  # fmt: skip
    assert {path: vera.open(f"{AT}/companies/{path}").status for path in answers} == answers
