"""CROWDS: everybody who may have to do with some deals, fetched at once, and what they and their companies are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.user import User
from sync_worker.domain.tell.recipients import Crowd
from sync_worker.domain.tell.wording import NoticeNames
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import acting
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import subgroups
from sync_worker.store.people import people

SECOND: Final = "second partner"


class Crowds:
    """The people around each of these deals. **Shapes** `people`: users of the portal by id; `companies`: those on the deals, by id."""

    def __init__(self, tx: Tx, tenant: Tenant, deals: Collection[Deal], *, with_admins: bool) -> None:
        sides = {company_id for deal in deals for company_id in _sides(deal)}
        self.companies: Mapping[str, Company] = companies.by_ids(tx, sides)
        lasting = subgroups.lasting(tx, sides) if tenant.portal.two_tier else {}
        self._parents = {company_id: subgroup.parent_id for company_id, subgroup in lasting.items()}
        members = people.of_companies(tx, sides | set(self._parents.values()))
        named = people.by_emails(tx, {email for one in self.companies.values() if (email := one.account_owner_email)})
        self._admins = people.vendor_admins(tx) if with_admins else []
        self.people: dict[str, User] = {user.id: user for user in (*members, *named, *self._admins)}
        self.people |= people.by_ids(tx, {user_id for deal in deals if (user_id := deal.owner_user)} - self.people.keys())
        self._by_email: dict[str, list[User]] = {}
        for user in self.people.values():
            self._by_email.setdefault(user.email.casefold(), []).append(user)
        self._by_company: dict[str, list[User]] = {}
        for user in members:
            for company_id in user.companies:
                self._by_company.setdefault(company_id, []).append(user)
        self._second = tenant.portal.second_partner.display_label or SECOND

    def of(self, deal: Deal) -> Crowd:
        """Those of the deal's companies and of their parents, their account owners, the vendor's admins, and the rep."""
        sides = _sides(deal)
        parents = {company_id: self._parents[company_id] for company_id in sides if company_id in self._parents}
        emails = {side: email for side in sides if (company := self.companies.get(side)) and (email := company.account_owner_email)}
        named = [user for email in emails.values() for user in self._by_email.get(email.casefold(), ())]
        near = [user for company_id in (*sides, *parents.values()) for user in self._by_company.get(company_id, ())]
        rep = self.people.get(deal.owner_user or "")
        users = {user.id: user for user in (*near, *named, *self._admins, *([rep] if rep else []))}
        return Crowd(tuple(users.values()), emails, parents)

    @property
    def names(self) -> NoticeNames:
        """What they are called, people as history keeps them."""
        people_ = {user.id: acting(user).name for user in self.people.values()}
        return NoticeNames(self._second, {company.id: company.name for company in self.companies.values()}, people_)


def _sides(deal: Deal) -> tuple[str, ...]:
    return tuple(company_id for company_id in (deal.owner_company, deal.second_partner) if company_id)
