"""One deal and its record, side by side: sends of ours are told from edits, the fields are merged, and what follows is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.reconcile import Base, Conflict
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import CRM_ACTOR, DealEdit, StoredDeal, edited, with_untaken
from sync_worker.domain.deals.standing import Stands
from sync_worker.domain.sync.ingest.deals.change import HeldDeals
from sync_worker.domain.sync.ingest.deals.merge import Merged, merge
from sync_worker.domain.sync.ingest.deals.record import DealRecord, Linked
from sync_worker.domain.sync.push.late_write import Recognized, Undone, recognize


class Met(NamedTuple):
    """What becomes of a deal that met its record.

    **Shapes** `base`: what both sides agree on by now; `conflicts`: those that were found, late writes first; `settled`: fields whose
    conflict is over. `waiting`: fields that wait for a person. `asks_edits` as in `DealChange`.
    """

    edit: DealEdit
    merged: Merged
    base: Mapping[str, Base]
    conflicts: tuple[Conflict, ...]
    settled: tuple[str, ...]
    waiting: frozenset[str]
    standing: tuple[Stands, ...]
    recognized: Recognized | None
    asks_edits: bool


def meet(record: DealRecord, link: Link, found: Linked, stored: StoredDeal, held: HeldDeals, clocks: Clocks) -> Met:
    """Merges the deal with its record. A late write of ours is told from an edit first."""
    deal = stored.deal
    late = recognize(link.base, deal.values, held.shown.get((record.crm_id, deal.id), ()))
    link = replace(link, base=late.base)
    merged = _merged(record, link, found, stored, held, clocks)
    asks_edits = any(held.rules[one.field].conflict == "newest" for one in merged.conflicts if one.field in held.rules)
    if asks_edits and deal.id in held.edited_at:
        merged = _merged(record, link, found, stored, held, replace(clocks, portal_edited_at=held.edited_at[deal.id]))
    edit = edited(stored, merged.changes, held.run_id, from_crm=merged.from_crm, notes=merged.notes, reason=merged.reason)
    said = {one.field for one in merged.untaken}
    disputed = {conflict.field for conflict in merged.conflicts}
    return Met(
        with_untaken(edit, merged.untaken, held.run_id),
        merged,
        {**link.base, **merged.base},
        (*(_undone(one, held) for one in late.undone), *merged.conflicts),
        tuple(name for name in held.disputed.get(deal.id, ()) if name in found.values and name not in disputed),
        frozenset(conflict.field for conflict in merged.conflicts if not conflict.taken),
        tuple(Stands(edit.deal, problem, is_said_now=problem.field in said) for problem in merged.standing),
        late if late.learned else None,
        asks_edits and deal.id not in held.edited_at,
    )


def with_key(base: Mapping[str, Base], record: DealRecord) -> dict[str, Base]:
    """What both sides agree on, with our key as the record carries it."""
    known = base.get(KEY, Base(None, None))
    return {**base, KEY: known if known.crm == record.key else Base(None, record.key)}


def _merged(record: DealRecord, link: Link, found: Linked, stored: StoredDeal, held: HeldDeals, clocks: Clocks) -> Merged:
    deal = stored.deal
    return merge(
        deal,
        rules=held.rules,
        base=link.base,
        crm_values=found.values,
        crm_spellings=found.spellings,
        clocks=clocks,
        policy=held.policy,
        verdict=held.companies.verdict,
        parent=partial(held.companies.parent, deal.id) if held.judges_pair else _no_parent,
        actor=CRM_ACTOR,
        decided=held.decided.get(deal.id, {}),
        changed_on=record.changed_on,
    )


def _undone(one: Undone, held: HeldDeals) -> Conflict:
    """Both values, as the deal's history keeps them."""
    return Conflict(one.field, one.late, one.late, one.newer, "portal", "late_write_undone", held.rules[one.field].conflict)


def _no_parent(_owner_id: Value) -> Company | None:
    """Of a deal of which neither owner company nor second partner was read."""
    return None
