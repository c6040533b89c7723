"""The trail of a piece of work: which request it began with, and which run made it due. It goes beside the work, never in its arguments.

    web      `request` is bound while a request is answered
    queue    what is sent takes the trail along in its message's options; the worker binds it again
    run      `run` is bound while one lasts; what it makes due is sent with it as `cause`
    beside   a helper thread goes on with the trail of the step it helps

Everything bound stands on each log line. One refresh may answer many requests: it has the trail of the first.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import dramatiq
from dramatiq.broker import MessageProxy
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, get_contextvars

OPTION: Final = "trail"  # of a message
_CARRIED: Final = ("request", "cause")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")  # of a caller: it stands on log lines, so it may not break them


def request_id(given: str | None) -> str:
    """The caller's own id of a request where it has one that can be kept, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


@contextmanager
def following(**steps: str) -> Iterator[None]:
    """Binds steps of the trail (`request`, `run`, `cause`) for a while; one that is "" is left as it was."""
    with bound_contextvars(**{name: value for name, value in steps.items() if value}):
        yield


def carried() -> dict[str, str]:
    """What goes along with work that is sent now."""
    bound = get_contextvars()
    return {name: str(bound[name]) for name in _CARRIED if name in bound}


def run_under_way() -> str:
    """The run that this is done in; "" outside of one."""
    return str(get_contextvars().get("run", ""))


def goes_on() -> Callable[[], object]:
    """For a new thread: calling it there binds what is bound here now."""
    return partial(bind_contextvars, **get_contextvars())


class Trail(dramatiq.Middleware):
    """Carries the trail through the queue."""

    def before_enqueue(self, _broker: dramatiq.Broker, message: dramatiq.Message[Any], _delay: int | None) -> None:
        if trail := carried():
            message.options.setdefault(OPTION, trail)

    def before_process_message(self, _broker: dramatiq.Broker, message: MessageProxy) -> None:
        clear_contextvars()
        bind_contextvars(**message.options.get(OPTION, {}))

    def after_process_message(self, *_: object, **__: object) -> None:
        clear_contextvars()

    after_skip_message = after_process_message
