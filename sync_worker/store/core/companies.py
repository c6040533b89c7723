"""Companies as the portal knows them, with what identifies them in the CRM."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, ColumnElement, Select, bindparam, func, select, tuple_, update

from sync_worker.domain.core.company import AccountType, Company, Mark, PortalStatus, StoredCompany
from sync_worker.domain.core.names import folded, folded_otherwise, same_name
from sync_worker.domain.tell.event import COMPANY, By, Changed, Event, company_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, among_listed, listing, put, put_columns
from sync_worker.store.core.tables import companies
from sync_worker.telemetry.correlation import run_under_way

PAGE_COUNT: Final = 2000  # companies fetched at once where every one is looked at


@dataclass(frozen=True, slots=True)
class CompanyFilter:
    """Which companies; None = any. **Shapes** `text`: in its name, whatever its case."""

    account_types: Collection[AccountType] | None = None
    status: PortalStatus | None = None
    text: str | None = None


EVERY = CompanyFilter()


def by_crm_ids(tx: Tx, crm_ids: Collection[str]) -> dict[str, StoredCompany]:
    """Those of the ids that we know, by CRM id."""
    found = map(_from_row, _of_crm_ids(tx, _STORED, crm_ids))
    return {stored.company.crm_id: stored for stored in found if stored.company.crm_id}


def marks(tx: Tx, crm_ids: Collection[str]) -> dict[str, Mark]:
    """The marks of those of the ids that we know, by CRM id."""
    return {crm_id: Mark(*mark) for crm_id, *mark in _of_crm_ids(tx, _MARK, crm_ids)}


def by_ids(tx: Tx, ids: Iterable[str]) -> dict[str, Company]:
    """Those of the ids that we know, by our id."""
    rows = tx.connection.execute(_by_ids(tx.is_postgresql), {"portal": tx.portal, "ids": listing(tx, companies.c.id, set(ids))}).all()
    return {row[0]: _known(row) for row in rows}


def stored(tx: Tx, company_id: str) -> StoredCompany | None:
    """One company by our id, with its place in the order of reads."""
    found = _stored(tx, select(*_STORED).where(companies.c.portal == tx.portal, companies.c.id == company_id))
    return found[0] if found else None


def homeless(tx: Tx, ids: Collection[str]) -> dict[str, StoredCompany]:
    """Those of the ids that have no CRM record yet, by our id: made in the portal, and not linked."""
    if not ids:
        return {}
    found = _stored(tx, select(*_STORED).where(companies.c.portal == tx.portal, among(tx, companies.c.id, set(ids))))
    return {stored.company.id: stored for stored in found if stored.company.crm_id is None}


def places(tx: Tx, ids: Collection[str]) -> dict[str, str | None]:
    """For each of the ids that we know the CRM record that the company lives in; None where it has none, or lost it."""
    if not ids:
        return {}
    query = select(companies.c.id, companies.c.crm_id, companies.c.deleted_at).where(
        companies.c.portal == tx.portal, among(tx, companies.c.id, set(ids))
    )
    return {id_: None if deleted_at else crm_id for id_, crm_id, deleted_at in tx.connection.execute(query)}


class Named(NamedTuple):
    """Companies as names find them, sorted by id; several may share one name.

    **Shapes** `exact`: by exactly the name that was asked for. `alike`: by the folded form of the name, those that look the same; one that
    is written exactly so is among them.
    """

    exact: Mapping[str, Sequence[Company]]
    alike: Mapping[str, Sequence[Company]]


def by_names(tx: Tx, names: Collection[str]) -> Named:
    """Companies that have one of these names, or one that looks the same.

    Two look-ups: most names are folded as they are, and only the others are kept in both forms. Sorted here: asked for an order, SQLite
    walks all companies by id instead of looking the names up.
    """
    asked = set(names)
    bare = set(map(folded, asked))
    exact: dict[str, list[Company]] = {}
    alike: dict[str, list[Company]] = {}
    for company in _called(tx, companies.c.name, asked | bare):
        if company.name in asked:
            exact.setdefault(company.name, []).append(company)
        if company.name in bare:
            alike.setdefault(company.name, []).append(company)
    for company in _called(tx, companies.c.name_folded, bare):
        alike.setdefault(folded(company.name), []).append(company)
    return Named(exact, alike)


def _called(tx: Tx, column: Column[Any], names: Collection[str]) -> list[Company]:
    query = select(*_KNOWN).where(companies.c.portal == tx.portal, among(tx, column, names))
    return sorted(map(_known, tx.connection.execute(query)), key=attrgetter("id"))


def find(tx: Tx, reference: str) -> Company | None:
    """A company by our id, its CRM id, or a name that only it has."""
    found = called(tx, reference)
    return found[0] if len(found) == 1 else None


def called(tx: Tx, reference: str) -> list[Company]:
    """All companies that a person may mean by our id, a CRM id or a name: as it is written, else those that look the same.

    A company that was deleted in the CRM counts only where no other one has its name.
    """
    here = select(*_STORED).where(companies.c.portal == tx.portal)
    for column in (companies.c.id, companies.c.crm_id):
        found = [stored.company for stored in _stored(tx, here.where(column == reference))]
        if found:
            return found
    named = by_names(tx, [reference])
    found = list(named.exact.get(reference) or named.alike.get(folded(reference), ()))
    return [company for company in found if not company.is_deleted] or found


def namesakes(tx: Tx, name: str) -> list[Company]:
    """Companies whose names differ from this one by spaces, unseen signs or case only.

    Walks the names, since neither database folds the case of every script as people do; asked once for a new subgroup.
    """
    query = select(companies.c.id, companies.c.name).where(companies.c.portal == tx.portal)
    wanted = same_name(name)
    ids = [company_id for company_id, known in tx.connection.execute(query) if same_name(known) == wanted]
    return sorted(by_ids(tx, ids).values(), key=lambda company: (company.is_deleted, company.id))


def listed(
    tx: Tx,
    wanted: CompanyFilter = EVERY,
    *,
    after: tuple[str, str] = ("", ""),
    limit: int | None = 1000,
    within: Select[str] | None = None,
) -> list[StoredCompany]:
    """Companies by name.

    **Shapes** `after`: (name, id) of the last one seen; several may share a name. `limit` None: all of them. `within`: a query that gives
    the ids of those that count.
    """
    query = select(*_STORED).where(companies.c.portal == tx.portal, tuple_(companies.c.name, companies.c.id) > after)
    query = query.where(*_conditions(wanted), *([] if within is None else [companies.c.id.in_(within)]))
    return _stored(tx, query.order_by(companies.c.name, companies.c.id).limit(limit))


def ids_by_account_owner(tx: Tx, email: str) -> list[str]:
    """The companies whose account owner has this e-mail, whatever its case."""
    column = companies.c.account_owner_email
    query = select(companies.c.id).where(companies.c.portal == tx.portal, column.is_not(None), func.lower(column) == email.lower())
    return sorted(tx.connection.execute(query).scalars())


def page(tx: Tx, *, after: str, limit: int) -> list[Company]:
    """Companies by id. **Shapes** `after`: the id of the last one seen, "" begins."""
    query = select(*_KNOWN).where(companies.c.portal == tx.portal, companies.c.id > after)
    return [_known(row) for row in tx.connection.execute(query.order_by(companies.c.id).limit(limit))]


def every(tx: Tx) -> Iterator[Company]:
    """Every company by id, fetched page by page."""
    after = ""
    while found := page(tx, after=after, limit=PAGE_COUNT):
        yield from found
        after = found[-1].id


def crm_ids_after(tx: Tx, after: str, limit: int) -> list[str]:
    """CRM records of companies that are not deleted, in their order. **Shapes** `after`: the last one seen, "" begins."""
    query = select(companies.c.crm_id).where(companies.c.portal == tx.portal, companies.c.crm_id > after, companies.c.deleted_at.is_(None))
    return list(tx.connection.execute(query.order_by(companies.c.crm_id).limit(limit)).scalars())


def live_count(tx: Tx) -> int:
    """How many live in a CRM record that is not deleted."""
    here = (companies.c.portal == tx.portal, companies.c.crm_id.is_not(None), companies.c.deleted_at.is_(None))
    return int(tx.connection.execute(select(func.count()).select_from(companies).where(*here)).scalar_one())


def vendor(tx: Tx) -> Company | None:
    """The vendor's own company."""
    query = select(*_STORED).where(companies.c.portal == tx.portal, companies.c.account_type == AccountType.VENDOR)
    found = _stored(tx, query.order_by(companies.c.id).limit(1))
    return found[0].company if found else None


