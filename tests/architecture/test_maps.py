"""Each folder's docstring is its map: it names every file and folder there, and no file that does not exist. The drawn layers are true."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("sync_worker", "crm_sandbox")
FOLDERS = sorted(path.parent.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("__init__.py"))


def map_of(folder: str) -> str:
    return ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text())) or ""


def entries_of(folder: str) -> set[str]:
    """What the tables of a map name: `file.py`, `file` or `folder/`. Two spaces end a cell, and a cell may name several."""
    cells = [cell for line in map_of(folder).splitlines() for cell in re.split(r" {2,}", line.strip())]
    return {name.removesuffix(".py") for cell in cells for name in cell.split(", ") if re.fullmatch(r"[a-z][a-z0-9_]*(\.py|/)?", name)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_of_a_folder_names_every_file_and_folder_of_it(folder: str) -> None:
    files = {path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("__")}
    folders = {f"{path.name}/" for path in (ROOT / folder).iterdir() if any(path.rglob("*.py"))}

    assert (files | folders) - entries_of(folder) == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_map_of_a_folder_names_only_what_exists(folder: str) -> None:
    package, named = ROOT / folder.split("/")[0], r"(?<![\w/*])((?:[a-z0-9_]+/)*[a-z0-9_]+\.py|(?:[a-z0-9_]+/)+)(?!\.?[\w*])"

    for name in re.findall(named, map_of(folder), re.MULTILINE):
        assert any(path.exists() for path in (ROOT / name, ROOT / folder / name, package / name, *package.glob(f"**/{name}"))), name


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_line_of_a_map_is_about_a_file_of_its_own_folder(folder: str) -> None:
    listed = re.findall(r"^ *([a-z][a-z0-9_]*\.py) {2,}", map_of(folder), re.MULTILINE)

    assert [name for name in listed if not (ROOT / folder / name).exists()] == []


def layers(contract: str) -> list[list[str]]:
    """The layers of one of import-linter's contracts, each by its last names."""
    held = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [held_layers] = [one["layers"] for one in held if one["name"].startswith(contract)]
    return [[name.split(".")[-1] for name in layer.split(" | ")] for layer in held_layers]


def test_the_layers_that_are_drawn_are_those_that_import_linter_holds() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    [words] = re.findall(r"^## The folders.*?```\n(.*?)\n```", page, re.MULTILINE | re.DOTALL)
    [drawn] = re.findall(r"^## Layers.*?```\n(.*?)\n```", page, re.MULTILINE | re.DOTALL)

    assert [re.split(r" {2,}", line)[0].split(" · ") for line in drawn.splitlines()] == layers("The layers")
    order = [set(names.split(" · ")) for names in words.split(" < ")]
    for package in ("steps", "store", "domain", "web/api"):
        held = [set(names) for names in reversed(layers(f"The folders of {package}/:")) if names != ["mount"]]
        assert [names for names in order if names in held] == held, package
