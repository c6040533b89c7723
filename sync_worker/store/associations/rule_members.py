"""Memberships of rules: which company holds which key of which rule. Pairs are a join of two of them and are not stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, FromClause, Integer, Row, Select, and_, bindparam, delete, func, or_, select, update

from sync_worker.domain.associations.rule import Membership, Side
from sync_worker.domain.associations.rule_member import Member
from sync_worker.domain.core.company import PortalStatus
from sync_worker.store.associations.evaluations import Evaluation
from sync_worker.store.associations.tables import rule_members
from sync_worker.store.core import feed
from sync_worker.store.core.columns import Utc
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import add, among, put
from sync_worker.store.core.tables import companies

_COLUMNS = tuple(column.name for column in rule_members.columns)


class SharedKey(NamedTuple):
    """A key that two companies hold. **Shapes** `run_id`: of the later of their two memberships. **Units** `since`: aware UTC."""

    company_id: str
    rule: str
    key: str
    since: datetime
    run_id: str


def held(tx: Tx, company_ids: Collection[str]) -> dict[str, list[Member]]:
    """The rows of these companies that go on, of whatever evaluation; by company id."""
    return _held(tx, among(tx, rule_members.c.company_id, company_ids))


def held_within(tx: Tx, first_id: str, last_id: str) -> dict[str, list[Member]]:
    """The same of all companies from one id to another: a page of them, found by its ends."""
    return _held(tx, rule_members.c.company_id.between(first_id, last_id))


def _held(tx: Tx, which: ColumnElement[bool]) -> dict[str, list[Member]]:
    query = _rows(tx).where(which, rule_members.c.until_at.is_(None))
    found: dict[str, list[Member]] = {}
    for row in tx.connection.execute(query):
        found.setdefault(row.company_id, []).append(_member(row))
    return found


def save(tx: Tx, members: Iterable[Member]) -> None:
    """Writes the rows as they are now."""
    rows = list(members)
    put(tx, rule_members, _COLUMNS, [_row(tx, member) for member in rows])
    feed.tell_associations(tx, {member.company_id for member in rows})


def wait(tx: Tx, members: Iterable[Member]) -> None:
    """Adds rows that are new and wait for their evaluation to stand; the companies that they concern are told then."""
    add(tx, rule_members, _COLUMNS, [_row(tx, member) for member in members])


def remove(tx: Tx, members: Sequence[Member]) -> None:
    """Takes away rows that never stood."""
    if not members:
        return
    key = {name: rule_members.c[name] == bindparam(f"gone_{name}") for name in ("company_id", "rule", "side", "key", "since_at", "from_no")}
    statement = delete(rule_members).where(rule_members.c.portal == tx.portal, *key.values())
    rows = sorted((member.company_id, *member.membership, member.since, member.from_no) for member in members)
    tx.connection.execute(statement, [dict(zip((f"gone_{name}" for name in key), row, strict=True)) for row in rows])


def of(tx: Tx, company_ids: Collection[str], evaluation: Evaluation, at: datetime | None = None) -> dict[str, dict[Membership, Member]]:
    """What these companies hold under the evaluation, now or then: by company id, then by membership."""
    found: dict[str, dict[Membership, Member]] = {}
    query = _rows(tx).where(among(tx, rule_members.c.company_id, company_ids), _stands(rule_members, evaluation.no, at))
    for row in tx.connection.execute(query):
        member = _member(row)
        found.setdefault(row.company_id, {})[member.membership] = member
    return found


class OtherSide(NamedTuple):
    """Which companies of the other side: those behind `after`, by id, and not more than `limit`. By default all of them."""

    after: str = ""
    limit: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no company is left out."""
        return not self.after and self.limit is None


EVERY_OTHER: Final = OtherSide()


def shares(
    tx: Tx, company_id: str, side: Side, evaluation: Evaluation, *, at: datetime | None = None, others: OtherSide = EVERY_OTHER
) -> list[SharedKey]:
    """Every key this company holds in common with one of the other side, in no order."""
    other = "second_partner" if side == "partner" else "partner"
    told: dict[str, Any] = {"portal": tx.portal, "company": company_id, "side": side, "other": other, "no": evaluation.no}
    told |= {"at": at} if at else {}
    query = _joined(is_past=at is not None)
    if not others.is_whole:
        theirs = query.selected_columns[0]
        page = query.with_only_columns(theirs).where(theirs > others.after).distinct().order_by(theirs).limit(others.limit)
        query = query.where(among(tx, theirs, list(tx.connection.execute(page, told).scalars())))
    since, found = evaluation.since, list[SharedKey]()
    for other_id, rule, key, at_, no, run_id, their_at, their_no, their_run_id in tx.connection.execute(query, told).all():
        mine, later = since(at_, no), since(their_at, their_no)
        found.append(SharedKey(other_id, rule, key, mine, run_id) if mine > later else SharedKey(other_id, rule, key, later, their_run_id))
    return found


