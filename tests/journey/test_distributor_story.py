"""A distributor's whole story over HTTP, on each CRM: it makes a subgroup, the subgroup sells, and the licences end up where they belong.
Every step is seen in the CRM, told to the portal's receiver, and mailed to those it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.journey.crms import CRMS
from tests.journey.story import Story, story_on
from tests.mailbox import Mailbox
from tests.patience import until

ARROW, DELTA = "companies/Arrow Electronics", "companies/Delta IT"
PEOPLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "arlo": {"role": "manager", "primary_company": "Arrow Electronics"},
    "abel": {"role": "manager", "primary_company": "Arrow Electronics"},  # arlo's colleague
    "rita": {"role": "manager", "primary_company": "Cedar IT"},  # she joins the subgroup
    "mira": {"role": "executive", "primary_company": "Cedar IT"},  # and so does who is above her
    "vera": {"role": "manager", "is_vendor_admin": True},
    "olga": {"role": "manager", "primary_company": "Birch Systems"},  # of another reseller
}
DEAL: Final = {
    "owner_company": "Delta IT",
    "name": "Harbor expansion",
    "prospect_name": "Harbor Freight Lines",
    "contact_last_name": "Berg",
    "amount": "16000.00",
    "currency": "EUR",
    "deal_type": "new",
    "licence_count": 25,
    "term_years": 2,
    "billing_cycle": "up_front",
}
LINES: Final = [{"product": "Seat", "count": 20}, {"product": "Server", "count": 5}]
PRICE_LIST: Final = [
    {"product": "Seat", "currency": "EUR", "unit_price": "100.00", "valid_from": "2026-01-01"},
    {"product": "Server", "currency": "EUR", "unit_price": "1200.00", "valid_from": "2026-01-01"},
]
PRICES: Final = {"retail": "16000.00", "reseller": "13600.00", "distributor": "11200.00"}  # less nothing, 15 and 30 percent
TERM: Final = ("2026-04-01", "2028-03-31")
PDF: Final = b"%PDF-1.7 signed by both"


@dataclass(frozen=True)
class CompanySpelling:
    """How one CRM has a subgroup's record, and which companies a deal names."""

    fields: Mapping[str, str]
    active_partner: tuple[str, str]
    true: Any
    false: Any
    deal_companies: tuple[str, str]


COMPANIES: Final[Mapping[str, CompanySpelling]] = {
    "salesforce": CompanySpelling(
        {
            "key": "Portal_Company_Id__c",
            "portal_status": "Portal_Status__c",
            "account_type": "Portal_Account_Type__c",
            "second_partners": "Associated_Second_Partner__c",
            "may_register": "Portal_May_Register__c",
            "agreement_state": "Portal_Agreement__c",
        },
        ("Active", "Partner"),
        True,
        False,
        ("Portal_Partner__c", "Portal_Second_Partner__c"),
    ),
    "hubspot": CompanySpelling(
        {
            "key": "portal_company_id",
            "portal_status": "portal_status",
            "account_type": "portal_account_type",
            "second_partners": "associated_second_partner",
            "may_register": "portal_may_register",
            "agreement_state": "portal_agreement",
        },
        ("active", "partner"),
        "true",
        "false",
        ("Portal partner", "Portal second partner"),
    ),
}


@pytest.fixture(params=CRMS)
def story(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, mailbox: Mailbox) -> Iterator[Story]:
    environ = {"SYNC_WORKER_SMTP_URL": mailbox.url, "SYNC_WORKER_FILES_URL": f"file://{tmp_path / 'files'}"}
    with story_on(CRMS[request.param], tmp_path, sqlite_url, ("rita", "arlo"), **environ) as found:
        yield found


