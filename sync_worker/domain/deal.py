"""A deal, its lifecycle and its two approval tracks: what may move, who may move it, and what follows from a change.

    draft → submitted → finalize_requested → quote_signed → completed       side exits: disabled withdrawn expired won lost

                        approve     reject      return                       (reject and return say why)
    distributor track   approved    rejected    –          moved by a member of the deal's second partner only
    vendor track        approved    rejected    returned   moved by the vendor only, in the portal or through the CRM's field

The tracks have no order. A change of terms sets both back to pending. Every decision is a value: a `Move` or a `Refusal`; nothing
here raises, writes or knows the time. How deals begin and are edited is next door, in `registration.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

from sync_worker.domain.company import AccountType, Company, PortalStatus
from sync_worker.domain.problem import Problem
from sync_worker.domain.reconcile import comparable
from sync_worker.domain.values import Value, plain


class VendorApproval(StrEnum):
    """The vendor's word on a deal."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    RENEWAL_PENDING = "renewal_pending"


class DistributorApproval(StrEnum):
    """The second partner's word on a deal."""

    NOT_REQUIRED = "not_required"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RENEWAL_PENDING = "renewal_pending"


class Lifecycle(StrEnum):
    """Where a deal stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    FINALIZE_REQUESTED = "finalize_requested"
    QUOTE_SIGNED = "quote_signed"
    COMPLETED = "completed"
    DISABLED = "disabled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    WON = "won"
    LOST = "lost"


class Outcome(StrEnum):
    """What the CRM's stage says of the end."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Track(StrEnum):
    """Whose approval."""

    DISTRIBUTOR = "distributor"
    VENDOR = "vendor"


class Decision(StrEnum):
    """What a person says on a track. `renew` has no row in `MOVES` yet."""

    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    RENEW = "renew"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. **Shapes** `company_id` is `None` for an operator of the worker, who acts for no company."""

    name: str
    company_id: str | None
    side: Literal["portal", "crm", "worker"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, why not, and who or what would have been right. **Shapes** `allowed`: names people read."""

    code: str
    why: str
    who_may: str
    allowed: tuple[str, ...] = ()
    field: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """Yes: what becomes of the deal, and the words for its history. **Shapes** no changes = it was so already, harmless."""

    changes: Mapping[str, Value]
    note: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What a portal has switched on. **Shapes** `approvals`: the tracks in use; `attribute_names`: the portal's own deal fields."""

    is_two_tier: bool = True
    approvals: frozenset[str] = frozenset(Track)
    unassociated: Literal["accept", "revert"] = "accept"
    second_partner_label: str = "Distributor"
    attribute_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deal:
    """A registration. **Shapes** `values`: canonical fields flat with attributes; companies by our id."""

    id: str
    values: Mapping[str, Value]

    @property
    def owner_company(self) -> str | None:
        """Our id of the company whose deal it is; `None` only while it waits for it."""
        return _text(self.values.get("owner_company"))

    @property
    def second_partner(self) -> str | None:
        """Our id of the second partner; `None` = single-tier."""
        return _text(self.values.get("second_partner"))

    @property
    def vendor_approval(self) -> VendorApproval:
        """Unset counts as pending."""
        return VendorApproval(_text(self.values.get("vendor_approval")) or "pending")

    @property
    def distributor_approval(self) -> DistributorApproval:
        """Unset counts as pending with a second partner, else as not required."""
        given = _text(self.values.get("distributor_approval"))
        return DistributorApproval(given or ("pending" if self.second_partner else "not_required"))

    @property
    def lifecycle(self) -> Lifecycle:
        """Unset counts as submitted."""
        return Lifecycle(_text(self.values.get("lifecycle")) or "submitted")

    @property
    def outcome(self) -> Outcome:
        """Unset (a Lead has none) counts as open."""
        return Outcome(_text(self.values.get("outcome")) or "open")

    def changed(self, changes: Mapping[str, Value]) -> Deal:
        """The deal after `changes`."""
        return Deal(self.id, {**self.values, **changes})


