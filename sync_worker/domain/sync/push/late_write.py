"""A write of ours whose outcome was never learned, and that the CRM commits later: recognized, so that it is not taken for a person's edit.

    10:00:00  sent: amount 1          the call is not answered; a reading does not find it
    10:00:40  sent: amount 2          written: both sides agree on 2
    10:00:50  the CRM commits the first one: amount 1 stands there again

Whatever the CRM's record says by then, the portal's value is the newer one. A send is recognized only where *every* field of it stands
in the CRM, by its time, and (where the CRM says who changed a record last) our own user did: everything else is an edit, and travels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.core.values import Plain, Value

COMMIT_LATE: Final = timedelta(minutes=10)  # past the call's time-out: the longest that a large CRM lets one transaction run


@dataclass(frozen=True, slots=True)
class Send:
    """One send whose outcome was never learned.

    **Shapes** `sent`: by field, as in the outbox; `look_at`: when its record is read again, until it is dropped.
    """

    object: str
    record_id: str
    sent_at: datetime
    until_at: datetime
    look_at: datetime
    sent: Mapping[str, Base]


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


class Shown(NamedTuple):
    """What a record shows of one send. **Shapes** `calls`: what it shows of each of the send's calls."""

    send: Send
    calls: tuple[Sighting, ...]


class Learned(NamedTuple):
    """A send whose outcome is known now. **Shapes** `left`: what of it may still come; `undone`: the newer values that it has put back."""

    send: Send
    left: Mapping[str, Base]
    undone: tuple[Undone, ...]


class Recognized(NamedTuple):
    """A record's base after the sends that were recognized in it."""

    base: Mapping[str, Base]
    learned: tuple[Learned, ...] = ()

    @property
    def undone(self) -> tuple[Undone, ...]:
        """The newer values that were put back, by any of them."""
        return tuple(one for learned in self.learned for one in learned.undone)


def recognize(base: Mapping[str, Base], portal: Mapping[str, Value], shown: Iterable[Shown]) -> Recognized:
    """How the record is to be read, where it shows sends of ours. **Shapes** `shown`: the oldest send first."""
    found = Recognized(base)
    for one in shown:
        found = _with(found, one, portal)
    return found


def _with(before: Recognized, shown: Shown, portal: Mapping[str, Value]) -> Recognized:
    base, left, back = before.base, dict(shown.send.sent), list[Undone]()
    for seen in shown.calls:
        if is_late_write(seen) and has_moved(base, seen):
            back += undone(base, portal, seen)
            base = base_after(base, seen)
            left = {name: pair for name, pair in left.items() if name not in seen.sent}
    if len(left) == len(shown.send.sent):
        return before
    return Recognized(base, (*before.learned, Learned(shown.send, left, tuple(back))))
