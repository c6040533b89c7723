"""Golden pairs: whole records of every shipped mapping, both ways, every field at least once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sync_worker.domain.core.values import Value, plain
from sync_worker.mapping.compile import CompiledMapping, compile_mapping
from sync_worker.mapping.examples import default_dialect
from sync_worker.mapping.load import load_mapping

HERE = Path(__file__).parent
FILES = sorted((HERE.parents[1] / "mappings").glob("*.yaml"))
GOLDEN: dict[str, list[dict[str, Any]]] = {file.stem: json.loads((HERE / f"{file.stem}.json").read_text()) for file in FILES}
PAIRS = [pytest.param(crm, pair, id=f"{crm}-{pair['record']}-{index}") for crm in GOLDEN for index, pair in enumerate(GOLDEN[crm])]
LOADED = {file.stem: load_mapping(file) for file in FILES}
MAPPINGS: dict[str, CompiledMapping] = {crm: compile_mapping(one, default_dialect(one.grammar), None) for crm, one in LOADED.items()}


@pytest.mark.parametrize(("crm", "pair"), PAIRS)
def test_a_native_record_reads_as_the_golden_values(crm: str, pair: dict[str, Any]) -> None:
    record = MAPPINGS[crm].records[pair["record"]]
    # Given a record as the CRM sends it, when it is normalized
    reading = record.normalize(pair["native"])
    # Then exactly the golden values come out, and what we write keeps its spelling
    assert reading.mistakes == ()
    assert {name: plain(value) for name, value in reading.values.items()} == pair["portal"]
    written = {name for name in pair["portal"] if record.fields[name].direction != "pull"}
    assert set(reading.spellings) == written


@pytest.mark.parametrize(("crm", "pair"), PAIRS)
def test_the_golden_values_are_written_as_the_crm_takes_them(crm: str, pair: dict[str, Any]) -> None:
    record = MAPPINGS[crm].records[pair["record"]]
    # Given our values
    values: dict[str, Value] = {name: record.fields[name].parse(value) for name, value in pair["portal"].items()}
    # When a create and an update are made of them, then exactly the golden fields are sent, as JSON says them
    assert json.dumps(record.create(values), sort_keys=True) == json.dumps(pair["create"], sort_keys=True)
    assert json.dumps(record.update(values), sort_keys=True) == json.dumps(pair["update"], sort_keys=True)


@pytest.mark.parametrize("crm", sorted(MAPPINGS))
def test_every_field_of_every_record_stands_in_a_golden_pair(crm: str) -> None:
    for name, record in MAPPINGS[crm].records.items():
        shown = {field for pair in GOLDEN[crm] if pair["record"] == name for field in pair["portal"]}
        assert set(record.fields) <= shown
