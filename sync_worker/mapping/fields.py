"""One field of a compiled mapping: `FieldMap`, with its reader and speller built from the transform, the value list and the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Literal, TypeAlias

from sync_worker.domain.values import Value
from sync_worker.mapping.catalog import CatalogField
from sync_worker.mapping.grammar import ConflictRule, Direction, FieldSpec, WriteMode
from sync_worker.mapping.transforms import (
    FLAGS,
    Read,
    Spell,
    Transform,
    ValueMistake,
    Wire,
    members,
    read_text,
    spell_flag,
    transform_named,
)
from sync_worker.mapping.vocabulary import RecordKind, domain_values

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One field on one record type.

    **Shapes** `field`: canonical; attributes stand flat. `native`: API name on this record, or what an association travels as.
    `transform`: as the mapping names it; `has_list`: only listed values make sense; `listed`: which, native → portal, where that is known.
    `allowed`: the portal values of a closed list. `read` and `spell` raise `ValueMistake`.
    """

    field: str
    native: str
    transform: str
    is_association: bool
    is_attribute: bool
    direction: Direction
    write: WriteMode
    conflict: ConflictRule
    is_set: bool
    is_reference: bool
    is_rule_field: bool
    is_optional: bool
    has_list: bool
    listed: Mapping[str, Value] | None
    allowed: tuple[Value, ...] | None
    create_default: Value
    read: Read
    spell: Spell
    parse: Read
    """A portal value as people write it in files (text, list, null) → the canonical value."""


def field_map(
    name: str,
    spec: FieldSpec,
    *,
    native: str,
    listed: Pairs | None,
    described: CatalogField | None,
    kind: RecordKind | None,
    wire: Wire,
    zone: tzinfo,
) -> FieldMap:
    """The field as functions.

    **Shapes** `listed`: the mapping's pairs, placeholders replaced. `described`: the catalog's word on the native field, if any.
    `kind`: whose canonical field it is; `None` for an attribute.
    """
    if spec.association:
        wire = replace(wire, null=None)  # an association that ends is taken away, not written as empty text
    transform = transform_named(_transform_name(spec, described), wire=wire, zone=zone)
    pairs = _pairs(spec, listed, described, domain_values(kind, name) if kind else None)
    default = None if spec.default is None else transform.read(spec.default)
    table = None if pairs is None else _typed(pairs, transform)
    is_open_on_write = spec.values is not None and spec.values.is_from_crm
    return FieldMap(
        field=name,
        native=native,
        transform=spec.transform or "text",
        is_association=spec.association is not None,
        is_attribute=kind is None,
        direction=spec.direction,
        write=spec.write,
        conflict=spec.conflict,
        is_set=transform.kind == "set",
        is_reference=transform.kind == "reference",
        is_rule_field=spec.rule_field,
        is_optional=spec.optional,
        has_list=spec.values is not None or table is not None,
        listed=table,
        allowed=None if table is None else _allowed(table, default),
        create_default=None if spec.create_default is None else transform.read(spec.create_default),
        read=_reader(transform, table, default),
        spell=transform.spell if table is None or is_open_on_write else _speller(transform, table, wire),
        parse=transform.read,
    )


def _transform_name(spec: FieldSpec, described: CatalogField | None) -> str:
    """What the CRM's field holds decides between the two days: in a time field the portal's zone does, in a day field no zone may."""
    if spec.transform in ("date", "datetime_to_date") and described is not None and described.type in ("date", "datetime"):
        return "date" if described.type == "date" else "datetime_to_date"
    return spec.transform or "text"


def _pairs(spec: FieldSpec, listed: Pairs | None, described: CatalogField | None, domain: tuple[str, ...] | None) -> Pairs | None:
    """The closed list of this field; `None` where any value passes."""
    if listed is not None:
        return listed
    if spec.values is not None and described is not None and described.values is not None:
        return tuple((value, value) for value in described.values)
    if domain is not None and spec.values is None:
        return tuple((value, value) for value in domain)
    return None


def _typed(pairs: Pairs, transform: Transform) -> dict[str, Value]:
    """Native → portal value. Members of a set stay single texts."""
    if transform.kind in ("set", "text"):
        return dict(reversed(pairs)) if len(dict(pairs)) < len(pairs) else dict(pairs)
    return {native: transform.read(portal) for native, portal in pairs}


def _allowed(table: Mapping[str, Value], default: Value) -> tuple[Value, ...]:
    extra = () if default is None else (default,)
    return tuple(dict.fromkeys([*table.values(), *extra]))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _reader(transform: Transform, table: Mapping[str, Value] | None, default: Value) -> Read:
    if table is None:
        return transform.read if default is None else _with_default(transform.read, default)
    return _set_reader(table) if transform.kind == "set" else _list_reader(table, default)


def _with_default(read: Read, default: Value) -> Read:
    def read_or_default(raw: Any) -> Value:
        found = read(raw)
        return default if found is None else found

    return read_or_default


def _list_reader(table: Mapping[str, Value], default: Value) -> Read:
    known: dict[Any, Value] = {None: default, "": default, **table}
    allowed = tuple(table)

    def read(raw: Any) -> Value:
        try:
            return known[raw]
        except (KeyError, TypeError):  # rare: padded, blank, unlisted, or no text at all
            text = (read_text(raw) or "").strip()
        if text in known:
            return known[text]
        if default is not None:
            return default
        raise _unlisted(text, allowed)

    return read


def _set_reader(table: Mapping[str, Value]) -> Read:
    allowed = tuple(table)

    def read(raw: Any) -> Value:
        found = members(raw)
        try:
            return tuple(sorted({str(table[member]) for member in found}))
        except KeyError as error:
            raise _unlisted(error.args[0], allowed) from None

    return read


def _unlisted(word: str, allowed: tuple[str, ...]) -> ValueMistake:
    return ValueMistake("unlisted_value", f"is {word!r}, which is not in the list", allowed)


# ── spelling ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Form: TypeAlias = Literal["flag", "text"]


def _speller(transform: Transform, table: Mapping[str, Value], wire: Wire) -> Spell:
    """The way back through the list; the first native value of several wins. A list of true and false is a checkbox."""
    is_checkbox = set(table) <= set(FLAGS)
    natives: dict[Value, Any] = {}
    for native, portal in table.items():
        natives.setdefault(portal, spell_flag(FLAGS[native], wire) if is_checkbox else native)
    allowed = tuple(str(value) for value in natives)

    def spell(value: Value) -> Any:
        if value is None or value == "":
            return wire.null
        if value not in natives:
            raise _unlisted(str(value), allowed)
        return natives[value]

    def spell_set(value: Value) -> Any:
        chosen = value if isinstance(value, tuple) else () if value is None else (str(value),)
        return transform.spell(tuple(str(spell(member)) for member in chosen))

    return spell_set if transform.kind == "set" else spell
