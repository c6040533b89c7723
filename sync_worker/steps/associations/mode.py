"""MODE: an operator sets another association mode than the one the portal began with. Who, when and why is kept.

The same work catches up with companies that changed while a portal's `two_tier` was off.

The old associations count until all are worked out under the new mode: rules by EVALUATE, contracts here, page by page. Then one commit
makes the new ones count, and the open deals that name a second partner are marked to be read again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_worker.domain.core.deal import CLOSED
from sync_worker.steps.associations.associate import associate
from sync_worker.steps.associations.restored_parents import restore_parents
from sync_worker.steps.core.chunk import read_again
from sync_worker.steps.core.findings import Findings, OpenFindings
from sync_worker.steps.core.follow_up import Advance, Done, FollowUp, Work, in_turn
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.associations import associations, evaluations
from sync_worker.store.core import companies, portals, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import links
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention

PAGE_COUNT = 1000  # companies a commit
DERIVE = FollowUp(Work.DERIVE, share="backfill")


@dataclass(frozen=True, slots=True)
class ModeStanding:
    """How many associations and deals depend on a portal's mode. **Shapes** `mode`: "" before the first sync."""

    mode: str
    association_count: int
    deal_count: int


def standing(tenant: Tenant) -> ModeStanding:
    """The associations that would be judged again, and the open deals that name a second partner."""
    with tenant.store.reading(tenant.name) as tx:
        row = portals.get(tx)
        return ModeStanding(row.set_mode if row else "", associations.pair_count(tx), len(links.two_tier(tx, but=CLOSED)))


def set_mode(tenant: Tenant, mode: str, *, actor: str, reason: str) -> Intervention:
    """From now on the portal file may say `mode`; what follows from it is derived in the background."""
    with tenant.store.transaction(tenant.name) as tx:
        row = portals.enter(tx, mode)
        asked = Intervention(tenant.services.new_id(), "mode", f"{row.set_mode} → {mode}", actor, reason)
        portals.plan_mode(tx, mode)
        portals.unpause(tx)
        evaluations.outdate(tx)
        interventions.begin(tx, asked, [])
        interventions.finish(tx, asked.id)
    tenant.log.info("association mode set", change=asked.selection, actor=actor, reason=reason)
    return asked


def is_due(tenant: Tenant) -> bool:
    """Whether contracts are still to be derived; where there are no second partners it waits."""
    if not tenant.portal.two_tier:
        return False
    with tenant.store.reading(tenant.name) as tx:
        row = portals.get(tx)
    return row is not None and row.next_mode == "contracts"


def derive(tenant: Tenant) -> Done:
    """Binds every contract value there is, then turns the portal over. **Raises** StoreDown; Stopped after the page at hand."""
    if not is_due(tenant):
        return Done("", Counts())
    with tenant.run("derive", COMPANY) as run_id:
        return in_turn(tenant, run_id, _page, again=DERIVE)


def _page(tenant: Tenant, run_id: str) -> Advance | None:
    """The next companies by id; after the last one the portal turns over. None where nothing is left to do."""
    with tenant.store.transaction(tenant.name) as tx:
        row = portals.get(tx)
        if row is None or row.next_mode != "contracts":
            return None
        page = companies.page(tx, after=row.next_position, limit=PAGE_COUNT)
        if not page:
            return Advance(follow_ups=turn_over(tx))
        crm_ids = [company.crm_id for company in page if company.crm_id]
        findings = Findings(tenant, COMPANY, run_id, OpenFindings(tx, COMPANY, crm_ids))
        associated = associate(tx, tenant, run_id, [(None, company) for company in page])
        restore_parents(tx, tenant, run_id, made=[company.id for company in page], bound_to=associated.healed)
        _end_what_is_left(tx, [company.id for company in page if not company.second_partner_values])
        findings.take_contracts(associated.remarks)
        findings.settle(tx)
        portals.derived(tx, page[-1].id)
        counts = Counts(read=len(page), applied=len(page))
        runs.count(tx, run_id, counts)
    return Advance(counts)


def _end_what_is_left(tx: Tx, company_ids: list[str]) -> None:
    """Bindings of an earlier time whose values stand on no record any more."""
    rows = associations.bindings(tx, company_ids)
    associations.remove(tx, [(company_id, value) for company_id, held in rows.items() for value in held])


def is_turning(tx: Tx) -> bool:
    """Whether a mode was set that does not answer yet."""
    row = portals.get(tx)
    return row is not None and row.next_mode is not None


def turn_over(tx: Tx) -> frozenset[FollowUp]:
    """A mode that was set answers from this commit on, and every open deal with a second partner is looked at again."""
    if not is_turning(tx):
        return frozenset()
    portals.adopt_mode(tx)
    return read_again(tx, links.two_tier(tx, but=CLOSED))
