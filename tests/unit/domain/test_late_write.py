"""A late write of ours is told from an edit by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.reconcile import Base, CrmSide, FieldRule, PortalSide, owed, reconcile
from sync_worker.domain.sync.push.late_write import Sighting, Undone, base_after, has_moved, is_late_write, undone

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
UNTIL = AT + timedelta(minutes=12)
NAMES = st.sampled_from(["amount", "name", "stage"])
VALUES = st.sampled_from(["1", "2", "3"])
HELD = st.fixed_dictionaries(dict.fromkeys(["amount", "name", "stage"], VALUES))
SENT = st.dictionaries(NAMES, VALUES, min_size=1)
RULES = {name: FieldRule(name, direction="both", conflict="crm") for name in ("amount", "name", "stage")}


def pairs(values: Mapping[str, str]) -> dict[str, Base]:
    return {name: Base(value, value) for name, value in values.items()}


def sighting(sent: Mapping[str, str], crm: Mapping[str, str], *, is_ours: bool | None = True) -> Sighting:
    """What a record that holds these values shows of that send."""
    standing = pairs({name: value for name, value in sent.items() if crm[name] == value})
    return Sighting(pairs(sent), standing, AT + timedelta(seconds=50), UNTIL, is_ours)


@given(sent=SENT, crm=HELD, is_ours=st.none() | st.booleans(), late_s=st.integers(0, 3000))
def test_a_send_is_recognized_only_whole_by_its_time_and_not_where_another_user_wrote(
    sent: dict[str, str], crm: dict[str, str], is_ours: bool | None, late_s: int
) -> None:
    seen = replace(sighting(sent, crm, is_ours=is_ours), changed_at=AT + timedelta(seconds=late_s))
    is_whole = all(crm[name] == value for name, value in sent.items())
    assert is_late_write(seen) is (is_whole and late_s <= 720 and is_ours is not False)


@given(sent=SENT, newer=HELD)
def test_after_a_late_write_the_portals_newer_values_are_owed_and_nothing_of_it_travels(
    sent: dict[str, str], newer: dict[str, str]
) -> None:
    # Given a portal and a CRM that agreed on newer values, and an older send that lands now
    base, crm = pairs(newer), {**newer, **sent}
    seen = sighting(sent, crm)
    assert is_late_write(seen)
    # When the record is merged
    after = base_after(base, seen)
    clocks = Clocks(AT, AT + timedelta(seconds=50))
    plan = reconcile(RULES, CrmSide(values=crm, spellings=crm), PortalSide(values=newer, base=after), clocks=clocks)
    # Then the portal keeps its values, and owes exactly those that were put back; each is reported with both values
    back = {name: value for name, value in sent.items() if newer[name] != value}
    assert (dict(plan.keep), plan.conflicts) == ({}, ())
    assert set(owed(RULES, base={**after, **plan.base}, portal=newer, is_create=False)) == back.keys()
    assert undone(base, newer, seen) == tuple(Undone(name, value, newer[name]) for name, value in sorted(back.items()))
    assert has_moved(base, seen) is bool(back)


@given(sent=SENT, before=HELD, newer=HELD)
def test_a_send_that_lands_before_the_newer_value_was_written_is_no_conflict(
    sent: dict[str, str], before: dict[str, str], newer: dict[str, str]
) -> None:
    # Given a send that lands while the portal's newer values are still to be written
    crm = {**before, **sent}
    seen = sighting(sent, crm)
    after = base_after(pairs(before), seen)
    # When the record is merged
    clocks = Clocks(AT, AT + timedelta(seconds=50))
    plan = reconcile(RULES, CrmSide(values=crm, spellings=crm), PortalSide(values=newer, base=after), clocks=clocks)
    # Then no field of it is taken from the portal, and nothing that was not written yet is reported as undone
    assert not plan.keep.keys() & sent.keys()
    assert not plan.conflicts
    assert {one.field for one in undone(pairs(before), newer, seen)} <= {name for name in sent if before[name] == newer[name]}
