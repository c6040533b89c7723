"""REBIND: a person binds a contract value to a company, on every record that has the value. What is read later does not change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_worker.domain.associations.association import Binding, exclusion
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import CLOSED
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.contract_values import UNBOUND_CODES
from sync_worker.steps.core.findings import contract_field
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.associations import associations, history
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import companies, failures
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


@dataclass(frozen=True, slots=True)
class ForeseenBinding:
    """What binding a value would do. **Shapes** pairs of partner and second partner; `deal_count`: open deals to look at again."""

    record_count: int
    begins: Sequence[tuple[Company, Company]]
    ends: Sequence[tuple[Company, Company]]
    deal_count: int


def foresee(tenant: Tenant, value: str, company: Company) -> ForeseenBinding:
    """What `rebind` would change. Nothing is changed. **Raises** ConfigError as it does."""
    _refuse(tenant, company)
    with tenant.store.reading(tenant.name) as tx:
        held = _held(tx, tenant, value)
        turned = [row for row in held if row.binding.company_id != company.id]
        others = _bound_otherwise(tx, held)
        known = {**companies.by_ids(tx, _named(turned)), company.id: company}
        begins = [(known[row.company_id], company) for row in turned if company.id not in others[row.company_id]]
        ends = [
            (known[row.company_id], known[before])
            for row in turned
            if (before := row.binding.company_id) in known and before not in others[row.company_id]
        ]
        return ForeseenBinding(len(held), _working(begins), _working(ends), len(_deals_between(tx, turned, company.id)))


def rebind(tenant: Tenant, value: str, company: Company, *, actor: str, reason: str) -> Rebound:
    """Binds the value to this second partner. **Raises** ConfigError where it cannot stand for that company, or stands on no record."""
    _refuse(tenant, company)
    with tenant.store.transaction(tenant.name) as tx:
        held = _held(tx, tenant, value)
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


def _refuse(tenant: Tenant, company: Company) -> None:
    if not tenant.portal.two_tier:
        raise ConfigError(f"portal {tenant.name} has no second partners: set two_tier: true in its file first")
    if company.account_type is not AccountType.SECOND_PARTNER:
        raise ConfigError(f"{company.name} ({company.crm_id}) is not a second partner — name one, or correct its account type in the CRM")


def _held(tx: Tx, tenant: Tenant, value: str) -> list[ContractRow]:
    held = associations.holding(tx, value)
    if not held:
        raise ConfigError(f"no partner's record holds the contract value {value!r} — sync-worker associations list {tenant.name}")
    return held


def _bound_otherwise(tx: Tx, held: Sequence[ContractRow]) -> dict[str, set[str | None]]:
    """By partner: the companies that its other contract values stand for."""
    found = associations.bindings(tx, {row.company_id for row in held})
    turning = {row.binding.value for row in held}
    return {
        partner: {row.binding.company_id for value, row in rows.items() if value not in turning and row.binding.company_id}
        for partner, rows in found.items()
    }


def _named(rows: Sequence[ContractRow]) -> set[str]:
    return {company_id for row in rows for company_id in (row.company_id, row.binding.company_id) if company_id}


def _working(pairs: Sequence[tuple[Company, Company]]) -> list[tuple[Company, Company]]:
    """Those that nothing else bars, by the partner's name."""
    return sorted((pair for pair in pairs if exclusion(*pair) is None), key=lambda pair: (pair[0].name, pair[0].id))


def _deals_between(tx: Tx, turned: Sequence[ContractRow], company_id: str) -> list[tuple[str, str]]:
    """(record type, CRM id) of open deals of the pairs that end or begin."""
    if not turned:
        return []
    pairs = {(row.company_id, second) for row in turned for second in (row.binding.company_id, company_id)}
    found = links.of_pairs(tx, {row.company_id for row in turned}, but=CLOSED)
    return [(object_, crm_id) for object_, crm_id, owner, second in found if (owner, second) in pairs]


def _look_again(tx: Tx, turned: Sequence[ContractRow], company_id: str) -> frozenset[FollowUp]:
    """Open deals of the pairs that ended or began."""
    marked: dict[str, list[str]] = {}
    for object_, crm_id in _deals_between(tx, turned, company_id):
        marked.setdefault(object_, []).append(crm_id)
    for object_, crm_ids in sorted(marked.items()):
        notices.add(tx, object_, crm_ids)
    return frozenset(FollowUp(Work.REFRESH, object_) for object_ in marked)
