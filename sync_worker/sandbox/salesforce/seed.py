"""A plausible org of any size from a seed: first a small cast with every mess that real CRMs have, then the many.

The cast's ids are the same for every seed and size, so that a story can name them. Everything else follows from the
seed and the sizes; the moments follow from the clock. The mess: `cast.py` tells it, row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sync_worker.sandbox.clock import Clock
from sync_worker.sandbox.salesforce import cast, names, stamps
from sync_worker.sandbox.salesforce.objects import COUNTRIES, INDUSTRIES, PRODUCT_LINES, REGIONS, STAGES, TIERS
from sync_worker.sandbox.salesforce.org import ORG_ID, Org, People

HISTORY_S = 2 * 365 * 24 * 3600  # how far back the records go
QUIET_S = 3600  # nothing changed in the last hour before the start
MAX_CONTACTS = 200
MAX_LISTED = 400  # distributors that contracts name; a multi-select cannot list thousands

_STAGE = {name: (is_closed, is_won, probability) for name, is_closed, is_won, probability in STAGES}
_OPEN_STAGES = [name for name, is_closed, *_ in STAGES if not is_closed]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much, and how tidy."""

    companies: int = 300
    leads: int = 40
    opportunities: int = 60
    seed: int = 7
    every_company_active: bool = False
    every_opportunity_has_partner: bool = False


def seeded(sizes: Sizes, clock: Clock) -> Org:
    """A new org, filled and indexed."""
    return _Seed(sizes, clock).org()


@dataclass(slots=True)
class _Company:
    record_id: str
    name: str
    kind: str | None
    status: str | None
    contracts: tuple[str, ...]