def save(tx: Tx, rows: Sequence[StoredCompany], *, side: str = "crm", actor: str = "CRM") -> None:
    """Writes the companies as they are now, and tells the portal what that changed; the patch-back's mark stays."""
    _tell(tx, rows, By(side, actor, run_under_way()))
    put(tx, companies, _SAVED, [_row(tx, stored) for stored in rows], keep=("settled_no",))


class NewCompanies(NamedTuple):
    """Companies that the CRM brings in, column by column. **Shapes** `digests` as in `StoredCompany`. **Units** `modified`: aware UTC."""

    companies: Sequence[Company]
    modified: Sequence[datetime]
    digests: Sequence[int]


def add(tx: Tx, new: NewCompanies) -> None:
    """Writes companies that are not known yet, as `save` would; the portal is told of none of them. Our ids are owed to the CRM."""
    found = new.companies
    put_columns(
        tx,
        companies,
        {
            "id": [company.id for company in found],
            "crm_id": [company.crm_id for company in found],
            "name": [company.name for company in found],
            "status": [company.status.value for company in found],
            "account_type": [company.account_type.value for company in found],
            "account_owner_email": [company.account_owner_email for company in found],
            "attributes": [company.attributes for company in found],
            "second_partner_values": [company.second_partner_values for company in found],
            "crm_modified_at": new.modified,
            "settled_no": [0] * len(found),
            "deleted_at": [None] * len(found),
            "digest": new.digests,
            "name_folded": [folded_otherwise(company.name) for company in found],
        },
        keep=("settled_no",),
    )


