"""What a change of a deal is news of, and for which audience, by one policy table. Pure. `recipients.py` says who that is.

A first load is not news.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import UNDECIDED, Deal, Lifecycle, Track, VendorApproval, differing


class Topic(StrEnum):
    """What people are told of; the names of switches and of mail templates."""

    DEAL_REGISTERED = "deal_registered"
    DEAL_UPDATED = "deal_updated"
    FINALIZE_REQUESTED = "finalize_requested"
    QUOTE_SENT = "quote_sent"
    EXPIRES_SOON = "expires_soon"
    APPROVAL_WAITS = "approval_waits"
    DECISION_UNTAKEN = "decision_untaken"


class Audience(StrEnum):
    """Whom a line of the policy means."""

    DEAL_OWNER = "the deal owner"
    OWNER_MANAGERS = "managers of the owner company"
    OWNER_NAMED = "the owner company's account owner"
    OWNER_MEMBERS = "members of the owner company"
    SECOND_REP = "the member of the second partner who registered the deal"
    SECOND_MANAGERS = "managers of the second partner"
    SECOND_EXECUTIVES = "executives of the second partner"
    SECOND_NAMED = "the second partner's account owner"
    SECOND_MEMBERS = "members of the second partner"
    VENDOR = "the vendor's admins"


OWNER_SIDE: Final = (Audience.DEAL_OWNER, Audience.OWNER_MANAGERS, Audience.OWNER_NAMED)
SECOND_SIDE: Final = (Audience.SECOND_REP, Audience.SECOND_MANAGERS, Audience.SECOND_EXECUTIVES, Audience.SECOND_NAMED)
SECOND_DECIDERS: Final = (Audience.SECOND_MANAGERS, Audience.SECOND_EXECUTIVES)

POLICY: Final[Mapping[Topic, tuple[Audience, ...]]] = {
    Topic.DEAL_REGISTERED: OWNER_SIDE + SECOND_SIDE,
    Topic.DEAL_UPDATED: OWNER_SIDE + SECOND_SIDE,
    Topic.FINALIZE_REQUESTED: (Audience.VENDOR,),
    Topic.QUOTE_SENT: (Audience.OWNER_MEMBERS, Audience.SECOND_MEMBERS),  # which of the two, `quote_policy` says
    Topic.EXPIRES_SOON: (Audience.DEAL_OWNER, Audience.OWNER_MANAGERS, *SECOND_DECIDERS),
    Topic.APPROVAL_WAITS: (*SECOND_DECIDERS, Audience.VENDOR),  # the side whose track it is
    Topic.DECISION_UNTAKEN: (Audience.VENDOR,),
}
"""notice → who may be told. Printed into docs/distributors.md."""

WATCHED: Final = frozenset(
    {
        "crm_owner",
        "owner_user",
        "lifecycle",
        "stage",
        "vendor_approval",
        "distributor_approval",
        "amount",
        "expected_close_on",
    }
)
"""A change of one of these is an update worth telling."""

NEWS: Final = WATCHED | {"second_partner"}
"""A change of one of these is news."""

_THE_CRMS: Final = frozenset({"stage", "crm_owner"})

_WAITED_FOR: Final = {Track.DISTRIBUTOR: SECOND_DECIDERS, Track.VENDOR: (Audience.VENDOR,)}


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell. **Shapes** `event` is its key, the same one whenever it is computed again; `fields`: what changed."""

    event: str
    notice: Topic
    audience: tuple[Audience, ...]
    fields: tuple[str, ...] = ()


# ── what is news ─────────────────────────────────────────────────────────────────────────────────────────────────────


def news_of(before: Deal | None, after: Deal, *, version: int, tracks: Collection[Track] = tuple(Track)) -> tuple[News, ...]:
    """What this change of a deal is news of: what asks for an act first. Nothing where nothing changed, and of drafts.

    Not asked of a first load. **Shapes** `version`: the deal's, after the change; `tracks`: those that the portal uses.
    """
    if after.lifecycle is Lifecycle.DRAFT:
        return ()
    key = f"{after.id}/{version}"
    found = []
    if Track.VENDOR in waiting_tracks(after, tracks) - waiting_tracks(before, tracks):
        found.append(News(f"asked/{key}", Topic.APPROVAL_WAITS, _WAITED_FOR[Track.VENDOR]))
    if before is None or before.lifecycle is Lifecycle.DRAFT:
        return (*found, News(f"registered/{key}", Topic.DEAL_REGISTERED, POLICY[Topic.DEAL_REGISTERED]))
    return (*found, *_updates(before, after, key))


