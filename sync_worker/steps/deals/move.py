"""MOVE: whatever people do with a deal. The domain's table says what may move; the move, its history and the outbox are one commit.

Every step is given a `MoveRequest`, which names its actor. `finish` is called inside the commit, with what the caller has to keep of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from sync_worker.domain.core.deal import Actor, Deal, Lifecycle, Move, Refusal, StaleVersion, with_track_kept
from sync_worker.domain.core.move_context import Scene
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.deal_edit import FieldChange, StoredDeal
from sync_worker.domain.deals.lifecycle import OF_TRACKS, Verb
from sync_worker.domain.deals.lifecycle import move as decide_move
from sync_worker.domain.deals.opening import open_moves
from sync_worker.domain.distributors.parenthood import COMPANIES
from sync_worker.domain.people.visibility import may_act
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.associations.associate import options
from sync_worker.steps.core.described import told_to
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.sale import of_sale, signed
from sync_worker.steps.deals.standing import close_decided
from sync_worker.steps.deals.twins import part_twins, warn_of_twins
from sync_worker.steps.distributors.agree import finalize_gate, gate
from sync_worker.steps.distributors.parents import binding_parent, end_waivers, waive
from sync_worker.steps.tell.notify import ChangedDeal, tell_changes
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, links
from sync_worker.store.distributors import subgroups
from sync_worker.store.people import people
from sync_worker.store.sync import outbox

GATED: Final = frozenset({"deal_type", "owner_company", "second_partner"})  # what terms are about


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """Who asks for a move of a deal, and why.

    **Shapes** `until`: the new last day, where the move sets one. `version`: the one that the actor has seen; a deal that changed
    meanwhile is not moved. None means any version.
    """

    actor: Actor
    reason: str = ""
    until: date | None = None
    version: int | None = None


class Moved(NamedTuple):
    """A deal after a move. **Shapes** `follow_ups`: work that is due now; `warnings`: done, but look."""

    deal: Deal
    follow_ups: frozenset[FollowUp]
    version: int
    warnings: tuple[Problem, ...] = ()


Stage: TypeAlias = Callable[[Tx, Scene, RecordMap], Scene | Refusal]
Finish: TypeAlias = Callable[[Tx, Moved], None]


def move(tenant: Tenant, deal_id: str, verb: Verb, asked: MoveRequest, finish: Finish | None = None) -> Moved | Refusal:
    """A move that needs no more than a reason, or, to renew, a last day (`until`): submit, withdraw, disable, enable, finalize, sign, …"""

    def stage(_tx: Tx, scene: Scene, _record: RecordMap) -> Scene:
        return replace(scene, reason=asked.reason, until=asked.until)

    return staged(tenant, deal_id, verb, stage, asked, finish=finish)


def stale_version(stored: StoredDeal, version: int | None) -> StaleVersion | None:
    """Why this version of the deal is not the one to change; None is any."""
    if version in (None, stored.version):
        return None
    why = f"the deal is at version {stored.version}, not {version}: somebody changed it"
    return StaleVersion("stale_version", why, "a person who has seen it as it is", deal=stored.deal, version=stored.version)


def staged(tenant: Tenant, deal_id: str, verb: Verb, stage: Stage, asked: MoveRequest, finish: Finish | None) -> Moved | Refusal:
    """A move whose scene `stage` completes with what was asked, inside the transaction."""
    actor = asked.actor
    with tenant.run(_run_verb(verb), DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None:
            return Refusal("deal_unknown", f"portal {tenant.name} has no deal {deal_id}", "nobody")
        if stale := stale_version(stored, asked.version):
            return stale
        record = record_of(tx, tenant, deal_id)
        scene = stage(tx, _scene(tx, tenant, tenant.shown(stored.deal), actor, record), record)
        if isinstance(scene, Refusal):
            return scene
        made = decide_move(verb, scene)
        if isinstance(made, Refusal):
            return made
        if refused := _terms_refusal(tx, scene, verb, made):
            return refused
        moved = _done(tx, tenant, stored, made, record, actor, run_id)
        if scene.parent and not COMPANIES.isdisjoint(made.changes) and moved.deal.second_partner != scene.parent.id:
            waive(tx, moved.deal, scene.parent, actor, scene.reason)
        if verb is Verb.SIGN and made.changes:
            signed(tx, moved.deal, actor)
        if finish:
            finish(tx, moved)
        return moved


def _done(tx: Tx, tenant: Tenant, stored: StoredDeal, made: Move, record: RecordMap, actor: Actor, run_id: str) -> Moved:
    made = made if tenant.portal.two_tier else with_track_kept(stored.deal, made)
    if not made.changes:
        return Moved(stored.deal, frozenset(), stored.version)
    after = store_move(tx, tenant, stored, made, actor, run_id)
    is_new = stored.deal.lifecycle is Lifecycle.DRAFT and after.lifecycle is not Lifecycle.DRAFT
    warnings = (*(warn_of_twins(tx, tenant, after, run_id) if is_new else ()), *told_to(tx, record, made.changes))
    return Moved(after, frozenset({FollowUp(Work.PUSH)}), stored.version + 1, warnings)


def open_to(tx: Tx, tenant: Tenant, deal: Deal, actor: Actor) -> tuple[Verb, ...]:
    """What this actor may do with the deal now, given the reason or the value that it asks for."""
    return open_moves(_scene(tx, tenant, tenant.shown(deal), actor, record_of(tx, tenant, deal.id)))


def _terms_refusal(tx: Tx, scene: Scene, verb: Verb, made: Move) -> Refusal | None:
    """Why the terms of its companies forbid what becomes of the deal, where it becomes theirs: submitted, or of another type or pair."""
    before = scene.deal
    if verb is Verb.FINALIZE and made.changes:
        return finalize_gate(tx, before, scene.policy)
    is_theirs = before.lifecycle is Lifecycle.DRAFT or not GATED.isdisjoint(made.changes)
    return gate(tx, before.changed(made.changes), scene.policy) if is_theirs else None


def record_of(tx: Tx, tenant: Tenant, deal_id: str) -> RecordMap:
    """The record type behind a deal, as people in the portal know it: where it lives, or will live."""
    link = links.current(tx, [deal_id]).get(deal_id)
    return tenant.mapping.records[link.object if link else tenant.portal.deals.record].in_portal


def store_move(tx: Tx, tenant: Tenant, stored: StoredDeal, made: Move, actor: Actor, run_id: str) -> Deal:
    """A move, its history, the news of it to people, and what it owes the CRM."""
    after, version = stored.deal.changed(made.changes), stored.version + 1
    deals.save(tx, [replace(stored, deal=after, version=version)])
    deals.record_changes(
        tx,
        [
            FieldChange(
                after.id, version, name, actor.side, actor.name, run_id, plain(stored.deal.values.get(name)), plain(value), made.note
            )
            for name, value in sorted(made.changes.items())
        ],
    )
    outbox.owe(tx, DEAL, [after.id], run_id)
    part_twins(tx, [(stored.deal, after)])
    close_decided(tx, [(stored.deal, after)])
    end_waivers(tx, [(stored.deal, after)])
    tell_changes(tx, tenant, [ChangedDeal(stored.deal, after, version, made.reason)], actor=actor)
    return after


def _scene(tx: Tx, tenant: Tenant, deal: Deal, actor: Actor, record: RecordMap) -> Scene:
    """The deal as it is, and for whom the actor speaks on it."""
    sides = (deal.owner_company, deal.second_partner, actor.company_id)
    known = companies.by_ids(tx, [company_id for company_id in sides if company_id])
    owner = known.get(deal.owner_company or "")
    rep = people.get(tx, deal.owner_user) if deal.owner_user else None
    parents = {company_id: subgroup.parent_id for company_id, subgroup in subgroups.lasting(tx, [owner.id] if owner else []).items()}
    policy = tenant.policy(record)
    scene = Scene(
        deal=deal,
        actor=actor,
        standing=may_act(actor, deal, companies=known, rep=rep, parents=parents),
        policy=policy,
        today=tenant.today(tx),
        owner=owner,
        second_partner=known.get(deal.second_partner or ""),
        options=tuple(options(tx, owner)) if owner else (),
        parent=binding_parent(tx, owner, policy, deal_id=deal.id),
    )
    return of_sale(tx, scene)


def _run_verb(verb: Verb) -> str:
    """How the run is called: the two tracks' moves are all decisions."""
    return "decide" if verb in OF_TRACKS else verb.value
