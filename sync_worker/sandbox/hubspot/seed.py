"""A plausible portal of any size from a seed."""

from dataclasses import dataclass
from random import Random

from sync_worker.sandbox.clock import Clock
from sync_worker.sandbox.hubspot.portal import Pipeline, Portal, Stage
from sync_worker.sandbox.hubspot.records import Record

STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much, and how tidy."""

    companies: int = 300
    deals: int = 60
    seed: int = 7
    every_company_active: bool = False
    every_deal_has_partner: bool = False
    tier: str = "professional"
    time_zone: str = "US/Eastern"


def seeded(sizes: Sizes, clock: Clock) -> Portal:
    """A new portal, filled."""
    portal = Portal.empty(clock, tier=sizes.tier, time_zone=sizes.time_zone)
    stages = [
        Stage(name, label, order, {"isClosed": str(name.startswith("closed")).lower(), "probability": probability})
        for order, (name, label, probability) in enumerate(STAGES)
    ]
    portal.pipelines["default"] = Pipeline("default", "Sales Pipeline", 0, stages)
    rng, now = Random(sizes.seed), portal.now_ms()
    companies, deals = portal.shelf("companies"), portal.shelf("deals")
    companies.load(
        Record(companies.next_id(), {"name": f"Company {place}", "portal_status": "active"}, now, now - rng.randrange(1, 10**9))
        for place in range(sizes.companies)
    )
    deals.load(
        Record(deals.next_id(), {"dealname": f"Deal {place}", "pipeline": "default", "dealstage": STAGES[0][0]}, now, now)
        for place in range(sizes.deals)
    )
    for shelf in portal.shelves.values():
        portal.index(shelf.type).load(shelf.records)
    return portal
