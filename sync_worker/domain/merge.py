"""What a deal becomes when its CRM record is read: the merge by field, then the moves and consequences the domain draws from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sync_worker.domain.approval import vendor_move_in_crm
from sync_worker.domain.deal import (
    RESET_FIELDS,
    Actor,
    Deal,
    Move,
    Policy,
    VendorApproval,
    consequences,
    locked_changes,
)
from sync_worker.domain.problem import Problem
from sync_worker.domain.reconcile import Base, Clocks, Conflict, Decided, FieldRule, comparable, reconcile
from sync_worker.domain.registration import Verdict
from sync_worker.domain.values import Value

Judge: TypeAlias = Callable[[Value, Value], Verdict]
VENDOR_TRACK = "vendor_approval"


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of the deal. **Shapes** `changes`: all of them; `from_crm`: those the CRM brought, the rest followed."""

    changes: Mapping[str, Value]
    from_crm: frozenset[str]
    base: Mapping[str, Base]
    conflicts: tuple[Conflict, ...]
    problems: tuple[Problem, ...]
    notes: Mapping[str, str] = field(default_factory=dict)


def merge(
    deal: Deal,
    *,
    rules: Mapping[str, FieldRule],
    base: Mapping[str, Base],
    crm_values: Mapping[str, Value],
    crm_spellings: Mapping[str, Any],
    clocks: Clocks,
    policy: Policy,
    verdict: Judge,
    actor: Actor,
    decided: Mapping[str, Decided],
) -> Merged:
    """Merges one deal with its record; doing it again on the result changes nothing. **Shapes** `decided`: people's words, by field."""
    plan = reconcile(
        rules, base=base, crm_values=crm_values, crm_spellings=crm_spellings, portal=deal.values, clocks=clocks, decided=decided
    )
    keep = dict(plan.keep)
    problems: list[Problem] = []
    _judge_second_partner(deal, keep, verdict, problems)
    notes = {conflict.field: _why(conflict, decided) for conflict in plan.conflicts if conflict.field in keep}
    has_moved = VENDOR_TRACK in keep and _move_vendor_track(deal, keep, crm_values, actor, problems, notes)
    problems += locked_changes(deal, keep)
    follows = consequences(deal, keep, policy, vendor_moved=has_moved)
    return Merged({**keep, **follows}, frozenset(keep), plan.base, plan.conflicts, tuple(problems), notes)


def _why(conflict: Conflict, decided: Mapping[str, Decided]) -> str:
    """Why a value of the CRM was taken although the portal had changed its own."""
    return f"both sides changed it: {'a person decided' if conflict.field in decided else f'the rule is {conflict.rule}'}"


def _judge_second_partner(deal: Deal, keep: dict[str, Value], verdict: Judge, problems: list[Problem]) -> None:
    """A pair that is not associated is flagged as long as it stands; one that is not accepted is put back."""
    owner = keep.get("owner_company", deal.owner_company)
    judged = verdict(owner, keep.get("second_partner", deal.second_partner))
    if judged.problem:
        problems.append(judged.problem)
    if not judged.is_accepted:
        keep.pop("second_partner", None)


def _move_vendor_track(
    deal: Deal, keep: dict[str, Value], crm_values: Mapping[str, Value], actor: Actor, problems: list[Problem], notes: dict[str, str]
) -> bool:
    """An approval that comes in is a move with a guard: it counts for the terms that stood beside it."""
    new = keep.pop(VENDOR_TRACK)
    after = deal.changed(keep)
    terms_agree = all(comparable(crm_values[name]) == comparable(after.values.get(name)) for name in RESET_FIELDS if name in crm_values)
    move = vendor_move_in_crm(after, VendorApproval(str(new)) if new else None, terms_agree=terms_agree, actor=actor)
    if isinstance(move, Move):
        keep.update({name: value for name, value in move.changes.items() if name not in keep})  # what stands beside it counts as it is
        notes[VENDOR_TRACK] = move.note
        return True
    problems.append(Problem(move.code, VENDOR_TRACK, f"{move.why}; {new} in the CRM is not taken over, the portal's state is written back"))
    return False