class _Seed:
    def __init__(self, sizes: Sizes, clock: Clock) -> None:
        self._sizes, self._rng = sizes, Random(sizes.seed)
        self._now = clock.now()
        self._stamp_s = self._moment()
        self._companies: list[_Company] = []
        bulk = max(0, sizes.companies - len(cast.COMPANIES))
        self._names = names.companies(self._rng, bulk)
        self._kinds = [self._kind() for _ in range(bulk)]
        pairs = zip(self._names, self._kinds, strict=True)
        self._listed = [name for name, kind in pairs if kind == "Distributor"][:MAX_LISTED]
        self._org = Org.empty(clock, (*cast.LISTED_SECOND_PARTNERS, *self._listed))

    def org(self) -> Org:
        self._users()
        self._organization()
        self._fill("Account", self._accounts())
        self._fill("Lead", self._leads())
        self._fill("Opportunity", self._opportunities())
        self._fill("Contact", self._contacts())
        for sobject in self._org.objects.values():
            self._org.store.index(sobject)
        return self._org

    def _fill(self, name: str, rows: Iterator[dict[str, Any]]) -> None:
        sobject = self._org.sobject(name)
        first = next(rows, None)
        if first is None:
            return
        columns = list(first)
        self._org.store.insert_many(sobject, columns, [list(first.values())])
        self._org.store.insert_many(sobject, columns, (list(row.values()) for row in rows))

    def _moment(self) -> int:
        return int(self._now.timestamp()) - QUIET_S - int(self._rng.random() * HISTORY_S)

    def _stamps(self, author: str) -> dict[str, Any]:
        """Created and changed; one in three was written in the same second as the one before, as bulk loads are."""
        if self._rng.random() > 1 / 3:
            self._stamp_s = self._moment()
        changed = stamps.write_epoch(self._stamp_s)
        created = stamps.write_epoch(self._stamp_s - 86_400 * self._rng.randrange(1, 90))
        return {
            "IsDeleted": 0,
            "CreatedDate": created,
            "CreatedById": author,
            "LastModifiedDate": changed,
            "LastModifiedById": author,
            "SystemModstamp": changed,
        }

    def _users(self) -> None:
        user = self._org.sobject("User")
        ids: list[str] = []
        for first, last, address in cast.USERS:
            record_id = self._org.store.next_id(user.prefix)
            ids.append(record_id)
            stamp = stamps.write(self._now - timedelta(seconds=HISTORY_S))
            row = {
                "Id": record_id,
                "Username": f"{address}.sandbox",
                "FirstName": first,
                "LastName": last,
                "Name": f"{first} {last}",
                "Email": address,
                "IsActive": 1,
                "CreatedDate": stamp,
                "CreatedById": ids[0],
                "LastModifiedDate": stamp,
                "LastModifiedById": ids[0],
                "SystemModstamp": stamp,
            }
            self._org.store.insert(user, row)
        self._org.people = People(integration=ids[0], admin=ids[1], queue=ids[2], reps=tuple(ids[3:]))

    def _organization(self) -> None:
        stamp, admin = stamps.write(self._now - timedelta(seconds=HISTORY_S)), self._org.people.admin
        row = {
            "Id": ORG_ID,
            "Name": "Northwind Software",
            "IsSandbox": 1,
            "InstanceName": "SBX1",
            "OrganizationType": "Developer Edition",
            "LanguageLocaleKey": "en_US",
            "TimeZoneSidKey": "Etc/UTC",
            "CreatedDate": stamp,
            "CreatedById": admin,
            "LastModifiedDate": stamp,
            "LastModifiedById": admin,
            "SystemModstamp": stamp,
        }
        self._org.store.insert(self._org.sobject("Organization"), row)

    def _kind(self) -> str | None:
        roll = self._rng.random()
        return "Distributor" if roll < 0.08 else None if roll < 0.11 else "Partner"

    def _status(self) -> str | None:
        roll = self._rng.random()
        return None if roll < 0.05 else "Inactive" if roll < 0.09 else "Pending" if roll < 0.13 else "Active"

    def _accounts(self) -> Iterator[dict[str, Any]]:
        for member in cast.COMPANIES[: self._sizes.companies]:
            yield self._account(member.name, member.kind, member.status, member.contracts, member.website)
        for name, kind in zip(self._names, self._kinds, strict=True):
            count = self._rng.choice((0, 1, 1, 2, 3)) if kind == "Partner" else 0
            listed = [*cast.GOOD_SECOND_PARTNERS, *self._listed]
            contracts = tuple(dict.fromkeys(self._rng.choices(listed, k=count))) if count else ()
            status = self._status()
            yield self._account(name, kind, status, contracts, names.website(name))

    def _account(self, name: str, kind: str | None, status: str | None, contracts: tuple[str, ...], website: str) -> dict[str, Any]:
        rng, people = self._rng, self._org.people
        if self._sizes.every_company_active and status is None:
            status = "Active"
        record_id = self._org.store.next_id("001")
        self._companies.append(_Company(record_id, name, kind, status, contracts))
        rep = rng.choice(cast.USERS[3:])
        return {
            "Id": record_id,
            "Name": name,
            "Type": None,
            "Industry": rng.choice(INDUSTRIES),
            "Website": website,
            "BillingCountryCode": rng.choice(COUNTRIES),
            "NumberOfEmployees": rng.randrange(5, 5000),
            "OwnerId": people.reps[cast.USERS.index(rep) - 3],
            "Portal_Status__c": status,
            "Portal_Account_Type__c": kind,
            "Associated_Second_Partner__c": ";".join(contracts) or None,
            "Portal_Account_Owner_Email__c": rep[2],
            "Portal_May_Register__c": 0,
            "Portal_Region__c": rng.choice(REGIONS),
            "Portal_Tier__c": rng.choice(TIERS),
            "Portal_Product_Lines__c": ";".join(rng.sample(PRODUCT_LINES, rng.randrange(1, 4))),
            **self._stamps(people.admin),
        }

    def _leads(self) -> Iterator[dict[str, Any]]:
        rng = self._rng
        for _ in range(self._sizes.leads):
            first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
            company = names.prospect(rng)
            yield {
                "Id": self._org.store.next_id("00Q"),
                "FirstName": first,
                "LastName": last,
                "Name": f"{first} {last}",
                "Company": company,
                "Email": f"{first}.{last}@{names.domain(company)}".lower(),
                "LeadSource": "Web",
                "Status": rng.choice(("Open - Not Contacted", "Working - Contacted")),
                "OwnerId": rng.choice(self._org.people.reps),
                "IsConverted": 0,
                "Portal_Registered__c": 0,
                **self._stamps(self._org.people.admin),
            }

    def _contacts(self) -> Iterator[dict[str, Any]]:
        """One person at every second company; last of all, so that the draws before stay what they were."""
        rng = self._rng
        for company in self._companies[1 : 2 * MAX_CONTACTS : 2]:
            first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
            yield {
                "Id": self._org.store.next_id("003"),
                "AccountId": company.record_id,
                "FirstName": first,
                "LastName": last,
                "Name": f"{first} {last}",
                "Email": f"{first}.{last}@{names.domain(company.name)}".lower().replace("'", ""),
                "LeadSource": rng.choice(("Web", "Partner Referral")),
                "OwnerId": rng.choice(self._org.people.reps),
                **self._stamps(self._org.people.admin),
            }

    def _opportunities(self) -> Iterator[dict[str, Any]]:
        first_by_name: dict[str, str] = {}
        for company in self._companies:
            first_by_name.setdefault(company.name, company.record_id)
        for deal in cast.DEALS[: self._sizes.opportunities]:
            partner = first_by_name.get(deal.partner or "")
            yield self._opportunity(deal.name, deal.stage, partner, first_by_name.get(deal.second_partner or ""), deal)
        partners = [one for one in self._companies if one.kind == "Partner" and one.status == "Active"]
        for _ in range(self._sizes.opportunities - len(cast.DEALS)):
            prospect = names.prospect(self._rng)
            has_partner = self._sizes.every_opportunity_has_partner or self._rng.random() < 0.7
            chosen = self._rng.choice(partners) if has_partner and partners else None
            second = None
            if chosen is not None and chosen.contracts and self._rng.random() < 0.6:
                second = first_by_name.get(self._rng.choice(chosen.contracts))
            name = f"{prospect} - {self._rng.choice(PRODUCT_LINES)}"
            stage = self._rng.choice(_OPEN_STAGES) if self._rng.random() < 0.75 else self._rng.choice(list(_STAGE))
            partner = None if chosen is None else chosen.record_id
            yield self._opportunity(name, stage, partner, second, cast.Deal(name, stage, prospect=prospect))

    def _opportunity(self, name: str, stage: str, partner: str | None, second: str | None, deal: cast.Deal) -> dict[str, Any]:
        rng = self._rng
        is_closed, is_won, probability = _STAGE[stage]
        approval = deal.approval or (rng.choice((None, None, "Pending", "Approved")) if partner else None)
        return {
            "Id": self._org.store.next_id("006"),
            "Name": name,
            "AccountId": rng.choice(self._companies).record_id if self._companies and rng.random() < 0.5 else None,
            "StageName": stage,
            "Amount": deal.amount or rng.randrange(20, 4000) * 50.0,
            "Probability": float(probability),
            "CloseDate": _day(self._now, rng.randrange(10, 240)),
            "LeadSource": rng.choice(("Web", "Partner Referral", "Phone Inquiry")),
            "IsClosed": int(is_closed),
            "IsWon": int(is_won),
            "OwnerId": rng.choice(self._org.people.reps),
            "Portal_Partner__c": partner,
            "Portal_Second_Partner__c": second,
            "Portal_Prospect__c": deal.prospect,
            "Portal_Deal_Type__c": rng.choice(("New", "New", "Renewal", "Upsell")),
            "Portal_Licences__c": float(rng.randrange(5, 500)),
            "Portal_Term_Years__c": float(rng.choice((1, 1, 2, 3))),
            "Portal_Billing__c": deal.billing or rng.choice(("Annual", "Monthly", "Up front")),
            "Portal_Vendor_Approval__c": approval,
            "Portal_Registered__c": 0,
            **self._stamps(self._org.people.admin),
        }


def _day(now: datetime, days: int) -> str:
    return (now + timedelta(days=days)).date().isoformat()
