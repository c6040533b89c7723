"""The schemas that editors read beside the shipped files are those of the code, and the shipped files name them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync_worker.config.portal_schema import HINTS
from sync_worker.config.portal_schema import json_schema as portal_schema
from sync_worker.mapping.grammar import json_schema as mapping_schema

ROOT = Path(__file__).parents[2]
NAMED = "# yaml-language-server: $schema="


@pytest.mark.parametrize(
    ("file", "made", "command"),
    [
        ("config/portal.schema.json", portal_schema, "sync-worker portals schema > config/portal.schema.json"),
        ("mappings/mapping.schema.json", mapping_schema, "sync-worker mappings schema > mappings/mapping.schema.json"),
    ],
)
def test_the_schema_beside_the_files_is_the_codes(file: str, made: Callable[[], Any], command: str) -> None:
    assert json.loads((ROOT / file).read_text()) == made(), f"make it again: {command}"


@pytest.mark.parametrize("file", sorted([*ROOT.glob("config/examples/*.yaml"), *ROOT.glob("mappings/*.yaml")]), ids=lambda file: file.name)
def test_every_shipped_file_names_its_schema(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    assert first.startswith(NAMED)
    assert (file.parent / first.removeprefix(NAMED)).is_file()


def test_every_key_of_a_portal_file_has_a_hint_for_editors() -> None:
    schema = portal_schema()
    keys = {(name, key) for name, part in {"Portal": schema, **schema["$defs"]}.items() for key in part.get("properties", {})}
    assert keys == {(name, key) for name, hints in HINTS.items() for key in hints}, "see HINTS in portal_schema.py"