RESET_FIELDS: Final = frozenset({"deal_type", "licence_count", "billing_cycle", "owner_company", "prospect_name"})
"""The terms people approve: an edit of one sets both tracks back to pending."""

LOCKED: Final = frozenset({Lifecycle.FINALIZE_REQUESTED, Lifecycle.QUOTE_SIGNED, Lifecycle.COMPLETED})
"""From here on the terms are locked in the portal and a decision stands."""

CLOSED: Final = frozenset({Lifecycle.COMPLETED, Lifecycle.WON, Lifecycle.LOST, Lifecycle.WITHDRAWN, Lifecycle.EXPIRED})
"""Nobody edits or decides these in the portal."""

UNDECIDED: Final = frozenset({"pending", "renewal_pending"})

MOVES: Final[Mapping[tuple[Track, Decision], VendorApproval | DistributorApproval]] = {
    (Track.DISTRIBUTOR, Decision.APPROVE): DistributorApproval.APPROVED,
    (Track.DISTRIBUTOR, Decision.REJECT): DistributorApproval.REJECTED,
    (Track.VENDOR, Decision.APPROVE): VendorApproval.APPROVED,
    (Track.VENDOR, Decision.REJECT): VendorApproval.REJECTED,
    (Track.VENDOR, Decision.RETURN): VendorApproval.RETURNED,
}
"""(track, decision) → the state it leads to; what is not here is refused."""

NEEDS_REASON: Final = frozenset({Decision.REJECT, Decision.RETURN})
_FIELD: Final = {Track.DISTRIBUTOR: "distributor_approval", Track.VENDOR: "vendor_approval"}
_SALES_STATES: Final = frozenset({Lifecycle.DRAFT, Lifecycle.SUBMITTED, Lifecycle.FINALIZE_REQUESTED, Lifecycle.QUOTE_SIGNED})
_UNREGISTERED: Final = frozenset({Lifecycle.DRAFT, Lifecycle.WITHDRAWN, Lifecycle.DISABLED, Lifecycle.EXPIRED})
_STOPPED: Final = frozenset({Lifecycle.DISABLED, Lifecycle.EXPIRED, Lifecycle.WITHDRAWN, Lifecycle.LOST})


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def decide(
    deal: Deal,
    *,
    track: Track,
    decision: Decision,
    actor: Actor,
    actor_company: Company | None,
    reason: str,
    policy: Policy,
) -> Move | Refusal:
    """Move one track, or say why not. Repeating a decision changes nothing."""
    refused = _track_closed(deal, track, policy) or _not_theirs(deal, track, actor, actor_company, policy)
    if refused:
        return refused
    target = MOVES.get((track, decision))
    if target is None:
        allowed = tuple(str(known) for of, known in MOVES if of is track)
        return Refusal("decision_not_in_track", f"the {track} track knows no {decision!s}", _mover(track, policy), allowed)
    now = _state(deal, track)
    if now == target:
        return Move({}, f"{actor.name} says again: {target} on the {track} track")
    refused = _too_late(deal, track, now) or _unreasoned(track, decision, reason, policy)
    if refused:
        return refused
    note = f"{actor.name}: {now} → {target} on the {track} track" + (f": {reason.strip()}" if reason.strip() else "")
    return Move(_with_derived(deal, {_FIELD[track]: target.value}), note)


