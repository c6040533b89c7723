"""People at work in the CRM: companies and deals changed in the sandbox, in fields that people do change. One function a CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import islice
from typing import Any

import requests

from benchmarks.readers import Query, Salesforce
from sync_worker.sandbox.remote import Remote

Change = Callable[[str, tuple[str, str], int], None]
"""Changes so many records at the address, half of them companies."""

_ACCOUNTS = Query(
    native="Account", columns={"Id": "text", "Portal_Tier__c": "text", "Portal_Product_Lines__c": "text"}, only_with="Portal_Status__c"
)
_OPPORTUNITIES = Query(
    native="Opportunity",
    columns={"Id": "text", "Amount": "float8", "CloseDate": "text", "IsClosed": "bool"},
    only_with="Portal_Partner__c",
)
_NEXT_TIER = {"Registered": "Silver", "Silver": "Gold", "Gold": "Platinum", "Platinum": "Gold"}


def _change_salesforce(base_url: str, client: tuple[str, str], count: int) -> None:
    """Companies get another tier, every fifth another product line and region; deals another amount and date, every fifth is won."""
    with requests.Session() as http, Remote(base_url) as remote:
        reader = Salesforce(http, base_url, client)
        companies = (row for page in reader.pages(_ACCOUNTS) for row in page)
        deals = (row for page in reader.pages(_OPPORTUNITIES) for row in page if not row[3])
        for number, (crm_id, tier, lines) in enumerate(islice(companies, count // 2)):
            remote.edit("Account", crm_id, {"Portal_Tier__c": _NEXT_TIER[tier], **(_moved(lines) if number % 5 == 0 else {})})
        for number, (crm_id, amount, closes_on, _) in enumerate(islice(deals, count - count // 2)):
            later = date.fromisoformat(closes_on) + timedelta(days=14)
            won = {"StageName": "Closed Won"} if number % 5 == 0 else {}
            remote.edit("Opportunity", crm_id, {"Amount": amount + 500, "CloseDate": later.isoformat(), **won})


def _moved(lines: str) -> dict[str, Any]:
    return {"Portal_Product_Lines__c": "Analytics" if lines == "Cloud" else "Cloud", "Portal_Region__c": "EMEA"}


CHANGES: Mapping[str, Change] = {"salesforce": _change_salesforce}
