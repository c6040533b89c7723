"""TELL: what a commit is news of becomes mail in that very commit, one row per event and person. Sending is MAIL's work.

Where there is no mail server no person is told, and nothing waits for one: old news would all go out on the day there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal
from sync_worker.domain.core.user import User
from sync_worker.domain.core.values import plain
from sync_worker.domain.tell.notification import Audience, Crowd, News, Topic, news_of, recipients
from sync_worker.steps.core.tenant import DEAL, Tenant, identity_of
from sync_worker.steps.people.users import acting
from sync_worker.store.core import companies, feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import subgroups
from sync_worker.store.people import people
from sync_worker.store.tell import mails
from sync_worker.store.tell.mails import OwedMail


class ChangedDeal(NamedTuple):
    """One deal's. **Shapes** `before` None: it is new; `version`: after it; `reason`: why, where somebody gave one."""

    before: Deal | None
    after: Deal
    version: int
    reason: str = ""


class DealNews(NamedTuple):
    """One thing to tell of one deal. **Shapes** `words`: what its template needs beside the usual; `quote_id`: what goes with it."""

    news: News
    deal: Deal
    before: Deal | None = None
    words: Mapping[str, Any] = {}
    quote_id: str | None = None


def tell_changes(tx: Tx, tenant: Tenant, changes: Iterable[ChangedDeal], *, actor: Actor) -> int:
    """What these changes are news of; how many letters. A first load gives none, whichever step makes it."""
    if tenant.post is None:
        return 0
    seen = [one._replace(before=one.before and tenant.shown(one.before), after=tenant.shown(one.after)) for one in changes]
    found = [
        DealNews(news, one.after, one.before, {"reason": one.reason})
        for one in seen
        for news in news_of(one.before, one.after, version=one.version)
    ]
    if actor.side == "crm" and found and feed.is_loading(tx, DEAL):
        return 0
    return tell(tx, tenant, found, actor=actor)


def tell(tx: Tx, tenant: Tenant, found: Sequence[DealNews], *, actor: Actor | None) -> int:
    """Writes the letters; how many, those that were written before included. **Shapes** `actor` None: the calendar's doing."""
    if tenant.post is None or not found:
        return 0
    found = [told._replace(deal=tenant.shown(told.deal)) for told in found]
    is_vendors = any(Audience.VENDOR in told.news.audience for told in found)
    town = _Town(tx, [told.deal for told in found], with_admins=is_vendors, with_parents=tenant.portal.two_tier)
    letters = [
        _letter(tx, tenant, town, told, user, actor)
        for told in found
        for user in recipients(told.news, told.deal, town.crowd(told.deal), actor=actor, switched_on=_switched_on(tenant))
    ]
    mails.write(tx, letters)
    return len(letters)


def _switched_on(tenant: Tenant) -> frozenset[Topic]:
    return frozenset(Topic(name) for name in tenant.portal.mail.notices)


def _letter(tx: Tx, tenant: Tenant, town: _Town, told: DealNews, user: User, actor: Actor | None) -> OwedMail:
    news, deal, address = told.news, told.deal, user.email.casefold()
    owner = town.companies.get(deal.owner_company or "")
    link = tenant.portal.mail.deal_url
    context = {
        "deal": plain(deal.values.get("name")) or deal.id,
        "company": owner.name if owner else "",
        "actor": actor.name if actor else "The portal",  # as history keeps it, so that it is found when the person is erased
        "name": user.name,
        "changes": _changes(news, told.before, deal, town),
        "link": link.replace("{id}", deal.id) if link else "",
        **told.words,
    }
    return OwedMail(identity_of(f"{tx.portal}/mail/{news.event}/{address}"), news.event, address, news.notice.value, context, told.quote_id)


def _changes(news: News, before: Deal | None, after: Deal, town: _Town) -> list[dict[str, Any]]:
    old = before.values if before else {}
    return [
        {"field": name.replace("_", " "), "before": town.shown(old.get(name)), "after": town.shown(after.values.get(name))}
        for name in news.fields
    ]


class _Town:
    """Everybody who may have to do with these deals, fetched at once."""

    def __init__(self, tx: Tx, deals: Collection[Deal], *, with_admins: bool, with_parents: bool) -> None:
        sides = {company_id for deal in deals for company_id in (deal.owner_company, deal.second_partner) if company_id}
        vendor = companies.vendor(tx)
        self._vendor_id = vendor.id if vendor else ""
        self.companies: Mapping[str, Company] = companies.by_ids(tx, sides)
        lasting = subgroups.lasting(tx, sides) if with_parents else {}
        self._parents = {company_id: subgroup.parent_id for company_id, subgroup in lasting.items()}
        around = sides | set(self._parents.values()) | ({self._vendor_id} - {""})
        self._vendors = people.vendor_admins(tx) if with_admins else []
        everybody = {user.id: user for user in (*people.of_companies(tx, around), *self._vendors)}
        self._people = everybody | people.by_ids(tx, {user_id for deal in deals if (user_id := deal.owner_user)} - everybody.keys())
        self._by_company: dict[str, list[User]] = {}
        for user in everybody.values():
            for company_id in user.companies:
                self._by_company.setdefault(company_id, []).append(user)

    def crowd(self, deal: Deal) -> Crowd:
        """Those of the deal's companies, of their parents and of the vendor, and the rep."""
        sides = [company_id for company_id in (deal.owner_company, deal.second_partner) if company_id]
        parents = {company_id: self._parents[company_id] for company_id in sides if company_id in self._parents}
        rep = self._people.get(deal.owner_user or "")
        near = [user for company_id in (*sides, *parents.values(), self._vendor_id) for user in self._by_company.get(company_id, ())]
        users = {user.id: user for user in (*near, *self._vendors, *([rep] if rep else []))}
        emails = {side: email for side in sides if (company := self.companies.get(side)) and (email := company.account_owner_email)}
        return Crowd(tuple(users.values()), self._vendor_id, emails, parents)

    def shown(self, value: Any) -> str:
        """A field's value as people read it."""
        user = self._people.get(value) if isinstance(value, str) else None
        written = acting(user).name if user else plain(value)
        return "–" if written in (None, "") else str(written)
