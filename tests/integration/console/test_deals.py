"""The pages of the vendor's admin about deals: the pipeline, one deal, and what may be done with it."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.steps.deals.explain import explain
from sync_worker.store.deals import deals, quotes
from sync_worker.store.sync import outbox
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor

AT = "/console/portals/acme"


def state(acme: Desk, deal_id: str, field: str) -> object:
    with acme.installation.store.reading("acme") as tx:
        stored = deals.get(tx, deal_id)
    assert stored
    return stored.deal.values.get(field)


def test_the_pipeline_shows_every_deal_page_by_page_and_is_narrowed(acme: Desk, vera: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a portal with more deals than one page holds, one of them with a name of its own
    acme.registered(name="Harbor lights", prospect_name="Harbor lights", amount="48000.00", currency="EUR")
    monkeypatch.setattr("sync_worker.web.console.deals.deals.PAGE_COUNT", 4)
    with acme.installation.store.reading("acme") as tx:
        every = {str(one.deal.values.get("name") or one.deal.values.get("prospect_name")) for one in deals.listed(tx, limit=None)}
    # When the vendor's admin goes from page to page
    page, seen = vera.open(f"{AT}/deals?sort=name"), set[str]()
    while True:
        seen |= every.intersection(page.links)
        if "Further deals" not in page.links:
            break
        page = vera.open(page.links["Further deals"])
    # Then each deal is there
    assert seen == every
    # And a filter leaves those that are meant, with both companies and the amount in its currency
    found = vera.open(f"{AT}/deals?text=harbor+lights&lifecycle=submitted&second_partner=Arrow+Electronics")
    assert "Harbor lights" in found.links
    assert "48,000.00 EUR" in found.words
    assert "Arrow Electronics" in found.words
    assert "No deal is like this" in vera.open(f"{AT}/deals?text=harbor+lights&vendor_approval=approved").words
    # And what no deal is, and an order that there is not, are said in words
    assert vera.open(f"{AT}/deals?lifecycle=sold").status == 422
    assert vera.open(f"{AT}/deals?registered_from=soon").status == 422
    assert "deals have no column 'owner_compny'" in vera.open(f"{AT}/deals?sort=owner_compny").words
    assert vera.open(f"{AT}/deals?second_partner=Arow+Electronics").status == 400
    assert vera.open(f"{AT}/deals?cursor=x").status == 400


def test_a_deal_is_approved_for_the_vendor_with_its_reason(acme: Desk, vera: Visitor) -> None:
    # Given a deal that waits for both approvals
    made = acme.registered(name="Harbor lights")
    page = vera.open(f"{AT}/deals/{made['id']}")
    assert "pending" in page.words
    # When the vendor's admin rejects it without a reason, nothing is changed and the page says what is missing
    refused = vera.press(page, "Do it", verb="reject_vendor")
    assert refused.status == 409
    assert "reason" in refused.words
    assert state(acme, made["id"], "vendor_approval") in (None, "pending")
    # When they approve it
    done = vera.press(page, "Do it", verb="approve_vendor", reason="a good fit")
    # Then it is approved in their name, and the CRM is owed it
    assert state(acme, made["id"], "vendor_approval") == "approved"
    assert state(acme, made["id"], "vendor_decided_by") == "Ann (console)"
    assert "a good fit" in done.words
    with acme.installation.store.reading("acme") as tx:
        assert outbox.of(tx, "deal", [made["id"]])
    acme.wakes("push")
    # And its way and its history say so
    assert "approved: " in done.words
    # And the page that the person had open before is too old for another move
    assert "somebody changed it" in vera.press(page, "Do it", verb="disable").words
    assert state(acme, made["id"], "lifecycle") == "submitted"


def test_the_vendor_decides_in_the_place_of_the_second_partner_and_moves_the_last_day(acme: Desk, vera: Visitor) -> None:
    made = acme.registered()
    at = f"{AT}/deals/{made['id']}"
    assert vera.press(vera.open(at), "Do it", verb="approve_distributor").status == 409
    vera.press(vera.open(at), "Do it", verb="approve_distributor", reason="Arrow asked us to")
    assert state(acme, made["id"], "distributor_approval") == "approved"
    vera.press(vera.open(at), "Do it", verb="set_last_day", until="2029-06-30")
    assert str(state(acme, made["id"], "expires_on")) == "2029-06-30"
    assert vera.press(vera.open(at), "Do it", verb="set_last_day", until="soon").status == 422
    assert vera.press(vera.open(at), "Do it", verb="complete").status == 422


def test_a_deal_says_why_each_field_is_what_it_is(acme: Desk, vera: Visitor) -> None:
    made = acme.registered(name="Harbor lights")
    acme.send("PATCH", f"/deals/{made['id']}", {"name": "Harbor lights II"}, user="rita", version=made["version"])
    story = explain(acme.installation.tenant("acme"), made["id"])
    assert story
    page = vera.open(f"{AT}/deals/{made['id']}")
    assert page.rows == [one.field for one in story.fields if one.value is not None or one.set_by]
    assert "Harbor lights II" in page.words
    assert "Rita (rita)" in page.words
    assert vera.open(f"{AT}/deals/nothing").status == 404


def test_insights_add_up_to_the_deals_that_there_are(acme: Desk, vera: Visitor) -> None:
    # Given deals, one of them in euros
    acme.registered(name="Harbor lights", amount="48000.00", currency="EUR")
    with acme.installation.store.reading("acme") as tx:
        count = len(deals.listed(tx, limit=None))
    # Then each way to group them has them all
    for by in ("stage", "outcome", "month", "registered_month", "owner_company", "second_partner"):
        page = vera.open(f"{AT}/insights?by={by}")
        assert f"Deals{count}" in "".join(page.words.split()), by
        assert "48,000.00 EUR" in page.words
    # And those of companies are called by name, and are narrowed to one
    assert "Birch Systems" in vera.open(f"{AT}/insights?by=owner_company").rows
    assert vera.open(f"{AT}/insights?by=owner_company&owner_company=Birch+Systems").rows == ["Birch Systems"]
    assert vera.open(f"{AT}/insights?registered_from=2030-01-01").rows == []


def test_a_field_is_corrected_by_the_vendor_and_the_crm_is_owed_it(acme: Desk, vera: Visitor) -> None:
    # Given a deal with two wrong fields
    made = acme.registered(name="Harbour lights", amount="48000.00", currency="EUR", expected_close_on="2029-06-30")
    page = vera.open(vera.open(f"{AT}/deals/{made['id']}").links["Correct its fields"])
    told = dict(page.form_of("Correct the deal").fields)
    assert (told["field:name"], told["field:amount"], told["field:owner_company"]) == ("Harbour lights", "48000.00", "Birch Systems")
    # When the vendor's admin sends the form as it is, nothing is changed; and a value that cannot be one is refused in words
    assert vera.press(page, "Correct the deal").status == 422
    refused = vera.press(page, "Correct the deal", **{"field:amount": "much"})
    assert (refused.status, "amount" in refused.words) == (409, True)
    # When they correct the two
    done = vera.press(page, "Correct the deal", **{"field:name": "Harbor lights", "field:expected_close_on": ""}, reason="a typing error")
    # Then only these are changed, in their name, and the CRM is owed them
    assert done.status == 200
    assert [state(acme, made["id"], name) for name in ("name", "expected_close_on")] == ["Harbor lights", None]
    assert str(state(acme, made["id"], "amount")) == "48000.00"
    assert done.words.count("Ann (console)") >= 2
    with acme.installation.store.reading("acme") as tx:
        assert outbox.of(tx, "deal", [made["id"]])
    # And the page that was open before is too old for another correction
    assert "somebody changed it" in vera.press(page, "Correct the deal", **{"field:name": "Other"}).words


def test_a_deal_that_is_over_is_not_corrected(acme: Desk, vera: Visitor) -> None:
    made = acme.registered()
    acme.post(f"/deals/{made['id']}/withdraw", user="rita", version=made["version"])
    assert "Correct its fields" not in vera.open(f"{AT}/deals/{made['id']}").links
    assert vera.open(f"{AT}/deals/{made['id']}/correct").status == 409


def test_a_deal_is_given_to_a_colleague_and_a_signature_on_paper_is_written_down(acme: Desk, vera: Visitor) -> None:
    # Given a deal of Rita's
    made = acme.registered(currency="EUR")
    at = f"{AT}/deals/{made['id']}"
    page = vera.open(at)
    assert "Arlo" not in page.html.split("Who owns it")[1].split("</form>")[0]
    # When the vendor gives it to Bert of the same company, and not to a person of another one
    assert vera.press(page, "Give it to this person", owner_user="arlo").status == 409
    vera.press(page, "Give it to this person", owner_user="bert")
    assert state(acme, made["id"], "owner_user") == "bert"
    # When it is approved, its sale was asked for, and the vendor has sent the quote
    for verb in ("approve_distributor", "approve_vendor"):
        vera.press(vera.open(at), "Do it", verb=verb, reason="they asked us to")
    acme.post(f"/deals/{made['id']}/finalize", user="bert", version=acme.get(f"/deals/{made['id']}", user="bert")["version"])
    assert "Write down its signature" not in vera.open(at).words
    lines = [{"product": "Seat", "count": 25, "unit_price": "100.00"}]
    quoted = acme.post(f"/deals/{made['id']}/quotes", {"pricing": "distributor", "lines": lines}, user="vera", status=201)
    acme.post(f"/deals/{made['id']}/quotes/{quoted['id']}/send", user="vera")
    # Then its signature on paper is written down, with a reason
    page = vera.open(at)
    assert vera.press(page, "Write down its signature", reason="").status == 409
    vera.press(page, "Write down its signature", reason="signed on paper at the fair")
    assert state(acme, made["id"], "lifecycle") == "quote_signed"
    with acme.installation.store.reading("acme") as tx:
        (kept,) = quotes.of_deal(tx, made["id"])
    assert kept.signed_by == "Ann (console)"


def test_a_deal_of_which_nothing_was_written_down_is_shown(acme: Desk, vera: Visitor) -> None:
    with acme.installation.store.transaction("acme") as tx:
        deals.save(tx, [StoredDeal(Deal("d-bare", {"lifecycle": "submitted", "name": "Bare"}), 1, tx.now, tx.now)])
    page = vera.open(f"{AT}/deals/d-bare")
    assert (page.status, "Nothing was written down" in page.words) == (200, True)
