"""Where the CPU goes: each thread's CPU since the last sample is booked to the innermost room on its stack.

A sample is taken every 2 ms of CPU, or as soon after it as Python runs again: a statement of 50 ms inside the database driver is one
sample that carries 50 ms. Costs about a hundredth.
"""

from __future__ import annotations

import linecache
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType

INTERVAL_S = 0.002
STATEMENTS, STORE, OTHER = "database driver: statements", "store: rows, parameters", "everything else"
ROOMS = (  # (room, part of the file's path, its functions or all); the first that fits
    ("database driver: commits", "/sqlalchemy/engine/default.py", ("do_commit",)),  # PostgreSQL's commits are statements of the driver
    (STATEMENTS, "/sqlalchemy/engine/default.py", ("do_execute", "do_executemany", "do_execute_no_params")),
    (STATEMENTS, "/psycopg", ()),
    ("SQLAlchemy", "/sqlalchemy/", ()),
    ("ids", "/uuid.py", ()),
    ("reading: HTTP, decoding", "/requests/", ()),
    ("reading: HTTP, decoding", "/urllib3/", ()),
    ("reading: HTTP, decoding", "/sync_worker/crm/", ()),
    ("mapping", "/sync_worker/mapping/", ()),
    ("domain", "/sync_worker/domain/", ()),
    ("steps", "/sync_worker/steps/", ()),
    (STORE, "/sync_worker/store/", ()),
)
_DRIVER_CALLS = (".execute(", ".executemany(")

Rooms = dict[str, float]
"""Seconds of CPU by room."""


@contextmanager
def sampled() -> Iterator[Rooms]:
    """The CPU of the block by room; filled while it runs. Main thread only, as signals are."""
    rooms: Rooms = defaultdict(float)
    spent_s = {ident: cpu_s for ident, cpu_s in _threads()}
    sampling = threading.Lock()  # a signal may come while one is being answered: what it would book, the next one does

    def sample(_number: int, here: FrameType | None) -> None:
        if sampling.acquire(blocking=False):
            book(here)
            sampling.release()

    def book(here: FrameType | None) -> None:
        frames = {**sys._current_frames(), threading.get_ident(): here}  # noqa: SLF001  # the only way to see other threads
        for ident, cpu_s in _threads():
            since_s = cpu_s - spent_s.get(ident, 0.0)
            spent_s[ident] = cpu_s
            rooms[_room(frames.get(ident))] += since_s if since_s >= 0 else cpu_s  # a new thread may take an old one's number

    before = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        yield rooms
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def unsampled() -> Iterator[Rooms]:
    """No profile: no rooms."""
    yield {}


def _threads() -> list[tuple[int, float]]:
    """Each thread and the CPU it has used. Whoever is listed is alive: it needs the interpreter, which we have, to leave the list."""
    idents = [thread.ident for thread in threading.enumerate() if thread.ident is not None]
    return [(ident, time.clock_gettime(time.pthread_getcpuclockid(ident))) for ident in idents]


def _room(frame: FrameType | None) -> str:
    while frame is not None:
        if room := _room_of(frame.f_code):
            return STATEMENTS if room == STORE and _is_driver_call(frame.f_code.co_filename, frame.f_lineno) else room
        frame = frame.f_back
    return OTHER


@cache
def _room_of(code: CodeType) -> str | None:
    for room, path, functions in ROOMS:
        if path in code.co_filename and (not functions or code.co_name in functions):
            return room
    return None


@cache
def _is_driver_call(path: str, line: int) -> bool:
    """A line of the store that calls the driver itself: what is C in there has no frame of its own."""
    text = linecache.getline(path, line)
    return any(call in text for call in _DRIVER_CALLS)
