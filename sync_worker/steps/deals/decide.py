"""DECIDE, EDIT, REASSIGN: moves that carry more than a reason. Each completes the scene with what was asked; `move.py` does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sync_worker.domain.core.deal import Decision, Refusal, Track
from sync_worker.domain.core.move_context import Scene
from sync_worker.domain.deals.lifecycle import Verb, decision
from sync_worker.domain.distributors.parenthood import COMPANIES
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.move import Finish, Moved, MoveRequest, record_of, staged
from sync_worker.steps.deals.move import move as make_move
from sync_worker.steps.deals.register import company_in, find_pair, read_values
from sync_worker.steps.deals.travel import stuck_fields
from sync_worker.steps.distributors.parents import binding_parent
from sync_worker.steps.people.naming import company_named
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import people


def approve(tenant: Tenant, deal_id: str, track: Track, said: Decision, asked: MoveRequest, *, company: str) -> Moved | Refusal:
    """A decision by somebody the portal has not told of. **Shapes** `company`: the actor's, by our id, CRM id or name."""
    with tenant.store.reading(tenant.name) as tx:
        theirs = company_named(tx, tenant, company)
    if isinstance(theirs, Refusal):
        return theirs
    actor = replace(asked.actor, company_id=theirs.id if theirs else "")
    return decide(tenant, deal_id, track, said, replace(asked, actor=actor))


def decide(tenant: Tenant, deal_id: str, track: Track, said: Decision, asked: MoveRequest, finish: Finish | None = None) -> Moved | Refusal:
    """Moves one approval track."""
    with tenant.store.reading(tenant.name) as tx:
        policy = tenant.policy(record_of(tx, tenant, deal_id))
    verb = decision(track, said, policy)
    if isinstance(verb, Refusal):
        return verb
    return make_move(tenant, deal_id, verb, asked, finish=finish)


def change(tenant: Tenant, deal_id: str, written: Mapping[str, Any], asked: MoveRequest, finish: Finish | None = None) -> Moved | Refusal:
    """Edits a deal in the portal, with all that follows from it.

    **Shapes** companies among `written` as in `register`; the reason says why the vendor lets a subgroup's deal go without its distributor.
    """

    def stage(tx: Tx, scene: Scene, record: RecordMap) -> Scene | Refusal:
        changes = read_values(record, written, scene.deal.values)
        if isinstance(changes, Refusal):
            return changes
        owner = company_in(tx, tenant, "owner_company", {**scene.deal.values, **changes})
        if isinstance(owner, Refusal):
            return owner
        parent = binding_parent(tx, owner, scene.policy, deal_id=deal_id)
        if "owner_company" in changes and "second_partner" not in changes and parent:
            changes = {**changes, "second_partner": parent.id}  # the deal of a subgroup names its distributor by itself
        pair = find_pair(tx, tenant, {**scene.deal.values, **changes})
        if isinstance(pair, Refusal):
            return pair
        by_id = {"owner_company": pair.owner, "second_partner": pair.second_partner}
        linked = {name: found.id if name in COMPANIES and (found := by_id[name]) else value for name, value in changes.items()}
        return replace(
            scene,
            changes=linked,
            stuck=stuck_fields(tx, tenant, scene.deal.id, record),
            owner=pair.owner,
            second_partner=pair.second_partner,
            options=pair.options,
            parent=parent,
            reason=asked.reason,
        )

    with tenant.store.reading(tenant.name) as tx:
        lives_in = record_of(tx, tenant, deal_id).record
    tenant.lists.offering(lives_in, written)
    return staged(tenant, deal_id, Verb.EDIT, stage, asked, finish=finish)


def reassign(tenant: Tenant, deal_id: str, user_id: str, asked: MoveRequest, finish: Finish | None = None) -> Moved | Refusal:
    """Gives a deal to another member of its owner company."""

    def stage(tx: Tx, scene: Scene, _record: RecordMap) -> Scene:
        return replace(scene, colleague=people.get(tx, user_id), colleague_id=user_id)

    return staged(tenant, deal_id, Verb.REASSIGN, stage, asked, finish=finish)
