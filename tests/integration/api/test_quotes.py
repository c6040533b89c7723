"""Quotes over HTTP: who sees which, in every form; what is missing, said; and the way from the vendor's quote to the licences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sync_worker.steps.deals.complete import complete
from tests.integration.api.desk import Desk, desk
from tests.integration.steps.world import TERMS, Loaded

LINES = [{"product": "Seat", "count": 20}, {"product": "Server", "count": 5}]
PRICES = [
    {"product": "Seat", "currency": "EUR", "unit_price": "99.90", "valid_from": "2020-01-01"},
    {"product": "Server", "currency": "EUR", "unit_price": "1200", "valid_from": "2020-01-01"},
]
KINDS = ("retail", "distributor", "reseller")


def quote(pricing: str = "distributor", **more: Any) -> dict[str, Any]:
    return {"pricing": pricing, "lines": LINES, "starts_on": "2026-04-01", **more}


def approved(desk: Desk, **terms: Any) -> str:
    """A deal that both sides have approved, in a portal with a price list."""
    desk.post("/prices", {"prices": PRICES}, user="vera")
    deal = desk.registered(currency="EUR", **terms)
    for user, track in (("arlo", "distributor"), ("vera", "vendor")):
        if track == "vendor" or deal["second_partner"]:
            said = {"track": track, "decision": "approve"}
            deal = desk.post(f"/deals/{deal['id']}/approvals", said, user=user, version=deal["version"])
    return str(deal["id"])


def finalized(desk: Desk, deal_id: str) -> None:
    desk.post(f"/deals/{deal_id}/finalize", user="rita", version=desk.get(f"/deals/{deal_id}", user="vera")["version"])


@pytest.fixture(scope="module")
def deal_id(shared: Desk) -> str:
    return approved(shared)


@pytest.fixture(scope="module")
def made(shared: Desk, deal_id: str) -> dict[str, str]:
    """A quote of every kind, by kind."""
    return {kind: shared.post(f"/deals/{deal_id}/quotes", quote(kind), user="vera", status=201)["id"] for kind in KINDS}


# ── who sees which ───────────────────────────────────────────────────────────────────────────────────────────────────

SEEN = {
    "vera": set(KINDS),
    "arlo": set(KINDS),
    "both": set(KINDS),
    "rita": {"retail", "reseller"},
    "mona": {"retail", "reseller"},
    "edna": {"retail", "reseller"},
    "bert": set(),  # a colleague's deal
    "sal": set(),  # sales of the distributor, not named
    "olga": set(),
}


@pytest.mark.parametrize("user", SEEN)
@pytest.mark.parametrize("form", ["", "/page", "/sheet"])
def test_a_quote_in_whatever_form_is_for_those_of_its_pricing_and_nobody_else_learns_of_it(
    shared: Desk, deal_id: str, made: dict[str, str], user: str, form: str
) -> None:
    for kind, quote_id in made.items():
        answer = shared.send("GET", f"/deals/{deal_id}/quotes/{quote_id}{form}", user=user)
        assert answer.status_code == (200 if kind in SEEN[user] else 404)
        if kind not in SEEN[user]:
            assert answer.json()["code"] == ("quote_unknown" if SEEN[user] else "deal_unknown")
            assert "5,598" not in answer.text


@pytest.mark.parametrize("user", SEEN)
def test_the_list_holds_what_the_person_sees(shared: Desk, deal_id: str, made: dict[str, str], user: str) -> None:
    answer = shared.send("GET", f"/deals/{deal_id}/quotes", user=user)
    assert answer.status_code == (200 if SEEN[user] else 404)
    if SEEN[user]:
        assert {one["pricing"] for one in answer.json()["items"]} == SEEN[user]


def test_numbers_page_and_sheet_say_the_same(shared: Desk, deal_id: str, made: dict[str, str]) -> None:
    numbers = shared.get(f"/deals/{deal_id}/quotes/{made['retail']}", user="rita")
    assert (numbers["total"], numbers["percent"], numbers["version"]) == ("7998.00", "0", 1)
    assert [line["amount"] for line in numbers["lines"]] == ["1998.00", "6000.00"]
    assert numbers["payments"] == [{"number": 1, "due_on": "2026-04-01", "amount": "7998.00"}]
    page = shared.send("GET", f"/deals/{deal_id}/quotes/{made['retail']}/page", user="rita")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "7,998.00 EUR" in page.text
    assert numbers["number"] in page.text
    sheet = shared.send("GET", f"/deals/{deal_id}/quotes/{made['retail']}/sheet", user="rita")
    assert (sheet.headers["Content-Type"], sheet.content[:5]) == ("application/pdf", b"%PDF-")
    assert numbers["number"] in sheet.headers["Content-Disposition"]


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("user", "body", "status", "code"),
    [
        ("rita", quote(), 403, "quote_not_yours"),
        ("rita", quote("retail", column="distributor"), 403, "quote_not_yours"),
        ("vera", quote("reseller", column="distributor"), 422, "pricing_not_in_column"),
        ("arlo", quote("distributor", column="deal"), 422, "pricing_not_in_column"),
        ("vera", quote(column="upper"), 422, "value_malformed"),
        ("olga", quote(), 404, "deal_unknown"),
        ("vera", quote("wholesale"), 422, "value_malformed"),
        ("vera", quote(lines=[]), 422, "value_malformed"),
        ("vera", quote(lines=[{**LINES[0], "count": 0}]), 422, "value_malformed"),
        ("vera", quote(lines=[{**LINES[0], "unit_price": "-1"}]), 422, "value_malformed"),
        ("vera", quote(lines=[{**LINES[0], "unit_price": "many"}]), 422, "value_malformed"),
        ("vera", quote(lines=[{**LINES[0], "discount": "5"}]), 422, "field_unknown"),
        ("vera", quote(lines=[{**LINES[0], "discount_percent": "101"}]), 422, "value_malformed"),
        ("vera", quote(lines=[{"name": "Seat", "unit_price": "1", "count": 20}]), 422, "field_missing"),
        ("vera", quote(lines=[{**LINES[0], "unit_price": "1"}, LINES[1]]), 422, "price_listed"),
        ("vera", quote(lines=[{"product": "Desk", "unit_price": "1.001", "count": 20}, LINES[1]]), 422, "amount_misfit"),
        ("vera", quote(lines=[{"product": "Desk", "count": 20}, LINES[1]]), 422, "no_price"),
        ("arlo", quote(lines=[{"product": "Desk", "unit_price": "1", "count": 20}, LINES[1]]), 403, "unit_price_not_yours"),
        ("rita", quote("retail", lines=[{**LINES[0], "unit_price": "1"}, LINES[1]]), 403, "unit_price_not_yours"),
        ("arlo", quote(lines=[{**LINES[0], "discount_percent": "5"}, LINES[1]]), 403, "discount_not_yours"),
        ("rita", quote("reseller", lines=[{**LINES[0], "discount_percent": "5"}, LINES[1]]), 403, "discount_not_yours"),
        ("vera", quote(lines=LINES[:1]), 422, "lines_count_otherwise"),
        ("vera", quote(starts_on="9999-12-31"), 422, "value_malformed"),
        ("vera", {"pricing": "retail"}, 422, "field_missing"),
    ],
)
def test_a_wrong_wish_for_a_quote_is_refused_and_makes_none(
    shared: Desk, deal_id: str, made: dict[str, str], user: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = shared.send("POST", f"/deals/{deal_id}/quotes", body, user=user)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert len(shared.get(f"/deals/{deal_id}/quotes", user="vera")["items"]) == len(made)


@pytest.mark.parametrize("pricing", ["distributor", "reseller"])
def test_a_deal_that_is_not_approved_is_not_quoted_and_the_answer_says_all_that_is_missing(shared: Desk, pricing: str) -> None:
    deal = shared.registered(billing_cycle=None)
    answer = shared.send("POST", f"/deals/{deal['id']}/quotes", quote(pricing), user="vera")
    assert (answer.status_code, answer.json()["code"]) == (409, "quote_not_ready")
    for words in ("vendor's approval is pending", "billing_cycle is None", "currency is None"):
        assert words in answer.json()["detail"]


def test_a_retail_quote_is_there_before_the_vendor_approved(shared: Desk) -> None:
    shared.post("/prices", {"prices": PRICES}, user="vera")
    deal = shared.registered(currency="EUR", name="Early bird", prospect_name="Early Ltd")
    for user in ("rita", "arlo", "vera"):
        made = shared.post(f"/deals/{deal['id']}/quotes", quote("retail"), user=user, status=201)
        assert (made["total"], made["column"]) == ("7998.00", "distributor" if user == "arlo" else "deal")
    for form in ("", "/page", "/sheet"):
        assert shared.send("GET", f"/deals/{deal['id']}/quotes/{made['id']}{form}", user="rita").status_code == 200


def test_a_disabled_deal_is_not_quoted_and_a_single_tier_deal_has_no_reseller_pricing(shared: Desk) -> None:
    deal_id = approved(shared, second_partner=None)
    answer = shared.send("POST", f"/deals/{deal_id}/quotes", quote("reseller"), user="vera")
    assert (answer.status_code, answer.json()["code"], answer.json()["allowed"]) == (422, "pricing_not_for_deal", ["retail", "distributor"])
    shared.post(f"/deals/{deal_id}/disable", user="vera", version=shared.get(f"/deals/{deal_id}", user="vera")["version"])
    answer = shared.send("POST", f"/deals/{deal_id}/quotes", quote("retail"), user="vera")
    assert (answer.status_code, answer.json()["code"]) == (409, "quote_not_ready")


@pytest.mark.parametrize(
    ("terms", "field", "code"),
    [
        ({"term_years": "4"}, "term_years", "term_unknown"),
        ({"term_years": "1", "billing_cycle": "up_front"}, "billing_cycle", "billing_not_for_term"),
        ({"term_years": "2", "billing_cycle": "monthly"}, "billing_cycle", "billing_not_for_term"),
        ({"billing_cycle": "weekly"}, "billing_cycle", "value_not_listed"),
    ],
)
def test_a_term_nobody_sells_is_refused_at_registration_and_at_an_edit(shared: Desk, terms: dict[str, str], field: str, code: str) -> None:
    answer = shared.send("POST", "/deals", {**TERMS, **terms}, user="rita")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
    deal = shared.registered()
    edited = shared.send("PATCH", f"/deals/{deal['id']}", terms, user="rita", version=deal["version"])
    assert (edited.status_code, edited.json()["code"], edited.json()["field"]) == (422, code, field)


# ── the price list ───────────────────────────────────────────────────────────────────────────────────────────────────


def row(product: str = "Desk", currency: str = "EUR", price: str | None = "10", day: str = "2026-01-01") -> dict[str, Any]:
    return {"product": product, "currency": currency, "unit_price": price, "valid_from": day}


def test_the_vendors_admin_keeps_the_price_list_and_everybody_looks_at_it(acme: Desk) -> None:
    assert acme.get("/prices", user="rita") == {"managed_by": "api", "items": [], "next": None}
    listed = acme.post("/prices", {"prices": [row(), row(day="2027-01-01", price="12.5")]}, user="vera", key="p1")
    assert acme.post("/prices", {"prices": [row(), row(day="2027-01-01", price="12.5")]}, user="vera", key="p1") == listed
    assert [(one["unit_price"], one["valid_from"]) for one in listed["items"]] == [("10", "2026-01-01"), ("12.5", "2027-01-01")]
    # When a price is corrected, and one ends
    acme.clock.forward(seconds=60)
    acme.post(
        "/prices", {"prices": [row(price="11"), row(), row(day="2028-01-01", price=None)][::2], "reason": "the new year"}, user="vera"
    )
    assert [one["unit_price"] for one in acme.get("/prices", user="arlo")["items"]] == ["11", "12.5", None]
    # Then all of it stays as history, for the vendor's admins; what was so already is not said again
    history = [
        (one["unit_price"], one["valid_from"], one["said_by"], one["reason"]) for one in acme.get("/prices/history", user="vera")["items"]
    ]
    assert history == [
        ("10", "2026-01-01", "Vera (vera)", ""),
        ("11", "2026-01-01", "Vera (vera)", "the new year"),
        ("12.5", "2027-01-01", "Vera (vera)", ""),
        (None, "2028-01-01", "Vera (vera)", "the new year"),
    ]
    acme.post("/prices", {"prices": [row(price="11")]}, user="vera")
    assert len(acme.get("/prices/history", user="vera")["items"]) == 4
    for user in ("rita", "arlo"):
        assert acme.send("GET", "/prices/history", user=user).json()["code"] == "prices_not_yours"


@pytest.mark.parametrize(
    ("user", "rows", "status", "code", "field"),
    [
        ("arlo", [row()], 403, "prices_not_yours", ""),
        ("rita", [row()], 403, "prices_not_yours", ""),
        ("vera", [row(), row(currency="EURO")], 422, "price_malformed", "prices.1.currency"),
        ("vera", [row(), row(currency="JPY", price="1000.50")], 422, "price_malformed", "prices.1.unit_price"),
        ("vera", [row(), row("dESK ")], 422, "price_malformed", "prices.1"),
        ("vera", [row(price="-1")], 422, "value_malformed", "prices.0.unit_price"),
        ("vera", [row(day="soon")], 422, "value_malformed", "prices.0.valid_from"),
        ("vera", [], 422, "value_malformed", "prices"),
    ],
)
def test_a_wrong_price_is_refused_and_none_of_its_rows_is_kept(
    shared: Desk, user: str, rows: list[Any], status: int, code: str, field: str
) -> None:
    before = shared.get("/prices", user="vera")
    answer = shared.send("POST", "/prices", {"prices": rows}, user=user)
    assert (answer.status_code, answer.json()["code"], answer.json().get("field", "")) == (status, code, field), answer.text
    assert shared.get("/prices", user="vera") == before


def test_a_quote_says_which_price_is_missing_and_what_is_there(acme: Desk) -> None:
    deal_id = approved(acme)
    acme.post("/prices", {"prices": [row(currency="USD"), row("Gone", price="5", day="2020-01-01"), row("Gone", price=None)]}, user="vera")
    for product, words, allowed in (
        ("Desk", "no price of Desk in EUR on 2026-04-01; it has 10.00 USD from 2026-01-01", []),
        ("Gone", "in EUR on 2026-04-01; it has 5.00 EUR from 2020-01-01, nothing in EUR from 2026-01-01", []),
        ("Chair", "no price of Chair in EUR on 2026-04-01: the product is not on the list", ["Desk", "Gone", "Seat", "Server"]),
    ):
        wish = quote("retail", lines=[LINES[0], {"product": product, "count": 5}])
        answer = acme.send("POST", f"/deals/{deal_id}/quotes", wish, user="rita")
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (422, "no_price", "lines.1.product")
        assert words in problem["detail"]
        assert problem.get("allowed", []) == allowed


def test_what_is_not_on_the_list_the_vendor_prices_and_whom_the_portal_lets_discounts(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    with desk(tmp_path, sandbox, loaded, {"quotes": {"discount": ["vendor", "distributor"]}}) as acme:
        deal_id = approved(acme)
        by_hand = [LINES[0], {"product": "Desk", "unit_price": "10.50", "count": 5}]
        made = acme.post(f"/deals/{deal_id}/quotes", quote("retail", lines=by_hand), user="vera", status=201)
        assert [(line["product"], line["amount"]) for line in made["lines"]] == [("Seat", "1998.00"), ("Desk", "52.50")]
        # When the distributor takes five percent off what the reseller pays, the page says so
        cheaper = quote("reseller", lines=[{**LINES[0], "discount_percent": "5"}, LINES[1]])
        made = acme.post(f"/deals/{deal_id}/quotes", cheaper, user="arlo", status=201)
        assert [(line["discount_percent"], line["list_amount"], line["amount"]) for line in made["lines"]] == [
            ("5", "1998.00", "1898.10"),
            ("0", "6000.00", "6000.00"),
        ]
        page = acme.send("GET", f"/deals/{deal_id}/quotes/{made['id']}/page", user="rita").text
        assert "Seat, less 5 %" in page
        # Then nobody takes anything off what the own company pays
        for user, body in (("arlo", quote(lines=cheaper["lines"])), ("rita", cheaper)):
            answer = acme.send("POST", f"/deals/{deal_id}/quotes", body, user=user)
            assert (answer.status_code, answer.json()["code"]) == (403, "discount_not_yours")


def test_a_list_that_a_file_keeps_is_read_only_over_http(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "config" / "prices").mkdir(parents=True)
    (tmp_path / "config" / "prices" / "acme.yaml").write_text(json.dumps({"prices": [*PRICES, row(price=None)]}))
    with desk(tmp_path, sandbox, loaded) as acme:
        answer = acme.send("POST", "/prices", {"prices": [row()]}, user="vera")
        assert (answer.status_code, answer.json()["code"]) == (409, "managed_by_file")
        assert "prices/acme.yaml" in answer.json()["detail"]
        listed = acme.get("/prices", user="rita")
        assert (listed["managed_by"], [one["product"] for one in listed["items"]]) == ("file", ["Desk", "Seat", "Server"])
        deal = acme.registered(currency="EUR")
        assert acme.post(f"/deals/{deal['id']}/quotes", quote("retail"), user="rita", status=201)["total"] == "7998.00"


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_the_quote_to_the_licences_and_every_second_wish_gets_the_first_answer(acme: Desk) -> None:
    deal_id = approved(acme)
    made = acme.post(f"/deals/{deal_id}/quotes", quote(), user="vera", status=201, key="k1")
    assert acme.post(f"/deals/{deal_id}/quotes", quote(), user="vera", status=201, key="k1") == made
    at = f"/deals/{deal_id}/quotes/{made['id']}"
    early = acme.send("POST", f"{at}/sign", user="arlo")
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")
    finalized(acme, deal_id)
    unsent = acme.send("POST", f"{at}/sign", user="arlo")
    assert (unsent.status_code, unsent.json()["code"]) == (409, "quote_not_sent")
    assert acme.get(f"/deals/{deal_id}/quotes", user="rita") == {"items": [], "next": None, "next_step": "quote"}
    # When the distributor sends it to its own group, that is a view
    view = acme.post(f"{at}/send", user="arlo")
    assert (view["sent_by"], view["offered_at"]) == ("Arlo (arlo)", None)
    unsent = acme.send("POST", f"{at}/sign", user="arlo")
    assert (unsent.status_code, unsent.json()["code"]) == (409, "quote_not_sent")
    assert acme.get(f"/deals/{deal_id}", user="rita")["quote_state"] is None
    refused = acme.send("POST", f"{at}/send", user="rita")
    assert (refused.status_code, refused.json()["code"]) == (404, "quote_unknown")
    # When the vendor sends it, twice, it is offered once
    sent = acme.post(f"{at}/send", user="vera")
    assert (sent["sent_by"], sent["offered_by"], acme.post(f"{at}/send", user="vera")) == ("Arlo (arlo)", "Vera (vera)", sent)
    assert acme.get(f"/deals/{deal_id}", user="rita")["quote_state"] == "sent"
    # When it is signed, by nobody but the distributor, or the vendor who says why
    for user, status, code in (("rita", 404, "quote_unknown"), ("vera", 422, "reason_missing"), ("sal", 404, "deal_unknown")):
        answer = acme.send("POST", f"{at}/sign", user=user)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    signed = acme.post(f"{at}/sign", user="arlo")
    assert (signed["lifecycle"], signed["quote_state"]) == ("quote_signed", "signed")
    assert acme.post(f"{at}/sign", user="vera", body={"reason": "on paper"})["version"] == signed["version"]
    assert acme.get(at, user="arlo")["signed_by"] == "Arlo (arlo)"
    assert acme.get(f"/deals/{deal_id}/licences", user="rita") == {"items": [], "next": None}
    # Then the worker issues the licences, once, for whoever sees the deal
    for _ in range(2):
        complete(acme.installation.tenant("acme"))
    assert acme.get(f"/deals/{deal_id}", user="rita")["lifecycle"] == "completed"
    found = acme.get(f"/deals/{deal_id}/licences", user="rita")
    assert sorted((one["name"], one["count"], one["starts_on"], one["ends_on"]) for one in found["items"]) == [
        ("Seat", 20, "2026-04-01", "2027-03-31"),
        ("Server", 5, "2026-04-01", "2027-03-31"),
    ]
    for user, count in (("rita", 2), ("arlo", 2), ("vera", 2), ("bert", 0), ("olga", 0)):
        assert len(acme.get("/companies/Birch Systems/licences", user=user)["items"]) == count
    assert acme.send("GET", f"/deals/{deal_id}/licences", user="olga").status_code == 404
    assert acme.send("GET", "/companies/nobody/licences", user="vera").json()["code"] == "company_unknown"
    after = acme.send("POST", f"{at}/sign", user="arlo")
    assert (after.status_code, after.json()["lifecycle"]) == (200, "completed")
    assert "5598.60" not in acme.send("GET", f"/deals/{deal_id}/quotes", user="rita").text
