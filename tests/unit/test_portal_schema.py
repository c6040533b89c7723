"""The JSON Schema of portal files against the loader that reads them: what one takes the other takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from sync_worker.config.portal_schema import json_schema
from sync_worker.errors import ConfigError
from tests.unit.test_portal import EXAMPLES, HUBSPOT, MINIMAL, load

TWO_TIER = "two_tier: true\nsecond_partner: {account_type_value: Agent, display_label: Agents}\n"


def faults(text: str) -> list[str]:
    """What an editor would underline."""
    found: Any = jsonschema.Draft202012Validator(json_schema()).iter_errors(YAML(typ="safe", pure=True).load(text))
    return [error.message for error in found]


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_right_for_both(example: Path) -> None:
    assert faults(example.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        HUBSPOT,
        MINIMAL + TWO_TIER,
        HUBSPOT.replace("}}", '}, webhooks: {hub_id: 4711, secret: "${ACME_SF_HOOK}"}}'),
        MINIMAL.replace("auth:", "bulk_above: null\n  parallel_calls: 4\n  api_budget: {daily: 50000, reserve: {live: 50%}}\n  auth:"),
        MINIMAL + "schedule: {pull: 30s, look_back: 2h, full_compare: 02:00}\nbrake: 5%\ntime_zone: Europe/Berlin\n",
        MINIMAL + "overrides: {company.attributes.x: {native: X__c}, deal.billing_cycle: null}\n",
        MINIMAL + "deals: {types: [new, 2026], registration_period: {default: 90d, types: {new: 30d}}}\nvendor_company: 12345\n",
        MINIMAL + "mail: {remind_before: [14, 3], deal_url: 'https://x.example/{id}'}\nquotes: {discount: [vendor, reseller]}\n",
        MINIMAL + "associations: {mode: rules, rules: [{name: a, match: [country]}, {name: b, partner: {tier: [Gold, 1]}}]}\n",
    ],
)
def test_what_the_loader_takes_the_schema_takes(text: str, tmp_path: Path) -> None:
    load(tmp_path, text)
    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL + "two_teir: true\n",
        MINIMAL + "two_tier: maybe\n",
        MINIMAL + "schedule: {pull: 5 min}\n",
        MINIMAL + "schedule: {full_compare: 25:00}\n",
        MINIMAL + "brake: 0.15\n",
        MINIMAL + "deals: {record: account}\n",
        MINIMAL + "deals: [lead]\n",
        MINIMAL + "deals: {registration_period: {default: 90}}\n",
        MINIMAL + "associations: {rules: []}\n",
        MINIMAL + "associations: {mode: both}\n",
        MINIMAL + "overrides: [company.name.native]\n",
        MINIMAL + "mail: {remind_before: [0]}\n",
        MINIMAL + "deals:\n",
        MINIMAL.replace('"${ACME_SF_SECRET}"', "hunter2"),
        MINIMAL.replace("kind: salesforce", "kind: salesfroce"),
        MINIMAL.replace("  mapping: salesforce.yaml\n", ""),
        MINIMAL.replace("portal: acme\n", ""),
        HUBSPOT.replace("}}", '}, webhooks: {hub_id: eu1, secret: "${ACME_SF_HOOK}"}}'),
    ],
)
def test_what_an_editor_underlines_the_loader_refuses(text: str, tmp_path: Path) -> None:
    assert faults(text) != []
    with pytest.raises(ConfigError):
        load(tmp_path, text)
