"""YAML that people write, read with its places.

Every scalar stays its text as written (YAML's own types turn `001E00000012345` into infinity and the key `true:` into a boolean);
plain `null`, `~` or nothing is `None`; what stands in quotes is text. Every key and value knows its file:line:column.
`validation.py` turns what pydantic says into mistakes that point there.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from sync_worker.boundary.text import text_of
from sync_worker.config.nodes import NodePath, outside, paths_beneath, regrown, value_at, with_value, without
from sync_worker.errors import ConfigError, Mistake, Place
from sync_worker.nearest import did_you_mean

NULLS = ("", "null", "~")
LIST_FOR_MAP, MAP_LINES = "a list stands where a map belongs", "write `key: value` lines without hyphens"
MAX_DEPTH = 50  # no real file is deeper; the composer's own recursion ends near 150
MOST_BYTES = 4 << 20  # of one file; a mapping has some 10,000
MOST_SCALARS = 50_000  # keys and values of one file: reading them takes some 3 s; a large portal file has 5,000


@dataclass(frozen=True, slots=True)
class Source:
    """One file as written: plain dicts, lists, texts and `None`, and the place of every key and value.

    **Shapes** `places` and `keys` are by path from the top: `("deal", "amount", "transform")`; list items by index.
    """

    file: str
    data: Any = field(repr=False)  # a portal file may hold what must not be printed
    places: Mapping[NodePath, Place] = field(repr=False)
    keys: Mapping[NodePath, Place] = field(repr=False)

    def place(self, path: NodePath) -> Place:
        """Where the value at `path` stands, or its nearest parent that is written down."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file, 1, 1))

    def key_place(self, path: NodePath) -> Place:
        """Where the key at the end of `path` stands; list items and missing keys: as `place`."""
        return self.keys.get(path) or self.place(path)

    def at(self, path: NodePath) -> Any:
        """What is written at `path`; `None` where nothing is."""
        return value_at(self.data, path)

    def mistake(self, path: NodePath, what: str, remedy: str = "", *, at_key: bool = False) -> Mistake:
        """A mistake that points at `path`."""
        place = self.key_place(path) if at_key else self.place(path)
        return Mistake(place, dotted(path) or "(file)", what, remedy)

    def grafted(self, path: NodePath, value: Any, *, places: Mapping[NodePath, Place], keys: Mapping[NodePath, Place]) -> Source:
        """A copy with `value` at `path`; what lies beneath takes its places from `places` and `keys` (relative to the value)."""
        data = with_value(self.data, path, value)
        return Source(self.file, data, regrown(self.places, path, places), regrown(self.keys, path, keys))

    def pruned(self, *paths: NodePath) -> Source:
        """A copy without what stands at these paths: all are taken out in one go."""
        gone = frozenset(paths)
        return Source(self.file, without(self.data, gone), outside(self.places, gone), outside(self.keys, gone))

    def beneath(self, path: NodePath) -> tuple[dict[NodePath, Place], dict[NodePath, Place]]:
        """The places and key places at and below `path`, relative to it."""
        length = len(path)
        beneath = list(paths_beneath(self.at(path), path))
        places = {at[length:]: self.places[at] for at in beneath if at in self.places}
        keys = {at[length:]: self.keys[at] for at in beneath if at in self.keys}
        return places, keys


Reader: TypeAlias = Callable[[Path], Source]
"""What gives a file with its places: `read_source`, or what stands in for one of them (`draft.py`)."""


def dotted(path: Iterable[str | int]) -> str:
    """`deal.approvals[1]`, as people say it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_source(path: Path, *, most_scalars: int = MOST_SCALARS) -> Source:
    """The file with its places. **Shapes** `most_scalars`: so many keys and values, where the file may be a long list.

    **Raises** ConfigError: unreadable, no regular file, too large, not UTF-8, not YAML, or not a mapping at the top.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise _of_the_file(path, "is not a regular file", "a pipe or a device may never end; write the text into a file")
        if found.st_size > MOST_BYTES:
            raise _of_the_file(path, f"has {found.st_size:,} bytes; {MOST_BYTES:,} at most are read", "is it the right file?")
        data = path.read_bytes()
    except OSError as error:
        near = did_you_mean(path.name, _beside(path))
        raise _of_the_file(path, f"cannot be read: {error.strerror}", near or "see that it is there, and that you may read it") from None
    return source_of(data, path, most_scalars=most_scalars)


def _beside(path: Path) -> list[str]:
    """The names of the other files of its folder."""
    try:
        return sorted(other.name for other in path.parent.iterdir() if other.suffix == path.suffix and other.name != path.name)
    except OSError:
        return []


