"""The two approval tracks: what a decision needs and what it does, in the portal and through the CRM's field.

                        approve     reject      return      renew            (reject and return say why; so does the vendor's override)
    distributor track   approved    rejected    –           approved         moved by the deal's second partner
    vendor track        approved    rejected    returned    renewal_pending  moved by the vendor, in the portal or through the CRM

A renewal that the vendor approves brings its new last day; one that it refuses leaves the track approved and the old day as it was.
A decision leaves its stamp on the deal: who made it, when and why (`stamp.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sync_worker.domain.core.deal import (
    LOCKED,
    UNDECIDED,
    Actor,
    Deal,
    DistributorApproval,
    Lifecycle,
    Move,
    Policy,
    Refusal,
    Track,
    VendorApproval,
    differing,
    has_distributor_track,
    with_derived,
)
from sync_worker.domain.core.move_context import Effect, Guard, Party, Scene, effect, guard
from sync_worker.domain.core.stamp import VENDOR, stamp_of
from sync_worker.domain.core.values import Value


def missing_words(deal: Deal, policy: Policy) -> tuple[str, ...]:
    """Whose word is missing, as people read it."""
    whose = {Track.DISTRIBUTOR: policy.second_partner_label, Track.VENDOR: "vendor"}
    return tuple(f"the {whose[track]}'s approval is {state(deal, track)}" for track in _missing_tracks(deal, policy))


def _missing_movers(deal: Deal, policy: Policy) -> tuple[str, ...]:
    return tuple(mover(track, policy) for track in _missing_tracks(deal, policy))


def _missing_tracks(deal: Deal, policy: Policy) -> tuple[Track, ...]:
    """The tracks that are not approved. One that the portal does not use, or that the deal does not need, is not missing."""
    missing = []
    if has_distributor_track(policy) and deal.distributor_approval not in (DistributorApproval.APPROVED, DistributorApproval.NOT_REQUIRED):
        missing.append(Track.DISTRIBUTOR)
    if Track.VENDOR in policy.approvals and deal.vendor_approval is not VendorApproval.APPROVED:
        missing.append(Track.VENDOR)
    return tuple(missing)


def mover(track: Track, policy: Policy) -> str:
    """Who moves a track."""
    return "the vendor" if track is Track.VENDOR else f"a member of the deal's {policy.second_partner_label}"


# ── what a decision needs ────────────────────────────────────────────────────────────────────────────────────────────


def in_use(track: Track) -> Guard:
    """The portal, and the deal, have this track."""

    @guard(f"the portal uses the {track} track" + (", the deal has a second partner" if track is Track.DISTRIBUTOR else ""))
    def check(scene: Scene) -> Refusal | None:
        if track not in scene.policy.approvals or (track is Track.DISTRIBUTOR and not scene.policy.is_two_tier):
            return Refusal("track_not_in_use", f"this portal does not use the {track} track", "nobody")
        if track is Track.DISTRIBUTOR and scene.deal.second_partner is None:
            return Refusal("track_not_required", f"the deal has no {scene.policy.second_partner_label}", "nobody")
        return None

    return check


def open_to_decide(track: Track) -> Guard:
    """A decision may change until finalize is requested; one still open may be made later. An expired deal waits for its renewal only."""

    @guard("after the finalize request: only if the track is still open; on an expired deal: only if a renewal waits")
    def check(scene: Scene) -> Refusal | None:
        deal, now = scene.deal, state(scene.deal, track)
        if deal.lifecycle is Lifecycle.EXPIRED and deal.vendor_approval is not VendorApproval.RENEWAL_PENDING:
            return Refusal("deal_closed", "the deal is expired, and no renewal waits", "nobody")
        if deal.lifecycle in LOCKED and now not in UNDECIDED:
            return Refusal("decided_for_good", f"finalize was requested: {now} on the {track} track stands", "nobody")
        return None

    return check


@guard("the deal has an owner company")
def owned(scene: Scene) -> Refusal | None:
    return None if scene.deal.owner_company else ownerless("owner_company")


def ownerless(field: str) -> Refusal:
    """The deal belongs to no company, so there is nothing to approve."""
    return Refusal("owner_company_missing", "the deal belongs to no company", "the vendor, who names its owner company", field=field)


@guard("a reason is given")
def reasoned(scene: Scene) -> Refusal | None:
    if scene.gives_reason:
        return None
    return Refusal("reason_missing", "a rejection, a return or an override needs a reason", scene.actor.name, field="reason")


@guard("if the vendor decides in the place of the second partner: a reason is given")
def override_reasoned(scene: Scene) -> Refusal | None:
    return None if Party.SECOND_PARTNER in scene.standing.parties else reasoned.check(scene)


@guard("every approval that the deal needs is there")
def ready(scene: Scene) -> Refusal | None:
    missing = missing_words(scene.deal, scene.policy)
    if not missing:
        return None
    return Refusal("not_ready", f"the deal is not approved: {'; '.join(missing)}", " and ".join(_missing_movers(scene.deal, scene.policy)))


@guard("the new last day is later than today and later than the old one")
def later_day(scene: Scene) -> Refusal | None:
    until, last_day = scene.until, scene.deal.values.get("expires_on")
    who = f"a member of the deal's {scene.policy.second_partner_label}"
    if not isinstance(last_day, date):
        return Refusal("nothing_to_renew", "the registration has no last day", "nobody", field="expires_on")
    if until is None or until <= max(scene.today, last_day):
        why = f"a renewal needs a last day after {max(scene.today, last_day)}"
        return Refusal("renewal_not_later", why, who, field="expires_on")
    return None


@guard("the vendor has approved; if the deal is still submitted, the second partner has approved too")
def renewable(scene: Scene) -> Refusal | None:
    deal = scene.deal
    approved = (VendorApproval.APPROVED, VendorApproval.RENEWAL_PENDING)
    if Track.VENDOR in scene.policy.approvals and deal.vendor_approval not in approved:
        return Refusal("not_ready", f"the vendor's approval is {deal.vendor_approval}: there is nothing to renew yet", "the vendor")
    if (
        deal.lifecycle is Lifecycle.SUBMITTED
        and has_distributor_track(scene.policy)
        and deal.distributor_approval in ("pending", "rejected")
    ):
        why = f"the {scene.policy.second_partner_label}'s approval is {deal.distributor_approval}: approve the deal first"
        return Refusal("not_ready", why, mover(Track.DISTRIBUTOR, scene.policy))
    return None


# ── what it does ─────────────────────────────────────────────────────────────────────────────────────────────────────


def set_track(track: Track, to: VendorApproval | DistributorApproval) -> Effect:
    """The track's new state; the vendor's word on a renewal is `_on_renewal`."""

    @effect(f"{track} track {to}" + ("; on a renewal: " + _RENEWAL_WORDS[to is VendorApproval.APPROVED] if track is Track.VENDOR else ""))
    def changes(scene: Scene) -> Mapping[str, Value]:
        says = vendor_says(scene.deal, to) if isinstance(to, VendorApproval) else {"distributor_approval": to.value}
        return _stamped(track, scene, says)

    return changes


_RENEWAL_WORDS: Final = {
    True: "the new last day counts, and an expired deal is submitted again",
    False: "the renewal is refused, and the track is approved as before",
}


@effect("distributor track approved; vendor track renewal_pending; the new last day waits for the vendor")
def renewed(scene: Scene) -> Mapping[str, Value]:
    is_distributors = scene.deal.second_partner is not None and has_distributor_track(scene.policy)
    says: dict[str, Value] = {"distributor_approval": "approved"} if is_distributors else {}
    if Track.VENDOR in scene.policy.approvals:
        says |= {"vendor_approval": VendorApproval.RENEWAL_PENDING.value, "renews_until": scene.until}
    else:
        says |= {"expires_on": scene.until, **running(scene.deal)}
    return _stamped(Track.DISTRIBUTOR, scene, says) if is_distributors else says


def _stamped(track: Track, scene: Scene, says: Mapping[str, Value]) -> Mapping[str, Value]:
    """A decision with who made it, when and why; one that changes nothing leaves that as it was, too."""
    if not differing(scene.deal, says):
        return says
    stamp = stamp_of(track).says(scene.actor.name, scene.today, scene.reason)
    return {**says, **{name: stamp[name] for name in differing(scene.deal, stamp)}}


def vendor_says(deal: Deal, new: VendorApproval) -> dict[str, Value]:
    """What the vendor's word changes: of a renewal that waits, approval brings the new last day, a refusal leaves everything as it was."""
    if deal.vendor_approval is not VendorApproval.RENEWAL_PENDING or new in UNDECIDED:
        return {"vendor_approval": new.value}
    approved: dict[str, Value] = {"vendor_approval": VendorApproval.APPROVED.value}
    until, last_day = deal.values.get("renews_until"), deal.values.get("expires_on")
    if new is not VendorApproval.APPROVED or not isinstance(until, date):
        return approved
    later = max(until, last_day) if isinstance(last_day, date) else until  # the vendor may have set a later one meanwhile
    return {**approved, "expires_on": later, **running(deal)}


