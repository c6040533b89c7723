"""Rest: the trouble is over, everything runs, every request is answered, and the product itself says that nothing is owed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.errors import StoreDown
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import schema
from sync_worker.store.operate.due import PortalDue, standings
from sync_worker.store.sync import notices, outbox
from tests.soak import partners
from tests.soak.places import Place
from tests.soak.soak import Soak, deliver, releases

LOOK_S: Final = 1.0
LEFT_OUT_S: Final = 13.0  # a poll leaves out what changed in the last ten seconds
MOST_S: Final = 420.0
RESTLESS: Final = frozenset(
    {"runs", "cursors", "portals", "catalogs", "processes", "answers", "tokens"}
)  # tables that change with every look

Dump = dict[str, list[tuple[Any, ...]]]


class Restless(AssertionError):
    """The installation does not come to rest; the words say what it still owes."""


@dataclass(frozen=True)
class Look:
    """What one look at all portals shows. **Shapes** `owed` empty: nothing; `pulled_at`: of the record type that was read longest ago."""

    owed: tuple[str, ...]
    pulled_at: datetime | None
    dump: Dump
    at: datetime


def settle(soak: Soak, tick: Callable[[float], None]) -> None:
    """Until nothing is owed, and everything was read again since something changed last. **Raises** Restless."""
    for place in soak.places:
        _calm(place)
    soak.machines.quiet(soak.dice_of_life)
    soak.say(f"{'':>9}  ── at rest ──")
    began_s, last = time.monotonic(), look_again(soak)
    changed_at = last.at
    while True:
        time.sleep(LOOK_S)
        now = look_again(soak)
        if now.owed or now.dump != last.dump:
            changed_at = now.at
        last = now
        tick(time.monotonic() - began_s)
        if now.pulled_at and (now.pulled_at - changed_at).total_seconds() > LEFT_OUT_S:
            return
        if time.monotonic() - began_s > MOST_S:
            raise Restless(f"not at rest after {MOST_S:.0f} s; owed: {'; '.join(now.owed) or 'nothing, but rows still change'}")


def _calm(place: Place) -> None:
    place.remote.clear_faults()
    if isinstance(place.remote, HubspotRemote):
        place.remote.lag_search(0)


def _serve(soak: Soak) -> None:
    soak.machines.tend(soak.dice_of_life)
    for place in soak.places:
        partners.run_errands(place)
        releases(place)


def look_again(soak: Soak) -> Look:
    """At all portals, once the processes and people have been served."""
    while True:
        try:
            _serve(soak)
            return look(soak.places)
        except StoreDown:
            time.sleep(LOOK_S)


def look(places: Sequence[Place]) -> Look:
    """At all portals."""
    owed, pulled = list[str](), list[datetime | None]()
    with places[0].store.reading("") as tx:
        found, at = standings(tx), tx.shared_now
    for place in places:
        owed += (f"{place.label}: {words}" for words in _owed(place, found.get(place.portal.name), at))
        readings = found[place.portal.name].readings if place.portal.name in found else {}
        pulled += [readings[name].pulled_at if name in readings else None for name in place.readable]
    oldest = None if None in pulled else min(moment for moment in pulled if moment)
    return Look(tuple(owed), oldest, dump(places[0].store), at)


def _owed(place: Place, standing: PortalDue | None, now: datetime) -> Iterator[str]:
    yield from (f"no answer to: {errand.words}" for errand in place.errands)
    if standing is None:
        yield "never read"
        return
    if standing.rests(now):
        yield f"rests until {standing.paused_until_at}"
    yield from (f"{name} rests until {reading.paused_until_at}" for name, reading in standing.readings.items() if reading.rests(now))
    flags = ("owes", "is_unpatched", "is_replaying", "is_completing", "is_deriving", "is_regrouping")
    yield from (name for name in flags if getattr(standing, name))
    with place.store.reading(place.portal.name) as tx:
        yield from (f"{count} notices of {name}" for name, count in notices.counts(tx).items())
        yield from (f"{row.object} {row.record_id} is {row.state}" for row in outbox.listed(tx) if row.state != "parked")


def dump(store: Store) -> Dump:
    """Every row that may only change for a reason."""
    found: Dump = {}
    with store.reading("") as tx:
        for name, table in schema.metadata.tables.items():
            if name not in RESTLESS:
                found[name] = [tuple(row) for row in tx.connection.execute(select(table).order_by(*table.primary_key))]
    return found


def deliver_all(soak: Soak) -> None:
    """Webhooks that wait are told at last."""
    for place in soak.places:
        deliver(place)