def source_of(data: bytes, path: Path, *, most_scalars: int = MOST_SCALARS) -> Source:
    """What was read from there, with its places. **Raises** ConfigError: too large, not UTF-8, not YAML, or not a mapping at the top."""
    if len(data) > MOST_BYTES:
        raise _of_the_file(path, f"has more than {MOST_BYTES:,} bytes", "is it the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _of_the_file(path, f"is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    return parse_source(text, file=str(path), most_scalars=most_scalars)


def _of_the_file(path: Path, what: str, remedy: str = "") -> ConfigError:
    return ConfigError([Mistake(Place(str(path), 1, 1), "(file)", what, remedy)])


@lru_cache(maxsize=16)  # portals by the thousand name the same mapping, and reading it takes a tenth of a second
def parse_source(text: str, *, file: str, most_scalars: int = MOST_SCALARS) -> Source:
    """The text with its places; duplicate keys, aliases, merge keys and tags are refused, all at once."""
    _refuse_machinery(text, file, most_scalars)
    node = _composed(text, file)
    if not isinstance(node, MappingNode):
        place = Place(file, 1, 1) if node is None else _place(file, node.start_mark)
        what = "is empty" if node is None else LIST_FOR_MAP if isinstance(node, SequenceNode) else "must be a mapping at the top"
        raise ConfigError([Mistake(place, "(file)", what, "write `key: value` lines")])
    builder = _Builder(file)
    data = builder.build(node, ())
    if builder.mistakes:
        raise ConfigError(builder.mistakes)
    return Source(file, data, builder.places, builder.keys)


def in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """As a person walks through the files: by file, line and column."""
    return sorted(mistakes, key=lambda mistake: (mistake.place.file, mistake.place.line, mistake.place.column))


# ── YAML → plain ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Builder:
    """Walks the nodes once and notes every place."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[NodePath, Place] = {}
        self.keys: dict[NodePath, Place] = {}
        self.mistakes: list[Mistake] = []

    def build(self, node: Node, path: NodePath) -> Any:
        self.places[path] = _place(self.file, node.start_mark)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        is_null = isinstance(node, ScalarNode) and not node.style and node.value in NULLS
        return None if is_null else self._text(node, path)

    def _text(self, node: Node, path: NodePath) -> str:
        """A scalar as text; one that no database can hold is a mistake."""
        try:
            return text_of(str(node.value))
        except ValueError as fault:
            self.mistakes.append(Mistake(_place(self.file, node.start_mark), dotted(path) or "(file)", str(fault), "leave it out"))
            return ""

    def _mapping(self, node: MappingNode, path: NodePath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            place = _place(self.file, key.start_mark)
            fault = self._key_fault(key, found, path)
            if fault:
                self.mistakes.append(Mistake(place, dotted(path) or "(file)", *fault))
                continue
            name = self._text(key, path)
            here = (*path, name)
            self.keys[here] = place
            found[name] = self.build(value, here)
            if found[name] is None and value.value == "":
                self.places[here] = place  # nothing is written: the parser points at what follows
        return found

    def _key_fault(self, key: Node, found: Mapping[str, Any], path: NodePath) -> tuple[str, str] | None:
        if not isinstance(key, ScalarNode):
            return "a key must be text", "quote it"
        if not key.style and key.value == "":
            return "a key is missing before the colon", ""
        if not key.style and key.value == "<<":
            return "merge keys (<<) are not supported", "write the keys out"
        if key.value in found:
            first = self.keys[(*path, key.value)]
            return f"{key.value!r} stands twice", f"first on line {first.line}; keep one"
        return None


def _composed(text: str, file: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    try:
        node: Node | None = yaml.compose(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_syntax_mistake(error, text, file)]) from None
    return node


def _refuse_machinery(text: str, file: str, most_scalars: int) -> None:
    """Aliases and tags have no meaning here: a value must stand where it is used, or its place would lie."""
    mistakes: list[Mistake] = []
    depth, scalars = 0, 0
    for event in _events(text, file):
        kind = type(event).__name__
        scalars += kind == "ScalarEvent"
        if scalars > most_scalars:
            what = f"holds more than {most_scalars:,} keys and values"
            raise ConfigError([*mistakes, Mistake(_place(file, event.start_mark), "(file)", what, "is it the right file?")])
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        place = _place(file, event.start_mark)
        if depth > MAX_DEPTH:
            raise ConfigError([*mistakes, Mistake(place, "(file)", f"nests deeper than {MAX_DEPTH} levels")])
        if kind == "AliasEvent":
            mistakes.append(Mistake(place, "(file)", f"the alias *{event.anchor} is not supported", "write the value out"))
        elif getattr(event, "ctag", None) is not None:
            mistakes.append(Mistake(place, "(file)", f"the tag {event.tag} is not supported", "leave it out: every value is text"))
    if mistakes:
        raise ConfigError(mistakes)


def _events(text: str, file: str) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_syntax_mistake(error, text, file)]) from None


def _syntax_mistake(error: Exception, text: str, file: str) -> Mistake:
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        words = " ".join(str(error.problem or error.context or "is not YAML").split())
        remedy = "indent with spaces, not tabs" if "\\t" in words else "check brackets, quotes and indentation"
        return Mistake(_place(file, mark) if mark else Place(file, 1, 1), "(file)", f"is not YAML: {words}", remedy)
    if isinstance(error, ReaderError):
        return Mistake(place_at(file, text, error.position), "(file)", "holds an unprintable character", "remove it")
    return Mistake(Place(file, 1, 1), "(file)", "is not YAML", "check brackets, quotes and indentation")


def _place(file: str, mark: StreamMark) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


def place_at(file: str, text: str, position: int) -> Place:
    """Where the character at this position stands."""
    return Place(file, text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))