def test_a_distributor_makes_a_subgroup_which_sells_and_gets_its_licences(story: Story, mailbox: Mailbox) -> None:
    portal = story.portal
    portal.tells_of(PEOPLE)
    delta = a_subgroup_is_made(story)
    it_may_register_once_terms_and_agreement_are_there(story, delta)

    # When the reseller registers, then the deal names the parent by itself, on both sides
    deal = portal.said("POST", "deals", 201, user="rita", key="harbor", body=DEAL).json()
    story.begins(deal["id"])
    assert (deal["owner_company"], deal["second_partner"]) == (delta, company_id(story, "arlo"))
    assert companies_named(story) == ("Delta IT", "Arrow Electronics")
    story.stands(lifecycle="submitted", distributor_approval="pending", vendor_approval="pending", licence_count=25, quote_state=None)

    the_vendor_keeps_the_price_list(story)
    retail_is_there_before_approval_and_the_others_are_not(story, mailbox)

    # and the distributor approves in the portal, the vendor in the CRM
    story.decides("arlo", "approve")
    story.stands(distributor_approval="approved", vendor_approval="pending")
    story.vendor_approves()
    story.stands(distributor_approval="approved", vendor_approval="approved")

    quotes_reach_whom_they_are_for(story, mailbox)
    the_sale_is_completed(story, mailbox)

    # Then the receiver has heard the whole story, each version once, in order
    story.is_told_in_order()
    assert story.became("lifecycle") == ["submitted", "finalize_requested", "quote_signed", "completed"]
    assert story.became("quote_state") == ["sent", "signed"]
    # reading everything once more writes nothing on either side, and nobody is told anything
    until(lambda: not letters_waiting(story), what="everybody is written to")
    letters = len(mailbox.letters)
    story.nothing_happens()
    assert not letters_waiting(story)
    assert (len(mailbox.letters), licences(story)) == (letters, [("Seat", 20, delta, *TERM), ("Server", 5, delta, *TERM)])
    # and who has nothing to do with it was told nothing, and sees nothing
    assert letters_to(mailbox, "olga") == []
    assert portal.refused("GET", f"deals/{story.deal_id}/licences", 404, user="olga") == "deal_unknown"
    story.ends()


# ── the chapters ─────────────────────────────────────────────────────────────────────────────────────────────────────


def a_subgroup_is_made(story: Story) -> str:
    """The distributor makes one, which may not register yet, and adds its first member; the CRM gets a record of it. Its id."""
    portal, body = story.portal, {"name": "Delta IT", "may_register": False, "percents": {}}
    assert portal.refused("POST", f"{ARROW}/subgroups", 403, user="olga", body=body) == "not_a_member"
    made = portal.said("POST", f"{ARROW}/subgroups", 201, user="arlo", key="delta", body=body).json()
    assert portal.said("POST", f"{ARROW}/subgroups", 201, user="arlo", key="delta", body=body).json() == made
    delta = str(made["company"]["id"])
    it_is_in_the_crm(story, delta, may_register=False, agreement_state="missing")
    # a full reading takes nothing of it away
    story.changes_nothing_by_reading()
    it_is_in_the_crm(story, delta, may_register=False, agreement_state="missing")
    [listed] = portal.said("GET", f"{ARROW}/subgroups", user="arlo").json()["items"]
    assert (listed["company"]["id"], listed["parent"]["name"], listed["until"]) == (delta, "Arrow Electronics", None)

    portal.said("PUT", f"{ARROW}/subgroups/{delta}/members/rita", user="arlo")
    portal.said("PUT", f"{ARROW}/subgroups/{delta}/members/mira", user="rita")
    members = portal.said("GET", f"{ARROW}/subgroups/{delta}/members", user="rita").json()["items"]
    assert [member["id"] for member in members] == ["mira", "rita"]
    return delta


def it_may_register_once_terms_and_agreement_are_there(story: Story, delta: str) -> None:
    """The vendor agrees with the distributor, the distributor with the subgroup; until a signed agreement is on file nothing is sold."""
    portal = story.portal
    vendor_terms, own_terms = f"{ARROW}/terms/Northwind Software", f"{DELTA}/terms/Arrow Electronics"
    assert portal.refused("POST", "deals", 403, user="rita", body=DEAL) == "may_not_register"
    assert portal.refused("PUT", vendor_terms, 403, user="arlo", body=terms("99")) == "not_a_member"
    portal.said("PUT", vendor_terms, user="vera", body=terms("30"))
    history = portal.said("PUT", own_terms, user="arlo", body=terms("15")).json()["history"]
    assert [(one["may_register"], one["percents"]) for one in history] == [(False, {}), (True, {"new": "15.00"})]
    it_is_in_the_crm(story, delta, may_register=True, agreement_state="missing")

    assert portal.refused("POST", "deals", 409, user="rita", body=DEAL) == "agreement_missing"
    agreements = f"{DELTA}/agreements/Arrow Electronics"
    assert portal.refused("POST", agreements, 415, user="arlo", files={"file": ("Signed.pdf", b"MZ")}) == "file_type_unknown"
    kept = portal.said("POST", agreements, 201, user="arlo", files={"file": ("Signed.pdf", PDF)}).json()
    assert portal.said("GET", f"{agreements}/{kept['id']}", user="arlo").content == PDF
    assert len(portal.said("GET", agreements, user="vera").json()["items"]) == 1
    it_is_in_the_crm(story, delta, may_register=True, agreement_state="signed")
    assert portal.refused("POST", "deals", 422, user="rita", body={**DEAL, "deal_type": "renewal"}) == "percent_missing"


