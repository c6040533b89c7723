"""A time limit in a test is for hangs: none is so short that a busy machine reaches it. See tests/patience.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
SHORTEST_S = 60
LIMITS = {"timeout", "timeout_s", "within_s", "hang_s"}
WAITS = {"until", "result", "join", "ended", "wait"}


def short_limits(source: str) -> Iterator[str]:
    """Where a call waits for less than a minute, as it is written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = [keyword.value for keyword in node.keywords if keyword.arg in LIMITS]
            if called(node) in WAITS:
                given += node.args
            if any(map(is_short, given)):
                yield f"{node.lineno}: {ast.unparse(node)}"


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


def is_short(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and 0 < node.value < SHORTEST_S


def test_no_wait_ends_before_a_busy_machine_is_ready() -> None:
    found = [f"{path.relative_to(TESTS)}:{place}" for path in sorted(TESTS.rglob("*.py")) for place in short_limits(path.read_text())]
    assert found == []


def test_what_is_found() -> None:
    assert list(short_limits("until(done, 5)\nthread.join(10)\nget(url, timeout=20)\nuntil(done)\nget(url, timeout=HANG_S)")) == [
        "1: until(done, 5)",
        "2: thread.join(10)",
        "3: get(url, timeout=20)",
    ]
