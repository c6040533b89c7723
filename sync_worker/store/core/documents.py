"""JSON as the store keeps it: what goes in comes out, and no record is so odd that it poisons its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from sync_worker.domain.core.values import plain

load = orjson.loads


def dump(value: Any) -> str:
    """The value as JSON text that both databases take."""
    return encoded(value).decode()


def encoded(value: Any) -> bytes:
    """As `dump`, in bytes."""
    try:
        document = orjson.dumps(value, default=plain)
    except TypeError:
        document = orjson.dumps(storable(value), default=plain)
    if b"\\u0000" in document:
        document = orjson.dumps(storable(value), default=plain)
    return document


def storable(value: Any) -> Any:
    """The value without what a database refuses (NUL, half a surrogate pair, an integer beyond 64 bits): no record may poison its page."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value
