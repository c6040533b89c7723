"""The whole story of a deal with a distributor, told by a client that a generator made of the OpenAPI: users, a subgroup, its terms and
agreement, the deal, its approvals, a quote and the licences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest

from sync_worker.steps.deals.complete import complete
from tests.integration.api.desk import Desk, desk
from tests.integration.api.generated import CONFIG, GENERATOR, Client, client
from tests.integration.steps.world import Loaded

ARROW: Final = "Arrow Electronics"
PDF: Final = b"%PDF-1.7 signed by both"
FEED: Final = {"feed": {"url": "http://127.0.0.1:9/events", "secret": "${FEED_SECRET}"}}


@pytest.fixture
def portal(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """A portal with a feed. Nothing is sent here: the events are read from their list."""
    with desk(tmp_path, sandbox, loaded, FEED) as made:
        yield made


@pytest.fixture
def api(portal: Desk, tmp_path: Path) -> Iterator[Client]:
    if not GENERATOR.exists():
        pytest.fail(f"the client generator is not installed at {GENERATOR}. `make .venv/.generator` installs it.")
    with client(portal, tmp_path) as made:
        yield made


def test_a_generated_client_tells_the_story_of_a_deal_with_a_distributor(portal: Desk, api: Client) -> None:
    people_are_told_of(api)
    delta = a_subgroup_is_made(api)
    terms_and_agreement_are_there(api, delta)
    deal = a_deal_is_registered_and_approved(api)
    quote = a_quote_is_signed(api, deal.id)

    # When the worker has issued the licences
    complete(portal.installation.tenant("acme"))

    # Then the deal is completed, and its licences are there
    done = api.said("deals", "get_deal", deal.id, acting_user="dora")
    assert done.lifecycle == api.model("Lifecycle").COMPLETED
    found = api.said("quotes", "list_deal_licences", deal.id, acting_user="dora").items
    assert sorted((one.name, one.count, one.starts_on, one.ends_on) for one in found) == [
        ("Seat", 20, date(2026, 4, 1), date(2028, 3, 31)),
        ("Server", 5, date(2026, 4, 1), date(2028, 3, 31)),
    ]
    of_company = api.said("quotes", "list_company_licences", delta, acting_user="dora").items
    assert {one.id for one in of_company} == {one.id for one in found}
    # and the events have told it, each version once
    told = [one.data for one in api.said("operator", "list_events", limit=200).items if one.data.record.id == deal.id]
    assert {type(one).__name__ for one in told} == {"DealEventData"}
    assert [one.record.version for one in told] == list(range(1, done.version + 1))
    assert told[0].changed["name"].after == "Harbor expansion"
    assert quote.signed_by == "Arlo (arlo)"


def test_the_page_says_what_the_generator_must_be_told() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
    assert dict(re.findall(r"^  (\S+/\S+): (\S+)$", page, re.MULTILINE)) == CONFIG["content_type_overrides"]


# ── the chapters ─────────────────────────────────────────────────────────────────────────────────────────────────────


def people_are_told_of(api: Client) -> None:
    """Dora works for a reseller, which the distributor has no subgroup of yet."""
    person, role = api.model("UserBody"), api.model("Role")
    said = person(email="dora@example.com", name="Dora", role=role.MANAGER, primary_company="Cedar IT")
    assert api.said("users", "put_user", "dora", body=said).role == role.MANAGER
    assert "dora" in [one.id for one in api.said("users", "list_users").items]
    wrong = person(email="not an address", name="Dora", role=role.MANAGER)
    problem = api.said("users", "put_user", "dora", body=wrong, status=422)
    assert (problem.code, problem.field) == (api.model("ProblemCode").VALUE_MALFORMED, "email")
    # what a problem does not say is absent, and not an empty text
    assert (not problem.who_may, not problem.request_id, bool(problem.current)) == (False, True, False)


def a_subgroup_is_made(api: Client) -> str:
    """The distributor makes it, and adds its first member. Its id."""
    said = api.model("SubgroupBody")(name="Delta IT", may_register=False)
    refused = api.said("distributors", "create_subgroup", ARROW, body=said, acting_user="olga", status=403)
    assert refused.code == "not_a_member"
    answer = api.call("distributors", "create_subgroup", ARROW, body=said, acting_user="arlo", idempotency_key="delta")
    made = answer.parsed
    assert (answer.status_code, made.how, made.parent.name) == (201, api.model("SubgroupHow").CREATED, ARROW)
    assert answer.headers["Location"] == f"/portals/acme/companies/{made.company.id}"
    assert api.said("distributors", "add_member", ARROW, "Delta IT", "dora", acting_user="arlo").id == "dora"
    assert [one.id for one in api.said("distributors", "list_members", ARROW, "Delta IT", acting_user="dora").items] == ["dora"]
    return str(made.company.id)


def terms_and_agreement_are_there(api: Client, delta: str) -> None:
    """The vendor agrees with the distributor, the distributor with the subgroup; the signed agreement is put on file."""
    [vendor] = api.said("companies", "list_companies", account_type=api.model("AccountType").VENDOR).items
    agreed, percents = api.model("TermsBody"), api.model("TermsBodyPercents")
    for lower, upper, user, percent in ((ARROW, vendor.id, "vera", "30"), (delta, ARROW, "arlo", "15")):
        said = agreed(may_register=True, percents=percents.from_dict({"new": percent}))
        history = api.said("distributors", "set_terms", lower, upper, body=said, acting_user=user)
        assert history.current.percents["new"] == f"{percent}.00"
    refused = api.said("deals", "register_deal", body=registration(api), acting_user="dora", status=409)
    assert refused.code == api.model("ProblemCode").AGREEMENT_MISSING
    file = api.file(payload=BytesIO(PDF), file_name="Signed.pdf", mime_type="application/pdf")
    upload = api.model("AgreementUpload")(file=file)
    kept = api.said("distributors", "upload_agreement", delta, ARROW, body=upload, acting_user="arlo", status=201)
    assert (kept.name, kept.size_bytes) == ("Signed.pdf", len(PDF))
    back = api.said("distributors", "download_agreement", delta, ARROW, kept.id, acting_user="arlo")
    assert back.payload.read() == PDF
    assert [one.id for one in api.said("distributors", "list_agreements", delta, ARROW, acting_user="vera").items] == [kept.id]


def a_deal_is_registered_and_approved(api: Client) -> Any:
    """By its owner, the distributor and the vendor. Who names an old version hears of the deal as it is now."""
    answer = api.call("deals", "register_deal", body=registration(api), acting_user="dora", idempotency_key="harbor")
    deal = answer.parsed
    assert (answer.status_code, answer.headers["ETag"], deal.amount) == (201, '"1"', "16000.00")
    assert answer.headers["Location"] == f"/portals/acme/deals/{deal.id}"
    decided, track, decision = api.model("DecisionBody"), api.model("Track"), api.model("Decision")
    for version, user, side in ((1, "arlo", track.DISTRIBUTOR), (2, "vera", track.VENDOR)):
        said = decided(track=side, decision=decision.APPROVE)
        deal = api.said("deals", "decide_deal", deal.id, body=said, acting_user=user, if_match=f'"{version}"')
    edit = api.model("EditBody")(licence_count=30)
    stale = api.said("deals", "edit_deal", deal.id, body=edit, acting_user="dora", if_match='"1"', status=412)
    assert (stale.code, stale.current.id, stale.current.version) == ("stale_version", deal.id, deal.version)
    assert [one.id for one in api.said("deals", "list_deals", acting_user="dora", text="Harbor expansion").items] == [deal.id]
    return deal


def a_quote_is_signed(api: Client, deal_id: str) -> Any:
    """The vendor quotes after finalize was requested, and the distributor signs."""
    price, prices = api.model("PriceBody"), api.model("PricesBody")
    rows = [
        price(product=product, currency="EUR", unit_price=unit, valid_from=date(2026, 1, 1))
        for product, unit in (("Seat", "100.00"), ("Server", "1200.00"))
    ]
    assert len(api.said("prices", "add_prices", body=prices(prices=rows), acting_user="vera").items) == 2
    version = api.call("deals", "get_deal", deal_id, acting_user="dora").headers["ETag"]
    api.said("deals", "finalize_deal", deal_id, acting_user="dora", if_match=version, body=api.model("ReasonBody")())
    line = api.model("QuoteLineBody")
    lines = [line(product="Seat", count=20), line(product="Server", count=5)]
    wish = api.model("QuoteBody")(pricing=api.model("Pricing").DISTRIBUTOR, lines=lines, starts_on=date(2026, 4, 1))
    assert api.said("quotes", "create_quote", deal_id, body=wish, acting_user="dora", status=403).code == "quote_not_yours"
    quote = api.said("quotes", "create_quote", deal_id, body=wish, acting_user="vera", status=201)
    assert (quote.total, quote.percent) == ("11200.00", "30.00")
    api.said("quotes", "send_quote", deal_id, quote.id, acting_user="vera")
    assert api.said("quotes", "get_quote_sheet", deal_id, quote.id, acting_user="arlo").payload.read(5) == b"%PDF-"
    assert "11,200.00 EUR" in api.said("quotes", "get_quote_page", deal_id, quote.id, acting_user="arlo")
    signed = api.said("quotes", "sign_quote", deal_id, quote.id, acting_user="arlo", body=api.model("ReasonBody")())
    assert signed.quote_state == "signed"
    return api.said("quotes", "get_quote", deal_id, quote.id, acting_user="arlo")


def registration(api: Client) -> Any:
    return api.model("RegistrationBody")(
        owner_company="Delta IT",
        name="Harbor expansion",
        prospect_name="Harbor Freight Lines",
        contact_last_name="Berg",
        amount="16000.00",
        currency="EUR",
        deal_type="new",
        licence_count=25,
        term_years=2,
        billing_cycle="up_front",
    )