def vendor_move_in_crm(deal: Deal, new: VendorApproval | None, *, terms_agree: bool, actor: Actor) -> Move | Refusal:
    """The vendor moved its track through the CRM's field: a move with a guard, not a field.

    **Shapes** `new` is `None` when the field was cleared: pending again. `terms_agree`: every reset field of the same native record
    equals the portal's now; an approval of other terms does not count, a rejection or return does. When refused, keep the portal's
    value: it is owed to the CRM.
    """
    new = new or VendorApproval.PENDING
    now = deal.vendor_approval
    who = "the vendor"
    if new is now:
        return Move({}, f"{actor.name} says again: {new} on the vendor track, in the CRM")
    if new is VendorApproval.RENEWAL_PENDING:
        return Refusal("not_a_vendor_move", "renewal_pending follows from a renewal, it is not set by hand", who)
    if new is VendorApproval.APPROVED and not terms_agree:
        return Refusal("approved_other_terms", "the terms in the CRM are not the portal's now", who, field="vendor_approval")
    if deal.lifecycle in LOCKED and now not in UNDECIDED:
        return Refusal("decided_for_good", f"the deal is {deal.lifecycle}: the vendor's {now} stands", "nobody")
    return Move(_with_derived(deal, {"vendor_approval": new.value}), f"{actor.name}: {now} → {new} on the vendor track, in the CRM")


def may_proceed(deal: Deal, policy: Policy) -> bool:
    """True when nobody's word is missing and the deal is not stopped. A track the portal does not use is nobody's word."""
    is_vendor_done = Track.VENDOR not in policy.approvals or deal.vendor_approval is VendorApproval.APPROVED
    done = (DistributorApproval.APPROVED, DistributorApproval.NOT_REQUIRED)
    is_distributor_done = not _has_distributor_track(policy) or deal.distributor_approval in done
    return is_vendor_done and is_distributor_done and deal.lifecycle not in _STOPPED | {Lifecycle.DRAFT}


def _track_closed(deal: Deal, track: Track, policy: Policy) -> Refusal | None:
    if track not in policy.approvals or (track is Track.DISTRIBUTOR and not policy.is_two_tier):
        return Refusal("track_not_in_use", f"this portal does not use the {track} track", "nobody")
    if track is Track.DISTRIBUTOR and deal.second_partner is None:
        return Refusal("track_not_required", f"the deal has no {policy.second_partner_label}", "nobody")
    return None


def _not_theirs(deal: Deal, track: Track, actor: Actor, company: Company | None, policy: Policy) -> Refusal | None:
    """Only a member of the deal's second partner, or of the vendor, and only while that company takes part."""
    who = _mover(track, policy)
    if company is None or company.id != actor.company_id:
        return Refusal("not_your_track", f"{actor.name} is a member of no company that may", who)
    is_theirs = company.id == deal.second_partner if track is Track.DISTRIBUTOR else company.account_type is AccountType.VENDOR
    if not is_theirs:
        return Refusal("not_your_track", f"{company.name} does not move the {track} track of this deal", who)
    if company.is_deleted or company.status is PortalStatus.INACTIVE:
        return Refusal("company_inactive", f"{company.name} is inactive", who)
    return None


def _too_late(deal: Deal, track: Track, now: str) -> Refusal | None:
    """A decision may change until finalize is requested; one still open may be made until the deal is over."""
    if deal.lifecycle in CLOSED:
        return Refusal("deal_closed", f"the deal is {deal.lifecycle}", "nobody")
    if deal.lifecycle in LOCKED and now not in UNDECIDED:
        return Refusal("decided_for_good", f"finalize was requested: {now} on the {track} track stands", "nobody")
    return None


def _unreasoned(track: Track, decision: Decision, reason: str, policy: Policy) -> Refusal | None:
    if decision in NEEDS_REASON and not reason.strip():
        return Refusal("reason_missing", f"{decision} needs a reason", _mover(track, policy), field="reason")
    return None


def _mover(track: Track, policy: Policy) -> str:
    return "the vendor" if track is Track.VENDOR else f"a member of the deal's {policy.second_partner_label}"


def _state(deal: Deal, track: Track) -> VendorApproval | DistributorApproval:
    return deal.vendor_approval if track is Track.VENDOR else deal.distributor_approval


# ── what follows from a change ───────────────────────────────────────────────────────────────────────────────────────


