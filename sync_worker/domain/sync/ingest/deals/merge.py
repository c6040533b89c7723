"""What a deal becomes when its CRM record is read: the merge by field, then the moves and consequences the domain draws from it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import (
    CLOSED,
    RESET_FIELDS,
    Actor,
    Deal,
    Move,
    Policy,
    VendorApproval,
    consequences,
    locked_changes,
)
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, Conflict, Decided, FieldRule, Reconciliation, comparable, reconcile
from sync_worker.domain.core.stamp import DECIDED, VENDOR, reason_in_crm
from sync_worker.domain.core.values import Value, plain
from sync_worker.domain.deals.approval import vendor_move_in_crm
from sync_worker.domain.deals.standing import Untaken
from sync_worker.domain.distributors.parenthood import second_partner_in_crm
from sync_worker.domain.sync.ingest.deals.arrival import Verdict

Judge: TypeAlias = Callable[[Value, Value], Verdict]
Parent: TypeAlias = Callable[[Value], Company | None]
VENDOR_TRACK = "vendor_approval"


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of the deal.

    **Shapes** `changes`: all of them; `from_crm`: those the CRM brought, the rest followed. `problems`: what is wrong with the record as it
    was read; `standing`: what the next read does not mend. `untaken`: what the CRM said now and the portal did not take. `reason`: why
    the vendor decided, where it did, in the CRM, and says so.
    """

    changes: Mapping[str, Value]
    from_crm: frozenset[str]
    base: Mapping[str, Base]
    conflicts: tuple[Conflict, ...]
    problems: tuple[Problem, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    standing: tuple[Problem, ...] = ()
    untaken: tuple[Untaken, ...] = ()
    reason: str = ""


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
    parent: Parent,
    actor: Actor,
    decided: Mapping[str, Decided],
    changed_on: date,
) -> Merged:
    """Merges one deal with its record; doing it again on the result changes nothing. **Shapes** `decided`: people's words, by field.

    `parent`: the distributor that this deal keeps while that company owns it, where it does. `changed_on`: the record's own stamp, as a
    day of the portal's calendar.
    """
    plan = reconcile(
        rules, base=base, crm_values=crm_values, crm_spellings=crm_spellings, portal=deal.values, clocks=clocks, decided=decided
    )
    keep = dict(plan.keep)
    said = _Said()
    said.untaken += [_put_back(conflict) for conflict in plan.conflicts if conflict.code == "put_back"]
    is_written = writes(rules.get("second_partner"))
    _keep_parent(deal, keep, parent, said, is_written=is_written)
    _judge_second_partner(deal, keep, verdict, said)
    named_by_itself = {"second_partner"} - plan.keep.keys()
    said.notes = {conflict.field: _why(conflict, decided) for conflict in plan.conflicts if conflict.field in keep}
    has_moved = VENDOR_TRACK in keep and _move_vendor_track(deal, keep, crm_values, actor, changed_on, said)
    if keep.get("owner_company", deal.owner_company) is None and deal.lifecycle not in CLOSED:
        words = "the deal belongs to no company: the CRM names no owner company"
        said.problems.append(Problem("owner_company_missing", "owner_company", words))
    said.standing += locked_changes(deal, keep)
    follows = consequences(deal, keep, policy, vendor_moved=has_moved)
    untaken = tuple(one for one in said.untaken if one.field in plan.base)  # a field that we only read is as untaken at every look
    return Merged(
        {**keep, **follows},
        frozenset(keep) - named_by_itself,
        plan.base,
        _conflicts(plan, base, untaken),
        tuple(said.problems),
        said.notes,
        tuple(said.standing),
        untaken,
        said.reason,
    )


@dataclass(slots=True)
class _Said:
    """What is to be said of one merge, gathered while it is judged."""

    problems: list[Problem] = field(default_factory=list)
    standing: list[Problem] = field(default_factory=list)
    untaken: list[Untaken] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def _conflicts(plan: Reconciliation, base: Mapping[str, Base], untaken: tuple[Untaken, ...]) -> tuple[Conflict, ...]:
    """Those of the merge by field, and a decided one for each value that was put back."""
    put_back = {one.field: one for one in untaken if one.field != VENDOR_TRACK}
    agreed = {name: pair.portal if (pair := base.get(name)) else None for name in put_back}
    return (
        *(conflict for conflict in plan.conflicts if conflict.field not in put_back),
        *(Conflict(name, agreed[name], one.crm, one.portal, "portal", "put_back", "portal") for name, one in put_back.items()),
    )


