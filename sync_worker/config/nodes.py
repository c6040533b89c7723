"""A tree of plain dicts, lists and texts by its paths: what stands where, and the tree with a part replaced or taken out.

Nothing is changed in place; `source.py` keeps the places of every key and value beside such a tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from sync_worker.errors import Place

NodePath: TypeAlias = tuple[str | int, ...]
"""From the top: keys, and the index of an item of a list."""


def value_at(node: Any, path: NodePath) -> Any:
    """What stands at the path; `None` where nothing does."""
    for step in path:
        node = _child(node, step)
    return node


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return node[step]
    return None


def paths_beneath(node: Any, path: NodePath) -> Iterator[NodePath]:
    """The path of a node, and of everything beneath it."""
    yield path
    for step, part in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths_beneath(part, (*path, step))


def with_value(node: Any, path: NodePath, value: Any) -> Any:
    """The tree with this value at the path."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    parent = dict(node) if isinstance(node, dict) else {}
    parent[step] = with_value(parent.get(step), rest, value)
    return parent


def without(node: Any, gone: frozenset[NodePath], path: NodePath = ()) -> Any:
    """The tree, which itself stands at `path`, without what stands at these paths."""
    if isinstance(node, list):
        return [without(item, gone, (*path, index)) for index, item in enumerate(node) if (*path, index) not in gone]
    if isinstance(node, dict):
        return {key: without(part, gone, (*path, key)) for key, part in node.items() if (*path, key) not in gone}
    return node


def outside(places: Mapping[NodePath, Place], gone: frozenset[NodePath]) -> dict[NodePath, Place]:
    """The places that are not beneath one of these paths."""
    lengths = {len(path) for path in gone}
    return {at: place for at, place in places.items() if not any(at[:length] in gone for length in lengths)}


def regrown(places: Mapping[NodePath, Place], path: NodePath, graft: Mapping[NodePath, Place]) -> dict[NodePath, Place]:
    """The places with those beneath the path replaced by those of a graft, which are relative to it."""
    length = len(path)
    kept = {at: place for at, place in places.items() if at[:length] != path}
    return kept | {path + at: place for at, place in graft.items()}