def by_calendar(deal: Deal, today: date) -> Move | None:
    """What the day alone makes of a deal; None where it is as it should be.

    A registration ends after its last day. One whose last day was put off, by whoever may, is a registration again; its decisions stand.
    Once finalize is requested the sale is under way, and no day ends it.
    """
    last_day = deal.values.get("expires_on")
    if not isinstance(last_day, date):
        return None
    if deal.lifecycle is Lifecycle.SUBMITTED and last_day < today:
        return Move(_with_derived(deal, {"lifecycle": Lifecycle.EXPIRED.value}), f"expired after {last_day}")
    if deal.lifecycle is Lifecycle.EXPIRED and last_day >= today:
        return Move(_with_derived(deal, {"lifecycle": Lifecycle.SUBMITTED.value}), f"runs until {last_day} by now")
    return None


def consequences(before: Deal, changes: Mapping[str, Value], policy: Policy, *, vendor_moved: bool) -> dict[str, Value]:
    """What follows from these field changes: lifecycle by outcome, resets of the tracks, `is_registered`. Only what differs.

    **Shapes** `changes` came in from the CRM, or from an edit in the portal. `vendor_moved`: they carry the vendor's own move, counted
    by `vendor_move_in_crm`, which a change of terms in the same read does not undo.
    """
    after = before.changed(changes)
    names = differing(before, changes)
    follows: dict[str, Value] = {"lifecycle": _lifecycle(after).value}
    is_reset = bool(names & RESET_FIELDS) and follows["lifecycle"] not in ("completed", "won", "lost")
    if is_reset and not vendor_moved:
        follows["vendor_approval"] = VendorApproval.PENDING.value
    if "second_partner" in names or is_reset:
        follows["distributor_approval"] = first_distributor_approval(after.second_partner, policy).value
    return {name: value for name, value in _with_derived(after, follows).items() if after.values.get(name) != value}


def locked_changes(before: Deal, changes: Mapping[str, Value]) -> tuple[Problem, ...]:
    """The CRM changed terms that are locked in the portal: applied, because the vendor is the authority, and said."""
    if before.lifecycle not in LOCKED:
        return ()
    names = sorted(differing(before, changes) & (RESET_FIELDS | {"second_partner"}))
    return tuple(
        Problem("locked_in_crm", name, f"{name} changed in the CRM while the deal is {before.lifecycle}", plain(changes[name]))
        for name in names
    )


def differing(before: Deal, changes: Mapping[str, Value]) -> frozenset[str]:
    """The names of those changes that change something; unset and cleared are the same emptiness."""
    return frozenset(n for n, value in changes.items() if comparable(value) != comparable(before.values.get(n)))


def first_distributor_approval(second_partner: str | None, policy: Policy) -> DistributorApproval:
    """Where the distributor track starts, and where it goes back to."""
    is_required = second_partner is not None and _has_distributor_track(policy)
    return DistributorApproval.PENDING if is_required else DistributorApproval.NOT_REQUIRED


def is_registered(deal: Deal) -> bool:
    """True from submission until rejected, withdrawn, disabled or expired."""
    is_rejected = "rejected" in (deal.vendor_approval, deal.distributor_approval)
    return not is_rejected and deal.lifecycle not in _UNREGISTERED


def _lifecycle(after: Deal) -> Lifecycle:
    """Won and lost follow the outcome, and a reopened deal is submitted again; side exits and completion stay."""
    if after.outcome is Outcome.OPEN:
        return Lifecycle.SUBMITTED if after.lifecycle in (Lifecycle.WON, Lifecycle.LOST) else after.lifecycle
    if after.lifecycle in _SALES_STATES | {Lifecycle.WON, Lifecycle.LOST}:
        return Lifecycle(after.outcome.value)
    return after.lifecycle


def _with_derived(deal: Deal, changes: dict[str, Value]) -> dict[str, Value]:
    """The changes and the field that is computed from them, if it turns."""
    registered = is_registered(deal.changed(changes))
    return changes if deal.values.get("is_registered") is registered else {**changes, "is_registered": registered}


def _has_distributor_track(policy: Policy) -> bool:
    return policy.is_two_tier and Track.DISTRIBUTOR in policy.approvals


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None
