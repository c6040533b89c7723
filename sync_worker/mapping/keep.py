"""KEEP: a record that was tried becomes an example of its mapping file, which `mappings test` runs from then on.

A person wrote the file, so the rest of it stays as it is written. The example goes behind the last one, in the file's own indentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sync_worker.config.draft import put_in_place
from sync_worker.config.source import Source, parse_source
from sync_worker.domain.core.values import plain
from sync_worker.errors import ConfigError
from sync_worker.mapping.compile import Reading, RecordMap
from sync_worker.mapping.examples import run_examples
from sync_worker.mapping.load import loaded

PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Specimen:
    """What is kept. **Shapes** `native`: the record as the CRM sends it; `overrides`, `account_type_values`: of the portal it came from."""

    record: RecordMap
    native: Mapping[str, Any]
    reading: Reading
    overrides: Mapping[str, Any] = field(default_factory=dict)
    account_type_values: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The example as YAML, from its first key on. Only fields that are mapped are kept."""
        native = {name: self.native[name] for name in self.record.native_fields if name in self.native}
        values = {name: plain(value) for name, value in self.reading.values.items()}
        parts = {"account_type_values": self.account_type_values, "overrides": self.overrides, "native": native, "portal": values}
        kept = (f"{key}: {_flow(part)}" for key, part in parts.items() if part or key in ("native", "portal"))
        return [f"record: {self.record.record}", *kept]


def keep(path: Path, specimen: Specimen) -> int:
    """Writes the example into the file. Returns the line it begins on.

    **Raises** ConfigError: the file is not a mapping, or the example would not come out as it was read; then the file stays as it is.
    """
    text = path.read_bytes().decode("utf-8-sig")
    new, line = with_example(text, specimen.lines(), file=str(path))
    mapping = loaded(parse_source(new, file=str(path)), str(path))
    last = len(mapping.grammar.examples) - 1
    wrong = [mistake for mistake in run_examples(mapping) if mistake.path.startswith(f"examples[{last}]")]
    if wrong:
        why = "; ".join(f"{mistake.path.partition('.')[2]}: {mistake.what}" for mistake in wrong)
        raise ConfigError(f"{path}: nothing was saved: without its portal the mapping reads this record in another way — {why}")
    put_in_place(path, new)
    return line


def with_example(text: str, lines: list[str], *, file: str) -> tuple[str, int]:
    """The text with one more example, and the line on which that begins. **Raises** ConfigError where the examples stand in brackets."""
    source = parse_source(text, file=file)
    written = text.splitlines()
    if not source.at(("examples",)):
        if ("examples",) in source.keys:
            raise ConfigError([source.mistake(("examples",), "has no value", "take the key out, then save again", at_key=True)])
        return "\n".join([*written, "", "examples:", *_item(lines, "  ")]) + "\n", len(written) + 3
    start = source.place(("examples",))
    if written[start.line - 1][start.column - 1] != "-":
        raise ConfigError([source.mistake(("examples",), "the examples stand in brackets", "write each as lines that begin with a hyphen")])
    end = _end(written, source)
    return "\n".join([*written[:end], *_item(lines, " " * (start.column - 1)), *written[end:]]) + "\n", end + 1


def _end(written: list[str], source: Source) -> int:
    """The number of lines up to the end of the examples: what follows are blank lines and comments, or another key of the file."""
    begin = source.key_place(("examples",)).line
    later = [place.line for path, place in source.keys.items() if len(path) == 1 and place.line > begin]
    end = min(later) - 1 if later else len(written)
    while not written[end - 1].strip() or written[end - 1].startswith("#"):
        end -= 1
    return end


def _item(lines: list[str], indent: str) -> list[str]:
    return [f"{indent}{'- ' if place == 0 else '  '}{line}" for place, line in enumerate(lines)]


def _flow(value: Any) -> str:
    """YAML on one line; text in quotes, so that nothing of it is read as a sign of the language."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(key))}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return orjson.dumps(value).decode()


def _key(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else orjson.dumps(key).decode()
