"""Patch-backs: companies whose CRM record does not carry our id yet. The missing mark is their outbox; a claim stands in the company's row.

A claim that outlives its time is free for the next worker: to write an id again is harmless. Only `claim` does without the portal's lock;
it waits for no row, so it never stands in a page's way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, or_, select, update

from sync_worker.store.core.columns import IdText
from sync_worker.store.core.companies import UNCLAIMED
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, has, lacks
from sync_worker.store.core.tables import companies, failures

TO_PATCH = and_(
    companies.c.portal_id_written_at.is_(None),
    companies.c.crm_id.is_not(None),
    companies.c.deleted_at.is_(None),
    lacks(
        failures.c.portal == companies.c.portal,
        failures.c.object == "company",
        failures.c.record == IdText(companies.c.id),
        failures.c.stage == "push",
        failures.c.kind == "failure",
        failures.c.resolved_at.is_(None),
        by=failures.c.code,
    ),
)
"""Live, and its CRM record does not carry our id yet; not those the CRM refused."""


@dataclass(frozen=True, slots=True)
class PatchBack:
    """One company to write our id for. **Shapes** `tries`: before this one, in a row, without its being known to be written."""

    company_id: str
    crm_id: str
    tries: int


class PatchRest(NamedTuple):
    """Until when one that was not written rests, and how often it was tried by now."""

    until_at: datetime
    tries: int


def is_due(tx: Tx) -> bool:
    """Whether a worker would find one to claim now."""
    return bool(tx.connection.execute(_one_due(), _at(tx)).scalar_one())


@cache
def _one_due() -> Select[Any]:
    """Asked after each batch, so made once."""
    return select(has(_IS_DUE, by=companies.c.crm_modified_at))


def claim(tx: Tx, *, limit: int, token: str, until_at: datetime, alone_from: int, most_tries: int | None = None) -> list[PatchBack]:
    """Takes companies for this caller alone; those the CRM changed first come first. One that was tried so often is taken alone.

    **Shapes** `most_tries`: those that were tried more often are left.

    **Shapes** sorted by our id.
    """
    most = {"most": limit} if most_tries is None else {"most": limit, "most_tries": most_tries}
    query = _due(has_most=most_tries is not None)
    if tx.is_postgresql:
        query = query.with_for_update(of=companies, skip_locked=True)
    found = [PatchBack(*row) for row in tx.connection.execute(query, {**_at(tx), **most})]
    first, others = found[:1], [one for one in found if one.tries < alone_from]
    taken = others if first and first[0] in others else first
    if not taken:
        return []
    ids = [one.company_id for one in taken]
    here = (companies.c.portal == tx.portal, among(tx, companies.c.id, ids))  # without another condition: PostgreSQL would look for that
    tx.connection.execute(update(companies).where(*here).values(patch_token=token, patch_until_at=until_at))
    return sorted(taken, key=lambda one: one.company_id)


def renew(tx: Tx, ids: Collection[str], token: str, until_at: datetime) -> bool:
    """Prolongs a claim while its call is in flight. False: nothing of it is held any more."""
    return _set(tx, ids, token, patch_until_at=until_at) > 0


def done(tx: Tx, ids: Collection[str], token: str) -> None:
    """The CRM records of these carry our id; the stamps of the writes before are forgotten.

    One whose claim was lost is left out: perhaps it has another CRM record by now.
    """
    _set(tx, ids, token, portal_id_written_at=tx.now, own_stamp_at=None, **UNCLAIMED)


def put_off(tx: Tx, rests: Mapping[str, PatchRest], token: str) -> None:
    """These are not known to be written: they rest."""
    for rest in sorted(set(rests.values())):
        ids = [company_id for company_id, its in rests.items() if its == rest]
        _set(tx, ids, token, patch_token=None, patch_until_at=rest.until_at, patch_tries=rest.tries)


def let_go(tx: Tx, ids: Collection[str], token: str) -> None:
    """These are free again: nothing was sent of them, or a person has to look."""
    _set(tx, ids, token, **UNCLAIMED)


_IS_DUE = and_(
    companies.c.portal == bindparam("its_portal"),
    TO_PATCH,
    or_(companies.c.patch_until_at.is_(None), companies.c.patch_until_at < bindparam("now")),
)


def _at(tx: Tx) -> dict[str, Any]:
    return {"its_portal": tx.portal, "now": tx.shared_now}


@cache
def _due(*, has_most: bool) -> Select[Any]:
    query = select(companies.c.id, companies.c.crm_id, companies.c.patch_tries).where(_IS_DUE)
    if has_most:
        query = query.where(companies.c.patch_tries <= bindparam("most_tries"))
    return query.order_by(companies.c.crm_modified_at).limit(bindparam("most"))


def _set(tx: Tx, ids: Collection[str], token: str, **values: Any) -> int:
    """Of those that this claim still holds. Returns how many."""
    if not ids:
        return 0
    here = (companies.c.portal == tx.portal, among(tx, companies.c.id, ids), companies.c.patch_token == token)
    return tx.connection.execute(update(companies).where(*here).values(**values)).rowcount
