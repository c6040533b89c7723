"""A CRM that rewrites what it is given (lower case, trimmed, cut, rounded) settles after one write, whoever edits what and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.crm.port import Crm, RecordWrite, WriteOutcome
from tests.integration.steps.world import World
from tests.stand_in import StandIn

NAME, PROSPECT, AMOUNT = "Portal_Deal_Name__c", "Company", "Portal_Amount__c"
LONGEST = 12  # characters the CRM's own automation leaves of a text

REWRITES: Mapping[str, Callable[[Any], Any]] = {
    "lower case": lambda sent: sent.lower() if isinstance(sent, str) else sent,
    "trimmed": lambda sent: " ".join(sent.split()) if isinstance(sent, str) else sent,
    "cut": lambda sent: sent[:LONGEST] if isinstance(sent, str) else sent,
    "rounded": lambda sent: round(sent) if isinstance(sent, float) else sent,
}


class Rewriting(StandIn):
    """The real adapter, before a CRM whose automation rewrites names and amounts. **Shapes** `written`: records, one a change."""

    def __init__(self, crm: Crm, rewrite: Callable[[Any], Any]) -> None:
        super().__init__(crm)
        self._rewrite = rewrite
        self.written: list[str] = []

    def write(self, native: str, key_field: str, changes: Sequence[RecordWrite], **words: Any) -> Iterator[list[WriteOutcome]]:
        self.written += [change.ref for change in changes]
        rewritten = [
            RecordWrite(change.ref, {**change.fields, **self._made_of(change.fields)}, crm_id=change.crm_id, key=change.key)
            for change in changes
        ]
        yield from self._crm.write(native, key_field, rewritten, **words)

    def _made_of(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._rewrite(fields[name]) for name in (NAME, PROSPECT, AMOUNT) if name in fields}


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["portal", "crm", "pull", "push"]),
        st.sampled_from([("name", NAME), ("prospect_name", PROSPECT), ("amount", AMOUNT)]),
        st.integers(0, 5),
    ),
    max_size=6,
)
TEXTS = ("Harbor  Freight", " Quay Lines", "SHIP", "A name that is far too long", "Harbor Freight", "x")
AMOUNTS = (10, 10.4, 99.99, 1200.5, 3, 0.75)


def value(native: str, number: int) -> Any:
    return AMOUNTS[number] if native == AMOUNT else TEXTS[number]


@pytest.mark.parametrize("rewrite", REWRITES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_law_whatever_the_vendor_makes_of_our_writes_both_sides_come_to_rest(world: World, rewrite: str, edits: list[Any]) -> None:
    # Given a deal in a CRM that rewrites, and edits on both sides in any order
    crm = Rewriting(world.process().crm, REWRITES[rewrite])
    world.tenant.crm = crm
    deal = world.registered(name=" Acme  Expansion of the North", amount="1200.50")
    for what, (name, native), number in edits:
        if what == "portal":
            world.change(deal.id, **{name: str(value(native, number)).strip()})
        elif what == "crm":
            world.edit(deal.id, **{native: value(native, number)})
        elif what == "pull":
            world.pull("lead")
        else:
            world.push()
    # when all of it is synced
    world.pull("lead")
    world.push()
    crm.written.clear()
    world.pull("lead")
    world.push()
    # then a vendor that rewrites was not written to again, and both sides hold the same
    assert crm.written.count(deal.id) == 0
    record, values = world.record_of(deal.id), world.deal(deal.id).values
    assert values["name"] == record[NAME]
    assert values["prospect_name"] == record[PROSPECT]
    assert float(str(values["amount"])) == float(record[AMOUNT])
