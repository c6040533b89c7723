"""A plausible portal of any size from a seed: the companies, deals and people of `crm_sandbox/seed/` in this vendor's spelling.

The cast's ids are the same for every seed and size. A company's contracts are options of a checkbox set; a deal's partner and
second partner are labelled associations, or properties where labels are not paid for. Inquiries are deals that belong to no partner.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from crm_sandbox.clock import Clock
from crm_sandbox.hubspot.data.associations import HubspotAssociations
from crm_sandbox.hubspot.data.portal import HubspotAccount, Owner, Pipeline, Stage
from crm_sandbox.hubspot.data.records import Record, Values
from crm_sandbox.hubspot.schema.object_types import clean_types, portal_types
from crm_sandbox.hubspot.schema.schema import ObjectType, Option
from crm_sandbox.hubspot.schema.standard_types import standard_types
from crm_sandbox.seed import cast, draft
from crm_sandbox.seed.draft import SeedData

STAGES = (  # value, label, probability
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
FIRST_OWNER_ID = 96_879_911
PARTNER, SECOND_PARTNER = ("portal_partner", "Portal partner"), ("portal_second_partner", "Portal second partner")
_KIND = {"Distributor": "second_partner"}  # others are spelled as they are, in small letters
_STAGE = {
    "Prospecting": "appointmentscheduled",
    "Qualification": "qualifiedtobuy",
    "Needs Analysis": "presentationscheduled",
    "Value Proposition": "presentationscheduled",
    "Id. Decision Makers": "decisionmakerboughtin",
    "Perception Analysis": "decisionmakerboughtin",
    "Proposal/Price Quote": "contractsent",
    "Negotiation/Review": "contractsent",
    "Closed Won": "closedwon",
    "Closed Lost": "closedlost",
}
_INDUSTRY = {
    "Technology": "COMPUTER_SOFTWARE",
    "Electronics": "ELECTRICAL_ELECTRONIC_MANUFACTURING",
    "Telecommunications": "TELECOMMUNICATIONS",
    "Consulting": "MANAGEMENT_CONSULTING",
    "Healthcare": "HOSPITAL_HEALTH_CARE",
    "Retail": "RETAIL",
}
Link = tuple[int, int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class HubspotSizes:
    """How much, how tidy, whether an admin has made nothing yet, what has been paid for, and where the portal's day begins."""

    companies: int = 300
    deals: int = 60
    inquiries: int = 40
    seed: int = 7
    every_company_active: bool = False
    every_deal_has_partner: bool = False
    clean: bool = False
    tier: str = "professional"
    time_zone: str = "US/Eastern"

    def wish(self) -> draft.SeedWish:
        """The same, in the words of every sandbox."""
        tidy = self.every_company_active, self.every_deal_has_partner
        return draft.SeedWish(self.companies, self.inquiries, self.deals, self.seed, *tidy)


def seeded(sizes: HubspotSizes, clock: Clock) -> HubspotAccount:
    """A new portal, filled."""
    return _Seed(sizes, clock).portal()


