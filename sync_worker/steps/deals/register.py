"""REGISTER: a partner's deal, checked on the server, stored with its outbox row in one commit; the CRM hears of it by PUSH."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Lifecycle, Refusal
from sync_worker.domain.core.values import Value, plain
from sync_worker.domain.deals.deal_edit import FieldChange, StoredDeal
from sync_worker.domain.deals.last_day import granted
from sync_worker.domain.deals.registration import Registration, names_oneself
from sync_worker.domain.deals.registration import draft as decide_draft
from sync_worker.domain.deals.registration import register as decide_registration
from sync_worker.domain.distributors.parenthood import names_parent
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.transforms import ValueMistake
from sync_worker.steps.associations.associate import options
from sync_worker.steps.core.described import told_to
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.move import Finish, Moved
from sync_worker.steps.deals.travel import unwritable
from sync_worker.steps.deals.twins import warn_of_twins
from sync_worker.steps.distributors.agree import gate
from sync_worker.steps.distributors.parents import binding_parent
from sync_worker.steps.people.naming import company_named
from sync_worker.steps.people.wording import misfit_of
from sync_worker.steps.tell.notify import ChangedDeal, tell_changes
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals
from sync_worker.store.people import people
from sync_worker.store.sync import outbox

_NOTHING: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class DealCompanies:
    """The companies on a deal, and whom the owner may choose."""

    owner: Company | None
    second_partner: Company | None
    options: tuple[Company, ...]


def register(
    tenant: Tenant, written: Mapping[str, Any], *, actor: Actor, owner_user: str | None = None, finish: Finish | None = None
) -> Moved | Refusal:
    """A new deal, submitted, or a refusal that says what would be right. It warns where somebody else registered the same prospect.

    **Shapes** `written`: canonical fields flat with attributes, as text or JSON; companies by our id, CRM id or their name.
    `owner_user`: the colleague for whom it is registered.
    """
    return _begin(tenant, written, decide_registration, actor=actor, owner_user=owner_user, finish=finish)


def draft(
    tenant: Tenant, written: Mapping[str, Any], *, actor: Actor, owner_user: str | None = None, finish: Finish | None = None
) -> Moved | Refusal:
    """A new deal that is not submitted yet; the CRM does not hear of it before. **Shapes** as `register`."""
    return _begin(tenant, written, decide_draft, actor=actor, owner_user=owner_user, finish=finish)


def _begin(
    tenant: Tenant,
    written: Mapping[str, Any],
    decide: Callable[[Mapping[str, Value], Registration], Deal | Refusal],
    *,
    actor: Actor,
    owner_user: str | None,
    finish: Finish | None,
) -> Moved | Refusal:
    record = tenant.lists.offering(tenant.portal.deals.record, written)
    values = read_values(record, written)
    if isinstance(values, Refusal):
        return values
    if refused := unwritable(record, values):
        return refused
    with tenant.run("register", DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        policy = tenant.policy(record)
        owner = company_in(tx, tenant, "owner_company", values)
        if isinstance(owner, Refusal):
            return owner
        parent = binding_parent(tx, owner, policy)
        values = names_parent(values, parent)
        values = names_oneself(values, owner, options(tx, owner) if owner else (), actor) if policy.is_two_tier else values
        pair = find_pair(tx, tenant, values)
        if isinstance(pair, Refusal):
            return pair
        rep = people.get(tx, owner_user) if owner_user else None
        if owner_user and rep is None:
            return Refusal(
                "user_unknown",
                f"the portal has not sent a user {owner_user} to sync-worker",
                "a member of the owner company",
                field="owner_user",
            )
        asked = Registration(
            tenant.services.new_id(),
            policy,
            actor,
            pair.owner,
            pair.second_partner,
            pair.options,
            parent=parent,
            owner_user=rep,
            vendor=companies.vendor(tx),
        )
        deal = decide(values, asked)
        if isinstance(deal, Refusal):
            return deal
        if refused := gate(tx, deal, policy):
            return refused
        deal = granted(deal, policy, tenant.today(tx))
        _store(tx, tenant, deal, actor, _begun(deal, pair.owner, actor, run_id))
        warnings = (*warn_of_twins(tx, tenant, deal, run_id), *told_to(tx, record, values))
        moved = Moved(deal, frozenset({FollowUp(Work.PUSH)}), 1, warnings)
        if finish:
            finish(tx, moved)
    return moved


def find_pair(tx: Tx, tenant: Tenant, values: Mapping[str, Value]) -> DealCompanies | Refusal:
    """The companies named, and the owner's associated second partners; a refusal where a name is the name of several."""
    owner, second = (company_in(tx, tenant, name, values) for name in ("owner_company", "second_partner"))
    if isinstance(owner, Refusal):
        return owner
    if isinstance(second, Refusal):
        return second
    return DealCompanies(owner, second, tuple(options(tx, owner)) if owner else ())


def read_values(record: RecordMap, written: Mapping[str, Any], held: Mapping[str, Value] = _NOTHING) -> dict[str, Value] | Refusal:
    """What a person or a program wrote, as values; or a refusal naming the first field that cannot be read or is not in its list.

    A value that is not in the list would never reach the CRM, so it is refused now; what the deal holds already (`held`) passes, since its
    list may have lost it. Names the record does not have are left to the domain.
    """
    values: dict[str, Value] = {}
    for name, given in written.items():
        field = record.fields.get(name)
        try:
            values[name] = field.parse(given) if field else None if given is None else str(given)
        except ValueMistake as mistake:
            return Refusal("value_malformed", f"{name}: {given!r} {mistake.what}", "the person who writes it", mistake.allowed, name)
        if isinstance(given, str) and (refused := misfit_of(name, given.strip(), longest=field.longest if field else 0)):
            return refused
        if field and field.allowed is not None and not field.offers(values[name], besides=held.get(name)):
            listed = tuple(str(item) for item in field.allowed)
            return Refusal("value_not_listed", f"{name}: {given!r} is not in its list", "the person who writes it", listed, name)
    return values


def company_in(tx: Tx, tenant: Tenant, name: str, values: Mapping[str, Value]) -> Company | Refusal | None:
    """The company that this field names, as `company_named`. **Shapes** `values`: what somebody wrote."""
    reference = values.get(name)
    return company_named(tx, tenant, str(reference), field=name) if reference else None


def _store(tx: Tx, tenant: Tenant, deal: Deal, actor: Actor, begun: FieldChange) -> None:
    deals.save(tx, [StoredDeal(deal, 1, tx.now, tx.now)])
    deals.record_changes(tx, [begun])
    tell_changes(tx, tenant, [ChangedDeal(None, deal, 1)], actor=actor)
    if deal.lifecycle is not Lifecycle.DRAFT:
        outbox.owe(tx, DEAL, [deal.id], begun.run_id)


def _begun(deal: Deal, owner: Company | None, actor: Actor, run_id: str) -> FieldChange:
    """The first entry of its history. It says who began it, and for which company if that is not the person's own."""
    is_for_others = owner is not None and not actor.is_operator and not actor.is_of(owner.id)
    note = f"{deal.lifecycle}, on behalf of {owner.name}" if owner and is_for_others else deal.lifecycle.value
    whole = {name: plain(value) for name, value in deal.values.items() if value is not None}
    return FieldChange(deal.id, 1, "", actor.side, actor.name, run_id, None, whole, note)