def _put_back(conflict: Conflict) -> Untaken:
    """What somebody wrote in the CRM into a field that the portal alone writes."""
    there, here = (value or "empty" for value in (conflict.crm, conflict.portal))
    why = f"only the portal writes this field: {there} was set in the CRM, and {here} is written again"
    return Untaken(conflict.field, conflict.crm, conflict.portal, why)


def _why(conflict: Conflict, decided: Mapping[str, Decided]) -> str:
    """Why a value of the CRM was taken although the portal had changed its own."""
    if conflict.code == "edit_dropped":
        return f"the CRM is told of this field only once, so that the portal's {conflict.portal} was dropped"
    return f"both sides changed it: {'a person decided' if conflict.field in decided else f'the rule is {conflict.rule}'}"


def writes(rule: FieldRule | None) -> bool:
    """Whether the portal goes on writing the field, so that it can put back what somebody changes in the CRM."""
    return rule is not None and rule.direction != "pull" and rule.write not in ("create", "once")


def _keep_parent(deal: Deal, keep: dict[str, Value], parent: Parent, said: _Said, *, is_written: bool) -> None:
    """A subgroup's deal names its distributor, whatever the CRM says."""
    owner = keep.get("owner_company", deal.owner_company)
    kept = parent(owner)
    if kept is None:
        return
    named = keep.get("second_partner", deal.second_partner)
    is_new_owner = comparable(owner) != deal.owner_company
    second, problem = second_partner_in_crm(named, kept, held=deal.second_partner, is_new_owner=is_new_owner, is_written=is_written)
    if problem and (problem.code == "parent_kept" or deal.lifecycle not in CLOSED):
        said.problems.append(problem)
    if second == named:
        return
    if problem:
        said.untaken.append(Untaken("second_partner", plain(named), plain(second), problem.message))
    keep["second_partner"] = second
    if second == deal.second_partner:
        del keep["second_partner"]


def _judge_second_partner(deal: Deal, keep: dict[str, Value], verdict: Judge, said: _Said) -> None:
    """A pair that is not associated is flagged as long as it stands; one that is not accepted is put back."""
    owner = keep.get("owner_company", deal.owner_company)
    judged = verdict(owner, keep.get("second_partner", deal.second_partner))
    if judged.problem:
        said.problems.append(judged.problem)
    if not judged.is_accepted and "second_partner" in keep:
        why = judged.problem.message if judged.problem else ""
        said.untaken.append(Untaken("second_partner", plain(keep.pop("second_partner")), plain(deal.second_partner), why))


def _move_vendor_track(
    deal: Deal, keep: dict[str, Value], crm_values: Mapping[str, Value], actor: Actor, changed_on: date, said: _Said
) -> bool:
    """An approval that comes in is a move with a guard: it counts for the terms that stood beside it, and for the reason."""
    new = keep.pop(VENDOR_TRACK)
    after = deal.changed(keep)
    others = {
        name: crm_values[name]
        for name in sorted(RESET_FIELDS & crm_values.keys())
        if comparable(crm_values[name]) != comparable(after.values.get(name))
    }
    to = VendorApproval(str(new)) if new else VendorApproval.PENDING
    reason = reason_in_crm(deal.values, keep, before=deal.vendor_approval, new=to)
    move = vendor_move_in_crm(after, to, terms_agree=not others, actor=actor, day=changed_on, reason=reason)
    if isinstance(move, Move):
        keep.update({name: value for name, value in move.changes.items() if name not in keep})  # what stands beside it counts as it is
        said.notes |= dict.fromkeys((VENDOR_TRACK, *(VENDOR if VENDOR.by in move.changes else ())), move.note)
        said.reason = move.reason
        return True
    terms = ", ".join(_difference(name, value, after.values.get(name)) for name, value in others.items())
    what = f"{move.why} ({terms})" if move.code == "approved_other_terms" else move.why
    why = f"{what}; {new} in the CRM is not taken over, the deal stays {deal.vendor_approval} on the vendor track"
    said.standing.append(Problem(move.code, VENDOR_TRACK, why, plain(new)))
    said.untaken.append(Untaken(VENDOR_TRACK, plain(new), deal.vendor_approval.value, why))
    if VENDOR.reason in keep and deal.vendor_approval in DECIDED:  # it is the reason of what was not taken over
        said.untaken.append(Untaken(VENDOR.reason, plain(keep.pop(VENDOR.reason)), plain(deal.values.get(VENDOR.reason)), why))
    return False


def _difference(name: str, crm: Value, portal: Value) -> str:
    """One term on both sides; companies are ids here, which tell people nothing."""
    there, here = (plain(value) or "empty" for value in (crm, portal))
    return f"another {name}" if name == "owner_company" else f"{name}: {there} in the CRM, {here} in the portal"
