"""The way of a deal as pictures: its state and its two approvals over time, side by side on one scale. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sync_worker.domain.core.moments import span
from sync_worker.web.console.core.pictures.chart import Strip, StripPart, strip

LEAST_SHARE: Final = 0.02  # of the whole: a state of a minute can still be seen
LOOKS: Final = {
    "first": ("submitted", "renewal_pending"),
    "second": ("pending", "finalize_requested"),
    "third": ("approved", "quote_signed", "completed", "won"),
    "failed": ("rejected", "returned", "disabled", "withdrawn", "expired", "lost"),
}
"""Class in the style sheet → states. All others are of no colour."""
_LOOK_BY_STATE: Final = {state: look for look, states in LOOKS.items() for state in states}


def way_of(field: str, title: str, history: Sequence[Mapping[str, Any]], standing: str, now: datetime) -> Strip:
    """What the field held since the deal is known, each for as long as it did. **Shapes** `standing`: what it holds now."""
    turns = _turns(field, history, standing)
    ends = [at for at, _, _ in turns[1:]] + [now]
    lasting = [max(end - at, timedelta(0)) for (at, _, _), end in zip(turns, ends, strict=True)]
    least_s = LEAST_SHARE * sum(one.total_seconds() for one in lasting) or 1.0
    parts = [
        StripPart(state.replace("_", " "), _LOOK_BY_STATE.get(state, "rest"), max(length.total_seconds(), least_s), _words(at, who, length))
        for (at, state, who), length in zip(turns, lasting, strict=True)
    ]
    return strip(f"way-{field}", title, parts)


def _turns(field: str, history: Sequence[Mapping[str, Any]], standing: str) -> list[tuple[datetime, str, str]]:
    """(since when, what, by whom), the oldest first. What was not written down held from the beginning."""
    found: list[tuple[datetime, str, str]] = []
    for change in history:
        is_beginning = change["field"] == ""
        value = change["new"].get(field) if is_beginning else change["new"]
        if change["field"] == field or (is_beginning and value):
            if not found and not is_beginning:
                found.append((history[0]["at"], str(change["old"] or standing), history[0]["actor"]))
            found.append((change["at"], str(value or standing), change["actor"]))
    return found or ([(history[0]["at"], standing, history[0]["actor"])] if history else [])


def _words(at: datetime, who: str, length: timedelta) -> str:
    return f"{span(length.total_seconds())}, since {at:%Y-%m-%d %H:%M} UTC, by {who}"
