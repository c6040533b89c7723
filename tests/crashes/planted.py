"""`python -m tests.crashes.planted BUG STORY`: a story lived with a bug of `tests/simulation/mutants.py` planted. It must end otherwise."""

from __future__ import annotations

import runpy
import sys

from tests.simulation.mutants import MUTANTS, _Planting


def main() -> None:
    """Nothing of the product may be imported before the bug is planted."""
    name, story = sys.argv[1:]
    (mutant,) = [mutant for mutant in MUTANTS if mutant.name == name]
    sys.meta_path.insert(0, _Planting(mutant))
    sys.argv = ["tests.crashes", "--story", story, "--crm", mutant.crms[0]]
    runpy.run_module("tests.crashes", run_name="__main__")


if __name__ == "__main__":
    main()
