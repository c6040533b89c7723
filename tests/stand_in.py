"""A CRM's connection of which a test changes one thing; everything else is the real one's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, Self


class StandIn:
    """Stands before the real connection, and before each other connection of the same portal."""

    def __init__(self, crm: Any) -> None:
        self._crm = crm

    def __getattr__(self, name: str) -> Any:
        if name == "_crm":  # not there yet, while a copy is made
            raise AttributeError(name)
        return getattr(self._crm, name)

    @contextmanager
    def another_connection(self) -> Iterator[Self]:
        with self._crm.another_connection() as crm:
            other = copy(self)
            other._crm = crm
            yield other
