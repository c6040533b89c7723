"""The vendor registers a deal for a partner, over HTTP: who may, who becomes the deal owner, what is told and what is still decided."""

from __future__ import annotations

from typing import Any

import pytest

from sync_worker.domain.core.user import Role, User
from sync_worker.store.core import companies
from tests.integration.api.desk import Desk
from tests.integration.steps.world import TERMS


@pytest.fixture
def vic(acme: Desk) -> str:
    """A sales user of the vendor's own company, who is not an admin."""
    with acme.installation.store.reading("acme") as tx:
        vendor = companies.vendor(tx)
    assert vendor
    acme.users(User("vic", "vic@example.com", "Vic", Role.SALES, vendor.id))
    return "vic"


def first_setting(desk: Desk, deal_id: str, user: str) -> dict[str, Any]:
    fields = desk.get(f"/deals/{deal_id}/changes", user=user)["fields"]
    return next(field["set_by"] for field in fields if field["field"] == "owner_company")


def test_a_vendor_admin_registers_for_a_partner_and_the_vendor_still_decides(acme: Desk) -> None:
    # When the admin registers a deal of Birch Systems for rita
    deal = acme.registered("vera", owner_user="rita")
    # Then rita has it, both tracks wait, and the history says who did it for whom
    assert (deal["owner_company_name"], deal["owner_user"], deal["registered_by"]) == ("Birch Systems", "rita", "vera")
    assert (deal["vendor_approval"], deal["distributor_approval"], deal["lifecycle"]) == ("pending", "pending", "submitted")
    setting = first_setting(acme, deal["id"], "rita")
    assert (setting["actor"], setting["why"]) == ("Vera (vera)", "submitted, on behalf of Birch Systems")
    assert acme.get(f"/deals/{deal['id']}", user="rita")["id"] == deal["id"]
    # and the admin decides on the vendor's track as on any other
    decided = acme.send("POST", f"/deals/{deal['id']}/approvals", {"track": "vendor", "decision": "approve"}, user="vera", version=1)
    assert (decided.status_code, decided.json()["vendor_approval"]) == (200, "approved")


def test_a_deal_without_a_named_owner_belongs_to_the_company(acme: Desk) -> None:
    deal = acme.registered("vera")
    assert deal.get("owner_user") is None
    assert acme.get(f"/deals/{deal['id']}", user="mona")["id"] == deal["id"]
    assert acme.send("GET", f"/deals/{deal['id']}", user="rita").status_code == 404
    assert acme.send("GET", f"/deals/{deal['id']}", user="olga").status_code == 404


def test_a_member_of_the_vendor_registers_and_sees_that_deal_but_decides_nothing(acme: Desk, vic: str) -> None:
    # Given a deal that somebody else registered
    other = acme.registered("rita")
    # When vic registers one
    deal = acme.registered(vic, owner_user="rita")
    # Then vic sees this one alone, and decides on none
    assert [one["id"] for one in acme.get("/deals", user=vic)["items"]] == [deal["id"]]
    assert acme.send("GET", f"/deals/{other['id']}", user=vic).status_code == 404
    refused = acme.send("POST", f"/deals/{deal['id']}/approvals", {"track": "vendor", "decision": "approve"}, user=vic, version=1)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_track")


def test_the_vendors_admin_submits_the_draft_that_was_made_on_behalf(acme: Desk) -> None:
    draft = acme.registered("vera", draft=True, owner_user="rita")
    assert draft["lifecycle"] == "draft"
    assert {"submit", "edit", "withdraw"} <= set(draft["moves"])
    submitted = acme.send("POST", f"/deals/{draft['id']}/submit", user="vera", version=1)
    assert (submitted.status_code, submitted.json()["lifecycle"], submitted.json()["vendor_approval"]) == (200, "submitted", "pending")


@pytest.mark.parametrize(
    ("terms", "user", "status", "code", "field"),
    [
        ({}, "olga", 403, "not_a_party", "owner_company"),
        ({"owner_company": "Nowhere"}, "vera", 422, "owner_unknown", "owner_company"),
        ({"owner_user": "arlo"}, "vera", 422, "not_a_colleague", "owner_user"),
        ({"owner_user": "gone"}, "vera", 422, "not_a_colleague", "owner_user"),
        ({"owner_user": "nobody"}, "vera", 422, "user_unknown", "owner_user"),
        ({"second_partner": "Cedar IT"}, "vera", 422, "second_partner_not_associated", "second_partner"),
    ],
    ids=["a third company", "unknown owner", "no colleague", "inactive", "unknown user", "not associated"],
)
def test_what_is_refused_is_refused_to_the_vendor_too(
    shared: Desk, terms: dict[str, Any], user: str, status: int, code: str, field: str
) -> None:
    answer = shared.send("POST", "/deals", {**TERMS, **terms}, user=user)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)


def test_the_vendor_itself_is_no_owner_company(acme: Desk, vic: str) -> None:
    with acme.installation.store.reading("acme") as tx:
        vendor = companies.vendor(tx)
    assert vendor
    terms = {**TERMS, "second_partner": None, "owner_company": vendor.id}
    refused = acme.send("POST", "/deals", terms, user=vic)
    assert (refused.status_code, refused.json()["code"]) == (422, "owner_is_vendor")
