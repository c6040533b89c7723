"""The three-way merge: each cell of its table once, and the laws that hold for any two sides, any rules and any vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.reconcile import (
    Base,
    Conflict,
    CrmSide,
    Decided,
    FieldRule,
    PortalSide,
    Reconciliation,
    after_write,
    comparable,
    from_document,
    merge_sets,
    owed,
    reconcile,
    to_document,
)
from sync_worker.domain.core.values import Value

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLOCKS = Clocks(NOW - timedelta(minutes=5), NOW)


def plan(
    rules: Mapping[str, FieldRule],
    base: Mapping[str, Base],
    crm: Mapping[str, Value],
    portal: Mapping[str, Value],
    clocks: Clocks = CLOCKS,
    decided: Mapping[str, Decided] | None = None,
) -> Reconciliation:
    spellings = {name: comparable(value) for name, value in crm.items()}
    return reconcile(
        rules, CrmSide(values=crm, spellings=spellings), PortalSide(values=portal, base=base), clocks=clocks, decided=decided or {}
    )


def one(
    rule: FieldRule, base: Base | None, crm: Value, portal: Value, clocks: Clocks = CLOCKS, decided: Mapping[str, Decided] | None = None
) -> Reconciliation:
    return plan({"x": rule}, {"x": base} if base else {}, {"x": crm}, {"x": portal}, clocks, decided)


BOTH = FieldRule("x", "both")
AGREED = Base("a", "a")


def test_nothing_changed_is_an_empty_plan() -> None:
    assert one(BOTH, AGREED, "a", "a").is_empty


def test_a_crm_change_travels() -> None:
    assert one(BOTH, AGREED, "b", "a") == Reconciliation({"x": "b"}, {"x": Base("b", "b")})


def test_a_portal_change_is_owed() -> None:
    assert one(BOTH, AGREED, "a", "b") == Reconciliation(push=("x",))


def test_the_same_change_on_both_sides_is_agreement() -> None:
    assert one(BOTH, AGREED, "b", "b") == Reconciliation(base={"x": Base("b", "b")})


def test_a_cleared_field_travels_both_ways() -> None:
    assert one(BOTH, AGREED, None, "a") == Reconciliation({"x": None}, {"x": Base(None, None)})
    assert one(BOTH, AGREED, "a", None) == Reconciliation(push=("x",))


def test_an_unset_field_is_left_alone() -> None:
    assert plan({"x": BOTH}, {"x": AGREED}, {}, {"x": "a"}).is_empty


def test_a_value_the_mapping_could_not_read_changes_nothing_here() -> None:
    spelled = reconcile(
        {"x": BOTH}, CrmSide(values={}, spellings={"x": "?"}), PortalSide(values={"x": "a"}, base={"x": AGREED}), clocks=CLOCKS
    )
    assert spelled.is_empty


@pytest.mark.parametrize(
    ("crm", "portal", "expected"),
    [
        ("a", None, Reconciliation({"x": "a"}, {"x": Base("a", "a")})),
        ("a", "a", Reconciliation(base={"x": Base("a", "a")})),
        (None, "a", Reconciliation(push=("x",))),
        (None, None, Reconciliation()),
    ],
)
def test_first_sight_without_a_clash(crm: Value, portal: Value, expected: Reconciliation) -> None:
    assert one(BOTH, None, crm, portal) == expected


@pytest.mark.parametrize("base", [None, AGREED])
def test_a_clash_goes_by_the_rule_and_keeps_both_values(base: Base | None) -> None:
    before = base.portal if base else None
    seen = {"x": Base("c", "c")}
    by_crm = one(FieldRule("x", "both", conflict="crm"), base, "c", "p")
    by_portal = one(FieldRule("x", "both", conflict="portal"), base, "c", "p")
    by_person = one(FieldRule("x", "both", conflict="ask"), base, "c", "p")
    assert by_crm == Reconciliation({"x": "c"}, seen, (), (Conflict("x", before, "c", "p", "crm", "both_changed", "crm"),))
    assert by_portal == Reconciliation({}, seen, ("x",), (Conflict("x", before, "c", "p", "portal", "both_changed", "portal"),))
    assert by_person == Reconciliation(conflicts=(Conflict("x", before, "c", "p", "", "both_changed", "ask"),))


def test_a_portal_that_won_and_then_changes_its_mind_is_still_owed() -> None:
    # Given the portal won over "c" and, before the push, goes back to the old agreed value
    won = one(FieldRule("x", "both", conflict="portal"), AGREED, "c", "p")
    # Then that old value is owed: the CRM holds "c"
    assert owed({"x": BOTH}, base=won.base, portal={"x": "a"}, is_create=False) == ("x",)


def test_an_open_question_is_not_written_and_a_person_settles_it() -> None:
    rule = FieldRule("x", "both", conflict="ask")
    assert owed({"x": rule}, base={"x": AGREED}, portal={"x": "p"}, is_create=False, waiting={"x"}) == ()
    by_crm = one(rule, AGREED, "c", "p", decided={"x": Decided("crm", "c", "p")})
    by_portal = one(rule, AGREED, "c", "p", decided={"x": Decided("portal", "c", "p")})
    assert (by_crm.keep, by_crm.base, by_crm.push) == ({"x": "c"}, {"x": Base("c", "c")}, ())
    assert (by_portal.keep, by_portal.base, by_portal.push) == ({}, {"x": Base("c", "c")}, ("x",))


@pytest.mark.parametrize("decided", [Decided("crm", "c", "another"), Decided("portal", "another", "p")])
def test_what_a_person_said_of_other_values_does_not_count(decided: Decided) -> None:
    found = one(FieldRule("x", "both", conflict="ask"), AGREED, "c", "p", decided={"x": decided})
    assert (found.keep, found.base, found.push) == ({}, {}, ())
    assert found.conflicts[0].taken == ""


@pytest.mark.parametrize(
    ("edited_at", "taken", "code"),
    [
        (NOW + timedelta(seconds=1), "portal", "both_changed"),
        (NOW + timedelta(seconds=0.9), "crm", "newest_unclear"),  # a stamp of whole seconds may hide the later change
        (NOW - timedelta(minutes=1), "crm", "newest_unclear"),
        (NOW - timedelta(minutes=5), "crm", "both_changed"),
        (None, "crm", "newest_unclear"),
    ],
)
def test_newest_compares_with_the_interval_in_which_the_crm_changed(edited_at: datetime | None, taken: str, code: str) -> None:
    clocks = Clocks(CLOCKS.crm_before_at, NOW, {"x": edited_at} if edited_at else {})
    (conflict,) = one(FieldRule("x", "both", conflict="newest"), AGREED, "c", "p", clocks).conflicts
    assert (conflict.taken, conflict.code) == (taken, code)


def test_newest_on_fine_stamps_needs_no_second() -> None:
    now = NOW + timedelta(microseconds=1000)
    clocks = Clocks(None, now, {"x": now + timedelta(microseconds=1)})
    assert one(FieldRule("x", "both", conflict="newest"), AGREED, "c", "p", clocks).conflicts[0].taken == "portal"


def test_sets_merge_value_by_value() -> None:
    rule = FieldRule("x", "both", is_set=True)
    merged = one(rule, Base(["a", "b"], ["a", "b"]), ("a", "c"), ("b", "d"))
    assert merged == Reconciliation({"x": ("c", "d")}, {"x": Base(["a", "c"], ["a", "c"])}, ("x",))


def test_the_order_of_a_set_is_no_change() -> None:
    rule = FieldRule("x", "both", is_set=True)
    spelled = reconcile(
        {"x": rule},
        CrmSide(values={"x": ("a", "b")}, spellings={"x": "a;b"}),
        PortalSide(values={"x": ("b", "a")}, base={"x": Base(["a", "b"], "b;a")}),
        clocks=CLOCKS,
    )
    assert spelled == Reconciliation(base={"x": Base(["a", "b"], "a;b")})


@pytest.mark.parametrize("write", ["always", "update"])
def test_a_crm_edit_of_our_field_is_put_back_and_said_once(write: Any) -> None:
    rule = FieldRule("x", "push", write)
    first = one(rule, AGREED, "b", "a")
    assert first == Reconciliation({}, {"x": Base("b", "b")}, ("x",), (Conflict("x", "a", "b", "a", "portal", "put_back", "portal"),))
    assert one(rule, first.base["x"], "b", "a") == Reconciliation(push=("x",))
    assert owed({"x": rule}, base=first.base, portal={"x": "a"}, is_create=False) == ("x",)


def test_what_nobody_can_read_in_our_field_is_put_back_too() -> None:
    rules = {"x": FieldRule("x", "push")}
    found = reconcile(rules, CrmSide(values={}, spellings={"x": "a!"}), PortalSide(values={"x": "a"}, base={"x": AGREED}), clocks=CLOCKS)
    assert (found.push, found.conflicts[0].code) == (("x",), "put_back")
    assert owed(rules, base=found.base, portal={"x": "a"}, is_create=False) == ("x",)


def test_a_rewrite_is_taken_from_the_read_back_only() -> None:
    # Given a field only we write, just written
    rules = {"x": FieldRule("x", "push")}
    written = after_write(rules, sent={"x": "Acme"}, spellings={"x": "Acme"})
    for read_back in ("Acme", "acme"):
        # When the read-back comes, faithful or rewritten, then it is what the CRM makes of our value
        seen = one(rules["x"], written["x"], read_back, "Acme")
        assert seen == Reconciliation(base={"x": Base("Acme", read_back)})
        # And what differs from it later is somebody's edit
        assert one(rules["x"], seen.base["x"], "other", "Acme").conflicts[0].code == "put_back"


def test_how_a_set_is_kept_or_repeated_is_no_change() -> None:
    rules = {"x": FieldRule("x", "both", is_set=True)}
    assert owed(rules, base={"x": Base(["b", "a"], "b;a")}, portal={"x": ("a", "b", "a")}, is_create=False) == ()


@pytest.mark.parametrize("write", ["create", "once"])
def test_what_was_written_once_is_left_alone(write: Any) -> None:
    assert one(FieldRule("x", "push", write), AGREED, "b", "a").is_empty
    assert owed({"x": FieldRule("x", "push", write)}, base={"x": AGREED}, portal={"x": "c"}, is_create=False) == ()


@pytest.mark.parametrize("write", ["create", "once"])
def test_a_two_way_field_we_write_no_more_is_pulled(write: Any) -> None:
    rule = FieldRule("x", "both", write)
    assert one(rule, AGREED, "b", "a").keep == {"x": "b"}
    assert one(rule, AGREED, "b", "a").conflicts == ()
    assert one(rule, AGREED, "b", "c").push == ()


@pytest.mark.parametrize("write", ["create", "once"])
@pytest.mark.parametrize("crm", ["a", "b"])
def test_an_edit_that_the_crm_is_told_of_no_more_is_dropped_and_kept_in_a_conflict(write: Any, crm: str) -> None:
    found = one(FieldRule("x", "both", write), AGREED, crm, "c")
    assert (found.keep, found.push) == ({"x": crm}, ())
    (dropped,) = found.conflicts
    assert (dropped.code, dropped.crm, dropped.portal, dropped.taken) == ("edit_dropped", crm, "c", "crm")
    # and once the portal holds the CRM's, nothing is said again
    again = one(FieldRule("x", "both", write), found.base.get("x", AGREED), crm, crm)
    assert (again.keep, again.conflicts) == ({}, ())


@pytest.mark.parametrize(
    ("write", "at_create", "later"),
    [("always", True, True), ("create", True, False), ("update", False, True), ("once", True, True)],
)
def test_what_is_owed_at_a_create_and_later(write: Any, at_create: bool, later: bool) -> None:
    rules = {"x": FieldRule("x", "push", write)}
    assert owed(rules, base={}, portal={"x": "a"}, is_create=True) == (("x",) if at_create else ())
    assert owed(rules, base={}, portal={"x": "a"}, is_create=False) == (("x",) if later else ())


def test_a_base_survives_the_store() -> None:
    base = {"x": Base("a", "A"), "y": Base(["a"], None, is_awaited=True)}
    assert from_document(to_document(base)) == base


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

VENDORS: dict[str, Callable[[Any], Any]] = {
    "faithful": lambda sent: sent,
    "lower": lambda sent: sent.lower() if isinstance(sent, str) else sent,
    "trims": lambda sent: (sent.strip() or None) if isinstance(sent, str) else sent,
    "shortens": lambda sent: sent[:1] if isinstance(sent, str) else sent,
}


@dataclass
class World:
    """Two sides and what lies between them; `sync` is what the steps do with a plan."""

    rules: dict[str, FieldRule]
    crm: dict[str, Any]
    portal: dict[str, Value]
    vendor: Callable[[Any], Any] = VENDORS["faithful"]
    base: dict[str, Base] = field(default_factory=dict)
    writes: int = 0

    def read(self) -> Reconciliation:
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in self.crm.items()}
        return reconcile(
            self.rules, CrmSide(values=values, spellings=self.crm), PortalSide(values=self.portal, base=self.base), clocks=CLOCKS
        )

    def ingest(self) -> Reconciliation:
        found = self.read()
        self.portal.update(found.keep)
        self.base.update(found.base)
        return found

    def push(self, names: tuple[str, ...]) -> None:
        sent = {name: self.portal.get(name) for name in names}
        spelled = {name: list(v) if isinstance(v, tuple) else v for name, v in sent.items()}
        self.crm.update({name: self.vendor(value) for name, value in spelled.items()})
        self.base.update(after_write(self.rules, sent=sent, spellings=spelled))
        self.writes += 1

    def settle(self) -> int:
        """Read and write until nothing is left to do; how many writes it took."""
        before = self.writes
        for _ in range(8):
            found = self.ingest()
            if found.push:
                self.push(found.push)
            elif not (found.keep or found.base):
                return self.writes - before
        raise AssertionError(f"does not settle: {self}")

    @property
    def is_even(self) -> bool:
        asked = {conflict.field for conflict in self.read().conflicts if not conflict.taken}
        two_way = [n for n, rule in self.rules.items() if rule.direction == "both" and n not in asked]
        return all(comparable(self.portal.get(n)) == (self.crm.get(n) or None) for n in two_way)


TEXT = st.none() | st.sampled_from(["a", "A", " a", "Bb", "c"])
SETS = st.lists(st.sampled_from("abcd"), unique=True).map(sorted)


@st.composite
def worlds(draw: st.DrawFn, vendors: tuple[str, ...] = ("faithful",)) -> World:
    rules: dict[str, FieldRule] = {}
    crm: dict[str, Any] = {}
    portal: dict[str, Value] = {}
    for name in "uvwx":
        rule = FieldRule(
            name,
            draw(st.sampled_from(["pull", "push", "both"])),
            draw(st.sampled_from(["always", "create", "update", "once"])),
            draw(st.sampled_from(["crm", "portal", "newest", "ask"])),
            is_set=draw(st.booleans()),
        )
        rules[name] = rule
        crm[name] = draw(SETS if rule.is_set else TEXT)
        portal[name] = tuple(draw(SETS)) if rule.is_set else draw(TEXT)
    return World(rules, crm, portal, VENDORS[draw(st.sampled_from(vendors))])


def edit_both(world: World, data: st.DataObject, sides: str = "crm portal") -> None:
    for name, rule in world.rules.items():
        if "crm" in sides and data.draw(st.booleans()):
            world.crm[name] = data.draw(SETS if rule.is_set else TEXT)
        if "portal" in sides and data.draw(st.booleans()):
            world.portal[name] = tuple(data.draw(SETS)) if rule.is_set else data.draw(TEXT)


@given(world=worlds(tuple(VENDORS)), data=st.data())
def test_law_any_two_sides_settle_and_are_even_whatever_the_vendor_does(world: World, data: st.DataObject) -> None:
    # Given any two sides; when they are synced, edited on both sides, and synced again
    world.settle()
    edit_both(world, data)
    writes = world.settle()
    # Then both hold the same but for open questions, and a rewriting vendor was not written to again and again
    assert world.is_even
    assert writes <= 2


@given(world=worlds(tuple(VENDORS)))
def test_law_doing_it_again_changes_nothing_and_writes_nothing(world: World) -> None:
    world.settle()
    again = world.read()
    assert (again.keep, again.base, again.push) == ({}, {}, ())
    assert all(conflict.taken == "" for conflict in again.conflicts)  # the same open question, once a field
    assert world.settle() == 0


@given(world=worlds(), data=st.data())
def test_law_the_echo_of_our_own_write_is_an_empty_plan(world: World, data: st.DataObject) -> None:
    world.settle()
    edit_both(world, data, "portal")
    plan_ = world.ingest()
    world.push(plan_.push)
    echo = world.read()
    assert (echo.keep, echo.push) == ({}, ())
    assert all(not conflict.taken for conflict in echo.conflicts)


@given(world=worlds(), data=st.data(), side=st.sampled_from(["crm", "portal"]))
def test_law_one_side_alone_never_conflicts(world: World, data: st.DataObject, side: str) -> None:
    world.rules = {name: rule for name, rule in world.rules.items() if rule.direction == "both"}
    world.settle()
    if world.read().conflicts:
        return
    edit_both(world, data, side)
    assert [conflict for conflict in world.read().conflicts if conflict.code != "edit_dropped" or side == "crm"] == []


@given(world=worlds(tuple(VENDORS)), data=st.data())
def test_law_a_plan_owes_exactly_what_a_push_would_write(world: World, data: st.DataObject) -> None:
    world.settle()
    edit_both(world, data)
    found = world.ingest()
    asked = {conflict.field for conflict in found.conflicts if not conflict.taken}
    due = owed(world.rules, base=world.base, portal=world.portal, is_create=False, waiting=asked)
    assert set(due) == set(found.push)


@given(world=worlds(), data=st.data())
def test_law_both_values_of_every_clash_are_kept(world: World, data: st.DataObject) -> None:
    world.settle()
    edit_both(world, data)
    crm, portal = dict(world.crm), dict(world.portal)
    for conflict in world.ingest().conflicts:
        theirs = crm[conflict.field]
        assert conflict.crm == comparable(tuple(theirs) if isinstance(theirs, list) else theirs)
        assert conflict.portal == comparable(portal[conflict.field])
        assert conflict.code in ("put_back", "edit_dropped") or not world.rules[conflict.field].is_set  # sets never clash


@given(world=worlds(tuple(VENDORS)), data=st.data())
def test_law_what_only_we_write_is_never_changed_by_the_crm(world: World, data: st.DataObject) -> None:
    ours = {name: value for name, value in world.portal.items() if world.rules[name].direction == "push"}
    world.settle()
    edit_both(world, data, "crm")
    world.settle()
    assert {name: world.portal[name] for name in ours} == ours


@given(agreed=SETS, ours=SETS, theirs=SETS)
def test_law_sets_merge_alike_from_either_side(agreed: list[str], ours: list[str], theirs: list[str]) -> None:
    a, o, t = frozenset(agreed), frozenset(ours), frozenset(theirs)
    merged = merge_sets(a, o, t)
    assert merged == merge_sets(a, t, o)
    assert (o - a) | (t - a) <= merged  # every addition
    assert not merged & ((a - o) | (a - t))  # every removal


@given(before_s=st.integers(0, 60), edited_s=st.integers(-120, 120))
def test_law_newest_never_lets_an_older_value_win_by_a_clear_word(before_s: int, edited_s: int) -> None:
    # Given the CRM changed in (before, now], when the portal was edited at any time
    before, edited = NOW - timedelta(seconds=before_s), NOW + timedelta(seconds=edited_s)
    clocks = Clocks(before, NOW, {"x": edited})
    (conflict,) = one(FieldRule("x", "both", conflict="newest"), AGREED, "c", "p", clocks).conflicts
    # Then the portal wins only when later than all of it, the CRM clearly only when the portal is earlier than all of it
    assert (conflict.taken == "portal") == (edited > NOW)
    assert (conflict.taken == "crm" and conflict.code == "both_changed") == (edited <= before and edited <= NOW)


# ── a write that is done by half ─────────────────────────────────────────────────────────────────────────────────────

HALF = Base(None, None, is_half=True)
RULES = {
    "both": BOTH,
    "once": FieldRule("x", direction="both", write="once"),
    "create": FieldRule("x", direction="both", write="create"),
    "push": FieldRule("x", direction="push"),
    "push, create": FieldRule("x", direction="push", write="create"),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_field_that_is_written_by_half_is_owed_whatever_its_rule(rule: FieldRule) -> None:
    assert one(rule, HALF, None, "a") == Reconciliation(push=("x",))
    assert owed({"x": rule}, base={"x": HALF}, portal={"x": "a"}, is_create=False) == ("x",)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_half_that_was_completed_is_agreed(rule: FieldRule) -> None:
    assert one(rule, HALF, "a", "a") == Reconciliation(base={"x": Base("a", "a")})


def test_what_a_person_puts_in_the_place_of_a_half_is_their_word() -> None:
    plan = one(BOTH, HALF, "c", "a")
    assert (plan.keep, plan.base) == ({"x": "c"}, {"x": Base("c", "c")})
    assert [(conflict.crm, conflict.portal, conflict.taken) for conflict in plan.conflicts] == [("c", "a", "crm")]


def test_a_half_is_kept_as_one() -> None:
    bases = {"x": Base(None, ["1", "2"], is_half=True), "y": Base("a", "a", is_awaited=True), "z": Base("a", "a")}
    assert from_document(to_document(bases)) == bases
