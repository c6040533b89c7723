"""The schemas that editors read beside the shipped files are those of the code, and the shipped files name them.

The table of docs/portal-file.md has the same hints. Made again by `python -m tests.architecture.test_schemas`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.config.portal_schema import HINTS
from sync_worker.config.portal_schema import json_schema as portal_schema
from sync_worker.mapping.grammar import json_schema as mapping_schema

ROOT = Path(__file__).parents[2]
NAMED = "# yaml-language-server: $schema="
PAGE = ROOT / "docs" / "portal-file.md"
HEAD = "| key | what it says |\n|---|---|\n"


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


def test_the_page_of_the_portal_file_has_every_key() -> None:
    assert PAGE.read_text().endswith(table()), "make it again: python -m tests.architecture.test_schemas"


def test_the_short_file_of_the_page_works(tmp_path: Path) -> None:
    [written] = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    file = tmp_path / "acme.yaml"
    file.write_text(written)
    portal = load_portal(file, {"ACME_SF_ID": "id", "ACME_SF_SECRET": "secret"})
    assert (portal.name, portal.unset) == ("acme", ())


SHORT: dict[str, Any] = {
    "portal": "acme",
    "crm": {"kind": "salesforce", "mapping": "salesforce.yaml", "auth": {"flow": "client_credentials"}},
    "deals": {"record": "lead", "approvals": ["vendor"]},
    "feed": {"url": "https://portal.example.com/events", "secret": "whsec_x"},
}
TOLD = re.compile(r"Without it: (\[.*\]|\d+[a-z%]*|true|false|UTC|v3)\.")


def test_a_hint_names_the_default_that_counts() -> None:
    told = {path: match[1] for path, hint in keys() if (match := TOLD.search(hint))}
    assert len(told) > 20
    wrong = [path for path, value in told.items() if Portal.model_validate(_with(path, value)) != Portal.model_validate(SHORT)]
    assert wrong == []


def _with(path: str, value: str) -> dict[str, Any]:
    """The short file with one more key."""
    portal: dict[str, Any] = json.loads(json.dumps(SHORT))
    *parts, key = path.split(".")
    place = portal
    for part in parts:
        place = place.setdefault(part, {})
    place[key] = value[1:-1].split(", ") if value.startswith("[") else value
    return portal


def table() -> str:
    """What ends the page: each key with its hint, in the order of the models."""
    return HEAD + "".join(f"| `{path}` | {hint} |\n" for path, hint in keys())


def keys() -> Iterator[tuple[str, str]]:
    """Each key of a portal file by its path, with its hint."""
    schema = portal_schema()
    yield from _keys(schema, schema["$defs"], "")


def _keys(part: dict[str, Any], parts: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
    """Each key by its path from the top, those of a part behind the part."""
    for key, node in part["properties"].items():
        yield before + key, node["description"]
        inner = _part_of(node)
        if inner:
            yield from _keys(parts[inner], parts, f"{before}{key}{'[]' if node.get('type') == 'array' else ''}.")


def _part_of(node: dict[str, Any]) -> str:
    """The name of the part that a key holds; "" where it holds a value."""
    named = [one["$ref"] for one in (node, node.get("items", {}), *node.get("anyOf", ())) if isinstance(one, dict) and "$ref" in one]
    return named[0].rpartition("/")[2] if named else ""


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().split(HEAD)[0] + table())
