"""SIDE BY SIDE: claims are worked at together, as many as the CRM takes calls at once (`crm/width.py`).

    a call         is made in a thread of its claim's, on a connection of its claim's
    anything else  is done by the caller's thread alone: it claims, decides, and settles each answer in one commit

The work at a claim is a generator (`Calling`): it yields each call that it wants made, and goes on with the answer, or with the error of
the call. `carried_out` makes the calls of one claim in the caller's own thread, one after the other.

Once a claim has failed, or `goes_on` says no, nothing new is claimed. What is in flight is waited for and settled. Then the error of the
earliest claim is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeAlias, TypeVar

from sync_worker.crm.port import Crm, WriteOutcome
from sync_worker.errors import SyncError
from sync_worker.steps.core.tenant import Tenant

C = TypeVar("C")
T = TypeVar("T")

Answer: TypeAlias = list[WriteOutcome] | None
"""Of one call; None where the claim has no other call to make."""
Call: TypeAlias = Callable[[], Answer]
Calling: TypeAlias = Generator[Call, Answer, T]
"""The work at one claim; what it returns is what became of the claim."""
GoOn: TypeAlias = Callable[[Calling[T]], Call]


@dataclass(frozen=True, slots=True)
class ClaimQueue(Generic[C, T]):
    """Claims of one kind, and how one is worked at.

    **Shapes** `claimed`: the next one beside those in flight; None where none is free now. `work`: with the connection for its calls.
    `is_last`: whether nothing is left beside it, so that it needs no thread. `is_over`: whether to claim nothing more; not asked before the
    first. `goes_on`: whether what became of one claim is a reason for another.
    """

    claimed: Callable[[Sequence[C]], C | None]
    work: Callable[[Crm, C], Calling[T]]
    is_last: Callable[[C], bool]
    is_over: Callable[[], bool]
    goes_on: Callable[[T], bool]


@dataclass(frozen=True, slots=True)
class _Desk:
    """One connection with its thread. **Shapes** `holding`: the work that is done with them."""

    crm: Crm
    beside: Executor
    holding: ExitStack


@dataclass(frozen=True, slots=True)
class _Flight(Generic[C, T]):
    """A claim whose call is in flight. **Shapes** `number`: in the order of claiming."""

    number: int
    claim: C
    work: Calling[T]
    desk: _Desk


@dataclass(slots=True)
class _Air(Generic[C, T]):
    """What is in flight, and the connections that wait. **Shapes** `failed`: by the number of the claim. `goes_on`: to claim another."""

    flights: dict[Future[Answer], _Flight[C, T]] = field(default_factory=dict)
    free: list[_Desk] = field(default_factory=list)
    failed: dict[int, SyncError] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    goes_on: bool = True


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """The work at a claim is over. **Shapes** `came`: what became of it."""

    came: T


def are_several_taken(tenant: Tenant) -> bool:
    """Whether the CRM takes several calls at once now. A token that it has not taken yet is tried by one call."""
    return tenant.crm.parallel_calls > 1 and tenant.crm.is_trusted


def carried_out(work: Calling[T]) -> T:
    """The work at one claim, its calls made by this thread."""
    said = _said(work, next)
    while not isinstance(said, _Ended):
        said = _said(work, _reply(said))
    return said.came


def side_by_side(tenant: Tenant, queue: ClaimQueue[C, T]) -> Iterator[T]:
    """Works off the queue. Yields what became of each claim, as they end."""
    air = _Air[C, T]()
    with ExitStack() as stack:  # left once nothing is in flight any more
        while True:
            yield from _begun(tenant, queue, air, stack)
            if not air.flights:
                break
            for come, flight in _landed(air):
                yield from _went_on(queue, air, flight, _reply(come.result))
    if air.failed:
        raise air.failed[min(air.failed)]


def _begun(tenant: Tenant, queue: ClaimQueue[C, T], air: _Air[C, T], stack: ExitStack) -> Iterator[T]:
    """Claims as long as there is room. Yields what became of claims that are over already."""
    while air.goes_on and not air.failed and len(air.flights) < tenant.crm.parallel_calls:
        number = next(air.numbers)
        with _kept(air.failed, number):
            claim = None if number and queue.is_over() else queue.claimed([flight.claim for flight in air.flights.values()])
            if claim is None:
                return
            if not air.flights and queue.is_last(claim):
                yield _counted(queue, air, carried_out(queue.work(tenant.crm, claim)))
            else:
                desk = air.free.pop() if air.free else _desk(tenant, stack)
                flight = _Flight(number, claim, desk.holding.enter_context(closing(queue.work(desk.crm, claim))), desk)
                yield from _went_on(queue, air, flight, next)


def _went_on(queue: ClaimQueue[C, T], air: _Air[C, T], flight: _Flight[C, T], reply: GoOn[T]) -> Iterator[T]:
    """The next call of its claim is on its way; or its work is over: yields what became of the claim."""
    with _kept(air.failed, flight.number):
        said = _said(flight.work, reply)
        if isinstance(said, _Ended):
            flight.desk.holding.close()
            air.free.append(flight.desk)
            yield _counted(queue, air, said.came)
        else:
            air.flights[flight.desk.beside.submit(said)] = flight


def _counted(queue: ClaimQueue[C, T], air: _Air[C, T], came: T) -> T:
    air.goes_on = air.goes_on and queue.goes_on(came)
    return came


@contextmanager
def _kept(failed: dict[int, SyncError], number: int) -> Iterator[None]:
    """An error of this claim is raised later: the others are in flight."""
    try:
        yield
    except SyncError as error:
        failed[number] = error


def _desk(tenant: Tenant, stack: ExitStack) -> _Desk:
    holding = stack.enter_context(ExitStack())  # left last: a claim is held as long as its call is in flight
    crm = stack.enter_context(tenant.crm.another_connection())
    return _Desk(crm, stack.enter_context(tenant.services.beside()), holding)


def _landed(air: _Air[C, T]) -> list[tuple[Future[Answer], _Flight[C, T]]]:
    """The claims whose calls have ended, once there is one, in the order of claiming. They are in flight no more."""
    come, _ = wait(air.flights, return_when=FIRST_COMPLETED)
    return sorted(((one, air.flights.pop(one)) for one in come), key=lambda one: one[1].number)


def _said(work: Calling[T], go_on: GoOn[T]) -> Call | _Ended[T]:
    """What the work says next: the call that it wants made, or what became of the claim."""
    try:
        return go_on(work)
    except StopIteration as end:
        return _Ended(end.value)


def _reply(call: Call) -> GoOn[T]:
    """How the work goes on: with the answer of this call, or with its error."""
    try:
        answer = call()
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is raised where the call was asked for
        thrown = error
        return lambda work: work.throw(thrown)
    return lambda work: work.send(answer)
