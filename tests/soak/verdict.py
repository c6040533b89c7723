"""What must hold at rest: the simulation's rules at each portal, and what only real processes can show."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sync_worker.store.deals import deals
from tests.simulation.rest import changed
from tests.simulation.rules import RULES, AtRest
from tests.soak.launch import LATE_WRITE
from tests.soak.places import DAILY_CALLS, PULL_S, Place
from tests.soak.rest import dump, look
from tests.soak.soak import Soak

ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b00[0-9A-Za-z]{16}\b|\b\d{6,}\b")
LAST_LINES: Final = 80
BUG: Final = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Broken:
    """One rule that does not hold. **Shapes** `label`: of the portal, "" = of all; `words` begin with the rule."""

    label: str
    words: str

    def __str__(self) -> str:
        return f"{self.label}: {self.words}" if self.label else self.words


def broken(soak: Soak) -> list[Broken]:
    """Every rule that does not hold now."""
    found = [Broken(place.label, words) for place in soak.places for words in _rules(place)]
    found += [Broken("", f"rule 5: {name}: {line}") for name, one in soak.machines.ours.items() for line in one.said(LATE_WRITE)]
    found += [Broken(place.label, words) for place in soak.places for words in _budget(place)]
    found += [
        Broken("", f"bug: {name} has {len(lines)} tracebacks in its log")
        for name, one in soak.machines.ours.items()
        if (lines := one.said(BUG))
    ]
    return found or [Broken("", f"rule 8: {words}") for words in _again(soak)]


def _rules(place: Place) -> Iterator[str]:
    here = AtRest(place)
    for number, check in RULES:
        yield from (f"rule {number}: {words}" for words in check(here))


def _budget(place: Place) -> Iterator[str]:
    made = place.calls_made()
    if made > DAILY_CALLS:
        yield f"rule 7 (the budget): {made:,} calls, and {DAILY_CALLS:,} are allowed"


def _again(soak: Soak) -> Iterator[str]:
    """Everything is read once more: nothing changes, nothing is written, and it costs no more calls than the looks of the schedule."""
    for place in soak.places:
        place.desk.forget_calls()
    before, began_at, began_s = dump(soak.places[0].store), look(soak.places).at, time.monotonic()
    while (pulled_at := look(soak.places).pulled_at) is None or pulled_at <= began_at:
        time.sleep(0.5)
    yield from changed(before, dump(soak.places[0].store))
    polls = (time.monotonic() - began_s) / PULL_S + 2
    for place in soak.places:
        kinds = place.desk.calls()
        if writes := sum(kinds.get(kind, 0) for kind in place.desk.writing):
            yield f"{place.label}: {writes} writes"
        reads = sum(kinds.get(kind, 0) for kind in place.desk.reading)
        if reads > place.desk.most_reads * polls:
            yield f"{place.label}: {reads} read calls in {polls:.0f} polls: {dict(kinds)}"


def trail_of(soak: Soak, one: Broken) -> list[str]:
    """What happened to the records that are named, with everything that befell the machines meanwhile; then the deals' own history."""
    ids = set(ID.findall(one.words))
    places = [place for place in soak.places if place.label == one.label]
    for place in places:
        links = AtRest(place).links
        ids |= {link.crm_id for deal_id, link in links.items() if deal_id in ids} | {
            deal_id for deal_id, link in links.items() if link.crm_id in ids
        }
    labels = {place.label for place in soak.places}
    lines = [line for line in soak.trail if any(id_ in line for id_ in ids) or not any(f"  {label}: " in line for label in labels)]
    return [*lines[-LAST_LINES:], *(line for place in places for id_ in sorted(ids) for line in _history(place, id_))]


def _history(place: Place, deal_id: str) -> Iterator[str]:
    with place.store.reading(place.portal.name) as tx:
        for change in deals.history(tx, deal_id):
            told = ("version", "field", "old", "new", "side", "actor", "why", "at")
            yield "  " + ", ".join(f"{name} {change[name]}" for name in told if name in change)