def the_vendor_keeps_the_price_list(story: Story) -> None:
    """Before that nothing can be quoted; nobody else writes a price, into the list or into a quote."""
    portal, quotes = story.portal, f"deals/{story.deal_id}/quotes"
    assert portal.refused("POST", quotes, 422, user="rita", body=quote("retail")) == "no_price"
    for user in ("arlo", "rita"):
        assert portal.refused("POST", "prices", 403, user=user, body={"prices": PRICE_LIST}) == "prices_not_yours"
    by_hand = {**quote("retail"), "lines": [{**LINES[0], "unit_price": "1.00"}, LINES[1]]}
    assert portal.refused("POST", quotes, 403, user="arlo", body=by_hand) == "unit_price_not_yours"
    listed = portal.said("POST", "prices", user="vera", body={"prices": PRICE_LIST}).json()
    assert portal.said("GET", "prices", user="rita").json() == listed
    assert portal.refused("POST", quotes, 422, user="vera", body=by_hand) == "price_listed"


def retail_is_there_before_approval_and_the_others_are_not(story: Story, mailbox: Mailbox) -> None:
    """The reseller's member shows a colleague what the end customer would pay."""
    portal, quotes = story.portal, f"deals/{story.deal_id}/quotes"
    a_quote_is_sent(story, "rita", "retail")
    assert quotes_to(mailbox, "mira", 1) == ["retail"]
    for user, pricing in (("rita", "reseller"), ("arlo", "distributor")):
        assert portal.refused("POST", quotes, 409, user=user, body=quote(pricing)) == "quote_not_ready"


def quotes_reach_whom_they_are_for(story: Story, mailbox: Mailbox) -> None:
    """From the distributor column to its own group, from the deal column to the reseller; what may be signed comes from the vendor."""
    portal = story.portal
    quotes = f"deals/{story.deal_id}/quotes"
    # The distributor sends its own prices to its own group, and sees them without the vendor
    view = a_quote_is_sent(story, "arlo", "distributor")
    assert quotes_to(mailbox, "abel", 1) == ["distributor"]
    assert portal.refused("GET", f"{quotes}/{view}", 404, user="rita") == "quote_unknown"
    # and what the reseller pays to the reseller, as the reseller's own member does
    a_quote_is_sent(story, "arlo", "reseller")
    assert (quotes_to(mailbox, "rita", 1), quotes_to(mailbox, "mira", 2)) == (["reseller"], ["retail", "reseller"])
    a_quote_is_sent(story, "rita", "reseller")
    assert quotes_to(mailbox, "mira", 3) == ["retail", "reseller", "reseller"]
    assert portal.refused("POST", quotes, 403, user="rita", body=quote("distributor")) == "quote_not_yours"

    # The reseller asks to finalize, and the vendor hears of it
    portal.does("rita", "POST", f"deals/{story.deal_id}/finalize", {})
    story.stands(lifecycle="finalize_requested", quote_state=None)
    until(lambda: "To finalize: Harbor expansion" in [subject for subject, _ in letters_to(mailbox, "vera")], what=story.process.log)
    assert portal.said("GET", quotes, user="vera").json()["next_step"] == "quote"

    # What the distributor has, or sends itself now, is a view: nobody signs it
    again = a_quote_is_sent(story, "arlo", "distributor")
    for quote_id in (view, again):
        assert portal.refused("POST", f"{quotes}/{quote_id}/sign", 409, user="arlo") == "quote_not_sent"
    story.stands(lifecycle="finalize_requested", quote_state=None)
    a_quote_is_sent(story, "vera", "distributor")
    assert (quotes_to(mailbox, "arlo", 1), quotes_to(mailbox, "abel", 3)) == (["distributor"], ["distributor"] * 3)
    story.stands(lifecycle="finalize_requested", quote_state="sent")
    assert portal.refused("POST", f"{quotes}/{again}/sign", 409, user="arlo") == "quote_not_latest"
    assert {one["pricing"] for one in portal.said("GET", quotes, user="arlo").json()["items"]} == set(PRICES)
    assert {one["pricing"] for one in portal.said("GET", quotes, user="rita").json()["items"]} == {"retail", "reseller"}


def the_sale_is_completed(story: Story, mailbox: Mailbox) -> None:
    """The distributor signs; a second signature is the first one. The worker issues the licences and completes the deal by itself."""
    portal = story.portal
    items = portal.said("GET", f"deals/{story.deal_id}/quotes", user="arlo").json()["items"]
    [signable] = [one["id"] for one in items if one["offered_at"]]
    sign = f"deals/{story.deal_id}/quotes/{signable}/sign"
    assert portal.refused("POST", sign, 404, user="rita") == "quote_unknown"
    portal.said("POST", sign, user="arlo")
    story.stands(lifecycle="completed", quote_state="signed", licence_count=25)
    portal.said("POST", sign, user="vera", body={"reason": "on paper"})
    signed = portal.said("GET", f"deals/{story.deal_id}/quotes/{signable}", user="arlo").json()
    assert (signed["signed_by"], signed["total"]) == ("Arlo (arlo)", PRICES["distributor"])
    # nobody but the distributor was ever told its price
    for user in ("rita", "mira"):
        assert "distributor" not in quotes_to(mailbox, user, 1)
        assert not any("11,200" in text for _, text in letters_to(mailbox, user))


