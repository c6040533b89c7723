"""Who is told of what: what a change of a deal is news of, and to whom, by one policy table. Pure; once per event and person.

A user is not told what is hidden from them (`visibility.py`), what they did, or while inactive; a vendor's admin is told of deals only as
somebody's account owner, and of what the vendor has to do. A first load is not news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import UNDECIDED, Actor, Deal, Lifecycle, Track, differing
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.visibility import Viewer, can_see


class Topic(StrEnum):
    """What people are told of; the names of switches and of mail templates."""

    DEAL_REGISTERED = "deal_registered"
    DEAL_UPDATED = "deal_updated"
    FINALIZE_REQUESTED = "finalize_requested"
    QUOTE_SENT = "quote_sent"
    EXPIRES_SOON = "expires_soon"
    APPROVAL_WAITS = "approval_waits"
    DECISION_UNTAKEN = "decision_untaken"


class Audience(StrEnum):
    """Whom a line of the policy means."""

    DEAL_OWNER = "the deal owner"
    OWNER_MANAGERS = "managers of the owner company"
    OWNER_NAMED = "the owner company's account owner"
    OWNER_MEMBERS = "members of the owner company"
    SECOND_MANAGERS = "managers of the second partner"
    SECOND_NAMED = "the second partner's account owner"
    SECOND_MEMBERS = "members of the second partner"
    VENDOR = "the vendor's members and admins"


OWNER_SIDE: Final = (Audience.DEAL_OWNER, Audience.OWNER_MANAGERS, Audience.OWNER_NAMED)
SECOND_SIDE: Final = (Audience.SECOND_MANAGERS, Audience.SECOND_NAMED)

POLICY: Final[Mapping[Topic, tuple[Audience, ...]]] = {
    Topic.DEAL_REGISTERED: OWNER_SIDE + SECOND_SIDE,
    Topic.DEAL_UPDATED: OWNER_SIDE + SECOND_SIDE,
    Topic.FINALIZE_REQUESTED: (Audience.VENDOR,),
    Topic.QUOTE_SENT: (Audience.OWNER_MEMBERS, Audience.SECOND_MEMBERS),  # which of the two, `quote_policy` says
    Topic.EXPIRES_SOON: (Audience.DEAL_OWNER, Audience.OWNER_MANAGERS, Audience.SECOND_MANAGERS),
    Topic.APPROVAL_WAITS: (Audience.SECOND_MANAGERS, Audience.VENDOR),  # the side whose track it is
    Topic.DECISION_UNTAKEN: (Audience.VENDOR,),
}
"""notice → who may be told. Printed into docs/distributors.md."""

WATCHED: Final = frozenset(
    {
        "crm_owner",
        "owner_user",
        "lifecycle",
        "stage",
        "vendor_approval",
        "distributor_approval",
        "amount",
        "expected_close_on",
    }
)
"""A change of one of these is an update worth telling."""

_THE_CRMS: Final = frozenset({"stage", "crm_owner"})

_WAITED_FOR: Final = {Track.DISTRIBUTOR: (Audience.SECOND_MANAGERS,), Track.VENDOR: (Audience.VENDOR,)}


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell. **Shapes** `event` is its key, the same one whenever it is computed again; `fields`: what changed."""

    event: str
    notice: Topic
    audience: tuple[Audience, ...]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody who might be told.

    **Shapes** `users` of both companies and the vendor; `owner_emails`: company → its account-owner field.
    """

    users: Sequence[User]
    vendor_id: str
    owner_emails: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


# ── what is news ─────────────────────────────────────────────────────────────────────────────────────────────────────


def news_of(before: Deal | None, after: Deal, *, version: int) -> tuple[News, ...]:
    """What this change of a deal is news of; nothing where nothing changed, and of drafts. **Shapes** `version`: the deal's, after it.

    Not asked of a first load.
    """
    if after.lifecycle is Lifecycle.DRAFT:
        return ()
    key = f"{after.id}/{version}"
    if before is None or before.lifecycle is Lifecycle.DRAFT:
        return (News(f"registered/{key}", Topic.DEAL_REGISTERED, POLICY[Topic.DEAL_REGISTERED]),)
    changed = tuple(sorted(differing(before, {name: after.values.get(name) for name in after.values.keys() | before.values.keys()})))
    is_new_second = "second_partner" in changed and after.second_partner is not None
    found = [News(f"registered/{key}", Topic.DEAL_REGISTERED, SECOND_SIDE)] if is_new_second else []
    if seen := tuple(name for name in changed if name in WATCHED and not _is_filled_in(name, before)):
        audience = OWNER_SIDE if is_new_second else POLICY[Topic.DEAL_UPDATED]
        found.append(News(f"updated/{key}", Topic.DEAL_UPDATED, audience, seen))
    if "lifecycle" in changed and after.lifecycle is Lifecycle.FINALIZE_REQUESTED:
        found.append(News(f"finalize/{key}", Topic.FINALIZE_REQUESTED, POLICY[Topic.FINALIZE_REQUESTED]))
    return tuple(found)


def _is_filled_in(name: str, before: Deal) -> bool:
    """What the CRM gives a new record by itself belongs to the registration, of which people were told."""
    return name in _THE_CRMS and before.values.get(name) is None


def decision_untaken(deal_id: str, run_id: str) -> News:
    """The vendor decided in the CRM, and this run could not take it over: the vendor's people look again."""
    return News(f"untaken/{deal_id}/{run_id}", Topic.DECISION_UNTAKEN, POLICY[Topic.DECISION_UNTAKEN])


