"""Who decided on an approval track, when and why: three fields beside the track's state, written by the decision and by nothing else.

    the track gets another decision     the three say who made it, on which day, and why (no reason = empty)
    the same decision again             they stay as they are
    the track waits again               they are empty, except for a reason that was typed in the CRM in the same change

The exact moment of a decision stands in the deal's history; the fields hold the day by the portal's calendar, which every CRM can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from sync_worker.domain.core.values import Value

DECIDED: Final = frozenset({"approved", "rejected", "returned"})
"""What a track holds once somebody has decided."""
REFUSED: Final = frozenset({"rejected", "returned"})
MOST_NAME: Final = 255  # characters of a name; a CRM's text field holds as many


class Stamp(NamedTuple):
    """The names of one track's three fields."""

    by: str
    on: str
    reason: str

    def says(self, actor: str, day: date, reason: str) -> dict[str, Value]:
        """What the fields hold after a decision."""
        return {self.by: short(actor), self.on: day, self.reason: reason.strip() or None}


def stamp_of(track: str) -> Stamp:
    """The fields of a track, by its name."""
    return Stamp(f"{track}_decided_by", f"{track}_decided_on", f"{track}_reason")


VENDOR: Final = stamp_of("vendor")
DISTRIBUTOR: Final = stamp_of("distributor")
STAMPS: Final = frozenset({*VENDOR, *DISTRIBUTOR})
"""The fields of both tracks."""
TEXTS: Final = (VENDOR.by, VENDOR.reason, DISTRIBUTOR.by, DISTRIBUTOR.reason)
"""Those in which a person may be named."""
REASONS: Final = frozenset({VENDOR.reason, DISTRIBUTOR.reason})


def emptied(track: str, before: str, after: str) -> dict[str, Value]:
    """What becomes of a track's three fields when its state changes without a decision. **Shapes** states of the track."""
    return dict.fromkeys(stamp_of(track)) if before in DECIDED and after not in DECIDED else {}


def reason_in_crm(held: Mapping[str, Value], typed: Mapping[str, Value], *, before: str, new: str) -> str:
    """The vendor's reason for a decision that was made in the CRM.

    **Shapes** `held`: the deal's fields; `typed`: those that the CRM brings with the decision; `before`, `new`: states of the track. A
    reason that stood there before belongs to this decision only if the track waited, or if one refusal follows another.
    """
    if VENDOR.reason in typed:
        return str(typed[VENDOR.reason] or "").strip()
    is_still_meant = before not in DECIDED or (before in REFUSED and new in REFUSED)
    return str(held.get(VENDOR.reason) or "").strip() if is_still_meant else ""


def short(actor: str) -> str:
    """A name that fits into a CRM's text field. The id in brackets at its end stays whole: an erasure finds the person by it."""
    if len(actor) <= MOST_NAME:
        return actor
    name, bracket, id_ = actor.rpartition(" (")
    if not bracket:
        return f"{actor[: MOST_NAME - 1]}…"
    return f"{name[: max(0, MOST_NAME - len(id_) - 3)]}… ({id_}"
