"""`docs/mappings.md` says only what is so: its examples load, its transforms come out as written, its mistakes are the real ones."""

from __future__ import annotations

import json
import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sync_worker.cli.operate.mappings import app
from sync_worker.config.portal_file import load_portal
from sync_worker.config.source import parse_source
from sync_worker.domain.core.values import plain
from sync_worker.errors import ConfigError
from sync_worker.mapping.compile import compile_mapping
from sync_worker.mapping.examples import run_examples
from sync_worker.mapping.grammar import FieldSpec, RecordSpec
from sync_worker.mapping.load import LoadedMapping, load_for_portal, loaded
from sync_worker.mapping.transforms import WireForm, transform_named
from sync_worker.mapping.vocabulary import domain_values

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "mappings.md").read_text()
HEAD = """\
version: 1
crm: salesforce
records:
  company: {native: Account, key: Key__c}
  opportunity: {native: Opportunity, key: Key__c}
"""
NEEDED = "  name: {native: Name}\n  portal_status: {native: Status__c, values: {Active: active}}\n"
PORTAL = """\
portal: acme
two_tier: true
second_partner: {account_type_value: TSB, display_label: TSB}
crm:
  kind: salesforce
  mapping: salesforce.yaml
  auth: {flow: client_credentials, domain: acme.my, client_id: "${ID}", client_secret: "${SECRET}"}
"""


def blocks(info: str) -> list[str]:
    return re.findall(rf"^```{info}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading."""
    lines = DOCS[DOCS.index(f"| {heading} |") :].splitlines()[2:]
    table = [line for line in lines[: next(i for i, line in enumerate([*lines, ""]) if not line.startswith("|"))]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def framed(fields: str) -> LoadedMapping:
    """The fields inside a mapping that is right by itself."""
    text = HEAD + fields.replace("company:\n", f"company:\n{NEEDED}", 1)
    return loaded(parse_source(text, file="mapping.yaml"), "mapping.yaml")


@pytest.mark.parametrize("fields", blocks("yaml fields"))
def test_the_fields_shown_load_and_their_examples_pass(fields: str) -> None:
    assert run_examples(framed(fields)) == []


def test_the_overrides_shown_fit_the_shipped_mapping(tmp_path: Path) -> None:
    (overrides,) = blocks("yaml overrides")
    (tmp_path / "acme.yaml").write_text(PORTAL + overrides)
    portal = load_portal(tmp_path / "acme.yaml", {"ID": "i", "SECRET": "s"})
    mapping = load_for_portal(portal, ROOT / "mappings")
    company = compile_mapping(mapping, portal, None).records["company"]
    assert company.fields["second_partners"].native == "Associated_TSB__c"
    assert mapping.grammar.company.attributes["segment"].rule_field


def test_the_mistakes_shown_are_the_real_ones() -> None:
    (wrong,), (said,) = blocks("yaml wrong"), blocks("text said")
    with pytest.raises(ConfigError) as caught:
        framed(wrong)
    assert str(caught.value) == said.strip()


def test_the_ok_line_shown_is_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["lint", "mappings/salesforce.yaml"])
    assert result.stdout == blocks("text ok")[0]


@pytest.mark.parametrize("row", rows("transform"), ids=lambda row: f"{row[0]} {row[1]}")
def test_the_transform_table_is_so(row: list[str]) -> None:
    name, (sent, held, salesforce, hubspot) = row[0].strip("`"), (json.loads(cell.strip("`")) for cell in row[1:])
    name = "text" if name == "(none)" else name
    value = transform_named(name, wire=WireForm(), zone=UTC).read(sent)
    assert plain(value) == held
    for wire, expected in ((WireForm(), salesforce), (WireForm("", "text", "text"), hubspot)):
        spelled: Any = transform_named(name, wire=wire, zone=UTC).spell(value)
        assert (spelled, type(spelled)) == (expected, type(expected))


def test_every_key_of_a_field_and_a_record_is_explained() -> None:
    explained = {name for row in rows("key") + rows("key | values") for name in re.findall(r"`(\w+)`", row[0])}
    assert set(FieldSpec.model_fields) | set(RecordSpec.model_fields) == explained


def test_the_words_of_closed_fields_are_the_domains() -> None:
    for path, words in rows("field"):
        section, field = path.strip("`").split(".")
        assert domain_values("company" if section == "company" else "deal", field) == tuple(words.split(", "))


def test_every_code_that_a_reading_can_give_is_explained() -> None:
    source = (ROOT / "sync_worker" / "mapping" / "transforms.py").read_text() + (ROOT / "sync_worker" / "mapping" / "fields.py").read_text()
    codes = set(re.findall(r'"(not_an?_\w+|not_text|unlisted_value)"', source))
    assert codes == {code for row in rows("code") for code in re.findall(r"`(\w+)`", row[0])}
