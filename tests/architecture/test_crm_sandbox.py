"""The package of the local CRMs: a public class has a name of its own."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def public_classes(package: str) -> Counter[str]:
    """How often each name stands, of classes at the top of a module."""
    modules = (ast.parse(path.read_text()) for path in sorted((ROOT / package).rglob("*.py")))
    return Counter(
        node.name for module in modules for node in module.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )


def test_a_public_class_has_a_name_of_its_own() -> None:
    here = public_classes("crm_sandbox")

    assert {name for name, count in here.items() if count > 1} == set()
    assert here.keys() & public_classes("sync_worker").keys() == set(), "a name of sync_worker's"


def test_a_public_class_of_the_product_means_one_thing() -> None:
    here = public_classes("sync_worker")

    assert {name for name, count in here.items() if count > 1} == set()
