"""The companies that the records of one chunk name, looked up for all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.deals.record import DealSides
from sync_worker.steps.associations.associate import associated
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.distributors.parents import binding_parents
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links
from sync_worker.store.distributors import waivers


class NamedCompanies(NamedTuple):
    """Those that records name. **Shapes** `ids`, `survivors` as in `DealSides`."""

    ids: Mapping[str, str]
    survivors: Mapping[str, str]

    def id_of(self, crm_id: Value) -> str | None:
        """Our id of the company that a record names."""
        return self.ids.get(str(crm_id))


def named_companies(tx: Tx, crm_ids: Collection[str]) -> NamedCompanies:
    """Companies by the ids that records give them. One that lost a merge is found under the id of its survivor."""
    survivors = links.survivors(tx, COMPANY, crm_ids)
    ours = companies.ids_by_crm_id(tx, {*crm_ids, *survivors.values()})
    return NamedCompanies({crm_id: ours[end] for crm_id in crm_ids if (end := survivors.get(crm_id, crm_id)) in ours}, survivors)


def sides_of(
    tx: Tx,
    named: NamedCompanies,
    policy: Policy,
    *,
    owners: Iterable[str | None],
    pairs: Iterable[tuple[str | None, str | None]],
    deal_ids: Collection[str] = (),
) -> DealSides:
    """What is to be known of these companies. **Shapes** `pairs`: (owner, second partner); `deal_ids`: of deals that are known already."""
    sides, may = associated(tx, {(owner, second) for owner, second in pairs if owner and second})
    parents = binding_parents(tx, {owner for owner in owners if owner}, policy)
    waived = waivers.of_deals(tx, list(deal_ids)) if parents else {}
    waived_by_deal = {deal_id: (waiver.company_id, waiver.parent_id) for deal_id, waiver in waived.items()}
    return DealSides(policy, named.ids, named.survivors, sides, may, parents, waived_by_deal)
