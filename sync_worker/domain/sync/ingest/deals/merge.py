"""What a deal becomes when its CRM record is read: the merge by field, then the moves and consequences the domain draws from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.deal import (
    CLOSED,
    RESET_FIELDS,
    Deal,
    Move,
    VendorApproval,
    consequences,
    locked_changes,
)
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, Conflict, CrmSide, Decided, FieldRule, PortalSide, Reconciliation, comparable, reconcile
from sync_worker.domain.core.stamp import DECIDED, VENDOR, reason_in_crm
from sync_worker.domain.core.values import Value, plain
from sync_worker.domain.deals.approval import VendorWord, vendor_move_in_crm
from sync_worker.domain.deals.deal_edit import CRM_ACTOR
from sync_worker.domain.deals.standing import Untaken
from sync_worker.domain.distributors.parenthood import second_partner_in_crm
from sync_worker.domain.sync.ingest.deals.change import HeldDeals
from sync_worker.domain.sync.ingest.deals.record import DealRecord, Linked

VENDOR_TRACK = "vendor_approval"


class Merged(NamedTuple):
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
    notes: Mapping[str, str] = {}
    standing: tuple[Problem, ...] = ()
    untaken: tuple[Untaken, ...] = ()
    reason: str = ""


def merge(deal: Deal, record: DealRecord, link: Link, found: Linked, held: HeldDeals) -> Merged:
    """Merges one deal with its record; doing it again on the result changes nothing."""
    decided = held.decided.get(deal.id, {})
    plan = reconcile(
        held.rules,
        CrmSide(values=found.values, spellings=found.spellings),
        PortalSide(values=deal.values, base=link.base),
        clocks=Clocks(link.crm_modified_at, record.modified_at, held.edited_at.get(deal.id, {})),
        decided=decided,
    )
    draft = _Draft(plan.keep, untaken=tuple(_put_back(conflict) for conflict in plan.conflicts if conflict.code == "put_back"))
    draft = _with_second_partner(_with_parent(draft, deal, held), deal, held)
    draft = draft._replace(notes={conflict.field: _why(conflict, decided) for conflict in plan.conflicts if conflict.field in draft.keep})
    draft = _with_vendor_track(draft, deal, record, found) if VENDOR_TRACK in draft.keep else draft
    keep = draft.keep
    problems = (*draft.problems, *_missing_owner(deal, keep))
    untaken = tuple(one for one in draft.untaken if one.field in plan.base)  # a field that we only read is as untaken at every look
    return Merged(
        {**keep, **consequences(deal, keep, held.policy, vendor_moved=draft.has_vendor_moved)},
        frozenset(keep) - ({"second_partner"} - plan.keep.keys()),  # a subgroup's deal names its distributor by itself
        plan.base,
        _conflicts(plan, link.base, untaken),
        problems,
        draft.notes,
        (*draft.standing, *locked_changes(deal, keep)),
        untaken,
        draft.reason,
    )


class _Draft(NamedTuple):
    """The deal's changes as far as they are judged. **Shapes** `keep`: those that stay; the others as in `Merged`."""

    keep: Mapping[str, Value]
    problems: tuple[Problem, ...] = ()
    standing: tuple[Problem, ...] = ()
    untaken: tuple[Untaken, ...] = ()
    notes: Mapping[str, str] = {}
    reason: str = ""
    has_vendor_moved: bool = False


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
        return f"the worker writes this field to the CRM only once, so the portal's {conflict.portal} was not written"
    return f"both sides changed it: {'a person decided' if conflict.field in decided else f'the rule is {conflict.rule}'}"


def writes(rule: FieldRule | None) -> bool:
    """Whether the portal goes on writing the field, so that it can put back what somebody changes in the CRM."""
    return rule is not None and rule.direction != "pull" and rule.write not in ("create", "once")


