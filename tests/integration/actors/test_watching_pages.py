"""What docs/operations.md and docs/dashboards promise exists: metrics and their labels, a section for each alert, each variable."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import pytest
from prometheus_client import Counter, Gauge, Histogram
from ruamel.yaml import YAML

from sync_worker.actors import register
from sync_worker.bootstrap import broker
from sync_worker.config.settings import PREFIX, Settings
from sync_worker.gauges import Gauges
from sync_worker.store.core import failures
from sync_worker.store.sync import notices, outbox
from sync_worker.telemetry import metrics
from sync_worker.web.answers import WebhookTally
from tests.integration.actors.conftest import Build
from tests.integration.actors.test_metrics import problem
from tests.journey.stage import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "operations.md").read_text()
RULES: list[dict[str, Any]] = [
    rule for group in YAML(typ="safe").load((DOCS / "dashboards" / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
BOARD = json.loads((DOCS / "dashboards" / "sync-worker.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]
OF_PROMETHEUS = {"job", "instance", "le"}


@pytest.fixture
def known(build_on: Build) -> dict[str, set[str]]:
    """Every sample's name and its labels, from a process that has everything to show."""
    installation = build_on()
    queue = broker(installation.settings)
    register(queue, installation)
    tenant = installation.tenant("acme")
    with tenant.store.transaction("acme") as tx:
        outbox.owe(tx, "deal", ["d1"], "r1")
        notices.add(tx, "lead", ["00Q1"])
        failures.record(tx, [problem("f1", "bug")])
    found: dict[str, set[str]] = defaultdict(set)
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            for suffix in (
                ("_total",) if isinstance(metric, Counter) else ("_bucket", "_count", "_sum") if isinstance(metric, Histogram) else ("",)
            ):
                found[metric._name + suffix] |= set(metric._labelnames)
    for collector in (Gauges(installation, queue), WebhookTally({("acme", "taken"): 1})):
        for family in collector.collect():
            found[family.name + ("_total" if family.type == "counter" else "")] |= {
                name for sample in family.samples for name in sample.labels
            }
    found |= {name: set() for name in ("process_cpu_seconds_total", "process_resident_memory_bytes")}
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_rule_or_panel_asks_only_for_what_is_shown(expression: str, known: dict[str, set[str]]) -> None:
    asked = set(re.findall(r"\b(?:sync_worker|process)_\w+", expression))
    assert asked
    assert asked <= known.keys(), asked - known.keys()
    labels = OF_PROMETHEUS.union(*(known[name] for name in asked))
    if "sync_worker_breakers_open" in asked:
        labels.add("code")  # none is open here
    if "sync_worker_lag_seconds" in asked:
        labels |= {"portal", "record"}
    named = {name for listed in re.findall(r"(?:by|on) \(([^)]*)\)", expression) for name in listed.split(", ")}
    named |= set(re.findall(r"[{,]\s*(\w+)\s*=", expression))
    assert named <= labels, named - labels
    assert expression.count("(") == expression.count(")")


def test_every_metric_of_ours_is_on_the_board_or_in_a_rule(known: dict[str, set[str]]) -> None:
    text = " ".join(EXPRESSIONS)
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    assert {name for name in families if name not in text} == set()


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    sections = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert sorted(sections) == sorted(rule["alert"] for rule in RULES)
    for rule in RULES:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_board_has_no_two_panels_of_one_id() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${source}"}


def test_the_table_of_variables_is_the_settings() -> None:
    rows = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| (.+?) \|", PAGE, re.MULTILINE))
    assert sorted(rows) == sorted(name.upper() for name in Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        assert rows[name.upper()] == default, name
