"""People at work in the CRM: companies and deals changed in the sandbox, in fields that people do change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice
from typing import Any

from benchmarks.readers import Hubspot, Query, Reader, Row, Salesforce
from crm_sandbox.remote import Remote

Change = Callable[[str, tuple[str, str], int, int], None]
"""Changes so many companies and so many deals at the address."""

_ACCOUNTS = Query(
    native="Account", columns={"Id": "text", "Portal_Tier__c": "text", "Portal_Product_Lines__c": "text"}, only_with="Portal_Status__c"
)
_OPPORTUNITIES = Query(
    native="Opportunity",
    columns={"Id": "text", "Amount": "float8", "CloseDate": "text", "IsClosed": "bool"},
    only_with="Portal_Partner__c",
)
_COMPANIES = Query(
    native="companies", columns=dict.fromkeys(("hs_object_id", "portal_tier", "portal_product_lines"), "text"), only_with="portal_tier"
)
_DEALS = Query(
    native="deals",
    columns=dict.fromkeys(("hs_object_id", "amount", "closedate", "dealstage", "association:portal_partner"), "text"),
    only_with="association:portal_partner",
)
_NEXT_TIER = {"registered": "silver", "silver": "gold", "gold": "platinum", "platinum": "gold"}


def _change_salesforce(base_url: str, client: tuple[str, str], companies: int, deals: int) -> None:
    """Companies get another tier, every fifth another product line and region; deals another amount and date, every fifth is won."""
    reader = Salesforce(base_url, client)
    with Remote(base_url) as remote:
        for number, (crm_id, tier, lines) in enumerate(islice(_rows(reader, _ACCOUNTS), companies)):
            moved = {"Portal_Product_Lines__c": "Analytics" if lines == "Cloud" else "Cloud", "Portal_Region__c": "EMEA"}
            remote.edit("Account", crm_id, {"Portal_Tier__c": _NEXT_TIER[tier.lower()].title(), **_every_fifth(number, moved)})
        is_open = (row for row in _rows(reader, _OPPORTUNITIES) if not row[3])
        for number, (crm_id, amount, closes_on, _) in enumerate(islice(is_open, deals)):
            terms = {"Amount": amount + 500, "CloseDate": _later(closes_on)}
            remote.edit("Opportunity", crm_id, {**terms, **_every_fifth(number, {"StageName": "Closed Won"})})


def _change_hubspot(base_url: str, client: tuple[str, str], companies: int, deals: int) -> None:
    """The same."""
    reader = Hubspot(base_url, client)
    with Remote(base_url) as remote:
        for number, (crm_id, tier, lines) in enumerate(islice(_rows(reader, _COMPANIES), companies)):
            moved = {"portal_product_lines": "analytics" if lines == "cloud" else "cloud", "portal_region": "emea"}
            remote.edit("companies", crm_id, {"portal_tier": _NEXT_TIER[tier], **_every_fifth(number, moved)})
        is_open = (row for row in _rows(reader, _DEALS) if not row[3].startswith("closed"))
        for number, (crm_id, amount, closes_at, *_) in enumerate(islice(is_open, deals)):
            terms = {"amount": str(float(amount) + 500), "closedate": f"{_later(closes_at[:10])}T12:00:00.000Z"}
            remote.edit("deals", crm_id, {**terms, **_every_fifth(number, {"dealstage": "closedwon"})})


def _rows(reader: Reader, query: Query) -> Iterator[Row]:
    return (row for page in reader.pages(query) for row in page)


def _every_fifth(number: int, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields if number % 5 == 0 else {}


def _later(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=14)).isoformat()


def first_ids(crm: str, base_url: str, client: tuple[str, str], count: int) -> list[str]:
    """The ids of so many companies, as the CRM lists them."""
    reader, query = (Salesforce(base_url, client), _ACCOUNTS) if crm == "salesforce" else (Hubspot(base_url, client), _COMPANIES)
    return [str(row[0]) for row in islice(_rows(reader, query), count)]


CHANGES: Mapping[str, Change] = {"salesforce": _change_salesforce, "hubspot": _change_hubspot}
