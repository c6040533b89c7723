"""The calls that move a deal's labels: new before old where an admin's limit leaves room, and what stands between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.crm.hubspot.associations.label_plan import Label, LabelPlan, Limits, Pairs

PLAIN = Label("HUBSPOT_DEFINED", 341)
PARTNER, SECOND = Label("USER_DEFINED", 101, "Partner"), Label("USER_DEFINED", 103, "Second")
LABELS = {label.field: label for label in (PARTNER, SECOND)}
COMPANIES = ("1", "2", "3")


def held(**companies: Label | tuple[Label, ...]) -> Pairs:
    """c1=PARTNER: company 1 has that label, on top of the plain one."""
    return {name[1:]: frozenset({PLAIN, *(labels if isinstance(labels, tuple) else (labels,))}) for name, labels in companies.items()}


def carried_out(wish: Mapping[str, Any], there: Pairs, limits: Limits | None) -> tuple[list[tuple[bool, int]], list[dict[str, Any]], Pairs]:
    """The calls that are made, what stands after each, and what stands in the end. **Raises** AssertionError where a limit is passed."""
    plan = LabelPlan(LABELS, {"d": wish}, {"d": there}, limits)
    now = {company: set(labels) for company, labels in there.items()}
    calls, between = [], []
    for is_ending, pairs in plan.calls:
        for pair in pairs:
            if is_ending:
                now[pair.company] -= pair.labels
            else:
                now[pair.company] = {PLAIN, *pair.labels}
            now = {company: labels for company, labels in now.items() if PLAIN in labels}
            for label, most in (limits or {}).items() if not is_ending else ():
                assert sum(label in labels for labels in now.values()) <= most
        plan.done(pairs, is_ending=is_ending)
        if pairs:
            calls.append((is_ending, len(pairs)))
            between.append(plan.standing("d"))
    return calls, between, {company: frozenset(labels) for company, labels in now.items()}


@pytest.mark.parametrize(
    ("limits", "calls", "first"),
    [
        ({}, [(False, 1), (True, 1)], ["1", "2"]),
        ({PARTNER: 2}, [(False, 1), (True, 1)], ["1", "2"]),
        ({PARTNER: 1}, [(True, 1), (False, 1)], None),
        ({PLAIN: 1}, [(True, 1), (False, 1)], None),
        (None, [(True, 1), (False, 1)], None),
    ],
    ids=["no limit", "room for two", "one under the label", "one in all", "limits that are not told"],
)
def test_the_new_company_comes_first_where_there_is_room(limits: Limits | None, calls: list[Any], first: Any) -> None:
    made, between, end = carried_out({PARTNER.field: "2"}, held(c1=PARTNER), limits)
    assert (made, between[0]) == (calls, {PARTNER.field: first})
    assert PARTNER in end["2"]
    assert PARTNER not in end.get("1", frozenset())
    assert ("1" in end) == (limits != {PLAIN: 1}), "the plain association may be a person's: it goes only where it leaves no room"


def test_what_is_cleared_is_ended_and_what_is_new_is_made_by_one_call_each() -> None:
    assert carried_out({PARTNER.field: None}, held(c1=PARTNER), {})[0] == [(True, 1)]
    assert carried_out({PARTNER.field: "1", SECOND.field: "2"}, {}, {})[0] == [(False, 2)]
    assert carried_out({PARTNER.field: "1"}, held(c1=PARTNER), {})[0] == []


HELD = st.dictionaries(st.sampled_from(COMPANIES), st.sampled_from([(PARTNER,), (SECOND,), (PARTNER, SECOND), ()]))
COMPANY = st.sampled_from([*COMPANIES, None])


@given(there=HELD, partner=COMPANY, second=COMPANY, limits=st.sampled_from([{}, None, {PARTNER: 1, SECOND: 1}, {PARTNER: 2}]))
def test_law_every_plan_ends_as_wished_and_passes_no_limit(
    there: Mapping[str, tuple[Label, ...]], partner: str | None, second: str | None, limits: Limits | None
) -> None:
    # Given labels that an admin's limit allows
    before = {company: frozenset({PLAIN, *labels}) for company, labels in there.items()}
    if any(sum(label in labels for labels in before.values()) > most for label, most in (limits or {}).items()):
        return
    # When two labels are given to any companies
    wish = {PARTNER.field: partner, SECOND.field: second}
    _, _, end = carried_out(wish, before, limits)
    # Then each stands there, and nowhere else, and no plain association is gone
    for label in (PARTNER, SECOND):
        assert {company for company, labels in end.items() if label in labels} == {wish[label.field]} - {None}
    assert before.keys() <= end.keys()
