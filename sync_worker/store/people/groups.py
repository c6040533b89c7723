"""Dynamic groups, and which companies meet their conditions: one row for each company and group, so that a change looks at few rows.

The rows of a company carry the number of the conditions that it meets. The rows of the number that stands count. An edit is evaluated
under the next number beside them, and one update of the group makes it count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, select, update

from sync_worker.domain.core.company import PortalStatus, StoredCompany
from sync_worker.domain.core.conditions.condition import Condition, conditions_of, documents_of
from sync_worker.domain.people.group import GroupPart, Reach, UserGroup, moves
from sync_worker.domain.tell.event import By, group_move_event
from sync_worker.store.core import feed
from sync_worker.store.core.companies import CompanyFilter
from sync_worker.store.core.companies import listed as listed_companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, put, upsert
from sync_worker.store.core.tables import companies
from sync_worker.store.people.tables import group_companies, memberships, user_groups, users
from sync_worker.telemetry.correlation import run_under_way

UserCompanies = dict[str, dict[str, set[str]]]
"""user → group → the user's companies that are in it."""

_GROUP: Final = tuple(user_groups.c[name] for name in UserGroup.__slots__)


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def listed(tx: Tx) -> list[UserGroup]:
    """Every group, by key."""
    rows = tx.connection.execute(select(*_GROUP).where(*_alive(tx)).order_by(user_groups.c.key))
    return [_group(row) for row in rows]


def get(tx: Tx, key: str) -> UserGroup | None:
    """One group."""
    row = tx.connection.execute(select(*_GROUP).where(*_alive(tx), user_groups.c.key == key)).first()
    return _group(row) if row else None


def write(tx: Tx, key: str, *, name: str, conditions: Sequence[Condition], by: str) -> UserGroup:
    """A group as a person wants it: new, or with another name or other conditions, which are to be evaluated from the first company on."""
    found = tx.connection.execute(select(*_GROUP, user_groups.c.is_deleted, user_groups.c.is_settled).where(*_named(tx, key))).first()
    before = _group(found[:-2]) if found else None
    is_old = before is not None and found is not None and not found.is_deleted
    is_same = is_old and before is not None and before.conditions == tuple(conditions)
    row = {
        "portal": tx.portal,
        "key": key,
        "name": name,
        "conditions": documents_of(conditions),
        "no": (before.no if before else 0) + (0 if is_same else 1),
        "stood_no": before.stood_no if before and is_old else 0,
        "stood_conditions": documents_of(before.stood_conditions) if before and is_old else [],
        "position": before.position if before and is_same else "",
        "changed_by": by,
        "changed_at": tx.now,
        "stood_at": before.stood_at if before and is_old else None,
        "is_settled": bool(found and is_same and found.is_settled),
        "is_deleted": False,
    }
    upsert(tx, user_groups, [row])
    return _group([row[name] for name in UserGroup.__slots__])


def remove(tx: Tx, key: str) -> None:
    """No user is in the group from now on. Its rows are cleared away page by page."""
    _set(tx, key, is_deleted=True, is_settled=False, stood_no=0)


def unsettled(tx: Tx) -> tuple[UserGroup, bool] | None:
    """The first group of which something is to be evaluated or cleared away, and whether it was deleted."""
    query = select(*_GROUP, user_groups.c.is_deleted).where(user_groups.c.portal == tx.portal, user_groups.c.is_settled.is_(False))
    row = tx.connection.execute(query.order_by(user_groups.c.key).limit(1)).first()
    return (_group(row[:-1]), row.is_deleted) if row else None


def move(tx: Tx, key: str, position: str) -> None:
    """Everything up to this company is in this commit or an earlier one."""
    _set(tx, key, position=position)


def stand(tx: Tx, group: UserGroup) -> None:
    """From now on the conditions as last written count."""
    _set(tx, group.key, stood_no=group.no, stood_conditions=documents_of(group.conditions), stood_at=tx.now, position="")


