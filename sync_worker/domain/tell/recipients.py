"""Who is told: the people that the lines of the policy mean, each of them once for one change. Pure.

A user is not told what is hidden from them (`visibility.py`), what they did, or while inactive; a vendor's admin is told of deals only as
somebody's account owner, and of what the vendor has to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sync_worker.domain.core.deal import Actor, Deal
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.visibility import Viewer, can_see
from sync_worker.domain.tell.notification import Audience, News, Topic


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody who might be told.

    **Shapes** `users`: of both companies, those whom a company's account-owner field names, and the vendor's admins; `owner_emails`:
    company → its account-owner field.
    """

    users: Sequence[User]
    owner_emails: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


class PersonalNotice(NamedTuple):
    """One change, told to one person. **Shapes** `news`: the first that is for this person; `audiences`, `fields`: of all of them."""

    user: User
    news: News
    audiences: tuple[Audience, ...]
    fields: tuple[str, ...] = ()


def notices(
    found: Sequence[News], deal: Deal, crowd: Crowd, *, actor: Actor | None, switched_on: Collection[Topic] = tuple(Topic)
) -> tuple[PersonalNotice, ...]:
    """Who is told of one change, by address: of all that it is news of, each person is told the first, and why by all of them.

    **Shapes** `actor` `None`: the calendar's doing.
    """
    told: dict[str, list[tuple[User, News, Audience]]] = {}
    for news in found:
        if news.notice in switched_on:
            for user, audience in _meant_by(news, deal, crowd):
                told.setdefault(user.id, []).append((user, news, audience))
    seen = [_notice(meant) for meant in told.values() if _is_told(meant[0][0], deal, crowd, actor)]
    return tuple(sorted(seen, key=lambda notice: (notice.user.email.casefold(), notice.user.id)))


def account_owners(email: str, users: Iterable[User]) -> list[User]:
    """The person whose address stands in a company's account-owner field, also one that the portal does not know; "" names no person."""
    if not email:
        return []
    known = [user for user in users if user.email.casefold() == email.casefold()]
    return known or [User(email, email, email, Role.ACCOUNT_OWNER, None)]


def _notice(meant: Sequence[tuple[User, News, Audience]]) -> PersonalNotice:
    user, first, _ = meant[0]
    audiences = tuple(dict.fromkeys(audience for _, _, audience in meant))
    return PersonalNotice(user, first, audiences, tuple(dict.fromkeys(name for _, news, _ in meant for name in news.fields)))


def _meant_by(news: News, deal: Deal, crowd: Crowd) -> Iterator[tuple[User, Audience]]:
    for audience in news.audience:
        for user in _meant(audience, deal, crowd):
            yield user, audience


def _meant(audience: Audience, deal: Deal, crowd: Crowd) -> list[User]:
    owner, second = deal.owner_company, deal.second_partner

    def named(company_id: str | None) -> list[User]:
        return account_owners(crowd.owner_emails.get(company_id or "", ""), crowd.users)

    found = {
        Audience.DEAL_OWNER: lambda: [user for user in crowd.users if user.id == deal.owner_user],
        Audience.OWNER_MANAGERS: lambda: _members(owner, crowd, Role.MANAGER),
        Audience.OWNER_NAMED: lambda: [*named(owner), *_members(owner, crowd, Role.ACCOUNT_OWNER)],
        Audience.OWNER_MEMBERS: lambda: _members(owner, crowd, *Role),
        Audience.SECOND_REP: lambda: [user for user in _members(second, crowd, *Role) if user.id == deal.registered_by],
        Audience.SECOND_MANAGERS: lambda: _members(second, crowd, Role.MANAGER),
        Audience.SECOND_EXECUTIVES: lambda: _members(second, crowd, Role.EXECUTIVE, Role.ACCOUNT_OWNER),
        Audience.SECOND_NAMED: lambda: named(second),
        Audience.SECOND_MEMBERS: lambda: _members(second, crowd, *Role),
        Audience.VENDOR: lambda: [user for user in crowd.users if user.is_vendor_admin],
    }
    return found[audience]()


def _members(company_id: str | None, crowd: Crowd, *roles: Role) -> list[User]:
    return [user for user in crowd.users if company_id in user.companies and user.role in roles and not user.is_vendor_admin]


def _is_told(user: User, deal: Deal, crowd: Crowd, actor: Actor | None) -> bool:
    is_actor = actor is not None and actor.user is not None and actor.user.id == user.id
    return user.is_active and not is_actor and _sees(user, deal, crowd)


def _sees(user: User, deal: Deal, crowd: Crowd) -> bool:
    named = frozenset(company for company, email in crowd.owner_emails.items() if email.casefold() == user.email.casefold())
    rep = next((one for one in crowd.users if one.id == deal.owner_user), None)
    return can_see(Viewer(user, named, crowd.parents), deal, rep)
