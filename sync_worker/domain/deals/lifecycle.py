"""THE TABLE OF MOVES: everything that may be done with a deal, from which states, by whom, what must hold and what becomes of it.

`move` makes each of them, in the portal. What the CRM's stage and the calendar do stands in the same table, so no deal takes a way that is
not written here. docs/deals.md is printed from it. A move that would change nothing is accepted and does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import (
    CLOSED,
    Actor,
    Deal,
    Decision,
    DistributorApproval,
    Lifecycle,
    Move,
    Policy,
    Refusal,
    Track,
    VendorApproval,
    consequences,
    differing,
)
from sync_worker.domain.core.move_context import Effect, Guard, Party, Scene, Standing, guard
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals import approval, completion, last_day, registration, travel
from sync_worker.domain.distributors import parenthood

DRAFT, SUBMITTED, DISABLED = Lifecycle.DRAFT, Lifecycle.SUBMITTED, Lifecycle.DISABLED
FINALIZE_REQUESTED, QUOTE_SIGNED, COMPLETED = Lifecycle.FINALIZE_REQUESTED, Lifecycle.QUOTE_SIGNED, Lifecycle.COMPLETED
WITHDRAWN, EXPIRED, WON, LOST = Lifecycle.WITHDRAWN, Lifecycle.EXPIRED, Lifecycle.WON, Lifecycle.LOST


class Verb(StrEnum):
    """A move of a deal that exists."""

    SUBMIT = "submit"
    EDIT = "edit"
    REASSIGN = "reassign"
    APPROVE_DISTRIBUTOR = "approve_distributor"
    REJECT_DISTRIBUTOR = "reject_distributor"
    RENEW = "renew"
    APPROVE_VENDOR = "approve_vendor"
    REJECT_VENDOR = "reject_vendor"
    RETURN_VENDOR = "return_vendor"
    WITHDRAW = "withdraw"
    DISABLE = "disable"
    ENABLE = "enable"
    FINALIZE = "finalize"
    SIGN = "sign"
    COMPLETE = "complete"
    SET_LAST_DAY = "set_last_day"
    GIVE_LAST_DAY = "give_last_day"
    EXPIRE = "expire"
    RESUME = "resume"
    WIN = "win"
    LOSE = "lose"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One move.

    **Shapes** `asks`: what the request itself needs; it is checked first, before the person. `needs`: what the deal needs; it is
    checked last. `who`: the first party has the move; a later party makes it in the place of the first. Where a deal has no second
    partner, the owner company renews and signs.
    """

    states: tuple[Lifecycle, ...]
    who: tuple[Party, ...]
    effects: tuple[Effect, ...]
    needs: tuple[Guard, ...] = ()
    asks: tuple[Guard, ...] = ()


def _to(state: Lifecycle) -> Effect:
    return Effect(state.value, lambda _: {"lifecycle": state.value})


@guard("the last day is over")
def _is_over(scene: Scene) -> Refusal | None:
    if last_day.is_over(scene.deal, scene.today):
        return None
    return Refusal("wrong_state", "the last day is not over", "the calendar")


@guard("the last day was moved to a later day, and that day is not over")
def _is_to_come(scene: Scene) -> Refusal | None:
    if last_day.last_day_of(scene.deal) and not last_day.is_over(scene.deal, scene.today):
        return None
    return Refusal("wrong_state", "the last day is over", "the calendar")


_BY_OUTCOME: Final = Effect("the deal follows the CRM's stage", lambda _: {})
_OPEN: Final = (DRAFT, SUBMITTED, FINALIZE_REQUESTED, QUOTE_SIGNED, DISABLED)
_DECIDABLE: Final = (SUBMITTED, FINALIZE_REQUESTED, QUOTE_SIGNED, DISABLED)
_SOLD: Final = (SUBMITTED, FINALIZE_REQUESTED, QUOTE_SIGNED)
_OWNERS: Final = (Party.OWNER, Party.OPERATOR)
_EDITORS: Final = (Party.OWNER, Party.VENDOR, Party.OPERATOR)
_DRAFTERS: Final = (Party.OWNER, Party.MAKER, Party.OPERATOR)
_VENDORS: Final = (Party.VENDOR, Party.OPERATOR)
_DISTRIBUTORS: Final = (Party.SECOND_PARTNER, Party.VENDOR)
_OF_DISTRIBUTOR: Final = (approval.in_use(Track.DISTRIBUTOR),)
_OF_VENDOR: Final = (approval.in_use(Track.VENDOR),)
_STILL_DISTRIBUTOR: Final = approval.open_to_decide(Track.DISTRIBUTOR)
_STILL_VENDOR: Final = approval.open_to_decide(Track.VENDOR)