def ids_by_crm_id(tx: Tx, crm_ids: Iterable[str]) -> dict[str, str]:
    """Our id for each CRM id we know."""
    return {crm_id: company_id for crm_id, company_id in _of_crm_ids(tx, _IDS, set(crm_ids))}


def _of_crm_ids(tx: Tx, columns: tuple[ColumnElement[Any], ...], crm_ids: Collection[str]) -> Iterable[Any]:
    here = {"portal": tx.portal, "crm_ids": listing(tx, companies.c.crm_id, crm_ids)}
    return tx.connection.execute(_by_crm_ids(columns, tx.is_postgresql), here)


@cache
def _by_crm_ids(columns: tuple[ColumnElement[Any], ...], is_postgresql: bool) -> Select[Any]:
    return select(*columns).where(companies.c.portal == bindparam("portal"), among_listed(companies.c.crm_id, "crm_ids", is_postgresql))


def crm_ids_by_id(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """The CRM id of each of our ids that has one."""
    query = select(companies.c.id, companies.c.crm_id).where(companies.c.portal == tx.portal, among(tx, companies.c.id, set(ids)))
    return {company_id: crm_id for company_id, crm_id in tx.connection.execute(query) if crm_id}  # asked for in SQL, SQLite walks all


def relink(tx: Tx, company_id: str, crm_id: str) -> None:
    """The company's CRM record goes by another id now; our own id is to be written there."""
    if tx.events:
        changed = {"crm_id": Changed(crm_ids_by_id(tx, [company_id]).get(company_id), crm_id)}
        feed.tell(tx, [Event("company.changed", COMPANY, company_id, By("crm", "CRM", run_under_way()), changed)])
    tx.connection.execute(
        update(companies)
        .where(companies.c.portal == tx.portal, companies.c.id == company_id)
        .values(crm_id=crm_id, portal_id_written_at=None, digest=None, **UNCLAIMED)
    )


def place(tx: Tx, company_id: str, crm_id: str, *, settled_no: int) -> None:
    """The company lives in this CRM record as of that reading. One that had none yet: the record was made by us, with our id on it."""
    here = companies.c.portal == tx.portal, companies.c.id == company_id
    tx.connection.execute(update(companies).where(*here).values(settled_no=settled_no))
    if crm_ids_by_id(tx, [company_id]):
        return
    relink(tx, company_id, crm_id)
    mark_patched(tx, [company_id])


def mark_patched(tx: Tx, ids: Sequence[str]) -> None:
    """The CRM records of these carry our id."""
    if ids:
        these = companies.c.portal == tx.portal, among(tx, companies.c.id, ids)
        tx.connection.execute(update(companies).where(*these).values(portal_id_written_at=tx.now, **UNCLAIMED))


def owe_ids(tx: Tx, ids: Sequence[str]) -> None:
    """The CRM records of these have room for our id now: it is to be written there."""
    if ids:
        these = companies.c.portal == tx.portal, among(tx, companies.c.id, ids)
        tx.connection.execute(update(companies).where(*these).values(portal_id_written_at=None, **UNCLAIMED))


def learn(tx: Tx, digests: Mapping[str, int]) -> None:
    """These companies are what records of these digests make of them."""
    if digests:
        here = companies.c.portal == tx.portal, companies.c.id == bindparam("learned_id")
        rows = [{"learned_id": company_id, "learned": digests[company_id]} for company_id in sorted(digests)]
        tx.connection.execute(update(companies).where(*here).values(digest=bindparam("learned")), rows)


def active_count(tx: Tx, at_most: int | None = None) -> int:
    """How many take part, counted up to `at_most`."""
    here = (companies.c.portal == tx.portal, companies.c.status == PortalStatus.ACTIVE, companies.c.deleted_at.is_(None))
    counted = select(companies.c.id).where(*here).limit(at_most)
    return int(tx.connection.execute(select(func.count()).select_from(counted.subquery())).scalar_one())


def count_by_type(tx: Tx) -> dict[str, int]:
    """Active companies by account type."""
    query = select(companies.c.account_type, func.count()).where(companies.c.portal == tx.portal, companies.c.status == PortalStatus.ACTIVE)
    return {account_type: count for account_type, count in tx.connection.execute(query.group_by(companies.c.account_type))}


def _conditions(wanted: CompanyFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.account_types is not None:
        yield companies.c.account_type.in_(sorted(wanted.account_types))
    if wanted.status is not None:
        yield companies.c.status == wanted.status
    if wanted.text:
        yield companies.c.name.icontains(wanted.text, autoescape=True)


def _stored(tx: Tx, query: Select[Any]) -> list[StoredCompany]:
    return [_from_row(row) for row in tx.connection.execute(query)]


def _tell(tx: Tx, rows: Sequence[StoredCompany], by: By) -> None:
    """What the portal held is looked up here, so that no caller can forget it. A first load is silent: it ends with an event of its own."""
    if not tx.events or not rows or (by.side == "crm" and feed.is_loading(tx, COMPANY)):
        return
    before = by_ids(tx, [stored.company.id for stored in rows])
    feed.tell(tx, [company_event(before.get(stored.company.id), stored.company, by) for stored in rows])


UNCLAIMED: Final = {"patch_token": None, "patch_until_at": None, "patch_tries": 0}
"""No patch-back is under way, and none rests."""

_STORED = tuple(column for column in companies.columns if column.name not in {*UNCLAIMED, "own_stamp_at"})

_IDS = (companies.c.crm_id, companies.c.id)
_MARK = (*_IDS, companies.c.settled_no, companies.c.portal_id_written_at.is_not(None), companies.c.digest)
_KNOWN = (
    *(companies.c[name] for name in ("id", "crm_id", "name", "status", "account_type", "account_owner_email", "attributes")),
    companies.c.second_partner_values,
    companies.c.deleted_at.is_not(None),
)
"""What makes a company, without its place in the order of reads."""


@cache
def _by_ids(is_postgresql: bool) -> Select[Any]:
    """Asked with most requests, so made once."""
    return select(*_KNOWN).where(companies.c.portal == bindparam("portal"), among_listed(companies.c.id, "ids", is_postgresql))


_STATUSES = {status.value: status for status in PortalStatus}
_TYPES = {kind.value: kind for kind in AccountType}


def _from_row(row: Sequence[Any]) -> StoredCompany:
    """By position, in the order of `_STORED`: half the price of going by name, and a first load reads every company."""
    _, id_, crm_id, name, status, kind, email, attributes, values, modified_at, settled_no, written_at, deleted_at, digest, _ = row
    company = Company(id_, crm_id, name, _STATUSES[status], _TYPES[kind], email, attributes, tuple(values), deleted_at is not None)
    return StoredCompany(company, modified_at, settled_no, written_at is not None, digest)


def _known(row: Sequence[Any]) -> Company:
    id_, crm_id, name, status, kind, email, attributes, values, is_deleted = row
    return Company(id_, crm_id, name, _STATUSES[status], _TYPES[kind], email, attributes, tuple(values), is_deleted)


_SAVED = tuple(column.name for column in _STORED if column.name != "portal_id_written_at")


def _row(tx: Tx, stored: StoredCompany) -> tuple[Any, ...]:
    company = stored.company
    return (
        tx.portal,
        company.id,
        company.crm_id,
        company.name,
        company.status.value,
        company.account_type.value,
        company.account_owner_email,
        company.attributes,
        company.second_partner_values,
        stored.crm_modified_at,
        stored.settled_no,
        tx.now if company.is_deleted else None,
        stored.digest,
        folded_otherwise(company.name),
    )
