"""Where the records of the outbox have their home in the CRM, for each of its objects: companies and deals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.link import Home, Link
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import company_links, outbox


class Homes(Protocol):
    """What `store/deals/links.py` and `store/sync/company_links.py` both offer."""

    def current(self, tx: Tx, record_ids: Iterable[str], /) -> dict[str, Link]:
        """By our id."""

    def by_crm_ids(self, tx: Tx, object_: str, crm_ids: Collection[str], /) -> dict[str, Link]:
        """By CRM id."""

    def homes(self, tx: Tx, record_ids: Collection[str], /) -> dict[str, Home]:
        """By our id, without what was agreed on."""

    def agree(self, tx: Tx, written: Sequence[Link], /) -> None:
        """The CRM took a write."""

    def save(self, tx: Tx, links: Sequence[Link], /) -> None:
        """The links as they are now."""


HOMES: Final[Mapping[str, Homes]] = {COMPANY: company_links, DEAL: links}


def first_record(tenant: Tenant, object_: str) -> str:
    """The record type in which a new one begins."""
    return COMPANY if object_ == COMPANY else tenant.portal.deals.record


def homes(tx: Tx, record_ids: Collection[str]) -> dict[str, Home]:
    """The home of each of these records, whatever it is of."""
    return {record_id: home for where in HOMES.values() for record_id, home in where.homes(tx, record_ids).items()}


def owe_deals(tx: Tx, company_ids: Iterable[str], run_id: str) -> bool:
    """The deals of companies that had no CRM record until now can name them there. Whether there are any."""
    waiting = {stored.deal.id for company_id in company_ids for stored in deals.naming(tx, company_id)}
    outbox.owe(tx, DEAL, waiting, run_id)
    return bool(waiting)


def owe_company(tx: Tx, company: Company, run_id: str) -> None:
    """The CRM is owed what the portal says of this company. **Shapes** as it was before, so that what is new is known as new."""
    agreed = {CONTRACTS: Base(comparable(company.second_partner_values), None), "name": Base(company.name, company.name)}
    company_links.begin(tx, {company.id: agreed})
    outbox.owe(tx, COMPANY, [company.id], run_id)
