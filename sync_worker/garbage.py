"""Memory of a process: how often Python looks for objects that are no longer used, and how many heaps the C library keeps.

A process sets both once, where it begins. A library must not: only the command line and `create_app` do.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

NEW_OBJECT_COUNT = 50_000  # between two looks: a page makes 100,000 objects without a cycle; a look after every 700 took a fifth of all CPU
_ARENA_MAX: Final = -8  # M_ARENA_MAX of glibc's malloc.h


def set_up() -> None:
    """Both, for the whole process."""
    look_rarely()
    keep_one_heap()


def look_rarely() -> None:
    """Python looks for objects that refer to each other and are no longer used."""
    gc.set_threshold(NEW_OBJECT_COUNT)


def keep_one_heap() -> bool:
    """All threads share one heap, as Python lets one of them run at a time. Whether the C library can be told so: only glibc can.

    glibc gives each thread a heap of its own, and hardly ever gives any of it back: the lanes of a first load kept 20 MB so.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_ARENA_MAX, 1) == 1
