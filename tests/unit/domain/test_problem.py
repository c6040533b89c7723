"""Every code the domain utters is explained, and every explanation is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sync_worker.domain.problem as problem
from sync_worker.domain.problem import CODES

ROOM = Path(problem.__file__).parent
POSITION = {"Problem": 0, "Refusal": 0, "_about": 0, "Exclusion": 3, "Conflict": 5}
RETURNED = {"_exclusion": 0, "_newest": 1, "_judge": 1}  # functions that return (…, code, …) tuples


def constants(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def uttered(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            position = POSITION.get(node.func.id)
            if position is not None and len(node.args) > position:
                yield from constants(node.args[position])
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from constants(keyword.value)
        if isinstance(node, ast.FunctionDef) and node.name in RETURNED:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Tuple):
                    yield from constants(inner.value.elts[RETURNED[node.name]])


def test_every_code_is_explained_and_every_explanation_is_uttered() -> None:
    # Given every module of the domain, when its codes are collected, then they are exactly those of the table
    found = {code for path in ROOM.glob("*.py") for code in uttered(ast.parse(path.read_text("utf-8")))}
    assert found == set(CODES)


def test_an_explanation_says_what_to_do() -> None:
    for code, words in CODES.items():
        assert words.endswith("."), code
        assert 20 < len(words) < 260, code
