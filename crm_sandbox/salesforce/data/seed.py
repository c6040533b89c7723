"""A plausible org of any size from a seed: first a small cast with every mess that real CRMs have, then the many.

The cast's ids are the same for every seed and size, so that a story can name them. Everything else follows from the
seed and the sizes; the moments follow from the clock. What is drawn: `crm_sandbox/seed/`; here it gets this vendor's spelling.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any

from crm_sandbox.clock import Clock
from crm_sandbox.salesforce.data.org import ORG_ID, Org, People
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.seed import cast, draft
from crm_sandbox.seed.draft import HISTORY_S, SeedData
from crm_sandbox.seed.words import STAGES

_STAGE = {name: (is_closed, is_won, probability) for name, is_closed, is_won, probability in STAGES}


@dataclass(frozen=True, slots=True)
class SalesforceSizes:
    """How much, and how tidy."""

    companies: int = 300
    leads: int = 40
    opportunities: int = 60
    seed: int = 7
    every_company_active: bool = False
    every_opportunity_has_partner: bool = False
    clean: bool = False

    def wish(self) -> draft.SeedWish:
        """The same, in the words of every sandbox."""
        tidy = self.every_company_active, self.every_opportunity_has_partner
        return draft.SeedWish(self.companies, self.leads, self.opportunities, self.seed, *tidy)


def seeded(sizes: SalesforceSizes, clock: Clock) -> Org:
    """A new org, filled and indexed."""
    return _Seed(sizes, clock).org()


class _Seed:
    def __init__(self, sizes: SalesforceSizes, clock: Clock) -> None:
        self._now = clock.now()
        self._draft = SeedData(sizes.wish(), self._now)
        self._account_ids: list[str] = []
        self._org = Org.empty(clock, (*cast.LISTED_SECOND_PARTNERS, *self._draft.listed), clean=sizes.clean)

    def org(self) -> Org:
        self._users()
        self._organization()
        self._fill("Account", map(self._account, self._draft.companies()))
        self._fill("Lead", map(self._lead, self._draft.inquiries()))
        self._fill("Opportunity", map(self._opportunity, self._draft.deals()))
        self._fill("Contact", map(self._contact, self._draft.people()))
        for sobject in self._org.objects.values():
            self._org.store.index(sobject)
        return self._org

    def _fill(self, name: str, rows: Iterator[dict[str, Any]]) -> None:
        sobject = self._org.sobject(name)
        first = next(rows, None)
        if first is None:
            return
        columns = [name for name in first if sobject.field(name)]
        taken = itemgetter(*columns)
        self._org.store.insert_many(sobject, columns, [taken(first)])
        self._org.store.insert_many(sobject, columns, map(taken, rows))

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

    def _account(self, one: draft.SeedCompany) -> dict[str, Any]:
        record_id = self._org.store.next_id("001")
        self._account_ids.append(record_id)
        return {
            "Id": record_id,
            "Name": one.name,
            "Type": None,
            "Industry": one.industry,
            "Website": one.website,
            "BillingCountryCode": one.country,
            "NumberOfEmployees": one.employees,
            "OwnerId": self._org.people.reps[one.rep],
            "Portal_Status__c": one.status,
            "Portal_Account_Type__c": one.kind,
            "Associated_Second_Partner__c": ";".join(one.contracts) or None,
            "Portal_Account_Owner_Email__c": cast.REPS[one.rep][2],
            "Portal_May_Register__c": 0,
            "Portal_Region__c": one.region,
            "Portal_Tier__c": one.tier,
            "Portal_Product_Lines__c": ";".join(one.product_lines),
            **self._stamps(one.stamps),
        }

    def _lead(self, one: draft.Inquiry) -> dict[str, Any]:
        return {
            "Id": self._org.store.next_id("00Q"),
            "FirstName": one.first_name,
            "LastName": one.last_name,
            "Name": f"{one.first_name} {one.last_name}",
            "Company": one.company,
            "Email": one.email,
            "LeadSource": "Web",
            "Status": "Working - Contacted" if one.is_worked_on else "Open - Not Contacted",
            "OwnerId": self._org.people.reps[one.rep],
            "IsConverted": 0,
            "Portal_Registered__c": 0,
            **self._stamps(one.stamps),
        }

    def _opportunity(self, one: draft.SeedDeal) -> dict[str, Any]:
        is_closed, is_won, probability = _STAGE[one.stage]
        return {
            "Id": self._org.store.next_id("006"),
            "Name": one.name,
            "AccountId": self._account_id(one.customer),
            "StageName": one.stage,
            "Amount": one.amount,
            "Probability": float(probability),
            "CloseDate": one.close_on,
            "LeadSource": one.source,
            "IsClosed": int(is_closed),
            "IsWon": int(is_won),
            "OwnerId": self._org.people.reps[one.rep],
            "Portal_Partner__c": self._account_id(one.partner),
            "Portal_Second_Partner__c": self._account_id(one.second_partner),
            "Portal_Prospect__c": one.prospect,
            "Portal_Deal_Type__c": one.deal_type,
            "Portal_Licences__c": float(one.licences),
            "Portal_Term_Years__c": float(one.term_years),
            "Portal_Billing__c": one.billing,
            "Portal_Vendor_Approval__c": one.approval,
            "Portal_Registered__c": 0,
            **self._stamps(one.stamps),
        }

    def _contact(self, one: draft.SeedPerson) -> dict[str, Any]:
        return {
            "Id": self._org.store.next_id("003"),
            "AccountId": self._account_id(one.company),
            "FirstName": one.first_name,
            "LastName": one.last_name,
            "Name": f"{one.first_name} {one.last_name}",
            "Email": one.email,
            "LeadSource": one.source,
            "OwnerId": self._org.people.reps[one.rep],
            **self._stamps(one.stamps),
        }

    def _account_id(self, place: int | None) -> str | None:
        return None if place is None else self._account_ids[place]

    def _stamps(self, at: draft.Stamps) -> dict[str, Any]:
        admin, changed = self._org.people.admin, stamps.write_epoch(at.changed_s)
        return {
            "IsDeleted": 0,
            "CreatedDate": stamps.write_epoch(at.created_s),
            "CreatedById": admin,
            "LastModifiedDate": changed,
            "LastModifiedById": admin,
            "SystemModstamp": changed,
        }
