"""A write of ours whose outcome was never learned, and that the CRM commits later: recognized, so that it is not taken for a person's edit.

    10:00:00  sent: amount 1          the call is not answered; a reading does not find it
    10:00:40  sent: amount 2          written: both sides agree on 2
    10:00:50  the CRM commits the first one: amount 1 stands there again

Whatever the CRM's record says by then, the portal's word is the newer one. A send is recognized only where *every* field of it stands
in the CRM, by its time, and (where the CRM says who changed a record last) our own user did: everything else is an edit, and travels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.core.values import Plain, Value

COMMIT_LATE: Final = timedelta(minutes=10)  # past the call's time-out: the longest that a large CRM lets one transaction run


@dataclass(frozen=True, slots=True)
class Sighting:
    """One call's fields as the CRM shows them now.

    **Shapes** `sent`: what the call carried; `standing`: those fields of it that stand there as sent, with their spelling of now.
    `is_ours`: whether our user changed the record last; None where the CRM says nothing.
    """

    sent: Mapping[str, Base]
    standing: Mapping[str, Base]
    changed_at: datetime
    until_at: datetime
    is_ours: bool | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """A value that a late write has put in the place of the newer one both sides had agreed on."""

    field: str
    late: Plain
    newer: Plain


def is_late_write(seen: Sighting) -> bool:
    """Whether what stands in the CRM is that send."""
    is_whole = bool(seen.sent) and seen.sent.keys() <= seen.standing.keys()
    return is_whole and seen.changed_at <= seen.until_at and seen.is_ours is not False


def base_after(base: Mapping[str, Base], seen: Sighting) -> dict[str, Base]:
    """What both sides agreed on last is that send: where the portal holds something else by now, it is owed."""
    return {**base, **{name: seen.standing[name] for name in seen.sent}}


def has_moved(base: Mapping[str, Base], seen: Sighting) -> bool:
    """Whether the record shows anything else than what both sides agreed on. Where it does not, that send may still come."""
    return any(name not in base or base[name].crm != seen.standing[name].crm for name in seen.sent if name in seen.standing)


def undone(base: Mapping[str, Base], portal: Mapping[str, Value], seen: Sighting) -> tuple[Undone, ...]:
    """The newer values that had been written already."""
    found = []
    for name, pair in sorted(seen.sent.items()):
        held = comparable(portal.get(name))
        was_written = name in base and base[name].portal == held
        if was_written and pair.portal != held:
            found.append(Undone(name, pair.portal, held))
    return tuple(found)
