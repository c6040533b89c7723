"""One deal and its record, side by side: sends of ours are told from edits, the fields are merged, and what follows is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import Base, Conflict
from sync_worker.domain.deals.deal_edit import DealEdit, ReadChanges, edited, with_untaken
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


def meet(record: DealRecord, link: Link, found: Linked, held: HeldDeals) -> Met:
    """Merges the deal with its record. A late write of ours is told from an edit first."""
    stored = held.deals[link.deal_id]
    late = recognize(link.base, stored.deal.values, held.shown.get((record.crm_id, link.deal_id), ()))
    if late.learned:
        link = replace(link, base=late.base)
    merged = merge(stored.deal, record, link, found, held)
    edit = edited(stored, ReadChanges(merged.changes, merged.from_crm, merged.notes, merged.reason), held.run_id)
    said = {one.field for one in merged.untaken}
    disputed = {conflict.field for conflict in merged.conflicts}
    return Met(
        with_untaken(edit, merged.untaken, held.run_id),
        merged,
        {**link.base, **merged.base},
        (*(_undone(one, held) for one in late.undone), *merged.conflicts),
        tuple(name for name in held.disputed.get(link.deal_id, ()) if name in found.values and name not in disputed),
        frozenset(conflict.field for conflict in merged.conflicts if not conflict.taken),
        tuple(Stands(edit.deal, problem, is_said_now=problem.field in said) for problem in merged.standing),
        late if late.learned else None,
        link.deal_id not in held.edited_at and any(one.rule == "newest" for one in merged.conflicts),
    )


def _undone(one: Undone, held: HeldDeals) -> Conflict:
    """Both values, as the deal's history keeps them."""
    return Conflict(one.field, one.late, one.late, one.newer, "portal", "late_write_undone", held.rules[one.field].conflict)