class _Seed:
    def __init__(self, sizes: HubspotSizes, clock: Clock) -> None:
        self._draft = SeedData(sizes.wish(), clock.now())
        values = (*cast.LISTED_SECOND_PARTNERS, *self._draft.listed)
        contracts = tuple(Option(value, value, order) for order, value in enumerate(values))
        types = clean_types() if sizes.clean else portal_types(contracts)
        self._portal = HubspotAccount.empty(clock, [*types, *standard_types()], tier=sizes.tier, time_zone=sizes.time_zone)
        self._first_company, self._first_deal, self._first_contact = (
            self._portal.shelf(name).type.first_id for name in ("companies", "deals", "contacts")
        )
        self._links: list[Link] = []
        self._is_clean = sizes.clean
        self._has_labels = sizes.tier != "free" and not sizes.clean
        self._types = _labelled(self._portal.associations) if self._has_labels else {}

    def portal(self) -> HubspotAccount:
        self._portal.owners += [_owner(place) for place in range(len(cast.USERS))]
        self._portal.add_pipeline("deals", Pipeline("default", "Sales Pipeline", 0, _stages()))
        for kind, way in _other_pipelines().items():
            self._portal.add_pipeline(kind, way)
        self._load("companies", self._companies())
        inquiries = list(self._draft.inquiries())
        self._load("deals", self._deals())
        self._load("deals", map(self._inquiry, inquiries))
        self._portal.associations.load("deals", "companies", self._links)
        people = list(self._draft.people())
        self._load("contacts", map(self._contact, range(len(people)), people))
        works_at = frozenset({1, 279})
        ends = ((self._first_contact + place, self._first_company + one.company, works_at) for place, one in enumerate(people))
        self._portal.associations.load("contacts", "companies", ends)
        for shelf in self._portal.shelves.values():
            self._portal.index(shelf.type).load(shelf.records)
        return self._portal

    def _load(self, name: str, records: Iterable[Record]) -> None:
        shelf = self._portal.shelf(name)
        shelf.load((_known(shelf.type, record) for record in records) if self._is_clean else records)

    def _companies(self) -> Iterator[Record]:
        for place, one in enumerate(self._draft.companies()):
            values = {
                "name": one.name,
                "domain": one.website.removeprefix("https://"),
                "website": one.website,
                "industry": _INDUSTRY.get(one.industry, ""),
                "country": one.country,
                "numberofemployees": str(one.employees),
                "hubspot_owner_id": _rep(one.rep),
                "portal_status": (one.status or "").lower(),
                "portal_account_type": _small(_KIND.get(one.kind or "", one.kind or "")),
                "associated_second_partner": ";".join(one.contracts),
                "portal_account_owner_email": cast.REPS[one.rep][2],
                "portal_may_register": "false",
                "portal_region": one.region.lower(),
                "portal_tier": one.tier.lower(),
                "portal_country": one.country.lower(),
                "portal_product_lines": ";".join(line.lower() for line in one.product_lines),
            }
            yield _record(self._first_company + place, values, one.stamps)

    def _deals(self) -> Iterator[Record]:
        for place, one in enumerate(self._draft.deals()):
            record_id, stage = self._first_deal + place, _STAGE[one.stage]
            ends = {"portal_partner": one.partner, "portal_second_partner": one.second_partner, "primary": one.customer}
            values = {
                "dealname": one.name,
                "pipeline": "default",
                "dealstage": stage,
                "amount": f"{one.amount:.2f}".rstrip("0").rstrip("."),
                "closedate": f"{one.close_on}T12:00:00.000Z",
                "hubspot_owner_id": _rep(one.rep),
                "portal_prospect": one.prospect or "",
                "portal_deal_type": one.deal_type.lower(),
                "portal_licences": str(one.licences),
                "portal_term_years": str(one.term_years),
                "portal_billing": _small(one.billing),
                "portal_vendor_approval": _small(one.approval or ""),
                "portal_registered": "false",
                **self._named(ends),
            }
            self._links += self._linked(record_id, ends)
            yield _record(record_id, self._portal.derived("deals", values), one.stamps)

    def _named(self, ends: dict[str, int | None]) -> Values:
        """Partners as properties, where there are no labels."""
        named = (PARTNER[0], SECOND_PARTNER[0])
        return {} if self._has_labels else {name: str(self._first_company + place) for name in named if (place := ends[name]) is not None}

    def _linked(self, record_id: int, ends: dict[str, int | None]) -> Iterator[Link]:
        for name, place in ends.items():
            if place is not None and (name == "primary" or self._has_labels):
                yield record_id, self._first_company + place, frozenset({341, 5} if name == "primary" else {341, self._types[name]})

    def _inquiry(self, one: draft.Inquiry) -> Record:
        values = {
            "dealname": f"{one.company} - web inquiry",
            "pipeline": "default",
            "dealstage": "qualifiedtobuy" if one.is_worked_on else "appointmentscheduled",
            "hubspot_owner_id": _rep(one.rep),
            "portal_prospect": one.company,
            "portal_contact_first_name": one.first_name,
            "portal_contact_last_name": one.last_name,
            "portal_contact_email": one.email,
            "portal_registered": "false",
        }
        return _record(self._portal.shelf("deals").next_id(), self._portal.derived("deals", values), one.stamps)

    def _contact(self, place: int, one: draft.SeedPerson) -> Record:
        values = {"firstname": one.first_name, "lastname": one.last_name, "email": one.email, "hubspot_owner_id": _rep(one.rep)}
        return _record(self._first_contact + place, values, one.stamps)


def _record(record_id: int, values: Values, at: draft.Stamps) -> Record:
    held = {name: value for name, value in values.items() if value}
    return Record(record_id, held, at.created_s * 1000, at.changed_s * 1000)


def _known(kind: ObjectType, record: Record) -> Record:
    """A record without the values that a clean portal has no property for."""
    return replace(record, values={name: value for name, value in record.values.items() if name in kind.properties})


def _small(text: str) -> str:
    return text.lower().replace(" ", "_")


def _rep(place: int) -> str:
    return str(FIRST_OWNER_ID + len(cast.USERS) - len(cast.REPS) + place)


def _owner(place: int) -> Owner:
    first, last, email = cast.USERS[place]
    return Owner(str(FIRST_OWNER_ID + place), FIRST_OWNER_ID + place, email, first, last)


def _stages() -> list[Stage]:
    return [
        Stage(value, label, order, {"isClosed": str(value.startswith("closed")).lower(), "probability": probability})
        for order, (value, label, probability) in enumerate(STAGES)
    ]


def _other_pipelines() -> dict[str, Pipeline]:
    tickets = [
        Stage(str(place), label, place - 1, {"isClosed": str(place == 4).lower(), "ticketState": "CLOSED" if place == 4 else "OPEN"})
        for place, label in enumerate(("New", "Waiting on contact", "Waiting on us", "Closed"), start=1)
    ]
    leads = [
        Stage(f"{label.lower()}-stage-id", label, order, {"isClosed": str(order > 2).lower()})
        for order, label in enumerate(("New", "Attempting", "Connected", "Qualified", "Unqualified"))
    ]
    return {
        "tickets": Pipeline("0", "Support Pipeline", 0, tickets),
        "leads": Pipeline("lead-pipeline-id", "Lead pipeline", 0, leads),
    }


def _labelled(associations: HubspotAssociations) -> dict[str, int]:
    """The labels that an admin made for the portal; their type ids by name."""
    return {name: associations.add_label("deals", "companies", name, label)[0].type_id for name, label in (PARTNER, SECOND_PARTNER)}
