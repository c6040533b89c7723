"""Which associations began and which ended between two states of one portal: asked of `whom`, for the companies that changed only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sync_worker.steps.associate import whom
from sync_worker.store import companies
from sync_worker.store.copies import Copy
from sync_worker.store.engine import Tx
from sync_worker.store.tables import companies as companies_table
from sync_worker.store.tables import contract_values

_SIDES = ("status", "account_type", "deleted_at", "attributes", "second_partner_values")


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """One association that is new, or gone."""

    partner_id: str
    second_partner_id: str
    is_added: bool


def changed_pairs(copy: Copy) -> Iterator[ChangedPair]:
    """Each once, in no order that means something."""
    touched = {row[0] for row in copy.differing(companies_table, *_SIDES)}
    touched |= {row[0] for row in copy.differing(contract_values, "resolved_id")}
    with copy.before.reading(copy.portal) as was, copy.after.reading(copy.portal) as now:
        for company_id in sorted(touched):
            before, after = _pairs(was, company_id), _pairs(now, company_id)
            for partner_id, second_id in sorted(before ^ after):
                if company_id == partner_id or partner_id not in touched:  # a pair of two that changed is told by its partner
                    yield ChangedPair(partner_id, second_id, (partner_id, second_id) in after)


def _pairs(tx: Tx, company_id: str) -> set[tuple[str, str]]:
    company = companies.by_ids(tx, [company_id]).get(company_id)
    if company is None:
        return set()
    return {(found.partner_id, found.second_partner_id) for found in whom(tx, company)[0]}
