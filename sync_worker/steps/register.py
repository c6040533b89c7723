"""REGISTER: a partner's deal, checked on the server, stored with its outbox row in one commit; the CRM hears of it by PUSH."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync_worker.domain.company import Company
from sync_worker.domain.deal import Actor, Deal, Refusal
from sync_worker.domain.registration import register as decide_registration
from sync_worker.domain.values import Value, plain
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.transforms import ValueMistake
from sync_worker.steps.associate import options
from sync_worker.steps.tenant import DEAL, Tenant, Wake
from sync_worker.store import companies, deals, outbox
from sync_worker.store.deals import FieldChange, StoredDeal
from sync_worker.store.engine import Tx


@dataclass(frozen=True, slots=True)
class Pair:
    """The companies on a deal, and whom the owner may choose."""

    owner: Company | None
    second_partner: Company | None
    options: tuple[Company, ...]


def register(tenant: Tenant, written: Mapping[str, Any], *, actor: Actor) -> tuple[Deal, frozenset[Wake]] | Refusal:
    """A new deal, or a refusal that says what would be right.

    **Shapes** `written`: canonical fields flat with attributes, as text or JSON; companies by our id, CRM id or their name.
    """
    record = tenant.mapping.records[tenant.portal.deals.record]
    values = read_values(record, written)
    if isinstance(values, Refusal):
        return values
    with tenant.run("register", DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        pair = find_pair(tx, tenant, values)
        deal = decide_registration(
            values,
            deal_id=tenant.services.new_id(),
            owner=pair.owner,
            second_partner=pair.second_partner,
            options=pair.options,
            policy=tenant.policy(record),
            actor=actor,
        )
        if isinstance(deal, Refusal):
            return deal
        _store(tx, deal, actor, run_id)
    return deal, frozenset({Wake("push")})


def find_pair(tx: Tx, tenant: Tenant, values: Mapping[str, Value]) -> Pair:
    """The companies named, and the owner's associated second partners."""
    owner = _company(tx, tenant, values.get("owner_company"))
    return Pair(owner, _company(tx, tenant, values.get("second_partner")), tuple(options(tx, owner)) if owner else ())


def read_values(record: RecordMap, written: Mapping[str, Any]) -> dict[str, Value] | Refusal:
    """What a person or a program wrote, as values; or a refusal naming the first field that cannot be read or is not in its list.

    A value outside a closed list would never reach the CRM, so it is refused now. Names the record does not have are left to the domain.
    """
    values: dict[str, Value] = {}
    for name, given in written.items():
        field = record.fields.get(name)
        try:
            values[name] = field.parse(given) if field else None if given is None else str(given)
        except ValueMistake as mistake:
            return Refusal("value_malformed", f"{name}: {given!r} {mistake.what}", "whoever writes it", mistake.allowed, name)
        if field and field.allowed is not None and any(item not in field.allowed for item in _items(values[name])):
            listed = tuple(str(item) for item in field.allowed)
            return Refusal("value_not_listed", f"{name}: {given!r} is not in its list", "whoever writes it", listed, name)
    return values


def _items(value: Value) -> tuple[Value, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _company(tx: Tx, tenant: Tenant, reference: Value) -> Company | None:
    return companies.find(tx, tenant.crm.canonical_id(str(reference))) if reference else None


def _store(tx: Tx, deal: Deal, actor: Actor, run_id: str) -> None:
    deals.save(tx, [StoredDeal(deal, 1, tx.now, tx.now)])
    whole = {name: plain(value) for name, value in deal.values.items() if value is not None}
    deals.record_changes(tx, [FieldChange(deal.id, 1, "", actor.side, actor.name, run_id, None, whole, "registered")])
    outbox.owe(tx, DEAL, [deal.id], run_id)
