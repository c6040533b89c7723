"""A file, a folder or a constant of the code that README, docs, docstrings or comments name exists where they say."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("sync_worker", "crm_sandbox")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = sorted(one for package in PACKAGES for one in (ROOT / package).rglob("*.py") if "versions" not in one.parts)
FILE = re.compile(r"(?<![\w/.$<>{}*-])((?:[a-z][\w-]*/)*\w+\.py)\b(?!\.)")
FOLDER = re.compile(r"`((?:sync_worker|crm_sandbox|tests|benchmarks|domain|steps|store|crm|cli)/(?:\w+/)*)`")
CONSTANT = re.compile(r"`([a-z]\w*(?:[./][a-z]\w*)*)\.([A-Z][A-Z_]+)`")
BY_VENDOR = re.compile(r"`([\w/]+)/<vendor>/([\w/]+\.py)`")
FROM_THERE = {"domain.md": "sync_worker/domain"}
"""A page that says once from which folder its paths begin."""


@cache
def names() -> frozenset[str]:
    """The name of every Python file, wherever it stands."""
    return frozenset(path.name for folder in (*PACKAGES, "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def exists(named: str, near: Path) -> bool:
    """From the root, from a package, or from a folder above the one that names it. A name alone may stand anywhere."""
    above = [folder for folder in near.parents if ROOT in (folder, *folder.parents)]
    begins = [*(ROOT / package for package in PACKAGES), ROOT / FROM_THERE.get(near.name, ""), *above]
    return any((begin / named).exists() for begin in begins) or ("/" not in named and named in names())


def missing(near: Path) -> list[str]:
    text = near.read_text()
    found = [*FILE.findall(text), *FOLDER.findall(text)]
    found += [f"{folder}/{vendor}/{file}" for folder, file in BY_VENDOR.findall(text) for vendor in ("salesforce", "hubspot")]
    return [named for named in found if not exists(named, near)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_folders_that_a_page_names_exist(page: Path) -> None:
    assert missing(page) == []


def test_files_that_docstrings_and_comments_name_exist() -> None:
    found = {path.relative_to(ROOT).as_posix(): missing(path) for path in CODE}
    assert {path: named for path, named in found.items() if named} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_constants_that_a_page_names_exist(page: Path) -> None:
    for module, constant in CONSTANT.findall(page.read_text()):
        assert hasattr(import_module(f"sync_worker.{module.replace('/', '.')}"), constant), f"{module}.{constant}"
