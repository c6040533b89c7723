"""CPU, wall clock and peak memory of this process. The sandbox is another process, so its work is not in here."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")


@dataclass
class Cost:
    """What a piece of work cost. **Units** `peak_bytes`: the whole process, interpreter and libraries included, up to the work's end."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0


@contextmanager
def metered() -> Iterator[Cost]:
    """The cost of the block, complete once it is left."""
    cost = Cost()
    cpu_s, wall_s = _cpu_s(), time.perf_counter()
    yield cost
    cost.cpu_s, cost.wall_s, cost.peak_bytes = _cpu_s() - cpu_s, time.perf_counter() - wall_s, peak_bytes()


def cpu_since_start_s() -> float:
    """User and system seconds since the interpreter began: what imports and building cost, asked before the first block."""
    return _cpu_s()


def _cpu_s() -> float:
    """User and system seconds of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_bytes() -> int:
    """The most memory this process ever held.

    **Source** getrusage(2): `ru_maxrss` outlives an exec, so that a child begins with its parent's peak; the kernel's VmHWM does not.
    """
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # other systems: bytes on macOS
