"""`sync-worker mappings`: what the commands print and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from sync_worker.cli.operate.mappings import app
from sync_worker.errors import ConfigError
from sync_worker.mapping.grammar import json_schema

ROOT = Path(__file__).parents[3]
ACCOUNT = {"attributes": {"type": "Account"}, "Name": "Arrow", "Portal_Status__c": "Aktive", "Associated_Second_Partner__c": "B;A"}


def run(*arguments: str | Path, folder: Path = ROOT / "mappings", code: int = 0) -> str:
    """The command's stdout. **Raises** what the command raises: the command line's door turns it into an exit code."""
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"SYNC_WORKER_MAPPINGS_DIR": str(folder)})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def test_lint_says_ok_with_counts_for_every_shipped_file() -> None:
    said = run("lint")
    assert "salesforce.yaml: OK — 12 company fields, 29 deal fields, 4 examples; records: company, lead, opportunity" in said
    assert "hubspot.yaml: OK" in said


def test_lint_raises_the_mistakes_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1")
    (tmp_path / "b.yaml").write_text("a: [")
    with pytest.raises(ConfigError) as caught:
        run("lint", folder=tmp_path)
    assert {Path(mistake.place.file).name for mistake in caught.value.mistakes} == {"a.yaml", "b.yaml"}


@pytest.mark.parametrize("command", ["lint", "test"])
def test_a_folder_without_mappings_says_so(command: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no mapping file"):
        run(command, folder=tmp_path)


def test_test_runs_the_examples_of_every_file() -> None:
    assert run("test").count("4 examples came out as written") == 2


def test_test_raises_what_came_out_otherwise(tmp_path: Path) -> None:
    text = (ROOT / "mappings" / "salesforce.yaml").read_text().replace("portal: {name: Blank,", "portal: {name: Bland,")
    (tmp_path / "salesforce.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"examples\[1\]\.portal\.name: expected 'Bland', got 'Blank'"):
        run("test", folder=tmp_path)


def test_try_shows_values_and_mistakes_as_a_table(tmp_path: Path) -> None:
    record = tmp_path / "account.json"
    record.write_text(json.dumps(ACCOUNT))
    said = run("try", ROOT / "mappings" / "salesforce.yaml", record, code=1)
    assert "A; B" in said
    assert (
        "portal_status: Portal_Status__c is 'Aktive', which is not in the list (unlisted_value) — "
        "did you mean 'Active'? allowed: Active, Inactive, Pending; see "
    ) in said
    assert re.search(r"see \S+/mappings/salesforce\.yaml:\d+:\d+$", said, re.MULTILINE)


def test_try_gives_values_spellings_and_mistakes_as_json(tmp_path: Path) -> None:
    record = tmp_path / "account.json"
    record.write_text(json.dumps(ACCOUNT))
    said = json.loads(run("try", ROOT / "mappings" / "salesforce.yaml", record, "--json", code=1))
    assert said["record"] == "company"
    assert said["values"] == {"name": "Arrow", "second_partners": ["A", "B"]}
    assert said["spellings"] == {"name": "Arrow", "portal_status": "Aktive", "second_partners": "B;A"}
    assert [mistake["code"] for mistake in said["mistakes"]] == ["unlisted_value"]


def test_try_takes_a_hubspot_record_in_its_envelope(tmp_path: Path) -> None:
    record = tmp_path / "deal.json"
    record.write_text(json.dumps({"id": "9", "properties": {"dealname": "Acme", "amount": "1.5"}}))
    said = json.loads(run("try", ROOT / "mappings" / "hubspot.yaml", record, "--record", "deal", "--json"))
    assert said["values"] == {"name": "Acme", "amount": "1.50"}


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        ('{"a": }', [], r":1:7: \(file\): is not JSON"),
        ("[1]", [], "must be one JSON object"),
        ("{}", [], r"add --record company \| lead \| opportunity"),
        ("{}", ["--record", "led"], "did you mean 'lead'"),
    ],
)
def test_try_says_what_is_wrong_with_the_record(tmp_path: Path, content: str, more: list[str], words: str) -> None:
    record = tmp_path / "r.json"
    record.write_text(content)
    with pytest.raises(ConfigError, match=words):
        run("try", ROOT / "mappings" / "salesforce.yaml", record, *more)


@pytest.mark.parametrize("arguments", ["", "a.yaml", "--portal acme", "--id 1", "a.yaml b.json --portal acme --id 1"])
def test_try_takes_two_files_or_a_portal_and_an_id(arguments: str) -> None:
    with pytest.raises(ConfigError, match="name a mapping file and a record file, or --portal and --id"):
        run("try", *arguments.split())


# ── a record kept as an example ───────────────────────────────────────────────────────────────────────────────────────────────

GOOD = {"attributes": {"type": "Account"}, "Name": "O'Neil: #1", "Portal_Status__c": "Active", "Associated_Second_Partner__c": "B;A"}


def kept(folder: Path, text: str, native: Mapping[str, Any]) -> str:
    """The mapping file after a record was tried and saved."""
    (folder / "salesforce.yaml").write_text(text)
    (folder / "account.json").write_text(json.dumps(native))
    run("try", folder / "salesforce.yaml", folder / "account.json", "--save")
    return (folder / "salesforce.yaml").read_text()


def test_a_record_that_came_out_right_is_kept_behind_the_last_example_and_the_rest_stays_as_it_was(tmp_path: Path) -> None:
    before = (ROOT / "mappings" / "salesforce.yaml").read_text()
    after = kept(tmp_path, before, GOOD)
    assert after.startswith(before.rstrip("\n"))
    assert after.removeprefix(before.rstrip("\n")).splitlines()[1:] == [
        "  - record: company",
        """    native: {Name: "O'Neil: #1", Portal_Status__c: "Active", Associated_Second_Partner__c: "B;A"}""",
        """    portal: {name: "O'Neil: #1", portal_status: "active", second_partners: ["A", "B"]}""",
    ]
    assert "5 examples came out as written" in run("test", folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["account.json", "salesforce.yaml"]


@pytest.mark.parametrize(
    ("examples", "behind"),
    [("", ""), ("examples:\n- record: company\n  native: {Name: A}\n  portal: {name: A}\n\n# the end\n", "wire: {null: null}\n")],
    ids=["none yet", "in the middle"],
)
def test_an_example_finds_its_place(tmp_path: Path, examples: str, behind: str) -> None:
    frame = "version: 1\ncrm: salesforce\nrecords: {company: {native: Account, key: Key__c}}\n"
    fields = "company: {name: {native: Name}, portal_status: {native: S__c, values: {Active: active}}}\n"
    after = kept(tmp_path, frame + fields + examples + behind, {"Name": "B", "attributes": {"type": "Account"}})
    assert after.endswith(behind)
    assert "# the end" in after or not examples
    assert f"{2 if examples else 1} example" in run("test", folder=tmp_path)


def test_what_has_a_mistake_is_not_kept(tmp_path: Path) -> None:
    text = (ROOT / "mappings" / "salesforce.yaml").read_text()
    (tmp_path / "salesforce.yaml").write_text(text)
    (tmp_path / "account.json").write_text(json.dumps(ACCOUNT))
    run("try", tmp_path / "salesforce.yaml", tmp_path / "account.json", "--save", code=1)
    assert (tmp_path / "salesforce.yaml").read_text() == text


def test_examples_in_brackets_are_left_alone(tmp_path: Path) -> None:
    fields, _, _ = (ROOT / "mappings" / "salesforce.yaml").read_text().partition("examples:")
    text = f"{fields}examples: [{{record: company, native: {{Name: A}}, portal: {{name: A}}}}]\n"
    with pytest.raises(ConfigError, match="the examples stand in brackets — write each as lines that begin with a hyphen"):
        kept(tmp_path, text, GOOD)
    assert (tmp_path / "salesforce.yaml").read_text() == text


# ── the schema ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def validator() -> Any:
    return jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_the_shipped_files_satisfy_the_schema_as_editors_read_them(crm: str) -> None:
    # Given the file as a YAML editor sees it, with YAML's own types
    document = YAML(typ="safe", pure=True).load((ROOT / "mappings" / f"{crm}.yaml").read_text())
    # When it is held against the published schema, then nothing is wrong
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert [error.message for error in validator().iter_errors(json.loads(json.dumps(document)))] == []


@pytest.mark.parametrize(
    "field", [{"nativ": "X"}, {"native": "X", "direction": "psh"}, {"native": "X", "transform": "bool"}, {"native": 5}]
)
def test_the_schema_refuses_what_lint_refuses(field: dict[str, Any]) -> None:
    document = {
        "version": 1,
        "crm": "salesforce",
        "records": {"company": {"native": "Account", "key": "K"}},
        "company": {"name": field},
    }
    assert list(validator().iter_errors(document))


def test_every_key_of_the_schema_has_a_hint() -> None:
    schema = json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, key in part.get("properties", {}).items():
            assert key.get("description"), name


def test_the_schema_command_prints_it() -> None:
    assert json.loads(run("schema")) == json_schema()


@pytest.mark.parametrize("command", ["lint", "test", "try", "schema"])
def test_every_help_has_an_example(command: str) -> None:
    assert f"Example: sync-worker mappings {command}" in " ".join(run(command, "--help").split())
