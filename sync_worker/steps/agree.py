"""AGREE: agreements come in and are swept, and the gate that asks for them when a deal is registered in the portal.

The file is kept first, its row is committed after: a file that no row names is an orphan, and the sweep's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Final

from sync_worker.domain.company import Company
from sync_worker.domain.deal import Deal, Lifecycle, Refusal
from sync_worker.domain.terms import Footing, Pair, registration_refusal
from sync_worker.domain.upload import AGREEMENT, shown_name
from sync_worker.files import Files
from sync_worker.services import Services
from sync_worker.store import agreements, companies, subgroups, terms
from sync_worker.store.agreements import Agreement
from sync_worker.store.engine import Store, Tx

ORPHAN_AFTER: Final = timedelta(days=1)  # no upload takes that long


def upload(
    store: Store, portal: str, files: Files, pair: Pair, chunks: Iterable[bytes], *, name: str, actor: str, services: Services
) -> Agreement | Refusal:
    """One more version of the pair's agreement, or why it is not taken: then nothing is kept. **Raises** TransientError, StoreDown."""
    id_, shown = services.new_id(), shown_name(name)
    kept = files.keep(f"{portal}/agreements/{id_}", chunks, name=shown, limits=AGREEMENT)
    if isinstance(kept, Refusal):
        return kept
    with store.transaction(portal) as tx:
        return agreements.add(
            tx,
            pair,
            id_=id_,
            name=shown,
            media_type=kept.media_type,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
            key=kept.key,
            actor=actor,
        )


def sweep(store: Store, portal: str, files: Files, *, services: Services) -> int:
    """Removes the portal's files that no row names. How many went."""
    before_at = services.clock() - ORPHAN_AFTER
    with store.reading(portal) as tx:
        named = agreements.keys(tx)
    return files.sweep(portal, named=named, before_at=before_at)


def gate(tx: Tx, deal: Deal) -> Refusal | None:
    """Why the terms and agreements of a deal's pairs forbid to submit it in the portal. A deal that begins in the CRM is not asked."""
    if deal.lifecycle is Lifecycle.DRAFT:
        return None
    named = [company_id for company_id in (deal.owner_company, deal.second_partner) if company_id]
    known = companies.by_ids(tx, named)
    ladder = [*(known[company_id] for company_id in named), *([vendor] if (vendor := companies.vendor(tx)) else [])]
    deal_type = deal.values.get("deal_type")
    return registration_refusal(str(deal_type) if deal_type else None, [_footing(tx, lower, upper) for lower, upper in pairwise(ladder)])


def _footing(tx: Tx, lower: Company, upper: Company) -> Footing:
    pair = Pair(lower.id, upper.id)
    parenthood = subgroups.lasting(tx, [lower.id]).get(lower.id)
    is_subgroup = parenthood is not None and parenthood.parent_id == upper.id
    return Footing(
        lower,
        upper,
        terms.current(tx, [pair]).get(pair),
        is_subgroup=is_subgroup,
        has_agreement=is_subgroup and agreements.is_on_file(tx, pair),
    )
