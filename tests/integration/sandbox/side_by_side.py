"""Calls that are in flight at the sandbox at the same time, each on a connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import requests

from crm_sandbox.remote import Remote
from tests.patience import HANG_S, until

MOST = 30  # calls at once

Ask = Callable[[], requests.Response]


class Flights:
    """Sends calls and goes on without their answers. The sandbox's clock stands still, so that a call with a latency stays in flight."""

    def __init__(self, pool: ThreadPoolExecutor, remote: Remote) -> None:
        self._pool, self._remote = pool, remote

    def send(self, ask: Ask) -> Future[requests.Response]:
        """One call; returns when it is in flight or answered."""
        before = self._remote.calls()["in_flight"]["now"]
        answer = self._pool.submit(ask)
        until(lambda: answer.done() or self._remote.calls()["in_flight"]["now"] > before, every_s=0.005)
        return answer


@contextmanager
def flights(remote: Remote) -> Iterator[Flights]:
    """Whatever still waits at the end is let go."""
    with ThreadPoolExecutor(MOST) as pool:
        try:
            yield Flights(pool, remote)
        finally:
            remote.reset()


def landed(answer: Future[requests.Response]) -> requests.Response:
    """The answer of a call that has nothing left to wait for."""
    return answer.result(HANG_S)