def settle(tx: Tx, key: str) -> None:
    """Nothing is left to do for the group; a deleted one is gone."""
    tx.connection.execute(delete(user_groups).where(*_named(tx, key), user_groups.c.is_deleted.is_(True)))
    _set(tx, key, is_settled=True)


# ── companies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def held(tx: Tx, company_ids: Collection[str]) -> dict[str, set[GroupPart]]:
    """The parts that these companies have in groups."""
    columns = (group_companies.c.company_id, group_companies.c.group_key, group_companies.c.no)
    query = select(*columns).where(group_companies.c.portal == tx.portal, among(tx, group_companies.c.company_id, company_ids))
    found: dict[str, set[GroupPart]] = {}
    for company_id, key, no in tx.connection.execute(query):
        found.setdefault(company_id, set()).add(GroupPart(key, no))
    return found


def enter(tx: Tx, rows: Iterable[tuple[str, GroupPart]]) -> None:
    """These companies, by id, have these parts from now on."""
    names = ("portal", "company_id", "group_key", "no")
    put(tx, group_companies, names, ((tx.portal, company_id, *part) for company_id, part in rows))


def leave(tx: Tx, rows: Collection[tuple[str, GroupPart]]) -> None:
    """These companies do not have these parts any more."""
    if rows:
        key = {name: group_companies.c[name] == bindparam(f"gone_{name}") for name in ("company_id", "group_key", "no")}
        statement = delete(group_companies).where(group_companies.c.portal == tx.portal, *key.values())
        gone = sorted((company_id, *part) for company_id, part in rows)
        tx.connection.execute(statement, [dict(zip((f"gone_{name}" for name in key), row, strict=True)) for row in gone])


def clear(tx: Tx, key: str, *, but_no: int, limit: int) -> int:
    """Clears away rows of a group that are of another number, at most so many. Returns how many."""
    mine = (group_companies.c.portal == tx.portal, group_companies.c.group_key == key)
    row = (group_companies.c.company_id, group_companies.c.no)
    gone = tx.connection.execute(select(*row).where(*mine, group_companies.c.no != but_no).limit(limit)).all()
    leave(tx, [(company_id, GroupPart(key, no)) for company_id, no in gone])
    return len(gone)


def companies_in(
    tx: Tx, group: UserGroup, wanted: CompanyFilter, *, after: tuple[str, str] = ("", ""), limit: int | None = 1000
) -> list[StoredCompany]:
    """Those of the companies that are in the group, by the conditions that stand. **Shapes** as `companies.listed`."""
    mine = (group_companies.c.portal == tx.portal, group_companies.c.group_key == group.key, group_companies.c.no == group.stood_no)
    return listed_companies(tx, wanted, after=after, limit=limit, within=select(group_companies.c.company_id).where(*mine))


# ── users ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_users(tx: Tx, user_ids: Collection[str]) -> UserCompanies:
    """The groups of those of these users that are active, with the companies by which each is in them.

    **Source** Three statements by key. In one join SQLite begins with the group, and walks all of its companies for each user.
    """
    query = select(memberships.c.user_id, memberships.c.company_id).select_from(memberships.join(users, _same_user()))
    here = (memberships.c.portal == tx.portal, among(tx, memberships.c.user_id, user_ids), users.c.is_active.is_(True))
    belonging = tx.connection.execute(query.where(*here)).all()
    standing = {GroupPart(group.key, group.stood_no) for group in listed(tx)} if belonging else set()
    parts = held(tx, {company_id for _, company_id in belonging}) if standing else {}
    found: UserCompanies = {}
    for user_id, company_id in belonging:
        for part in parts.get(company_id, set()) & standing:
            found.setdefault(user_id, {}).setdefault(part.group, set()).add(company_id)
    return found


def member_ids(tx: Tx, key: str, *, after: str = "", limit: int) -> list[str]:
    """The group's members by id, those that follow `after`."""
    query = members_of(tx, key).where(memberships.c.user_id > after).distinct()
    return list(tx.connection.execute(query.order_by(memberships.c.user_id).limit(limit)).scalars())


