"""CPU, wall clock and peak memory of this process; CPU of the database server apart. The sandbox's work is in neither."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")

ServerCpu = Callable[[], float]
"""Seconds of CPU a database server has used up to now, what it has put off included."""


@dataclass
class Cost:
    """What a piece of work cost.

    **Units** `peak_bytes`: the whole process, interpreter and libraries included, up to the work's end; `load_average`: processes that
    wanted to run on this machine in the minute before the end.
    """

    cpu_s: float = 0.0
    server_cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0
    load_average: float = 0.0


@contextmanager
def metered(server_cpu_s: ServerCpu) -> Iterator[Cost]:
    """The cost of the block, complete once it is left."""
    cost = Cost()
    server_s = server_cpu_s()
    cpu_s, wall_s = own_cpu_s(), time.perf_counter()
    yield cost
    cost.cpu_s, cost.wall_s = own_cpu_s() - cpu_s, time.perf_counter() - wall_s
    cost.peak_bytes, cost.load_average = peak_bytes(), os.getloadavg()[0]
    cost.server_cpu_s = server_cpu_s() - server_s


def own_cpu_s() -> float:
    """User and system seconds of all threads of this process since the interpreter began."""
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
