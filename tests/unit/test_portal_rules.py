"""Rules that a person writes beside a portal file: they are read as the file's own would be, and written as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.config.portal_file import load_portal
from sync_worker.config.portal_rules import with_rules, written_rules
from sync_worker.domain.associations.rule import Rule, spoken
from sync_worker.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "rules.yaml"


def test_what_is_written_is_read_as_the_same_rules_whatever_stands_in_them() -> None:
    portal = load_portal(EXAMPLE, {}, is_example=True)
    odd = (
        "rules:\n  - name: 'yes: or no # maybe'\n    partner: {region: ['null', '~', 'true', '001', ' a ', 'ä\"b']}\n"
        "    second_partner: {name: ['Bolt; and Sons']}\n    match: [country, tier]\n"
    )
    edited = with_rules(portal, odd)
    assert edited.associations.rules[0].partner["region"] == ("null", "~", "true", "001", " a ", 'ä"b')
    assert with_rules(portal, written_rules(edited)).associations == edited.associations
    assert with_rules(portal, written_rules(portal)).associations == portal.associations


def test_every_mistake_has_its_line_of_the_text() -> None:
    portal = load_portal(EXAMPLE, {}, is_example=True)
    with pytest.raises(ConfigError) as refused:
        with_rules(portal, "rules:\n  - {name: a, match: [region]}\n  - {name: a, match: [region]}\n  - {name: b, partner: {tier: []}}\n")
    assert [(one.place.file, one.place.line) for one in refused.value.mistakes] == [("rules", 3), ("rules", 4)]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("all"), "Every Partner may work with every TSB."),
        (
            Rule("gold", {"tier": ("Gold", "Platinum")}, {"name": ("Bolt",)}, ("country", "line")),
            "Every Partner whose tier is Gold or Platinum may work with every TSB called Bolt, if both have country and line in common.",
        ),
    ],
)
def test_a_rule_is_said_in_one_sentence(rule: Rule, words: str) -> None:
    assert spoken(rule, partner="Partner", second="TSB") == words
