"""What a connection to PostgreSQL must be: of a server that takes writes. A standby answers, with data that may be long past."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import URL, Engine

CONNECT_S: Final = 10  # a host that swallows packets is down, not slow
WISHES: Final = {
    "connect_timeout": CONNECT_S,
    "target_session_attrs": "read-write",  # of several hosts the one that takes writes; never one that does not
}
_TAKES_WRITES: Final = "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"


def arguments(url: URL) -> dict[str, Any]:
    """How a connection is made, as far as its address does not say otherwise."""
    return {name: value for name, value in WISHES.items() if name not in url.query}


def keep_to_the_primary(engine: Engine) -> None:
    """A connection out of the pool whose server takes no writes any more is thrown away, with all that are as old.

    It is asked instead of the pool's own question whether the connection lives, so it costs no further round trip.
    """
    engine.dialect.do_ping = _takes_writes  # type: ignore[method-assign, assignment]  # what `pool_pre_ping` calls


def _takes_writes(connection: Any) -> bool:
    connection.autocommit = True
    try:
        (answer,) = connection.execute(_TAKES_WRITES).fetchone()
    finally:
        if not connection.closed:
            connection.autocommit = False
    return bool(answer)
