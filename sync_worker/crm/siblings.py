"""The connections of one portal that work side by side: each is lent to one thread at a time, and their calls are counted together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

C = TypeVar("C")


class CallTally:
    """A count that several threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self, more: int) -> None:
        with self._lock:
            self.count += more


class Siblings(Generic[C]):
    """One connection and those that were made beside it, kept as long as it is. **Shapes** `calls`: data calls of all of them."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._free: deque[C] = deque()
        self.calls = CallTally()

    @contextmanager
    def lent(self) -> Iterator[C]:
        """A connection of which no other thread knows, for as long as the context lasts; the one that was used last comes first."""
        try:
            sibling = self._free.pop()
        except IndexError:
            sibling = self._make()
        try:
            yield sibling
        finally:
            self._free.append(sibling)