def _updates(before: Deal, after: Deal, key: str) -> Iterator[News]:
    changed = differing(before, {name: after.values.get(name) for name in after.values.keys() | before.values.keys()})
    if "lifecycle" in changed and after.lifecycle is Lifecycle.FINALIZE_REQUESTED:
        yield News(f"finalize/{key}", Topic.FINALIZE_REQUESTED, POLICY[Topic.FINALIZE_REQUESTED])
    is_new_second = "second_partner" in changed and after.second_partner is not None
    if is_new_second:
        yield News(f"registered/{key}", Topic.DEAL_REGISTERED, SECOND_SIDE)
    if seen := tuple(sorted(name for name in changed & WATCHED if not _is_filled_in(name, before))):
        yield News(f"updated/{key}", Topic.DEAL_UPDATED, OWNER_SIDE if is_new_second else POLICY[Topic.DEAL_UPDATED], seen)


def waiting_tracks(deal: Deal | None, tracks: Collection[Track] = tuple(Track)) -> frozenset[Track]:
    """The tracks on which this deal waits for a decision, of those that the portal uses. An expired deal waits for its renewal only."""
    if deal is None or deal.owner_company is None:
        return frozenset()
    is_renewal = deal.lifecycle is Lifecycle.EXPIRED and deal.vendor_approval is VendorApproval.RENEWAL_PENDING
    if deal.lifecycle is not Lifecycle.SUBMITTED and not is_renewal:
        return frozenset()
    states = {Track.DISTRIBUTOR: deal.distributor_approval, Track.VENDOR: deal.vendor_approval}
    return frozenset(track for track, state in states.items() if track in tracks and state in UNDECIDED)


def _is_filled_in(name: str, before: Deal) -> bool:
    """What the CRM gives a new record by itself belongs to the registration, of which people were told."""
    return name in _THE_CRMS and before.values.get(name) is None


def decision_untaken(deal_id: str, run_id: str) -> News:
    """The vendor decided in the CRM, and this run could not take it over: the vendor's people look again."""
    return News(f"untaken/{deal_id}/{run_id}", Topic.DECISION_UNTAKEN, POLICY[Topic.DECISION_UNTAKEN])


def quote_news(event: str, deal: Deal, company_id: str) -> News:
    """A quote on its way to the members of this company, one of the deal's two."""
    audience = Audience.SECOND_MEMBERS if company_id == deal.second_partner else Audience.OWNER_MEMBERS
    return News(event, Topic.QUOTE_SENT, (audience,))


@dataclass(frozen=True, slots=True)
class Marks:
    """When people are reminded. **Units** days, before an expiry and of waiting. **Shapes** `tracks`: those that the portal uses."""

    before_expiry: Sequence[int]
    waited: Sequence[int]
    tracks: Collection[Track] = tuple(Track)


def reminders(deal: Deal, today: date, *, since: date, marks: Marks) -> tuple[News, ...]:
    """What people are reminded of on this day: an expiry so many days ahead, an approval waited for so many days.

    A mark of 0 days does not count: that an approval waits was told at once. **Shapes** `since`: when the tracks began to wait. A day
    without a look is made up for later: of several past marks the last one counts.
    """
    if deal.lifecycle is not Lifecycle.SUBMITTED:
        return ()
    found = []
    last_day = deal.values.get("expires_on")
    left = (last_day - today).days if isinstance(last_day, date) else -1
    if reached := [days for days in marks.before_expiry if 0 <= left <= days]:
        found.append(News(f"expires/{deal.id}/{last_day}/{min(reached)}", Topic.EXPIRES_SOON, POLICY[Topic.EXPIRES_SOON]))
    if waited := [days for days in marks.waited if 0 < days <= (today - since).days]:
        found += [
            News(f"waits/{deal.id}/{track}/{since}/{max(waited)}", Topic.APPROVAL_WAITS, _WAITED_FOR[track])
            for track in sorted(waiting_tracks(deal, marks.tracks))
        ]
    return tuple(found)


def deal_reminded_of(event: str) -> str | None:
    """The deal of a reminder; None for any other news. As long as the deal waits, its reminder must not be written a second time."""
    kind, _, rest = event.partition("/")
    return rest.partition("/")[0] if kind in ("expires", "waits") else None