def running(deal: Deal) -> dict[str, Value]:
    """What makes an expired registration run again."""
    return {"lifecycle": Lifecycle.SUBMITTED.value} if deal.lifecycle is Lifecycle.EXPIRED else {}


def state(deal: Deal, track: Track) -> VendorApproval | DistributorApproval:
    """Where a track stands."""
    return deal.vendor_approval if track is Track.VENDOR else deal.distributor_approval


# ── the vendor's move through the CRM ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class VendorWord:
    """What the CRM's field says of the vendor's track.

    **Shapes** `to` is pending when the field was cleared. `day`: on which the CRM's record says that it changed. `reason`: as the CRM's
    field has it.
    """

    to: VendorApproval
    actor: Actor
    day: date
    reason: str = ""


def vendor_move_in_crm(deal: Deal, word: VendorWord, *, terms_agree: bool) -> Move | Refusal:
    """The vendor moved its track through the CRM's field: a move with a guard, not a field.

    **Shapes** `terms_agree`: every reset field of the same native record equals the portal's now; an approval of other terms does not
    count, a rejection or return does. When refused, keep the portal's value: it is owed to the CRM.
    """
    now, new, actor = deal.vendor_approval, word.to, word.actor
    who = "the vendor"
    if new is now:
        return Move({}, f"{actor.name} says again: {new} on the vendor track, in the CRM")
    if new is VendorApproval.RENEWAL_PENDING:
        return Refusal("not_a_vendor_move", "renewal_pending follows from a renewal, it is not set by hand", who)
    if new is VendorApproval.APPROVED and deal.owner_company is None:
        return ownerless("vendor_approval")
    if new is VendorApproval.APPROVED and not terms_agree:
        return Refusal("approved_other_terms", "the terms in the CRM are not the portal's now", who, field="vendor_approval")
    if deal.lifecycle in LOCKED and now not in UNDECIDED:
        return Refusal("decided_for_good", f"the deal is {deal.lifecycle}: the vendor's {now} stands", "nobody")
    says = vendor_says(deal, new)
    if new not in UNDECIDED:
        says |= VENDOR.says(actor.name, word.day, word.reason)
    note = f"{actor.name}: {now} → {new} on the vendor track, in the CRM" + (f": {word.reason}" if word.reason else "")
    return Move(with_derived(deal, says), note, word.reason)
