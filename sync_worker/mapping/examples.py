"""The examples of a mapping file, run: native + portal is a read, portal + create is a write. Only the fields named are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from sync_worker.config.nodes import NodePath
from sync_worker.config.source import Source
from sync_worker.domain.core.values import Value, plain
from sync_worker.errors import ConfigError, InvalidRecord, Mistake
from sync_worker.mapping.compile import RecordMap, compile_mapping
from sync_worker.mapping.grammar import Example, MappingFile
from sync_worker.mapping.load import LoadedMapping, loaded, overridden
from sync_worker.mapping.transforms import NUMBER, ValueMistake
from sync_worker.nearest import choose_from

ABSENT: Any = object()
OTHERWISE = "correct the example or the mapping"


@dataclass(frozen=True, slots=True)
class PlainDialect:
    """How a portal would spell things, where no portal is asked."""

    account_type_values: Mapping[str, str]
    zone: tzinfo = field(default=UTC)


def default_dialect(grammar: MappingFile, account_type_values: Mapping[str, str] | None = None) -> PlainDialect:
    """The file's own spellings of the account types, the given ones in their place."""
    own = {str(kind): word for kind, word in grammar.account_type_values.items()}
    return PlainDialect({**own, **(account_type_values or {})})


def run_examples(mapping: LoadedMapping) -> list[Mistake]:
    """What does not come out as the examples say; empty when all pass."""
    mistakes: list[Mistake] = []
    for index, example in enumerate(mapping.grammar.examples):
        try:
            mistakes += _outcome(mapping, example, index)
        except ConfigError as error:
            mistakes += error.mistakes
    return mistakes


def _outcome(mapping: LoadedMapping, example: Example, index: int) -> list[Mistake]:
    at: NodePath = ("examples", index)
    source, faults = overridden(mapping.source, example.overrides, origin=mapping.source, at=(*at, "overrides"))
    own = loaded(source, mapping.source_path, mistakes=faults)
    dialect = default_dialect(own.grammar, {str(kind): word for kind, word in example.account_type_values.items()})
    record = compile_mapping(own, dialect, None).records[example.record]
    trial = _Trial(record, mapping.source, at)
    values = dict(trial.parsed(example.portal))
    if example.native is not None:
        trial.read(example.native, values)
    if example.create is not None:
        trial.write(values, example.create)
    return trial.mistakes


class _Trial:
    """One example against one record map."""

    def __init__(self, record: RecordMap, source: Source, at: NodePath) -> None:
        self.record = record
        self.source = source
        self.at = at
        self.mistakes: list[Mistake] = []

    def parsed(self, portal: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
        """The portal's side as canonical values; names that do not exist and values that cannot be are mistakes."""
        for name, written in portal.items():
            one = self.record.fields.get(name)
            if one is None:
                remedy = choose_from(name, sorted(self.record.fields))
                self._mistake(("portal", name), f"{self.record.record} has no field {name!r}", remedy, at_key=True)
                continue
            try:
                yield name, one.parse(written)
            except ValueMistake as mistake:
                self._mistake(("portal", name), mistake.what)

    def read(self, native: Mapping[str, Any], expected: Mapping[str, Value]) -> None:
        """Every expected field comes out of the native record as expected."""
        reading = self.record.normalize(native)
        wrong = {mistake.field: mistake for mistake in reading.mistakes}
        for name, value in expected.items():
            mistake = wrong.get(name)
            if mistake:
                what = f"expected {_said(value)}, but {mistake.native} {mistake.what}"
                self._mistake(("portal", name), what, mistake.hint or OTHERWISE)
            elif name not in reading.values:
                one = self.record.fields[name]
                self._mistake(("portal", name), f"expected {_said(value)}, got nothing", f"the native record has no {one.native}")
            elif reading.values[name] != value:
                self._mistake(("portal", name), f"expected {_said(value)}, got {_said(reading.values[name])}")

    def write(self, values: Mapping[str, Value], expected: Mapping[str, Any]) -> None:
        """Every expected native field is in the create as expected."""
        try:
            created = self.record.create(values)
        except InvalidRecord as error:
            self._mistake(("portal", error.field), str(error))
            return
        for native, wanted in expected.items():
            got = created.get(native, ABSENT)
            if got is ABSENT:
                remedy = f"it sends {', '.join(created)}"
                self._mistake(("create", native), f"expected {_said(wanted)}, but the create does not send it", remedy)
            elif not _is_same(wanted, got):
                self._mistake(("create", native), f"expected {_said(wanted)}, got {_said(got)}")

    def _mistake(self, key: NodePath, what: str, remedy: str = OTHERWISE, *, at_key: bool = False) -> None:
        self.mistakes.append(self.source.mistake((*self.at, *key), what, remedy, at_key=at_key))


def _is_same(written: Any, sent: Any) -> bool:
    """What stands in the file is text: `true` and `1.5` mean the JSON values where the CRM takes those."""
    if type(sent) is bool:
        return bool(written == ("true" if sent else "false"))
    if isinstance(sent, (int, float)):
        return isinstance(written, str) and bool(NUMBER.fullmatch(written)) and Decimal(written) == Decimal(repr(sent))
    return bool(written == sent)


def _said(value: Any) -> str:
    shown = plain(value) if isinstance(value, (Decimal, tuple)) or hasattr(value, "isoformat") else value
    return "null" if shown is None else repr(shown)
