"""Every code that we utter, in the domain, a step or the mapping, is explained and tested, and every explanation is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sync_worker.domain.core.problem as problem
from sync_worker.domain.core.problem import CODES

PACKAGE = Path(problem.__file__).parents[2]
TESTS = Path(__file__).parents[2]
ROOMS = ("domain", "steps", "mapping", "web/api")
STOPPING = {
    *("auth_failed", "connection_down", "schema_changed", "config_error"),
    *("rate_limited", "transient_error", "call_refused", "too_large", "held_for_review", "bug"),
}
POSITION = {
    "Problem": 0,
    "Refusal": 0,
    "StaleVersion": 0,
    "_about": 0,
    "Exclusion": 3,
    "Conflict": 5,
    "ValueMistake": 0,
    "_refuse": 0,
    "push_failure": 3,
    "_fail": 4,
}
NAMES = (  # what a code is called before it is uttered
    *("code", "CODE", "GAVE_UP", "CROWDED", "UNLISTED", "NO_ROOM", "MAINTENANCE"),
    *("CAME_BACK", "FOREIGN", "TAKEN", "RESTS", "HELD"),
)
RETURNED = {"_barred": 0, "newest": 1, "_judge": 1, "reach_problem": 0}  # functions that return (…, code, …) tuples


def constants(node: ast.AST) -> Iterator[str]:
    """The text itself, or the texts between which a condition chooses."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def spoken(call: ast.Call) -> Iterator[str]:
    """The code that a call is given, by position or by name."""
    if not isinstance(call.func, ast.Name):
        return
    position = POSITION.get(call.func.id)
    if position is not None and len(call.args) > position:
        yield from constants(call.args[position])
    for keyword in call.keywords:
        if keyword.arg == "code":
            yield from constants(keyword.value)


def returned(function: ast.FunctionDef) -> Iterator[str]:
    """The codes in the tuples that a function returns."""
    for inner in ast.walk(function):
        if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Tuple):
            yield from constants(inner.value.elts[RETURNED[function.name]])


def assigned(node: ast.Assign | ast.AnnAssign) -> str:
    """The name that gets the value."""
    return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)


def uttered(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from spoken(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value and assigned(node) in NAMES:
            yield from constants(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name in RETURNED:
            yield from returned(node)


def uttered_anywhere() -> set[str]:
    """The codes of every module of these rooms."""
    modules = [path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")]
    return {code for path in modules for code in uttered(ast.parse(path.read_text("utf-8")))}


def test_every_code_is_explained_and_every_explanation_is_uttered() -> None:
    assert uttered_anywhere() | STOPPING == set(CODES)


def test_every_code_is_looked_for_by_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in TESTS.rglob("*.py") if path != Path(__file__))
    assert {code for code in uttered_anywhere() if f'"{code}"' not in tests} == set()


def test_an_explanation_says_what_to_do() -> None:
    for code, words in CODES.items():
        assert words.endswith("."), code
        assert 20 < len(words) < 260, code
