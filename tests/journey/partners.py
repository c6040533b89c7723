"""Partners at work: deals of Birch Systems with Arrow Electronics, registered in the portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.register import register

ANN: Final = Actor("Ann", None, "portal")
AMOUNT: Final[Mapping[str, str]] = {"salesforce": "Portal_Amount__c", "hubspot": "amount"}
"""What the CRM calls the amount of a deal."""


def registered(tenant: Tenant, number: int, *, amount: str) -> str:
    """A deal with the prospect of this number. Our id of it."""
    written = {
        "owner_company": "Birch Systems",
        "second_partner": "Arrow Electronics",
        "prospect_name": f"Prospect {number}",
        "contact_last_name": "Berg",
        "amount": amount,
        "licence_count": "10",
    }
    done = register(tenant, written, actor=ANN)
    assert not isinstance(done, Refusal), done
    return done[0].id
