"""Which field a person means who asks for a backfill, and on which record types it can be read. No call is made here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from sync_worker.errors import ConfigError
from sync_worker.mapping.compile import CompiledMapping
from sync_worker.mapping.fields import FieldMap
from sync_worker.mapping.grammar import CompanyFields, DealFields
from sync_worker.nearest import did_you_mean, listed

ATTRIBUTES: Final = "attributes"
_CANONICAL: Final = {"company": CompanyFields.model_fields.keys() - {ATTRIBUTES}, "deal": DealFields.model_fields.keys() - {ATTRIBUTES}}


class Fillable(NamedTuple):
    """A field that can be read. **Shapes** `field`: as record types map it, attributes flat; `records`: those that map it to be read."""

    field: str
    records: tuple[str, ...]


def fillable(word: str, described: CompiledMapping, written: CompiledMapping, records: Collection[str]) -> Fillable:
    """The field that `word` names (`amount`, `attributes.region`, `region`), on those of the record types that read it.

    **Shapes** `described`: the mapping held against what the CRM has; `written`: the same as its file says.
    **Raises** ConfigError what to do: the word is not a field, no record type maps it, the CRM does not have it, or it is only written.
    """
    field = word.removeprefix(f"{ATTRIBUTES}.")
    is_attribute_asked = field != word
    mapped = _mapped(written, field, records, is_attribute_asked=is_attribute_asked)
    if not mapped:
        raise ConfigError(_unmapped(word, field, written, records, is_attribute_asked=is_attribute_asked))
    read = {name: one for name, one in mapped.items() if one.direction != "push"}
    if not read:
        raise ConfigError(
            f"field {word}: {written.source_path} writes it to the CRM and never reads it (direction: push): nothing can be brought in. "
            "If the CRM's values are wanted here, write direction: pull (or both) there, restart the workers, and ask again"
        )
    there = tuple(name for name in read if field in described.records[name].fields)
    if not there:
        lacking = ", ".join(f"{written.records[name].native}.{one.native}" for name, one in read.items())
        raise ConfigError(
            f"field {word}: {written.source_path} maps it as optional, and the CRM shows this user no {lacking}. "
            "Create it (sync-worker provision), or grant access to it, and ask again"
        )
    return Fillable(field, there)


def _mapped(written: CompiledMapping, field: str, records: Collection[str], *, is_attribute_asked: bool) -> dict[str, FieldMap]:
    found = {name: written.records[name].fields.get(field) for name in records}
    return {name: one for name, one in found.items() if one and (one.is_attribute or not is_attribute_asked)}


def _unmapped(word: str, field: str, written: CompiledMapping, records: Collection[str], *, is_attribute_asked: bool) -> str:
    kinds = sorted({written.records[name].kind for name in records})
    known = [kind for kind in kinds if field in _CANONICAL[kind] and not is_attribute_asked]
    if known:
        where = " or ".join(f"`{kind}:`" for kind in known)
        return (
            f"field {word}: no record type of this portal ({', '.join(records)}) maps it, so it is not read. "
            f"Map it under {where} in {written.source_path}, restart the workers, and ask again"
        )
    names = {_spelled(one) for name in records for one in written.records[name].fields.values() if one.direction != "push"}
    bare = {name.removeprefix(f"{ATTRIBUTES}.") for name in names}
    near = did_you_mean(word, sorted(names)) or did_you_mean(field, sorted(bare))
    remedy = f"{near} allowed: {listed(sorted(names))}".lstrip()
    return f"field {word}: {written.source_path} has no such field for {', '.join(records)} — {remedy}"


def _spelled(one: FieldMap) -> str:
    return f"{ATTRIBUTES}.{one.field}" if one.is_attribute else one.field