def _with_parent(draft: _Draft, deal: Deal, held: HeldDeals) -> _Draft:
    """A subgroup's deal names its distributor, whatever the CRM says."""
    owner = draft.keep.get("owner_company", deal.owner_company)
    parent = held.companies.parent(deal.id, owner) if held.judges_pair else None
    if parent is None:
        return draft
    named, is_written = draft.keep.get("second_partner", deal.second_partner), writes(held.rules.get("second_partner"))
    is_new_owner = comparable(owner) != deal.owner_company
    second, problem = second_partner_in_crm(named, parent, held=deal.second_partner, is_new_owner=is_new_owner, is_written=is_written)
    if problem and (problem.code == "parent_kept" or deal.lifecycle not in CLOSED):
        draft = draft._replace(problems=(*draft.problems, problem))
    if second == named:
        return draft
    if problem:
        untaken = Untaken("second_partner", plain(named), plain(second), problem.message)
        draft = draft._replace(untaken=(*draft.untaken, untaken))
    if second == deal.second_partner:
        return draft._replace(keep=_without(draft.keep, "second_partner"))
    return draft._replace(keep={**draft.keep, "second_partner": second})


def _with_second_partner(draft: _Draft, deal: Deal, held: HeldDeals) -> _Draft:
    """A pair that is not associated is flagged as long as it stands; one that is not accepted is put back."""
    keep = draft.keep
    owner, second = keep.get("owner_company", deal.owner_company), keep.get("second_partner", deal.second_partner)
    verdict = held.companies.verdict(owner, second)
    if verdict.problem:
        draft = draft._replace(problems=(*draft.problems, verdict.problem))
    if verdict.is_accepted or "second_partner" not in keep:
        return draft
    untaken = Untaken("second_partner", plain(second), plain(deal.second_partner), verdict.problem.message if verdict.problem else "")
    return draft._replace(keep=_without(keep, "second_partner"), untaken=(*draft.untaken, untaken))


def _missing_owner(deal: Deal, keep: Mapping[str, Value]) -> Iterator[Problem]:
    if keep.get("owner_company", deal.owner_company) is None and deal.lifecycle not in CLOSED:
        words = "the deal belongs to no company: the CRM names no owner company"
        yield Problem("owner_company_missing", "owner_company", words)


def _with_vendor_track(draft: _Draft, deal: Deal, record: DealRecord, found: Linked) -> _Draft:
    """An approval that comes in is a move with a guard: it counts for the terms that stood beside it, and for the reason."""
    new, keep = draft.keep[VENDOR_TRACK], _without(draft.keep, VENDOR_TRACK)
    after = deal.changed(keep)
    others = {
        name: found.values[name]
        for name in sorted(RESET_FIELDS & found.values.keys())
        if comparable(found.values[name]) != comparable(after.values.get(name))
    }
    to = VendorApproval(str(new)) if new else VendorApproval.PENDING
    reason = reason_in_crm(deal.values, keep, before=deal.vendor_approval, new=to)
    move = vendor_move_in_crm(after, VendorWord(to, CRM_ACTOR, record.changed_on, reason), terms_agree=not others)
    if isinstance(move, Move):
        said = dict.fromkeys((VENDOR_TRACK, *(VENDOR if VENDOR.by in move.changes else ())), move.note)
        taken = {**move.changes, **keep}  # what stands beside it counts as it is
        return draft._replace(keep=taken, notes={**draft.notes, **said}, reason=move.reason, has_vendor_moved=True)
    terms = ", ".join(_difference(name, value, after.values.get(name)) for name, value in others.items())
    what = f"{move.why} ({terms})" if move.code == "approved_other_terms" else move.why
    why = f"{what}; {new} in the CRM is not taken over, the deal stays {deal.vendor_approval} on the vendor track"
    untaken = [Untaken(VENDOR_TRACK, plain(new), deal.vendor_approval.value, why)]
    if VENDOR.reason in keep and deal.vendor_approval in DECIDED:  # it is the reason of what was not taken over
        untaken.append(Untaken(VENDOR.reason, plain(keep[VENDOR.reason]), plain(deal.values.get(VENDOR.reason)), why))
        keep = _without(keep, VENDOR.reason)
    standing = Problem(move.code, VENDOR_TRACK, why, plain(new))
    return draft._replace(keep=keep, standing=(*draft.standing, standing), untaken=(*draft.untaken, *untaken))


def _without(values: Mapping[str, Value], name: str) -> dict[str, Value]:
    return {other: value for other, value in values.items() if other != name}


def _difference(name: str, crm: Value, portal: Value) -> str:
    """One term on both sides; companies are ids here, which tell people nothing."""
    there, here = (plain(value) or "empty" for value in (crm, portal))
    return f"another {name}" if name == "owner_company" else f"{name}: {there} in the CRM, {here} in the portal"
