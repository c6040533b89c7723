"""Which associations began and which ended between two states of one portal: asked for the companies that changed, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sync_worker.steps.associations.associate import whom
from sync_worker.steps.associations.contract_values import Pair
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.operate import schema
from sync_worker.store.operate.copies import Copy

PAGE_COUNT = 500  # companies looked at together
_SIDES = ("status", "account_type", "deleted_at")


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """One association that is new, or gone."""

    partner_id: str
    second_partner_id: str
    is_added: bool


def changed_pairs(copy: Copy) -> Iterator[ChangedPair]:
    """Each once, in no order that means something."""
    touched = sorted(_touched(copy))
    known = set(touched)
    with copy.before.reading(copy.portal) as was, copy.after.reading(copy.portal) as now:
        for start in range(0, len(touched), PAGE_COUNT):
            ids = touched[start : start + PAGE_COUNT]
            before, after = _pairs(was, ids), _pairs(now, ids)
            for partner_id, second_id in sorted(before ^ after):
                if partner_id in ids or partner_id not in known:  # a pair of two that changed is told by its partner
                    yield ChangedPair(partner_id, second_id, (partner_id, second_id) in after)


def _touched(copy: Copy) -> set[str]:
    """Companies on which an association may have begun or ended."""
    ids = {row[0] for row in copy.differing(schema.companies, *_SIDES)}
    ids |= {row[0] for row in copy.differing(schema.contract_values, "resolved_id")}
    return ids | {row[0] for row in copy.differing(schema.rule_members, "until_at", "from_no", "until_no")}


def _pairs(tx: Tx, ids: Sequence[str]) -> set[Pair]:
    """The associations on which one of these companies stands."""
    portal = portals.get(tx)
    if portal is None or portal.mode == "contracts":
        return associations.pairs(tx, ids)
    found = [association for company in companies.by_ids(tx, ids).values() for association in whom(tx, company)[0]]
    return {(association.partner_id, association.second_partner_id) for association in found}
