"""People as the portal told of them, and the companies they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, delete, func, or_, select

from sync_worker.domain.core.user import Role, User
from sync_worker.domain.core.values import Plain
from sync_worker.domain.tell.event import MOVES, USER, By, Event, Subject, difference_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.people import groups
from sync_worker.store.people.tables import memberships, users
from sync_worker.telemetry.correlation import run_under_way


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users; None = any.

    **Shapes** `company`: our id of one of theirs; `group`: the key of one; `text`: in the name or e-mail, whatever its case.
    """

    company: str | None = None
    role: Role | None = None
    text: str | None = None
    group: str | None = None


EVERY = UserFilter()


def get(tx: Tx, user_id: str) -> User | None:
    """One user."""
    return by_ids(tx, [user_id]).get(user_id)


def by_ids(tx: Tx, ids: Collection[str]) -> dict[str, User]:
    """Those of the ids that the portal has told of."""
    return {user.id: user for user in _users(tx, among(tx, users.c.id, set(ids)))}


def of_companies(tx: Tx, company_ids: Collection[str]) -> list[User]:
    """The members of these companies, primary or further, by name."""
    return _users(tx, users.c.id.in_(_members(tx, company_ids)))


def by_emails(tx: Tx, emails: Collection[str]) -> list[User]:
    """The users with these e-mail addresses, whatever their case, by name."""
    return _users(tx, among(tx, func.lower(users.c.email), {email.lower() for email in emails})) if emails else []


def vendor_admins(tx: Tx) -> list[User]:
    """The vendor's admins, who may belong to no company, by name."""
    return _users(tx, users.c.is_vendor_admin)


def listed(tx: Tx, wanted: UserFilter = EVERY, *, after: str = "", limit: int = 1000) -> list[User]:
    """Users by id, those that follow `after`."""
    page = select(users.c.id).where(users.c.portal == tx.portal, users.c.id > after, *_conditions(tx, wanted))
    return _users(tx, users.c.id.in_(page.order_by(users.c.id).limit(limit)), users.c.id)


def save(tx: Tx, changed: Sequence[User]) -> None:
    """Writes the users as they are now, their companies too, and tells the portal who is in another group by that."""
    ids = [user.id for user in changed]
    is_told = not MOVES.isdisjoint(tx.events)
    before = groups.of_users(tx, ids) if is_told else {}
    rows = [
        {
            "portal": tx.portal,
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role.value,
            "primary_company": user.primary_company,
            "is_vendor_admin": user.is_vendor_admin,
            "is_active": user.is_active,
            "updated_at": tx.now,
        }
        for user in changed
    ]
    upsert(tx, users, rows)
    _leave(tx, ids)
    upsert(
        tx,
        memberships,
        [{"portal": tx.portal, "user_id": user.id, "company_id": company_id} for user in changed for company_id in sorted(user.companies)],
    )
    if is_told:
        groups.tell_moves(tx, before, groups.of_users(tx, ids))


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Members of a company that lost a merge belong to the survivor, and the portal is told."""
    members = of_companies(tx, [old_company_id])
    moved = [_moved(user, old_company_id, company_id) for user in members]
    save(tx, moved)
    feed.tell_of_companies(tx, [_event(before, after) for before, after in zip(members, moved, strict=True)])


def _event(before: User, after: User) -> Event | None:
    by = By("crm", "CRM", run_under_way())
    return difference_event("user.changed", Subject(USER, after.id), _companies_of(before), _companies_of(after), by)


def _companies_of(user: User) -> dict[str, Plain]:
    return {"primary_company": user.primary_company, "further_companies": sorted(user.further_companies)}


def _moved(user: User, old: str, new: str) -> User:
    primary = new if user.primary_company == old else user.primary_company
    further = frozenset(new if company == old else company for company in user.further_companies)
    return replace(user, primary_company=primary, further_companies=further - {primary})


def _conditions(tx: Tx, wanted: UserFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.company is not None:
        yield users.c.id.in_(_members(tx, [wanted.company]))
    if wanted.group is not None:
        yield users.c.id.in_(groups.members_of(tx, wanted.group))
    if wanted.role is not None:
        yield users.c.role == wanted.role
    if wanted.text:
        yield or_(*(column.icontains(wanted.text, autoescape=True) for column in (users.c.name, users.c.email)))


def _members(tx: Tx, company_ids: Collection[str]) -> Select[str]:
    mine = memberships.c.portal == tx.portal
    return select(memberships.c.user_id).where(mine, among(tx, memberships.c.company_id, set(company_ids)))


def _leave(tx: Tx, user_ids: Iterable[str]) -> None:
    gone = among(tx, memberships.c.user_id, list(user_ids))
    tx.connection.execute(delete(memberships).where(memberships.c.portal == tx.portal, gone))


def _users(tx: Tx, which: ColumnElement[bool], *order: ColumnElement[str]) -> list[User]:
    """In this order, by name by default; the database's own order of texts."""
    ordered = select(users).where(users.c.portal == tx.portal, which).order_by(*(order or (users.c.name, users.c.id)))
    rows = tx.connection.execute(ordered).all()
    companies = _companies(tx, [row.id for row in rows])
    return [
        User(
            row.id,
            row.email,
            row.name,
            Role(row.role),
            row.primary_company,
            companies.get(row.id, frozenset()) - {row.primary_company},
            row.is_vendor_admin,
            row.is_active,
        )
        for row in rows
    ]


def _companies(tx: Tx, user_ids: Collection[str]) -> dict[str, frozenset[str]]:
    query = select(memberships.c.user_id, memberships.c.company_id).where(
        memberships.c.portal == tx.portal, among(tx, memberships.c.user_id, user_ids)
    )
    found: dict[str, set[str]] = {}
    for user_id, company_id in tx.connection.execute(query):
        found.setdefault(user_id, set()).add(company_id)
    return {user_id: frozenset(companies) for user_id, companies in found.items()}
