"""Mappings compiled once for all seeds of a process. A process of ours compiles its mapping once a day; a seed does it some ten times.

What is described the same is one catalog, and a mapping is looked up by its catalogs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
import pytest

from sync_worker.config.portal import Portal
from sync_worker.mapping import compile as compiling
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import CompiledMapping
from sync_worker.mapping.load import LoadedMapping
from sync_worker.steps.core import described

MOST_COUNT = 500

_Key: TypeAlias = tuple[int, int, frozenset[str], tuple[tuple[str, int], ...]]
_compiled: dict[_Key, tuple[CompiledMapping, tuple[Any, ...]]] = {}


def share(patch: pytest.MonkeyPatch) -> None:
    """While the patch lasts, workers look mappings and catalogs up here."""
    patch.setattr(described, "compile_mapping", compiled)
    patch.setattr(Catalog, "from_document", _catalog)


def compiled(
    grammar: LoadedMapping, portal: Portal, catalogs: Mapping[str, Catalog] | None = None, *, used_by_rules: Collection[str] = ()
) -> CompiledMapping:
    """As `compile_mapping`. What was looked up by its place in memory is kept, so that nothing else comes to that place."""
    asked = tuple((catalogs or {}).items())
    key = (id(grammar), id(portal), frozenset(used_by_rules), tuple((native, id(catalog)) for native, catalog in asked))
    if key not in _compiled:
        if len(_compiled) >= MOST_COUNT:
            _compiled.clear()
        found = compiling.compile_mapping(grammar, portal, catalogs, used_by_rules=used_by_rules)
        _compiled[key] = found, (grammar, portal, asked)
    return _compiled[key][0]


def _catalog(document: Mapping[str, Any]) -> Catalog:
    return _of_text(orjson.dumps(document))


_from_document: Callable[[Mapping[str, Any]], Catalog] = Catalog.from_document


@lru_cache(maxsize=MOST_COUNT)
def _of_text(text: bytes) -> Catalog:
    return _from_document(orjson.loads(text))
