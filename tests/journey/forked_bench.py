"""`python -m tests.journey.forked_bench WORDS…`: `python -m benchmarks WORDS…`, whose measurements are copies of one process.

A measurement in an interpreter of its own spends most of its CPU on imports, and a story has fifteen. Figures of time and memory mean
nothing here; everything else is what the command finds. The test of the profile shows that it runs in interpreters of its own.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from typing import Any

from benchmarks import __main__ as command
from benchmarks import bench, child, floor, profile, rows, vendor_client, work

IMPORTED = (floor, profile, rows, vendor_client, work)


def main() -> None:
    bench._child = _copied
    gc.freeze()
    command.main()


def _copied(order: dict[str, Any], on_progress: Callable[[int, int], None]) -> bench.Figures:
    """One measurement, whose progress is not told. **Raises** RuntimeError where it failed."""
    answer, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(answer)
        code = 1
        try:
            with os.fdopen(theirs, "w") as out:
                json.dump(child._measured(order), out)
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(answer) as lines:
        figures = lines.read()
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError(f"the measurement {order['what']} failed")
    found: bench.Figures = json.loads(figures)
    return found


if __name__ == "__main__":
    main()
