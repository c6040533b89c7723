"""SQL statements compiled once for all tests.

SQLAlchemy compiles a statement once for each engine. A process of ours has one engine, but almost every test opens an engine of its own:
the compiling was a fifth of the CPU of the steps' tests, and more than half of the CPU of the store's tests.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache, immutabledict

STATEMENT_COUNT = 3000  # all tests of the store together need about 1,300


def share_compiled() -> None:
    """From here on, all engines of this process share what they compiled, as far as their dialects are alike."""
    compiled: LRUCache[Any, Any] = LRUCache(STATEMENT_COUNT)
    setattr(DefaultDialect, "__eq__", _are_alike)  # noqa: B010  (an engine's dialect is a part of each key in the cache)
    setattr(DefaultDialect, "__hash__", lambda dialect: hash(type(dialect)))  # noqa: B010
    setattr(Engine, "_execution_options", immutabledict(compiled_cache=compiled))  # noqa: B010  (what each engine begins with)


def _are_alike(one: Any, other: Any) -> bool:
    """They make the same SQL of a statement, and bind its values in the same way."""
    return type(one) is type(other) and _traits(one) == _traits(other)


def _traits(dialect: Any) -> tuple[Any, ...]:
    return dialect.server_version_info, dialect.paramstyle, dialect.default_schema_name, getattr(dialect, "_json_serializer", None)
