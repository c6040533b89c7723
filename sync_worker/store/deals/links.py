"""Which CRM record is behind a deal, what both sides last agreed on, and ids that a merge has replaced."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.core.link import Home, Link
from sync_worker.domain.core.reconcile import from_document, to_document
from sync_worker.domain.deals.deal_edit import NewDeals
from sync_worker.domain.sync.ingest.succession import chain
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import add_columns, among, among_listed, listing, put, upsert
from sync_worker.store.core.tables import aliases
from sync_worker.store.deals.tables import deal_links, deals

IS_CURRENT = text("deal_links.is_current")  # in the words of the index: SQLAlchemy's "= 1" would hide it from SQLite


def by_crm_ids(tx: Tx, object_: str, crm_ids: Collection[str]) -> dict[str, Link]:
    """Links of these CRM records, by CRM id."""
    here = {"its_portal": tx.portal, "its_object": object_, "crm_ids": listing(tx, deal_links.c.crm_id, crm_ids)}
    rows = tx.connection.execute(_by_crm_ids(tx.is_postgresql), here)
    return {link.crm_id: link for link in map(_link, rows)}


@cache
def _by_crm_ids(is_postgresql: bool) -> Select[Any]:
    """Asked for each page, so made once."""
    here = (deal_links.c.portal == bindparam("its_portal"), deal_links.c.object == bindparam("its_object"))
    return select(*_COLUMNS).where(*here, among_listed(deal_links.c.crm_id, "crm_ids", is_postgresql))


def current(tx: Tx, deal_ids: Iterable[str]) -> dict[str, Link]:
    """The record each deal lives in now, by deal id."""
    here = {"its_portal": tx.portal, "deals": listing(tx, deal_links.c.deal_id, set(deal_ids))}
    return {link.deal_id: link for link in map(_link, tx.connection.execute(_current(tx.is_postgresql), here))}


@cache
def _current(is_postgresql: bool) -> Select[Any]:
    """Asked for each page and each batch, so made once."""
    here = (deal_links.c.portal == bindparam("its_portal"), among_listed(deal_links.c.deal_id, "deals", is_postgresql), IS_CURRENT)
    return select(*_COLUMNS).where(*here)


def homes(tx: Tx, deal_ids: Collection[str]) -> dict[str, Home]:
    """The record each deal lives in now, by deal id, where the caller does not need what was agreed on."""
    if not deal_ids:
        return {}
    query = select(deal_links.c.deal_id, deal_links.c.object, deal_links.c.crm_id).where(
        deal_links.c.portal == tx.portal, among(tx, deal_links.c.deal_id, deal_ids), IS_CURRENT
    )
    return {deal_id: Home(object_, crm_id) for deal_id, object_, crm_id in tx.connection.execute(query)}


def of_pairs(tx: Tx, company_ids: Collection[str], *, but: Collection[str]) -> list[tuple[str, str, str, str]]:
    """(object, CRM id, owner company, second partner) of the live records of deals between two companies, one of them among these.

    **Shapes** `but`: lifecycles that do not count. Sorted.

    A first load reads companies before the first deal, and then nothing is looked up. One look-up for each side: asked for both sides at
    once, or for a side that is set, SQLite walks every deal that has a second partner.
    """
    if not tx.connection.execute(select(exists().where(deal_links.c.portal == tx.portal))).scalar():
        return []
    query = (
        select(deal_links.c.object, deal_links.c.crm_id, deals.c.owner_company, deals.c.second_partner)
        .join(deals, (deals.c.portal == deal_links.c.portal) & (deals.c.id == deal_links.c.deal_id))
        .where(deal_links.c.portal == tx.portal, IS_CURRENT, deal_links.c.deleted_at.is_(None))
        .where(deals.c.lifecycle.not_in(list(but)))
    )
    sides = [among(tx, side, company_ids) for side in (deals.c.owner_company, deals.c.second_partner)]
    found = {tuple(row) for side in sides for row in tx.connection.execute(query.where(side))}
    return sorted((object_, crm_id, owner, second) for object_, crm_id, owner, second in found if owner and second)


def two_tier(tx: Tx, *, but: Collection[str]) -> list[tuple[str, str]]:
    """(object, CRM id) of every live deal that names a second partner, except those in these states."""
    query = (
        select(deal_links.c.object, deal_links.c.crm_id)
        .join(deals, (deals.c.portal == deal_links.c.portal) & (deals.c.id == deal_links.c.deal_id))
        .where(deal_links.c.portal == tx.portal, IS_CURRENT, deal_links.c.deleted_at.is_(None))
        .where(deals.c.second_partner.is_not(None), deals.c.lifecycle.not_in(list(but)))
    )
    return sorted((object_, crm_id) for object_, crm_id in tx.connection.execute(query))


def crm_ids(tx: Tx, object_: str) -> list[str]:
    """Every record of this type that a deal lives in."""
    query = select(deal_links.c.crm_id).where(deal_links.c.portal == tx.portal, deal_links.c.object == object_, IS_CURRENT)
    return list(tx.connection.execute(query.order_by(deal_links.c.crm_id)).scalars())


def crm_ids_after(tx: Tx, object_: str, after: str, limit: int) -> list[str]:
    """Records of this type that a deal lives in and that are not deleted, in their order. **Shapes** `after` as for companies."""
    query = select(deal_links.c.crm_id).where(*_living(tx, object_), deal_links.c.crm_id > after)
    return list(tx.connection.execute(query.order_by(deal_links.c.crm_id).limit(limit)).scalars())


def live_count(tx: Tx, object_: str) -> int:
    """How many records of this type there are that a deal lives in and that are not deleted."""
    return int(tx.connection.execute(select(func.count()).select_from(deal_links).where(*_living(tx, object_))).scalar_one())


def save(tx: Tx, links: Sequence[Link]) -> None:
    """Writes the links as they are now: first those that are not current any more, for a deal has one current link at every moment."""
    for is_current in (False, True):
        put(tx, deal_links, _NAMES, [_row(tx, link) for link in links if link.is_current is is_current])


def add(tx: Tx, object_: str, new: NewDeals) -> None:
    """Writes the links of deals that begin with records of this type."""
    given = {"deal_id": new.ids, "base": new.bases, "crm_modified_at": new.modified}
    link = {name: [value] * len(new.ids) for name, value in (("object", object_), ("is_current", True), ("settled_no", 0))}
    columns = {"crm_id": new.crm_ids, **given, **link}
    add_columns(tx, deal_links, {column.name: columns[column.name] for column in deal_links.columns if column.name in columns})


def known(tx: Tx, object_: str, crm_ids: Collection[str]) -> set[str]:
    """Those of these CRM records that have a link, to a deal that lives there or has lived there."""
    here = (deal_links.c.portal == tx.portal, deal_links.c.object == object_, among(tx, deal_links.c.crm_id, crm_ids))
    return set(tx.connection.execute(select(deal_links.c.crm_id).where(*here)).scalars())


def agree(tx: Tx, written: Sequence[Link]) -> None:
    """The CRM took what stands in these bases: added to what was agreed on before, whichever process kept that, or a first link."""
    insert = (postgresql if tx.is_postgresql else sqlite).insert(deal_links)
    news = insert.excluded.base
    base = deal_links.c.base.op("||")(news) if tx.is_postgresql else func.json_patch(deal_links.c.base, news)
    writing = {name: insert.excluded[name] for name in ("settled_no", "written_at", "written_run", "written_attempt")}
    statement = insert.on_conflict_do_update(index_elements=["portal", "object", "crm_id"], set_={"base": base, **writing})
    if written:
        ordered = sorted(written, key=lambda link: link.crm_id)
        tx.connection.execute(statement, [dict(zip(_NAMES, _row(tx, link), strict=True)) for link in ordered])


def add_aliases(tx: Tx, object_: str, became: Mapping[str, str]) -> None:
    """These records lost a merge. **Shapes** old id → the id of the record that it was merged into."""
    rows = [{"portal": tx.portal, "object": object_, "old_crm_id": old, "crm_id": new} for old, new in became.items()]
    upsert(tx, aliases, rows)


def forget_aliases(tx: Tx, object_: str, crm_ids: Collection[str]) -> None:
    """These records live again: a merge was undone."""
    if crm_ids:
        here = (aliases.c.portal == tx.portal, aliases.c.object == object_, among(tx, aliases.c.old_crm_id, crm_ids))
        tx.connection.execute(delete(aliases).where(*here))


def merges(tx: Tx, object_: str, crm_ids: Iterable[str]) -> dict[str, str]:
    """The merges that these ids lost, and those that their survivors lost, each as old id → the id that it was merged into."""
    found: dict[str, str] = {}
    wanted = set(crm_ids)
    while wanted:
        here = {"its_portal": tx.portal, "its_object": object_, "wanted": listing(tx, aliases.c.old_crm_id, wanted)}
        step = {old: new for old, new in tx.connection.execute(_merges(tx.is_postgresql), here) if old not in found}
        found.update(step)
        wanted = set(step.values()) - found.keys()
    return found


@cache
def _merges(is_postgresql: bool) -> Select[Any]:
    """Asked for each page, so made once."""
    here = (aliases.c.portal == bindparam("its_portal"), aliases.c.object == bindparam("its_object"))
    return select(aliases.c.old_crm_id, aliases.c.crm_id).where(*here, among_listed(aliases.c.old_crm_id, "wanted", is_postgresql))


def survivors(tx: Tx, object_: str, crm_ids: Iterable[str]) -> dict[str, str]:
    """For ids that lost a merge, the survivor's id, followed to the end."""
    became = merges(tx, object_, crm_ids)
    return {old: chain(became, old)[-1] for old in became}


def _living(tx: Tx, object_: str) -> tuple[Any, ...]:
    return deal_links.c.portal == tx.portal, deal_links.c.object == object_, IS_CURRENT, deal_links.c.deleted_at.is_(None)


def _links(tx: Tx, query: Select[Any]) -> list[Link]:
    return list(map(_link, tx.connection.execute(query.with_only_columns(*_COLUMNS))))


def _link(row: Sequence[Any]) -> Link:
    object_, crm_id, deal_id, is_current, base, *rest = row
    return Link(object_, crm_id, deal_id, is_current, from_document(base), *rest)


_NAMES = tuple(column.name for column in deal_links.columns if column is not deal_links.c.own_stamp_at)
_COLUMNS = [deal_links.c[name] for name in Link.__slots__]


def _row(tx: Tx, link: Link) -> tuple[Any, ...]:
    """In the order of the table."""
    base = to_document(link.base)
    return (
        tx.portal,
        link.object,
        link.crm_id,
        link.deal_id,
        link.is_current,
        base,
        link.crm_modified_at,
        link.settled_no,
        link.deleted_at,
        link.written_at,
        link.written_run,
        link.written_attempt,
    )
