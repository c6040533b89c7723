"""The pages of the vendor's admin about companies: which there are, and whom each may work with."""

from __future__ import annotations

import pytest

from sync_worker.store.core import companies
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor

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
