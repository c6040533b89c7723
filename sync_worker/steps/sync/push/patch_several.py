"""PATCH SEVERAL: portal ids are written in several calls at once, as many as the CRM takes (`crm/width.py`).

    claims    of different companies, each on a connection and in a thread of its own; the claims do not wait for each other
    answers   are settled by the caller's thread alone, each in one commit, before the next call of their claim
    repeats   companies that were tried before (a locked record, a lost answer) stand in one claim in flight at most

Once the turn is over, the process is to stop, deals are due, nothing was written, or a call failed, nothing new is claimed. What is in
flight is waited for and settled. Then the error of the earliest claim is raised. With one call at a time, and as long
as the CRM has not taken the token yet, it is as `patch_back`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from sync_worker.crm.port import Crm, WriteOutcome
from sync_worker.errors import OF_THE_CALL, SyncError
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.push.patch_back import PatchClaim, claimed, is_progress, let_go, patch_back, sent, settled
from sync_worker.steps.sync.push.record_rest import resting
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import outbox

Answer: TypeAlias = list[WriteOutcome] | None
"""Of one call; None where the claim has no other call to make."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """One connection with its thread. **Shapes** `holding`: the claim that is worked at."""

    crm: Crm
    beside: Executor
    holding: ExitStack


@dataclass(frozen=True, slots=True)
class _Flight:
    """A claim whose call is in flight. **Shapes** `number`: in the order of claiming."""

    number: int
    claim: PatchClaim
    answers: Iterator[list[WriteOutcome]]
    desk: _Desk


_Flights: TypeAlias = dict[Future[Answer], _Flight]


def patch_several(tenant: Tenant, run_id: str) -> Iterator[Counts]:
    """Writes the portal ids that are due. Yields what became of each call that wrote something."""
    if tenant.crm.parallel_calls > 1 and tenant.crm.is_trusted:
        yield from _side_by_side(tenant, run_id)
    elif counts := patch_back(tenant, run_id):
        yield counts


def _side_by_side(tenant: Tenant, run_id: str) -> Iterator[Counts]:
    flights: _Flights = {}
    free: list[_Desk] = []
    failed: dict[int, SyncError] = {}
    numbers, goes_on = count(), True
    with ExitStack() as stack:  # left once nothing is in flight any more
        while flights or goes_on:
            while goes_on and len(flights) < tenant.crm.parallel_calls:
                number, goes_on = next(numbers), False
                with _kept(failed, number):
                    if claim := _next_claim(tenant, flights, number):
                        flights |= _begun(tenant, claim, number, free.pop() if free else _desk(tenant, stack))
                        goes_on = True
            for come, flight in _landed(flights):
                counts = Counts()
                with _kept(failed, flight.number):
                    counts = _settled(tenant, come, flight, run_id)
                if counts.claimed:
                    flights |= _asked(flight)
                else:
                    flight.desk.holding.close()
                    free.append(flight.desk)
                goes_on = goes_on and not failed and (is_progress(counts) or not counts.claimed)
                if is_progress(counts):
                    yield counts
    if failed:
        raise failed[min(failed)]


@contextmanager
def _kept(failed: dict[int, SyncError], number: int) -> Iterator[None]:
    """An error of this claim is raised later: the others are in flight."""
    try:
        yield
    except SyncError as error:
        failed[number] = error


def _next_claim(tenant: Tenant, flights: _Flights, number: int) -> PatchClaim | None:
    """None: nothing is left, or something else comes first. The first one is asked for in any case, as the caller has just looked."""
    if number and _comes_first(tenant):
        return None
    repeats = any(flight.claim.repeats for flight in flights.values())
    return claimed(tenant, most_tries=0 if repeats else None)


def _comes_first(tenant: Tenant) -> bool:
    """Whether others have waited long enough, the process is to stop, deals are due, or companies rest."""
    if tenant.turn.is_over or tenant.services.is_stopping():
        return True
    with tenant.store.reading(tenant.name) as tx:
        return outbox.has_due(tx) or COMPANY in resting(tx)


def _desk(tenant: Tenant, stack: ExitStack) -> _Desk:
    holding = stack.enter_context(ExitStack())  # left last: a claim is held as long as its call is in flight
    crm = stack.enter_context(tenant.crm.another_connection())
    return _Desk(crm, stack.enter_context(tenant.services.beside()), holding)


def _begun(tenant: Tenant, claim: PatchClaim, number: int, desk: _Desk) -> _Flights:
    desk.holding.enter_context(claim.hold)
    return _asked(_Flight(number, claim, sent(tenant, desk.crm, claim), desk))


def _asked(flight: _Flight) -> _Flights:
    """The next call of its claim is on its way."""
    return {flight.desk.beside.submit(next, flight.answers, None): flight}


def _landed(flights: _Flights) -> list[tuple[Future[Answer], _Flight]]:
    """The claims whose calls have ended, once there is one, in the order of claiming. They are in flight no more."""
    come, _ = wait(flights, return_when=FIRST_COMPLETED)
    return sorted(((one, flights.pop(one)) for one in come), key=lambda one: one[1].number)


def _settled(tenant: Tenant, come: Future[Answer], flight: _Flight, run_id: str) -> Counts:
    """What became of its call; nothing where its claim had no other to make. **Raises** what the call did; its companies are free then."""
    try:
        answer = come.result()
    except OF_THE_CALL as error:  # after any other error the claim ends by itself
        let_go(tenant, flight.claim, error)
        raise
    return Counts() if answer is None else settled(tenant, flight.claim, answer, run_id)