def _distributor(to: DistributorApproval) -> tuple[Effect, ...]:
    return (approval.set_track(Track.DISTRIBUTOR, to),)


def _vendor(to: VendorApproval) -> tuple[Effect, ...]:
    return (approval.set_track(Track.VENDOR, to),)


MOVES: Final[Mapping[Verb, MoveRow]] = {
    Verb.SUBMIT: MoveRow(
        (DRAFT,),
        _DRAFTERS,
        (registration.submitted,),
        (registration.still_on_behalf, parenthood.names_no_other, registration.fit_pair, registration.named),
    ),
    Verb.EDIT: MoveRow(
        _OPEN,
        (Party.OWNER, Party.MAKER, Party.VENDOR, Party.OPERATOR),
        (registration.edited,),
        (
            registration.still_on_behalf,
            registration.given_by_vendor,
            registration.unlocked,
            parenthood.keeps_parent,
            travel.can_travel,
            registration.fit_change,
            registration.fit_term,
            registration.fit_money,
            registration.named,
        ),
        asks=(registration.known_fields,),
    ),
    Verb.REASSIGN: MoveRow(_OPEN, _EDITORS, (registration.reassigned,), asks=(registration.colleague,)),
    Verb.APPROVE_DISTRIBUTOR: MoveRow(
        _DECIDABLE,
        _DISTRIBUTORS,
        _distributor(DistributorApproval.APPROVED),
        (approval.owned, _STILL_DISTRIBUTOR, approval.override_reasoned),
        asks=_OF_DISTRIBUTOR,
    ),
    Verb.REJECT_DISTRIBUTOR: MoveRow(
        _DECIDABLE,
        _DISTRIBUTORS,
        _distributor(DistributorApproval.REJECTED),
        (_STILL_DISTRIBUTOR, approval.reasoned),
        asks=_OF_DISTRIBUTOR,
    ),
    Verb.RENEW: MoveRow(
        (SUBMITTED, EXPIRED), (Party.SECOND_PARTNER,), (approval.renewed,), (approval.owned, approval.renewable, approval.later_day)
    ),
    Verb.APPROVE_VENDOR: MoveRow(
        (*_DECIDABLE, EXPIRED), (Party.VENDOR,), _vendor(VendorApproval.APPROVED), (approval.owned, _STILL_VENDOR), asks=_OF_VENDOR
    ),
    Verb.REJECT_VENDOR: MoveRow(
        (*_DECIDABLE, EXPIRED), (Party.VENDOR,), _vendor(VendorApproval.REJECTED), (_STILL_VENDOR, approval.reasoned), asks=_OF_VENDOR
    ),
    Verb.RETURN_VENDOR: MoveRow(
        (*_DECIDABLE, EXPIRED), (Party.VENDOR,), _vendor(VendorApproval.RETURNED), (_STILL_VENDOR, approval.reasoned), asks=_OF_VENDOR
    ),
    Verb.WITHDRAW: MoveRow((DRAFT, SUBMITTED, FINALIZE_REQUESTED, DISABLED), _DRAFTERS, (_to(WITHDRAWN),)),
    Verb.DISABLE: MoveRow((SUBMITTED, FINALIZE_REQUESTED), _VENDORS, (_to(DISABLED),)),
    Verb.ENABLE: MoveRow((DISABLED,), _VENDORS, (_to(SUBMITTED),)),
    Verb.FINALIZE: MoveRow(
        (SUBMITTED,),
        _OWNERS,
        (_to(FINALIZE_REQUESTED), completion.offered_anew),
        (approval.owned, parenthood.parent_named, approval.ready),
    ),
    Verb.SIGN: MoveRow(
        (FINALIZE_REQUESTED,),
        (Party.SECOND_PARTNER, Party.VENDOR),
        (completion.signed,),
        (approval.owned, parenthood.parent_named, approval.ready, completion.quote_sent, completion.recorded_with_reason),
    ),
    Verb.COMPLETE: MoveRow((QUOTE_SIGNED,), _VENDORS, (_to(COMPLETED),), (completion.licensed,)),
    Verb.SET_LAST_DAY: MoveRow((SUBMITTED, DISABLED, EXPIRED), _VENDORS, (last_day.day_set,), (last_day.still_to_come,)),
    Verb.GIVE_LAST_DAY: MoveRow((SUBMITTED,), (Party.CALENDAR,), (last_day.day_given,)),
    Verb.EXPIRE: MoveRow((SUBMITTED,), (Party.CALENDAR,), (_to(EXPIRED),), (_is_over,)),
    Verb.RESUME: MoveRow((EXPIRED,), (Party.CALENDAR,), (_to(SUBMITTED),), (_is_to_come,)),
    Verb.WIN: MoveRow((*_SOLD, LOST), (Party.CRM,), (_to(WON), _BY_OUTCOME)),
    Verb.LOSE: MoveRow((*_SOLD, WON), (Party.CRM,), (_to(LOST), _BY_OUTCOME)),
    Verb.REOPEN: MoveRow((WON, LOST), (Party.CRM,), (_to(SUBMITTED), _BY_OUTCOME)),
}
"""Every move. A deal begins as a draft or submitted (`registration.py`), or in the CRM."""