def quote_news(event: str, deal: Deal, company_id: str) -> News:
    """A quote on its way to the members of this company, one of the deal's two."""
    audience = Audience.SECOND_MEMBERS if company_id == deal.second_partner else Audience.OWNER_MEMBERS
    return News(event, Topic.QUOTE_SENT, (audience,))


def reminders(deal: Deal, today: date, *, since: date, expiry_days: Sequence[int], waiting_days: Sequence[int]) -> tuple[News, ...]:
    """What people are reminded of on this day: an expiry so many days ahead, an approval waited for so many days.

    **Shapes** `since`: when the tracks began to wait. A day without a look is made up for later: of several past marks the last one counts.
    """
    if deal.lifecycle is not Lifecycle.SUBMITTED:
        return ()
    found = []
    last_day = deal.values.get("expires_on")
    left = (last_day - today).days if isinstance(last_day, date) else -1
    if reached := [days for days in expiry_days if 0 <= left <= days]:
        found.append(News(f"expires/{deal.id}/{last_day}/{min(reached)}", Topic.EXPIRES_SOON, POLICY[Topic.EXPIRES_SOON]))
    if waited := [days for days in waiting_days if (today - since).days >= days]:
        for track, state in ((Track.DISTRIBUTOR, deal.distributor_approval), (Track.VENDOR, deal.vendor_approval)):
            if state in UNDECIDED:
                found.append(News(f"waits/{deal.id}/{track}/{since}/{max(waited)}", Topic.APPROVAL_WAITS, _WAITED_FOR[track]))
    return tuple(found)


def deal_reminded_of(event: str) -> str | None:
    """The deal of a reminder; None for any other news. As long as the deal waits, its reminder must not be written a second time."""
    kind, _, rest = event.partition("/")
    return rest.partition("/")[0] if kind in ("expires", "waits") else None


# ── to whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def recipients(news: News, deal: Deal, crowd: Crowd, *, actor: Actor | None, switched_on: Iterable[Topic] = Topic) -> tuple[User, ...]:
    """Who is told, each address once, by address. **Shapes** `actor` `None`: the calendar's doing."""
    if news.notice not in switched_on:
        return ()
    meant = (user for audience in news.audience for user in _meant(audience, deal, crowd))
    told: dict[str, User] = {}
    for user in meant:
        if user.is_active and not _is_actor(user, actor) and (_is_vendors(news, user, crowd) or _sees(user, deal, crowd)):
            told.setdefault(user.email.casefold(), user)
    return tuple(user for _, user in sorted(told.items()))


def _meant(audience: Audience, deal: Deal, crowd: Crowd) -> list[User]:
    owner, second = deal.owner_company, deal.second_partner
    found = {
        Audience.DEAL_OWNER: lambda: [user for user in crowd.users if user.id == deal.owner_user],
        Audience.OWNER_MANAGERS: lambda: _managers(owner, crowd),
        Audience.OWNER_NAMED: lambda: _named(owner, crowd),
        Audience.OWNER_MEMBERS: lambda: _members(owner, crowd),
        Audience.SECOND_MANAGERS: lambda: _managers(second, crowd),
        Audience.SECOND_NAMED: lambda: _named(second, crowd),
        Audience.SECOND_MEMBERS: lambda: _members(second, crowd),
        Audience.VENDOR: lambda: [user for user in crowd.users if user.is_vendor_admin or crowd.vendor_id in user.companies],
    }
    return found[audience]()


def _members(company_id: str | None, crowd: Crowd) -> list[User]:
    return [user for user in crowd.users if company_id in user.companies and not user.is_vendor_admin]


def _managers(company_id: str | None, crowd: Crowd) -> list[User]:
    return [user for user in _members(company_id, crowd) if user.role is Role.MANAGER]


def _named(company_id: str | None, crowd: Crowd) -> list[User]:
    """The person whose e-mail stands in the company's account-owner field, also one that the portal does not know."""
    email = crowd.owner_emails.get(company_id or "", "")
    known = [user for user in crowd.users if user.email.casefold() == email.casefold()]
    return known or ([User(email, email, email, Role.ACCOUNT_OWNER, None)] if email else [])


def _sees(user: User, deal: Deal, crowd: Crowd) -> bool:
    named = frozenset(company for company, email in crowd.owner_emails.items() if email.casefold() == user.email.casefold())
    rep = next((one for one in crowd.users if one.id == deal.owner_user), None)
    return can_see(Viewer(user, named, crowd.parents), deal, rep)


def _is_vendors(news: News, user: User, crowd: Crowd) -> bool:
    """The vendor's own people are told of what the vendor has to do."""
    return Audience.VENDOR in news.audience and (user.is_vendor_admin or crowd.vendor_id in user.companies)


def _is_actor(user: User, actor: Actor | None) -> bool:
    return actor is not None and actor.user is not None and actor.user.id == user.id