# ── what is done and seen in them ────────────────────────────────────────────────────────────────────────────────────


def terms(percent: str) -> dict[str, Any]:
    return {"may_register": True, "percents": {"new": percent}}


def quote(pricing: str) -> dict[str, Any]:
    return {"pricing": pricing, "lines": LINES, "starts_on": TERM[0]}


def a_quote_is_sent(story: Story, user: str, pricing: str) -> str:
    """This person makes it, at the price that list and terms give, and sends it. Its id."""
    quotes = f"deals/{story.deal_id}/quotes"
    made = story.portal.said("POST", quotes, 201, user=user, body=quote(pricing)).json()
    assert made["total"] == PRICES[pricing]
    story.portal.said("POST", f"{quotes}/{made['id']}/send", user=user)
    return str(made["id"])


def it_is_in_the_crm(story: Story, company: str, *, may_register: bool, agreement_state: str) -> None:
    """The CRM comes to have one record of the subgroup, which says this."""
    spelling = COMPANIES[story.crm.kind]
    status, kind = spelling.active_partner
    expected = {
        "key": company,
        "portal_status": status,
        "account_type": kind,
        "second_partners": "Arrow Electronics",
        "may_register": spelling.true if may_register else spelling.false,
        "agreement_state": agreement_state,
    }

    def seen() -> list[dict[str, Any]]:
        found = [one for one in story.remote.records(story.crm.company) if one[story.crm.name] == "Delta IT"]
        return [{name: one[native] for name, native in spelling.fields.items()} for one in found]

    until(lambda: seen() == [expected], what=f"{expected}: {seen()}\n{story.process.log}")


def companies_named(story: Story) -> tuple[str, ...]:
    """The names of owner company and second partner on the deal's record."""
    spelled = COMPANIES[story.crm.kind].deal_companies
    if isinstance(story.remote, HubspotRemote):
        linked = [row for row in story.remote.associations("deals") if row["id"] == story.record_id]
        ids = [next(row["to_id"] for row in linked if label in row["labels"]) for label in spelled]
    else:
        ids = [str(story.record()[native]) for native in spelled]
    return tuple(str(story.remote.record(story.crm.company, one)[story.crm.name]) for one in ids)


def company_id(story: Story, user: str) -> str:
    return str(story.portal.said("GET", f"users/{user}").json()["primary_company"])


def licences(story: Story) -> list[tuple[str, int, str, str, str]]:
    """Those of the deal, as the reseller sees them in its company."""
    found = story.portal.said("GET", f"{DELTA}/licences", user="rita").json()["items"]
    of_deal = story.portal.said("GET", f"deals/{story.deal_id}/licences", user="arlo").json()["items"]
    assert {one["id"] for one in of_deal} == {one["id"] for one in found}
    return sorted((one["name"], one["count"], one["company_id"], one["starts_on"], one["ends_on"]) for one in found)


def letters_waiting(story: Story) -> list[dict[str, Any]]:
    """What was written and has not gone."""
    return [one for one in story.installation.asks("mail", "list", "acme", "--limit", "100") if one["outcome"] == "waits"]


def letters_to(mailbox: Mailbox, user: str) -> list[tuple[str, str]]:
    """Subject and text of what this person got, in order. A quote's sheet and page go with it."""
    found = [letter for letter in list(mailbox.letters) if letter["To"] == f"{user}@example.com"]
    for letter in found:
        kinds = [one.get_content_type() for one in letter.iter_attachments()]
        assert kinds == (["application/pdf", "text/html"] if letter["Subject"].startswith("Quote: ") else [])
    return [(str(letter["Subject"]), letter.get_body(("plain",)).get_content()) for letter in found]  # type: ignore[union-attr]


def quotes_to(mailbox: Mailbox, user: str, count: int) -> list[str]:
    """The pricings of the quotes this person got, once there are so many."""

    def got() -> list[str]:
        texts = [text for subject, text in letters_to(mailbox, user) if subject.startswith("Quote: Harbor expansion")]
        return [pricing for text in texts for pricing in PRICES if f"{pricing} pricing" in text.lower()]

    until(lambda: len(got()) >= count, what=f"{count} quotes to {user}")
    return got()