DECISIONS: Final[Mapping[tuple[Track, Decision], Verb]] = {
    (Track.DISTRIBUTOR, Decision.APPROVE): Verb.APPROVE_DISTRIBUTOR,
    (Track.DISTRIBUTOR, Decision.REJECT): Verb.REJECT_DISTRIBUTOR,
    (Track.DISTRIBUTOR, Decision.RENEW): Verb.RENEW,
    (Track.VENDOR, Decision.APPROVE): Verb.APPROVE_VENDOR,
    (Track.VENDOR, Decision.REJECT): Verb.REJECT_VENDOR,
    (Track.VENDOR, Decision.RETURN): Verb.RETURN_VENDOR,
}
_OF_SINGLE_TIER: Final = {Verb.RENEW, Verb.SIGN}
OF_TRACKS: Final = frozenset(DECISIONS.values())
"""The moves of the two approval tracks."""


def move(verb: Verb, scene: Scene) -> Move | Refusal:
    """The move, with all that follows from it, or why not and who could. What somebody did before is a move without changes.

    Whether the deal is in the right state is judged as of today: the last day may be over before the night has written it down.
    """
    return _move(verb, scene, replace(scene, deal=as_of(scene.deal, scene.today)))


def _move(verb: Verb, scene: Scene, as_of_today: Scene) -> Move | Refusal:
    row = MOVES[verb]
    refused = _first(row.asks, scene) or _wrong_party(verb, row, scene)
    if refused:
        return refused
    changes: dict[str, Value] = {}
    for one in row.effects:
        changes |= one.changes(scene)
    if not differing(scene.deal, changes):
        return Move({}, f"{scene.actor.name}: {_words(verb)}: nothing changed, because it was so before")
    refused = _wrong_state(verb, row, as_of_today) or _first(row.needs, as_of_today)
    if refused:
        return refused
    follows = consequences(scene.deal, changes, scene.policy, vendor_moved=False)
    return Move({**changes, **follows}, _note(verb, row, scene), scene.reason.strip())


def decision(track: Track, said: Decision, policy: Policy) -> Verb | Refusal:
    """The move that a decision on a track is."""
    verb = DECISIONS.get((track, said))
    if verb:
        return verb
    allowed = tuple(str(known) for of, known in DECISIONS if of is track)
    return Refusal(
        "decision_not_in_track",
        f"the {track} track does not have the decision {said!s}",
        approval.mover(track, policy),
        allowed,
        "decision",
    )


CALENDAR: Final = Actor("the calendar", None, "worker")
_WITHOUT_PERIOD: Final = Policy()


