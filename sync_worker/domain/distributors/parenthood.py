"""A subgroup's deal names its distributor, and keeps it: at its registration, at every edit, on both sides.

It is the distributor who approves the deal and is billed for it. The deal goes without only where the parent is out of business, the
portal has no second partners, or the vendor says so in the portal, with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import Policy, Refusal, differing
from sync_worker.domain.core.move_context import Party, Scene, guard
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Value, plain

COMPANIES: Final = frozenset({"owner_company", "second_partner"})


def is_binding(parent: Company, policy: Policy) -> bool:
    """Whether a subgroup's deals name this parent: not where it is out of business, nor where the portal has no second partners."""
    return policy.is_two_tier and parent.account_type is AccountType.SECOND_PARTNER and not parent.is_inactive


def names_parent(values: Mapping[str, Value], parent: Company | None) -> dict[str, Value]:
    """The values of a subgroup's deal, which names its parent by itself; one that names somebody is left as written."""
    if parent is None or values.get("second_partner"):
        return dict(values)
    return {**values, "second_partner": parent.id}


def _parent_kept(owner: Company | None, parent: Company, policy: Policy) -> Refusal:
    """A subgroup's deal would not name its parent any more."""
    name, label = owner.name if owner else "the owner company", policy.second_partner_label
    why = f"{name} is a subgroup of {parent.name}, and its deals keep {parent.name} as their {label}"
    return Refusal("parent_kept", why, "the vendor, with a reason", (parent.name,), "second_partner")


def _parent_not_named(owner: Company | None, parent: Company, policy: Policy) -> Refusal:
    """A subgroup's deal does not name its parent, so it may not go on."""
    name, label = owner.name if owner else "the owner company", policy.second_partner_label
    why = f"{name} is a subgroup of {parent.name}, and the deal does not name {parent.name} as its {label}"
    return Refusal("parent_not_named", why, "the person who edits the deal, or the vendor, with a reason", (parent.name,), "second_partner")


def second_partner_in_crm(
    named: Value, parent: Company, *, held: Value, is_new_owner: bool, is_written: bool
) -> tuple[Value, Problem | None]:
    """The second partner of a subgroup's deal, of which the CRM names this one, and what to say of it.

    **Shapes** `held`: the portal's; `is_new_owner`: the deal begins, or became the subgroup's, in this very read; `is_written`: the portal
    writes the field. Where it does not, the CRM's word is taken and the deal waits.
    """
    if named == parent.id:
        return named, None
    if not is_written or not (is_new_owner or held == parent.id):
        words = f"the deal of a subgroup of {parent.name} does not name it; it is not finalized like this"
        return named, Problem("parent_not_named", "second_partner", words, plain(named))
    if named is None and held != parent.id:
        return parent.id, None
    done = "named another second partner" if named else f"took {parent.name} away"
    words = f"the CRM {done}, and a subgroup's deal keeps {parent.name}; it is written back"
    return parent.id, Problem("parent_kept", "second_partner", words, plain(named))


def other_parent(owner: Company | None, second_partner: Company | None, parent: Company | None, policy: Policy) -> Refusal | None:
    """Why these two may not stand on one deal: the owner company is a subgroup of somebody else."""
    if parent is None or (second_partner is not None and second_partner.id == parent.id):
        return None
    return _parent_kept(owner, parent, policy)


@guard("a subgroup's deal keeps its distributor; only the vendor may remove it, with a reason")
def keeps_parent(scene: Scene) -> Refusal | None:
    if not differing(scene.deal, scene.changes) & COMPANIES:
        return None
    refused = _refusal(scene)
    if refused is None or Party.VENDOR not in scene.standing.parties:
        return refused
    return (
        None if scene.gives_reason else Refusal("reason_missing", f"{refused.why}: say why this deal does not", "the vendor", (), "reason")
    )


@guard("a subgroup's deal names its own distributor or none")
def names_no_other(scene: Scene) -> Refusal | None:
    return _refusal(scene) if scene.deal.second_partner else None


@guard("a subgroup's deal names its distributor, unless the vendor has allowed it without")
def parent_named(scene: Scene) -> Refusal | None:
    return _parent_not_named(scene.owner, scene.parent, scene.policy) if scene.parent and _refusal(scene) else None


def _refusal(scene: Scene) -> Refusal | None:
    return other_parent(scene.owner, scene.second_partner, scene.parent, scene.policy)
