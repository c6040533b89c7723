"""What an address says about which deals are wanted. What is blank counts as not said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from sync_worker.domain.core.deal import DistributorApproval, Lifecycle, Outcome, Refusal, VendorApproval
from sync_worker.web.api.deals.wishes import DaySpan, DealFilters, WantedSides, WantedStates
from sync_worker.web.console.core.away import TurnedAway

MOST_TEXT: Final = 200
STATES: Final = {
    "lifecycle": tuple(Lifecycle),
    "vendor_approval": tuple(VendorApproval),
    "distributor_approval": tuple(DistributorApproval),
    "outcome": tuple(Outcome),
}
"""Name of a filter → what it can be."""
NAMES: Final = ("text", "stage", "owner_company", "second_partner", "registered_from", "registered_to", *STATES)


def asked_in(said: Mapping[str, str]) -> dict[str, str]:
    """Every filter as it was typed."""
    return {name: said.get(name, "").strip()[:MOST_TEXT] for name in NAMES}


def filters_of(asked: Mapping[str, str]) -> DealFilters:
    """The same as the API has it. **Raises** TurnedAway for what no deal is or no day."""
    for name, possible in STATES.items():
        if asked[name] and asked[name] not in possible:
            raise TurnedAway(422, "No deal is like this", f"{name}: {asked[name]!r} is not one of {', '.join(possible)}.")
    states = WantedStates(
        Lifecycle(asked["lifecycle"]) if asked["lifecycle"] else None,
        Outcome(asked["outcome"]) if asked["outcome"] else None,
        VendorApproval(asked["vendor_approval"]) if asked["vendor_approval"] else None,
        DistributorApproval(asked["distributor_approval"]) if asked["distributor_approval"] else None,
        asked["stage"] or None,
    )
    sides = WantedSides(None, asked["owner_company"] or None, asked["second_partner"] or None, None, None)
    span = DaySpan("registered", "registered_at", _day(asked, "registered_from"), _day(asked, "registered_to"))
    return DealFilters(states, sides, (span,), asked["text"] or None, None)


def _day(asked: Mapping[str, str], name: str) -> date | None:
    return day_of(asked[name], name) if asked[name] else None


def day_of(text: str, name: str) -> date:
    """**Raises** TurnedAway where it is not a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise TurnedAway(422, "The day cannot be read", f"{name.replace('_', ' ').capitalize()}: write a day as 2027-06-30.") from None


def refusal_words(refusal: Refusal) -> str:
    """Why not, and who or what would be right."""
    return f"{refusal.why}. Who may: {refusal.who_may}."