@cache
def _joined(*, is_past: bool) -> Select[Any]:
    """The join of two memberships, made once. **Shapes** parameters: portal, company, side, other, no, at."""
    mine, theirs = rule_members.alias("mine"), rule_members.alias("theirs")
    same = and_(theirs.c.portal == mine.c.portal, theirs.c.rule == mine.c.rule, theirs.c.key == mine.c.key)
    no, at = bindparam("no", type_=Integer), bindparam("at", type_=Utc) if is_past else None
    columns = [table.c[name] for table in (mine, theirs) for name in ("since_at", "from_no", "run_id")]
    return (
        select(theirs.c.company_id, theirs.c.rule, theirs.c.key, *columns)
        .select_from(mine.join(theirs, same))
        .where(mine.c.portal == bindparam("portal"), mine.c.company_id == bindparam("company"), mine.c.side == bindparam("side"))
        .where(theirs.c.side == bindparam("other"), _stands(mine, no, at), _stands(theirs, no, at))
    )


def changed(tx: Tx, evaluation: Evaluation, *, after: str, limit: int) -> list[str]:
    """The companies for which the evaluation made a difference when it began to stand, by id. **Shapes** `after`: the last one seen."""
    made = and_(rule_members.c.from_no == evaluation.no, rule_members.c.since_at <= evaluation.stood_at)
    query = select(rule_members.c.company_id).where(
        rule_members.c.portal == tx.portal, rule_members.c.company_id > after, or_(made, rule_members.c.until_no == evaluation.no)
    )
    return list(tx.connection.execute(query.distinct().order_by(rule_members.c.company_id).limit(limit)).scalars())


def date(tx: Tx, evaluation: Evaluation, company_ids: Sequence[str]) -> None:
    """Writes on a page of companies' rows that they ended when the evaluation began to stand. **Shapes** `company_ids` sorted."""
    if evaluation.no > 1:
        here = (rule_members.c.portal == tx.portal, rule_members.c.company_id.between(company_ids[0], company_ids[-1]))
        ended = (rule_members.c.until_no == evaluation.no, rule_members.c.until_at.is_(None))
        tx.connection.execute(update(rule_members).where(*here, *ended).values(until_at=evaluation.stood_at))
    feed.tell_associations(tx, company_ids)


def taking_part(tx: Tx, company_ids: Collection[str], no: int) -> set[tuple[str, Membership]]:
    """(company, membership) under this evaluation, of those of the companies that are active."""
    columns = [rule_members.c[name] for name in ("company_id", "rule", "side", "key")]
    query = _active(tx, select(*columns)).where(among(tx, rule_members.c.company_id, company_ids), _stands(rule_members, no, None))
    return {(company_id, Membership(*membership)) for company_id, *membership in tx.connection.execute(query)}


def sizes(tx: Tx, no: int, *, until_no: int | None = None, rules: Collection[str] | None = None) -> dict[tuple[str, str], Counter[str]]:
    """How many active companies hold a key of a rule, by side. **Shapes** `until_no`: only those that hold it up to that evaluation too."""
    columns = [rule_members.c[name] for name in ("rule", "key", "side")]
    here = [_stands(rule_members, one, None) for one in (no, until_no) if one is not None]
    query = _active(tx, select(*columns, func.count())).where(*here).group_by(*columns)
    if rules is not None:
        query = query.where(among(tx, rule_members.c.rule, rules))
    found: dict[tuple[str, str], Counter[str]] = {}
    for rule, key, side, count in tx.connection.execute(query):
        found.setdefault((rule, key), Counter())[side] = count
    return found


def _active(tx: Tx, query: Select[Any]) -> Select[Any]:
    its_company = and_(companies.c.portal == rule_members.c.portal, companies.c.id == rule_members.c.company_id)
    takes_part = (companies.c.status == PortalStatus.ACTIVE, companies.c.deleted_at.is_(None))
    return query.select_from(rule_members.join(companies, its_company)).where(rule_members.c.portal == tx.portal, *takes_part)


def _stands(table: FromClause, no: int | BindParameter[int], at: datetime | BindParameter[datetime] | None) -> ColumnElement[bool]:
    """Whether a row is part of that evaluation, now or then."""
    is_of = and_(table.c.from_no <= no, or_(table.c.until_no.is_(None), table.c.until_no > no))
    if at is None:
        return and_(is_of, table.c.until_at.is_(None))
    return and_(is_of, table.c.since_at <= at, or_(table.c.until_at.is_(None), table.c.until_at > at))


def _rows(tx: Tx) -> Select[Any]:
    return select(rule_members).where(rule_members.c.portal == tx.portal)


def _member(row: Row[Any]) -> Member:
    _, company_id, rule, side, key, since_at, until_at, from_no, until_no, run_id = tuple(row)
    return Member(company_id, Membership(rule, side, key), since_at, from_no, run_id, until_at, until_no)


def _row(tx: Tx, member: Member) -> tuple[Any, ...]:
    """In the order of the table."""
    times = (member.since, member.until, member.from_no, member.until_no)
    return (tx.portal, member.company_id, *member.membership, *times, member.run_id)
