"""The connections of one portal that work side by side: each is lent to one thread at a time, and their calls are counted together.

`side_by_side` asks for the parts of one thing: in as many threads as calls may be in flight, less the connections that are lent already.
With one call at a time the parts are asked for one after the other, on the connection itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Generic, Protocol, Self, TypeVar

from sync_worker.errors import SchemaChanged
from sync_worker.mapping.catalog import Catalog
from sync_worker.services import Services

C = TypeVar("C")
P = TypeVar("P")
R = TypeVar("R")


class CallTally:
    """A count that several threads add to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self, more: int) -> None:
        with self._lock:
            self.count += more


class Siblings(Generic[C]):
    """One connection and those that were made beside it, kept as long as it is.

    **Shapes** `calls`: data calls of all of them; `lent`: how many connections are lent now.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._free: deque[C] = deque()
        self._made = CallTally()
        self.calls = CallTally()

    @property
    def lent(self) -> int:
        return self._made.count - len(self._free)

    @contextmanager
    def lend(self) -> Iterator[C]:
        """A connection of which no other thread knows, for as long as the context lasts; the one that was used last comes first."""
        try:
            sibling = self._free.pop()
        except IndexError:
            sibling = self._make()
            self._made.add(1)
        try:
            yield sibling
        finally:
            self._free.append(sibling)


class Familial(Protocol):
    """A connection that has siblings."""

    @property
    def services(self) -> Services: ...

    @property
    def parallel_calls(self) -> int: ...

    @property
    def is_trusted(self) -> bool: ...

    @property
    def siblings(self) -> Siblings[Any]: ...

    def another(self) -> AbstractContextManager[Self]: ...


F = TypeVar("F", bound=Familial)


def side_by_side(connection: F, ask: Callable[[F, P], R], parts: Sequence[P]) -> list[R]:
    """The answers, in the order of the parts. **Raises** the first error in that order, once no part is under way any more.

    A token that may be wrong is tried with the first part alone: several refusals at once could lock the user out.
    """
    if len(parts) > 1 and not connection.is_trusted:
        return [ask(connection, parts[0]), *side_by_side(connection, ask, parts[1:])]
    helper_count = min(len(parts), connection.parallel_calls - connection.siblings.lent) - 1
    if helper_count < 1:
        return [ask(connection, part) for part in parts]
    work = _Work(ask, parts)
    with ExitStack() as stack:  # left once all helpers have ended
        for _ in range(helper_count):
            sibling = stack.enter_context(connection.another())
            stack.enter_context(connection.services.beside()).submit(work.help, sibling)
        work.help(connection)
    return work.answers()


class _Work(Generic[F, P, R]):
    """Parts that several threads take one by one, in their order; once one has failed no other is begun."""

    def __init__(self, ask: Callable[[F, P], R], parts: Sequence[P]) -> None:
        self._ask = ask
        self._left = iter(list(enumerate(parts)))
        self._lock = threading.Lock()
        self._found: dict[int, R] = {}
        self._failed: dict[int, BaseException] = {}

    def help(self, connection: F) -> None:
        while taken := self._next():
            number, part = taken
            try:
                self._found[number] = self._ask(connection, part)
            except BaseException as error:  # noqa: BLE001  # whatever it is, it is raised again in the thread that waits
                self._failed[number] = error

    def answers(self) -> list[R]:
        """**Raises** the first error."""
        if self._failed:
            raise self._failed[min(self._failed)]
        return [self._found[number] for number in sorted(self._found)]

    def _next(self) -> tuple[int, P] | None:
        with self._lock:
            return None if self._failed else next(self._left, None)


def described(connection: F, describe: Callable[[F, str], Catalog], natives: Sequence[str]) -> Mapping[str, Catalog | SchemaChanged]:
    """What the CRM says of these record types; in the place of one that it does not show, why."""

    def ask(one: F, native: str) -> Catalog | SchemaChanged:
        try:
            return describe(one, native)
        except SchemaChanged as hidden:
            return hidden

    return dict(zip(natives, side_by_side(connection, ask, natives), strict=True))
