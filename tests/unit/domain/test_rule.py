"""Rules: who holds which key, in words and why not; and that keys in common are exactly the pairs one would find by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.associations.association import associates, exclusion, explain
from sync_worker.domain.associations.rule import (
    IN_FULL,
    MOST_KEYS,
    Membership,
    Names,
    Rule,
    Rules,
    SharedKeys,
    Side,
    missing,
    named,
    values_in,
)
from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.values import Plain, values_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOLD = Rule("emea-gold", {"region": ("EMEA",), "tier": ("Gold", "Platinum")}, {"region": ("EMEA",)})
COUNTRY = Rule("same-country", match=("country",))


def company(id_: str, kind: AccountType, attributes: Mapping[str, Plain], status: PortalStatus = PortalStatus.ACTIVE) -> Company:
    return Company(id_, f"crm-{id_}", id_.title(), status, kind, attributes=attributes)


def partner(id_: str = "birch", **attributes: Plain) -> Company:
    return company(id_, AccountType.PARTNER, attributes)


def second(id_: str = "arrow", **attributes: Plain) -> Company:
    return company(id_, AccountType.SECOND_PARTNER, attributes)


def keys(one: Company, *rules: Rule, names: Names | None = None) -> set[str]:
    return {membership.key for membership in Rules(rules, names or {}).memberships(one)}


# ── what a company holds ─────────────────────────────────────────────────────────────────────────────────────────────


def test_all_conditions_of_a_side_hold_together() -> None:
    assert keys(partner(region="EMEA", tier="Gold"), GOLD) == {""}
    assert keys(partner(region="EMEA", tier="Silver"), GOLD) == set()
    assert keys(partner(region="EMEA"), GOLD) == set()
    assert keys(second(region="EMEA"), GOLD) == {""}


def test_rules_add_up() -> None:
    one = partner(region="EMEA", tier="Gold", country="DE")
    assert Rules([GOLD, COUNTRY], {}).memberships(one) == {
        Membership("emea-gold", "partner", ""),
        Membership("same-country", "partner", "DE"),
    }


def test_a_set_holds_each_of_its_values_and_several_fields_every_combination() -> None:
    both = Rule("both", match=("lines", "country"))
    one = partner(lines=["Cloud", "Edge"], country="DE")
    assert keys(one, Rule("lines", match=("lines",))) == {"Cloud", "Edge"}
    assert keys(one, both) == {"Cloud|DE", "Edge|DE"}
    assert keys(partner(lines=["Cloud"], country=""), both) == set()
    assert keys(one, Rule("listed", {"lines": ("Edge", "Core")})) == {""}


@pytest.mark.parametrize("blank", [None, "", " ", [], [""]])
def test_a_blank_never_matches(blank: Plain) -> None:
    assert values_of(blank) == ()
    assert keys(partner(country=blank), COUNTRY, Rule("listed", {"country": ("DE",)})) == set()


def test_a_checkbox_and_a_number_are_matched_by_their_text() -> None:
    assert (values_of(True), values_of(False), values_of(3)) == (("true",), ("false",), ("3",))


def test_the_vendor_holds_nothing_and_each_type_its_own_side() -> None:
    assert keys(company("v", AccountType.VENDOR, {"country": "DE"}), COUNTRY) == set()
    assert {one.side for one in Rules([COUNTRY], {}).memberships(second(country="DE"))} == {"second_partner"}


def test_a_company_is_known_by_its_id_whatever_it_is_called() -> None:
    rule = Rule("house", {"name": ("Birch",)})
    assert named([rule, GOLD]) == {("partner", "Birch")}
    assert keys(partner("b1"), rule, names={("partner", "Birch"): "b1"}) == {""}
    assert keys(partner("Birch"), rule, names={("partner", "Birch"): "b1"}) == set()
    assert keys(partner("b1"), rule, names={("second_partner", "Birch"): "b1"}) == set()
    assert keys(partner("b1"), rule) == set()


def test_sets_that_multiply_are_cut_and_said() -> None:
    many: list[str] = [str(number) for number in range(40)]
    rule = Rule("wide", match=("a", "b"))
    one = partner(a=many, b=many)
    assert len(keys(one, rule)) == MOST_KEYS
    assert Rules([rule], {}).crowded(one) == ["wide"]
    assert Rules([rule], {}).crowded(partner(a=many, b="x")) == []


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=3))
def test_law_a_key_gives_its_values_back(values: list[str]) -> None:
    fields = [f"f{place}" for place in range(len(values))]
    (key,) = keys(partner(**dict(zip(fields, values, strict=True))), Rule("r", match=tuple(fields)))
    assert values_in(key) == values


@given(st.data())
def test_law_a_rule_survives_its_document(data: st.DataObject) -> None:
    rule = data.draw(RULES)
    assert Rule.from_document(rule.to_document()) == rule


# ── the naive product ────────────────────────────────────────────────────────────────────────────────────────────────

VALUES = st.sampled_from(["A", "B", "a|b", "\\", "|"])
FIELDS = ("region", "lines")
CONDITION = st.dictionaries(st.sampled_from([*FIELDS, "name"]), st.lists(VALUES, min_size=1, max_size=2).map(tuple), max_size=2)
RULES = st.builds(
    Rule,
    st.sampled_from(["one", "two", "three"]),
    CONDITION,
    CONDITION,
    st.lists(st.sampled_from(FIELDS), max_size=2, unique=True).map(tuple),
)
ATTRIBUTES = st.fixed_dictionaries(
    {"region": st.one_of(st.none(), st.just(""), VALUES), "lines": st.one_of(st.none(), st.lists(VALUES, max_size=3, unique=True))}
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Company], list[Rule], dict[tuple[Side, str], str]]:
    """Companies of every type and status, rules over them, and the companies that the rules name."""
    companies = [
        company(f"c{number}", draw(st.sampled_from(AccountType)), draw(ATTRIBUTES), draw(st.sampled_from(PortalStatus)))
        for number in range(draw(st.integers(2, 8)))
    ]
    rules = draw(st.lists(RULES, max_size=3, unique_by=lambda rule: rule.name))
    ids = st.sampled_from([one.id for one in companies])
    return companies, rules, {name: draw(ids) for name in sorted(named(rules)) if draw(st.booleans())}


def holds_by_hand(rule: Rule, one: Company, other: Company, names: Names) -> bool:
    """The rule as a person reads it, for one pair."""
    sides: tuple[tuple[Side, Company], ...] = (("partner", one), ("second_partner", other))
    for side, each in sides:
        for field, listed in rule.conditions(side).items():
            if field == "name":
                held = {names[side, name] for name in listed if (side, name) in names} & {each.id}
            else:
                held = set(values_of(each.attributes.get(field))) & set(listed)
            if not held:
                return False
    return all(set(values_of(one.attributes.get(field))) & set(values_of(other.attributes.get(field))) for field in rule.match)


def shared_by(one: Company, other: Company, rules: Sequence[Rule], names: Names) -> list[SharedKeys]:
    ready = Rules(rules, names)
    mine = {(held.rule, held.key) for held in ready.memberships(one) if held.side == "partner"}
    theirs = {(held.rule, held.key) for held in ready.memberships(other) if held.side == "second_partner"}
    common = sorted(mine & theirs)
    by_rule: Mapping[str, Rule] = {rule.name: rule for rule in rules}
    return [SharedKeys(by_rule[rule], (key,), one.id, other.id, NOW, "r1") for rule, key in common]


@given(worlds())
def test_law_keys_in_common_are_the_pairs_one_would_find_by_hand(
    world: tuple[list[Company], list[Rule], dict[tuple[Side, str], str]],
) -> None:
    companies, rules, names = world
    everybody = {one.id: one for one in companies}
    for one, other in product(companies, companies):
        shared = shared_by(one, other, rules, names)
        found, _ = associates(one, shared, companies=everybody)
        by_hand = {rule.name for rule in rules if holds_by_hand(rule, one, other, names)} if exclusion(one, other) is None else set()
        assert {reason.name for association in found for reason in association.reasons} == by_hand
        assert associates(other, shared, companies=everybody)[0] == found  # both sides say the same
        if found:
            assert one.id != other.id
            assert (one.account_type, other.account_type) == (AccountType.PARTNER, AccountType.SECOND_PARTNER)


@given(worlds())
def test_law_whoever_is_not_associated_is_told_what_is_missing(
    world: tuple[list[Company], list[Rule], dict[tuple[Side, str], str]],
) -> None:
    companies, rules, names = world
    for one, other in product(companies, companies):
        if one.account_type is AccountType.PARTNER and other.account_type is AccountType.SECOND_PARTNER:
            for rule in rules:
                words, _ = missing(one, other, [rule], names)
                assert (IN_FULL in words) is holds_by_hand(rule, one, other, names)


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reason_says_what_each_side_holds() -> None:
    one, other = partner(region="EMEA", tier="Gold", country="DE"), second(region="EMEA", country="DE")
    first, then = (SharedKeys(rule, (key,), "birch", "arrow", NOW, "r1") for rule, key in ((GOLD, ""), (COUNTRY, "DE")))
    gold, country = (one_.reason(one, other) for one_ in (first, then))
    assert gold.words == 'rule "emea-gold": Birch (crm-birch) has region EMEA and tier Gold; Arrow (crm-arrow) has region EMEA'
    assert (gold.partner_values, gold.second_partner_values) == ({"region": ("EMEA",), "tier": ("Gold",)}, {"region": ("EMEA",)})
    assert country.words == 'rule "same-country": country of both is DE'
    assert country.partner_values == {"country": ("DE",)}


def test_of_the_past_only_what_the_rule_lists_is_told() -> None:
    then = SharedKeys(GOLD, ("",), "birch", "arrow", NOW, "r1", is_past=True)
    assert "region EMEA and tier Gold or Platinum" in then.reason(partner(tier="Silver"), second()).words


def test_a_rule_that_names_a_company_says_so() -> None:
    rule = Rule("house", {"name": ("Old Name",)}, {"region": ("EMEA",), "name": ("Arrow",)})
    found = SharedKeys(rule, ("",), "birch", "arrow", NOW, "r1").reason(partner(), second(region="EMEA"))
    assert found.words == 'rule "house": it names Birch; Arrow (crm-arrow) has region EMEA and is named'


def test_what_is_missing_is_said_for_each_rule() -> None:
    found = explain(
        second(region="AMER", country="FR"),
        partner(region="EMEA", tier="Silver", country="DE"),
        candidates=[],
        missing=lambda one, other: missing(one, other, [GOLD, COUNTRY, Rule("house", {"name": ("Cedar",)})], {}),
    )
    assert found.words == (
        'rule "emea-gold": tier of Birch (crm-birch) is Silver, not Gold or Platinum; region of Arrow (crm-arrow) is AMER, not EMEA. '
        'rule "same-country": country of Birch (crm-birch) is DE and country of Arrow (crm-arrow) is FR: nothing in common. '
        'rule "house": it names Cedar, not Birch'
    )
