"""TELL: what a commit is news of becomes mail in that very commit, one row per event and person. Sending is MAIL's work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sync_worker.domain.deal import Actor, Deal
from sync_worker.domain.notification import Audience, Crowd, News, Notice, recipients
from sync_worker.domain.people import User
from sync_worker.domain.values import plain
from sync_worker.steps.tenant import identity_of
from sync_worker.store import companies, mails, people, subgroups
from sync_worker.store.engine import Tx
from sync_worker.store.mails import Mail


def tell(
    tx: Tx,
    news: Iterable[News],
    deal: Deal,
    *,
    before: Deal | None = None,
    actor: Actor | None = None,
    words: Mapping[str, Any] | None = None,
    switched_on: Collection[Notice] = tuple(Notice),
) -> int:
    """Writes the mails; how many people are told, those who were before included.

    **Shapes** `actor` None: the calendar's doing. `words`: what a template needs beside the usual (`link`; a quote's `total`, …).
    """
    found = list(news)
    crowd = _crowd(tx, deal, with_admins=any(Audience.VENDOR in one.audience for one in found))
    owner = companies.by_ids(tx, [deal.owner_company] if deal.owner_company else []).get(deal.owner_company or "")
    usual = {
        "deal": plain(deal.values.get("name")) or deal.id,
        "company": owner.name if owner else "",
        "actor": actor.name if actor else "The portal",
    }
    written = [
        _mail(tx, one, user, {**usual, "name": user.name, "changes": _changes(one, before, deal), **(words or {})})
        for one in found
        for user in recipients(one, deal, crowd, actor=actor, switched_on=switched_on)
    ]
    mails.write(tx, written)
    return len(written)


def _mail(tx: Tx, news: News, user: User, context: Mapping[str, Any]) -> Mail:
    address = user.email.casefold()
    return Mail(identity_of(f"{tx.portal}/mail/{news.event}/{address}"), news.event, address, news.notice.value, context)


def _changes(news: News, before: Deal | None, after: Deal) -> list[dict[str, Any]]:
    old = before.values if before else {}
    return [
        {"field": name.replace("_", " "), "before": _shown(old.get(name)), "after": _shown(after.values.get(name))} for name in news.fields
    ]


def _shown(value: Any) -> str:
    written = plain(value)
    return "–" if written in (None, "") else str(written)


def _crowd(tx: Tx, deal: Deal, *, with_admins: bool) -> Crowd:
    """Everybody of the deal's two companies and the vendor, and who stands in the companies' account-owner fields."""
    vendor = companies.vendor(tx)
    sides = [company_id for company_id in (deal.owner_company, deal.second_partner) if company_id]
    known = companies.by_ids(tx, sides)
    users = {user.id: user for user in people.of_companies(tx, [*sides, *([vendor.id] if vendor else [])])}
    if with_admins:
        users |= {user.id: user for user in _admins(tx)}
    owner_emails = {company.id: company.account_owner_email for company in known.values() if company.account_owner_email}
    parents = {company_id: subgroup.parent_id for company_id, subgroup in subgroups.lasting(tx, sides).items()}
    return Crowd(tuple(users.values()), vendor.id if vendor else "", owner_emails, parents)


def _admins(tx: Tx) -> Iterable[User]:
    """Vendor admins, who may belong to no company."""
    after = ""
    while page := people.listed(tx, after=after):
        yield from (user for user in page if user.is_vendor_admin)
        after = page[-1].id