def members_of(tx: Tx, key: str) -> Select[str]:
    """The query that gives the ids of the group's members."""
    return _members(tx, memberships.c.user_id).where(user_groups.c.key == key)


def user_ids_of(tx: Tx, company_ids: Collection[str]) -> set[str]:
    """The active users that belong to one of these companies."""
    return set(tx.connection.execute(_users_of(tx, company_ids)).scalars())


def counts(tx: Tx, key: str, no: int) -> tuple[int, int]:
    """(companies, active users) that are in the group by the conditions of that number."""
    mine = and_(group_companies.c.portal == tx.portal, group_companies.c.group_key == key, group_companies.c.no == no)
    company_count = tx.connection.execute(select(func.count()).select_from(group_companies).where(mine)).scalar_one()
    theirs = memberships.join(group_companies, _same_company()).join(users, _same_user())
    query = select(func.count(memberships.c.user_id.distinct())).select_from(theirs).where(mine, users.c.is_active.is_(True))
    return int(company_count), int(tx.connection.execute(query).scalar_one())


def reach(tx: Tx, company_ids: Collection[str]) -> Reach:
    """Whom these companies would bring into a group, of how many there are."""
    taking_part = (companies.c.status != PortalStatus.INACTIVE, companies.c.deleted_at.is_(None))
    all_ = select(func.count()).select_from(companies).where(companies.c.portal == tx.portal, *taking_part)
    belonging = select(func.count(memberships.c.user_id.distinct())).select_from(memberships.join(users, _same_user()))
    belonging = belonging.where(memberships.c.portal == tx.portal, users.c.is_active.is_(True))
    reached = select(func.count()).select_from(_users_of(tx, company_ids).subquery())
    count_of = [int(tx.connection.execute(query).scalar_one()) for query in (reached, all_, belonging)]
    return Reach(len(company_ids), *count_of)


def tell_moves(tx: Tx, before: UserCompanies, after: UserCompanies) -> None:
    """Tells the portal who is in another group than before."""
    by = By("worker", "groups", run_under_way())
    feed.tell(tx, [group_move_event(user_id, key, move, by) for user_id, key, move in moves(before, after)])


def _members(tx: Tx, *columns: Any) -> Select[Any]:
    """From the active members of the groups, by the conditions that stand."""
    standing = and_(
        user_groups.c.portal == group_companies.c.portal,
        user_groups.c.key == group_companies.c.group_key,
        user_groups.c.stood_no == group_companies.c.no,
    )
    whole = memberships.join(group_companies, _same_company()).join(user_groups, standing).join(users, _same_user())
    return select(*columns).select_from(whole).where(memberships.c.portal == tx.portal, users.c.is_active.is_(True))


def _users_of(tx: Tx, company_ids: Collection[str]) -> Select[Any]:
    here = (memberships.c.portal == tx.portal, among(tx, memberships.c.company_id, company_ids), users.c.is_active.is_(True))
    return select(memberships.c.user_id).select_from(memberships.join(users, _same_user())).where(*here).distinct()


def _same_company() -> ColumnElement[bool]:
    return and_(group_companies.c.portal == memberships.c.portal, group_companies.c.company_id == memberships.c.company_id)


def _same_user() -> ColumnElement[bool]:
    return and_(users.c.portal == memberships.c.portal, users.c.id == memberships.c.user_id)


def _alive(tx: Tx) -> tuple[ColumnElement[bool], ...]:
    return user_groups.c.portal == tx.portal, user_groups.c.is_deleted.is_(False)


def _named(tx: Tx, key: str) -> tuple[ColumnElement[bool], ...]:
    return user_groups.c.portal == tx.portal, user_groups.c.key == key


def _set(tx: Tx, key: str, **values: Any) -> None:
    tx.connection.execute(update(user_groups).where(*_named(tx, key)).values(**values))


def _group(row: Sequence[Any]) -> UserGroup:
    key, name, conditions, no, stood_no, stood_conditions, *rest = row
    return UserGroup(key, name, conditions_of(conditions), no, stood_no, conditions_of(stood_conditions), *rest)
