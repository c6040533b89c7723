"""REBIND: a person says for which company a contract value stands, on every record that holds it; nothing read later says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import CLOSED
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.contract_values import UNBOUND_CODES
from sync_worker.steps.core.findings import contract_field
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.associations import associations, history
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention
from sync_worker.store.sync import notices


@dataclass(frozen=True, slots=True)
class Rebound:
    """What became of it. **Shapes** `record_count`: partners whose records hold the value; `follow_ups`: deals to look at again."""

    asked: Intervention
    record_count: int
    follow_ups: frozenset[FollowUp]


def rebind(tenant: Tenant, value: str, company: Company, *, actor: str, reason: str) -> Rebound:
    """Binds the value to this second partner. **Raises** ConfigError where it cannot stand for that company, or stands on no record."""
    if not tenant.portal.two_tier:
        raise ConfigError(f"portal {tenant.name} has no second partners: set two_tier: true in its file first")
    if company.account_type is not AccountType.SECOND_PARTNER:
        raise ConfigError(f"{company.name} ({company.crm_id}) is not a second partner — name one, or correct its account type in the CRM")
    with tenant.store.transaction(tenant.name) as tx:
        held = associations.holding(tx, value)
        if not held:
            raise ConfigError(f"no partner's record holds the contract value {value!r} — sync-worker associations list {tenant.name}")
        asked = Intervention(tenant.services.new_id(), "rebind", f"{value} → {company.name} ({company.crm_id})", actor, reason)
        turned = [row for row in held if row.binding.company_id != company.id]
        history.end(tx, [row for row in turned if row.binding.company_id])
        associations.save(tx, [_bound(tx, row, company, asked.id) for row in held])
        codes = (*UNBOUND_CODES, "contract_value_renamed")
        failures.close_fields(tx, COMPANY, [contract_field(value)], codes, f"bound to {company.name} by {actor}")
        follow_ups = _look_again(tx, turned, company.id)
        interventions.begin(tx, asked, [])
        interventions.finish(tx, asked.id)
    tenant.log.info("contract value rebound", change=asked.selection, actor=actor, reason=reason, records=len(held))
    return Rebound(asked, len(held), follow_ups)


def _bound(tx: Tx, row: ContractRow, company: Company, act_id: str) -> ContractRow:
    """A pair that stays keeps its beginning."""
    since_at = row.since_at if row.binding.company_id == company.id else tx.now
    return ContractRow(row.company_id, Binding(row.binding.value, company.id, "person"), since_at, act_id)


def _look_again(tx: Tx, turned: list[ContractRow], company_id: str) -> frozenset[FollowUp]:
    """Open deals of the pairs that ended or began."""
    pairs = {(row.company_id, second) for row in turned for second in (row.binding.company_id, company_id)}
    marked: dict[str, list[str]] = {}
    for object_, crm_id, owner, second in links.of_pairs(tx, {row.company_id for row in turned}, but=CLOSED) if turned else ():
        if (owner, second) in pairs:
            marked.setdefault(object_, []).append(crm_id)
    for object_, crm_ids in sorted(marked.items()):
        notices.add(tx, object_, crm_ids)
    return frozenset(FollowUp(Work.REFRESH, object_) for object_ in marked)
