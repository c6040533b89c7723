"""The bugs that `make mutants` plants still fit our source; whether the simulation notices them is too slow to be a test."""

from __future__ import annotations

import ast

import pytest

from tests.simulation.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_fits_the_source_and_can_be_read(mutant: Mutant) -> None:
    source = mutant.path.read_text()

    planted = mutant.planted(source)

    assert ast.dump(ast.parse(planted)) != ast.dump(ast.parse(source))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_test_that_is_nearest_to_a_planted_bug_is_there(mutant: Mutant) -> None:
    file, _, name = mutant.nearest.partition("::")

    tests = {one.name for one in ast.parse((ROOT / file).read_text()).body if isinstance(one, ast.FunctionDef)}

    assert name in tests


def test_a_planted_bug_says_when_the_source_is_another() -> None:
    gone = Mutant("gone", "errors.py", "what is not there", "")

    with pytest.raises(ValueError, match=r"gone: errors\.py holds 0 times"):
        gone.planted(gone.path.read_text())
