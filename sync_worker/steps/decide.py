"""DECIDE and EDIT: people move a deal in the portal. The domain says what may move; the move, its history and the outbox are one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sync_worker.domain.deal import Actor, Deal, Decision, Move, Refusal, Track, decide
from sync_worker.domain.registration import COMPANIES, edit
from sync_worker.domain.values import plain
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.register import find_pair, read_values
from sync_worker.steps.tenant import DEAL, Tenant, Wake
from sync_worker.store import companies, deals, links, outbox
from sync_worker.store.deals import FieldChange, StoredDeal
from sync_worker.store.engine import Tx

Judgement = Callable[[Tx, StoredDeal, RecordMap, Actor], Move | Refusal]


def approve(
    tenant: Tenant, deal_id: str, *, track: Track, decision: Decision, actor_name: str, company: str, reason: str = ""
) -> tuple[Deal, frozenset[Wake]] | Refusal:
    """Moves one approval track. **Shapes** `company`: the actor's, by our id, CRM id or name."""

    def judge(tx: Tx, stored: StoredDeal, record: RecordMap, actor: Actor) -> Move | Refusal:
        theirs = companies.find(tx, tenant.crm.canonical_id(company))
        named = replace(actor, company_id=theirs.id if theirs else None)
        return decide(
            stored.deal, track=track, decision=decision, actor=named, actor_company=theirs, reason=reason, policy=tenant.policy(record)
        )

    return _move(tenant, "decide", deal_id, Actor(actor_name, None, "portal"), judge)


def change(tenant: Tenant, deal_id: str, written: Mapping[str, Any], *, actor: Actor) -> tuple[Deal, frozenset[Wake]] | Refusal:
    """Edits a deal in the portal, with all that follows from it. **Shapes** companies among `changes` as in `register`."""

    def judge(tx: Tx, stored: StoredDeal, record: RecordMap, actor: Actor) -> Move | Refusal:
        changes = read_values(record, written)
        if isinstance(changes, Refusal):
            return changes
        pair = find_pair(tx, tenant, {**stored.deal.values, **changes})
        by_id = {"owner_company": pair.owner, "second_partner": pair.second_partner}
        linked = {name: found.id if name in COMPANIES and (found := by_id[name]) else value for name, value in changes.items()}
        return edit(
            stored.deal,
            linked,
            actor=actor,
            actor_company=companies.find(tx, actor.company_id) if actor.company_id else None,
            policy=tenant.policy(record),
            owner=pair.owner,
            second_partner=pair.second_partner,
            options=pair.options,
        )

    return _move(tenant, "edit", deal_id, actor, judge)


def _move(tenant: Tenant, verb: str, deal_id: str, actor: Actor, judge: Judgement) -> tuple[Deal, frozenset[Wake]] | Refusal:
    with tenant.run(verb, DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None:
            return Refusal("deal_unknown", f"portal {tenant.name} has no deal {deal_id}", "nobody")
        link = links.current(tx, [deal_id]).get(deal_id)
        record = tenant.mapping.records[link.object if link else tenant.portal.deals.record]
        move = judge(tx, stored, record, actor)
        if isinstance(move, Refusal):
            return move
        if not move.changes:
            return stored.deal, frozenset()
        return store_move(tx, stored, move, actor, run_id), frozenset({Wake("push")})


def store_move(tx: Tx, stored: StoredDeal, move: Move, actor: Actor, run_id: str) -> Deal:
    """A move, its history and what it owes the CRM."""
    after, version = stored.deal.changed(move.changes), stored.version + 1
    deals.save(tx, [replace(stored, deal=after, version=version)])
    deals.record_changes(
        tx,
        [
            FieldChange(
                after.id, version, name, actor.side, actor.name, run_id, plain(stored.deal.values.get(name)), plain(value), move.note
            )
            for name, value in sorted(move.changes.items())
        ],
    )
    outbox.owe(tx, DEAL, [after.id], run_id)
    return after
