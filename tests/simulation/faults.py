"""Trouble on the wire, ordered from the sandbox: what the vendor, the network or its clock does to the next calls."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.world import World

HTML = "<html><body>Service Unavailable</body></html>"
MOST_LATE_S = 700  # below the look-back of 900 s: what comes later than that is the nightly comparison's business
LIMIT = "TotalRequests Limit exceeded."


def order_fault(world: World) -> None:
    """One order of trouble, obeyed by the calls to come."""
    words, order = world.dice.choice(ORDERS)
    order(world)
    world.say(f"fault: {words}")


def _times(world: World) -> int:
    return world.dice.choice((1, 1, 2, 5))


def _read_fails(world: World) -> None:
    kind = world.dice.choice(("query_all", "retrieve", "query", "query_more", "token", "versions"))
    world.remote.fault(kind, times=_times(world), status=503, body=HTML, after=world.dice.choice((0, 0, 1)))


def _reply_lost(world: World) -> None:
    world.remote.fault("collections_write", times=_times(world), drop_connection=True, when="after_commit")


def _write_dropped(world: World) -> None:
    world.remote.fault("collections_write", times=_times(world), drop_connection=True)


def _write_storm(world: World) -> None:
    world.remote.fault("collections_write", times=world.dice.choice((2, 25)), status=503, body=HTML)


def _row_locked(world: World) -> None:
    world.remote.fault("collections_write", times=_times(world), record=True, error_code="UNABLE_TO_LOCK_ROW")


def _row_refused(world: World) -> None:
    world.remote.fault("collections_write", times=1, record=True, error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")


def _limited(world: World) -> None:
    code, words = "REQUEST_LIMIT_EXCEEDED", world.dice.choice((LIMIT, "ConcurrentPerOrgLongTxn Limit exceeded."))
    world.remote.fault("*", times=_times(world), status=403, error_code=code, message=words)


def _session_ends(world: World) -> None:
    kind = world.dice.choice(("query_all", "retrieve", "collections_write"))
    world.remote.fault(kind, times=world.dice.choice((1, 2)), status=401, error_code="INVALID_SESSION_ID", message="Session expired")


def _tokens_expire(world: World) -> None:
    world.remote.expire_tokens()


def _late(world: World) -> None:
    world.is_stamped_late = True
    world.remote.write_late(world.dice.randint(5, MOST_LATE_S), times=_times(world))


ORDERS: tuple[tuple[str, Callable[[World], None]], ...] = (
    ("reads fail", _read_fails),
    ("replies to writes are lost", _reply_lost),
    ("replies to writes are lost", _reply_lost),
    ("writes are dropped before they arrive", _write_dropped),
    ("writes answer 503", _write_storm),
    ("rows are locked", _row_locked),
    ("a row is refused", _row_refused),
    ("limits are hit", _limited),
    ("the session ends", _session_ends),
    ("tokens expire", _tokens_expire),
    ("writes become visible late", _late),
)