def by_calendar(deal: Deal, today: date, policy: Policy = _WITHOUT_PERIOD) -> Move | None:
    """What the day alone makes of a deal; None where it is as it should be.

    A registration ends after its last day. If a person who may puts the last day off, it is a registration again; its decisions stand.
    One without a last day is given what the portal's period says. Once finalize is requested the sale is under way, and no day ends it.
    """
    scene = Scene(deal=deal, actor=CALENDAR, standing=Standing(frozenset({Party.CALENDAR})), policy=policy, today=today)
    for verb in (Verb.EXPIRE, Verb.RESUME, Verb.GIVE_LAST_DAY):
        made = _move(verb, scene, scene)
        if isinstance(made, Move) and made.changes:
            return made
    return None


def as_of(deal: Deal, today: date) -> Deal:
    """The deal as it stands on this day: past its last day it is expired, and before it it runs, whatever was written down."""
    turned = by_calendar(deal, today)
    return deal.changed(turned.changes) if turned else deal


def who_may(verb: Verb, deal: Deal | None, policy: Policy) -> str:
    """Whose move it is, as people read it."""
    parties = [_standing_in(party, verb, deal) for party in MOVES[verb].who if party is not Party.OPERATOR]
    names = {
        Party.OWNER: "a member of the owner company",
        Party.SECOND_PARTNER: f"a member of the deal's {policy.second_partner_label}",
        Party.VENDOR: "the vendor",
        Party.MAKER: "the person who made the draft on its behalf",
    }
    return ", or ".join(names.get(party, f"the {party}") for party in dict.fromkeys(parties))


def _wrong_party(verb: Verb, row: MoveRow, scene: Scene) -> Refusal | None:
    wanted = {_standing_in(party, verb, scene.deal) for party in row.who}
    if wanted & scene.standing.parties:
        return None
    who = who_may(verb, scene.deal, scene.policy)
    if wanted & scene.standing.idle:
        return Refusal("company_inactive", f"the company of {scene.actor.name} is inactive", who)
    if scene.actor.user and not scene.actor.user.is_active:
        return Refusal("user_inactive", f"{scene.actor.name} is inactive in the portal", who)
    code = "not_your_track" if verb in OF_TRACKS else "not_a_party"
    return Refusal(code, f"{scene.actor.name} does not act for a company that may {_words(verb)} this deal", who)


def _wrong_state(verb: Verb, row: MoveRow, scene: Scene) -> Refusal | None:
    now = scene.deal.lifecycle
    if now in row.states:
        return None
    if now is EXPIRED:
        return _expired(scene)
    if now in CLOSED:
        return Refusal("deal_closed", f"the deal is {now}", "nobody")
    states = tuple(state.value for state in row.states)
    return Refusal(
        "wrong_state",
        f"this move ({_words(verb)}) is not possible while the deal is {now}",
        who_may(verb, scene.deal, scene.policy),
        states,
    )


def _expired(scene: Scene) -> Refusal:
    """A registration that is over can run again."""
    day, renewer = last_day.last_day_of(scene.deal), who_may(Verb.RENEW, scene.deal, scene.policy)
    since = f": its last day was {day}" if day else ""
    return Refusal("deal_closed", f"the deal is expired{since}", f"{renewer}, renews it, or the vendor sets a later last day")


def _first(guards: tuple[Guard, ...], scene: Scene) -> Refusal | None:
    return next((refused for one in guards if (refused := one.check(scene))), None)


def _standing_in(party: Party, verb: Verb, deal: Deal | None) -> Party:
    """The owner company has the second partner's part in a deal without one."""
    is_single_tier = deal is not None and deal.second_partner is None
    return Party.OWNER if party is Party.SECOND_PARTNER and is_single_tier and verb in _OF_SINGLE_TIER else party


def _note(verb: Verb, row: MoveRow, scene: Scene) -> str:
    """Who did what, and why; in whose place, if not in their own."""
    is_instead = verb in OF_TRACKS and _standing_in(row.who[0], verb, scene.deal) not in scene.standing.parties
    instead = f", in the place of the {scene.policy.second_partner_label}" if is_instead else ""
    return f"{scene.actor.name}: {_words(verb)}{instead}" + (f": {scene.reason.strip()}" if scene.gives_reason else "")


def _words(verb: Verb) -> str:
    return verb.value.replace("_", " as " if verb in OF_TRACKS else " ")
