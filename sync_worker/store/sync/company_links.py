"""Companies that the portal writes into the CRM too, subgroups above all: what both sides last agreed on, in the words of `links`.

A company that only the CRM writes has no row here. Its CRM record and its place in the order of reads stand in `companies`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select

from sync_worker.domain.core.link import Home, Link
from sync_worker.domain.core.reconcile import Base, from_document, to_document
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.core.tables import companies as company_rows
from sync_worker.store.sync.tables import company_links

OBJECT = "company"


def begin(tx: Tx, bases: Mapping[str, Mapping[str, Base]]) -> None:
    """From now on the portal writes these companies too. **Shapes** what was agreed on so far, by company; who is here already stays."""
    known = agreed(tx, bases)
    upsert(tx, company_links, [_row(tx, company_id, bases[company_id]) for company_id in bases if company_id not in known])


def agreed(tx: Tx, company_ids: Collection[str]) -> dict[str, Mapping[str, Base]]:
    """The bases of those of the companies that the portal writes, whether they have a CRM record yet or not."""
    if not company_ids:
        return {}
    query = select(company_links.c.company_id, company_links.c.base).where(
        company_links.c.portal == tx.portal, among(tx, company_links.c.company_id, set(company_ids))
    )
    return {company_id: from_document(base) for company_id, base in tx.connection.execute(query)}


def keep(tx: Tx, bases: Mapping[str, Mapping[str, Base]]) -> None:
    """What both sides agree on by now."""
    upsert(tx, company_links, [_row(tx, company_id, base) for company_id, base in bases.items()])


def current(tx: Tx, company_ids: Iterable[str]) -> dict[str, Link]:
    """The record each of these companies lives in, by our id."""
    return {link.deal_id: link for link in _links(tx, _query(tx).where(among(tx, company_links.c.company_id, set(company_ids))))}


def by_crm_ids(tx: Tx, object_: str, crm_ids: Collection[str]) -> dict[str, Link]:
    """Those that live in one of these records, by CRM id."""
    query = _query(tx).where(among(tx, company_rows.c.crm_id, crm_ids))
    return {link.crm_id: link for link in _links(tx, query) if link.object == object_}


def homes(tx: Tx, company_ids: Collection[str]) -> dict[str, Home]:
    """The record each of these companies lives in, where the caller does not need what was agreed on."""
    return {company_id: Home(OBJECT, link.crm_id) for company_id, link in current(tx, company_ids).items()} if company_ids else {}


def agree(tx: Tx, written: Sequence[Link]) -> None:
    """The CRM took what stands in these bases: added to what was agreed on before, or a first record of the company."""
    known = agreed(tx, [link.deal_id for link in written])
    save(tx, [replace(link, base={**known.get(link.deal_id, {}), **link.base}) for link in written])


def save(tx: Tx, links: Sequence[Link]) -> None:
    """Writes what was agreed on, and where each company lives as of that reading."""
    rows = [
        {
            **_row(tx, link.deal_id, link.base),
            "written_at": link.written_at,
            "written_run": link.written_run,
            "written_attempt": link.written_attempt,
        }
        for link in links
    ]
    upsert(tx, company_links, rows)
    for link in sorted(links, key=lambda link: link.deal_id):
        companies.place(tx, link.deal_id, link.crm_id, settled_no=link.settled_no)


def _row(tx: Tx, company_id: str, base: Mapping[str, Base]) -> dict[str, Any]:
    return {"portal": tx.portal, "company_id": company_id, "base": to_document(base)}


def _query(tx: Tx) -> Select[Any]:
    joined = (company_rows.c.portal == company_links.c.portal) & (company_rows.c.id == company_links.c.company_id)
    return select(*_COLUMNS).join_from(company_links, company_rows, joined).where(company_links.c.portal == tx.portal)


def _links(tx: Tx, query: Select[Any]) -> list[Link]:
    found = tx.connection.execute(query.where(company_rows.c.crm_id.is_not(None))).all()
    return [Link(OBJECT, crm_id, company_id, True, from_document(base), *rest) for company_id, crm_id, base, *rest in found]


_COLUMNS = (
    company_links.c.company_id,
    company_rows.c.crm_id,
    company_links.c.base,
    company_rows.c.crm_modified_at,
    company_rows.c.settled_no,
    company_rows.c.deleted_at,
    company_links.c.written_at,
    company_links.c.written_run,
    company_links.c.written_attempt,
)
