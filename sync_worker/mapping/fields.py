"""One field of a compiled mapping: `FieldMap`, with its reader and speller built from the transform, the value list and the defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, TypeAlias

from sync_worker.domain.core.values import Value
from sync_worker.mapping.catalog import CatalogField
from sync_worker.mapping.grammar import ConflictRule, Direction, FieldSpec, WriteMode
from sync_worker.mapping.transforms import (
    FLAGS,
    Read,
    Spell,
    Transform,
    ValueMistake,
    WireForm,
    decimal_places,
    members,
    money,
    read_text,
    spell_flag,
    transform_named,
)
from sync_worker.mapping.vocabulary import AMOUNT, CURRENCY, CUT_TO_FIT, RecordKind, domain_values

Pairs: TypeAlias = tuple[tuple[str, str], ...]
UNLISTED = "unlisted_value"  # by the mapping's own list, which refuses that value alone


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One field on one record type.

    **Shapes** `field`: canonical; attributes stand flat. `native`: API name on this record, or what an association travels as.
    `transform`: as the mapping names it; `has_list`: only listed values make sense; `listed`: which, native → portal, where that is known.
    `allowed`: the portal values that people may choose from, where there is a list. `known`: every value on the CRM's own list, those that
    people can no longer choose included; None where the mapping lists the values, or the CRM has no list. `read` takes what the CRM holds
    of an open list, known or not. `longest`: so many characters fit into the CRM's field; 0 = it does not say. `most`: the same, of a
    text that is cut to fit; 0 = it is not cut. `money_places`: of an amount, its decimals where no currency says them; else `None`. An
    amount is read as exact as it was written. `read` and `spell` raise `ValueMistake`.
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
    is_optional: bool
    has_list: bool
    listed: Mapping[str, Value] | None
    allowed: tuple[Value, ...] | None
    known: frozenset[str] | None
    longest: int
    create_default: Value
    most: int
    money_places: int | None
    read: Read
    spell: Spell
    parse: Read
    """A portal value as people write it in files (text, list, null) → the canonical value."""

    def offers(self, value: Value, *, besides: Value = None) -> bool:
        """Whether the list, if there is one, has this value, or each member of this set; `besides` is what the record holds already."""
        if self.allowed is None:
            return True
        return all(item in self.allowed or item in _items(besides) for item in _items(value))

    def fitted(self, value: Value) -> Value:
        """The value as the CRM's field can hold it."""
        if not (self.most and isinstance(value, str) and len(value) > self.most):
            return value
        return f"{value[: self.most - 1]}…"


def _items(value: Value) -> tuple[Value, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class NativeField:
    """The CRM's field behind one of ours.

    **Shapes** `listed`: the mapping's pairs, placeholders replaced. `described`: the catalog's word on it, if any.
    """

    name: str
    listed: Pairs | None
    described: CatalogField | None


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a CRM writes values. **Shapes** `zone`: the portal's, in which a moment of the CRM is a day."""

    wire: WireForm
    zone: tzinfo


def field_map(name: str, spec: FieldSpec, native: NativeField, *, kind: RecordKind | None, spelling: Spelling) -> FieldMap:
    """The field as functions. **Shapes** `kind`: whose canonical field it is; `None` for an attribute."""
    wire, zone, listed, described = spelling.wire, spelling.zone, native.listed, native.described
    if spec.association:
        wire = replace(wire, null=None)  # an association that ends is taken away, not written as empty text
    is_money = kind == "deal" and name == AMOUNT
    transform = money(wire) if is_money else transform_named(_transform_name(spec, described), wire=wire, zone=zone)
    default = None if spec.default is None else transform.read(spec.default)
    pairs = _pairs(spec, listed, domain_values(kind, name) if kind else None)
    table = None if pairs is None else _typed(pairs, transform)
    offered = _offered(spec, described, is_currency=kind == "deal" and name == CURRENCY)
    open_table = None if offered is None else _typed(offered, transform)
    known = None if offered is None or described is None else frozenset((*(described.values or ()), *described.inactive))
    return FieldMap(
        field=name,
        native=native.name,
        transform=spec.transform or "text",
        is_association=spec.association is not None,
        is_attribute=kind is None,
        direction=spec.direction,
        write=spec.write,
        conflict=spec.conflict,
        is_set=transform.kind == "set",
        is_optional=spec.optional,
        has_list=spec.values is not None or table is not None,
        listed=table if open_table is None else open_table,
        allowed=_allowed(table, open_table, default),
        known=known,
        most=described.length if described and kind == "deal" and name in CUT_TO_FIT else 0,
        longest=described.length if described is not None and transform.kind == "text" and table is None else 0,
        create_default=None if spec.create_default is None else transform.read(spec.create_default),
        money_places=decimal_places(spec.transform) if is_money else None,
        read=_reader(transform, table, known, default),
        spell=transform.spell if table is None else _speller(transform, table, wire),
        parse=transform.read,
    )


def _transform_name(spec: FieldSpec, described: CatalogField | None) -> str:
    """What the CRM's field holds decides between the two days: in a time field the portal's zone does, in a day field no zone may."""
    if spec.transform in ("date", "datetime_to_date") and described is not None and described.type in ("date", "datetime"):
        return "date" if described.type == "date" else "datetime_to_date"
    return spec.transform or "text"


def _pairs(spec: FieldSpec, listed: Pairs | None, domain: tuple[str, ...] | None) -> Pairs | None:
    """The closed list of this field; `None` where any value passes."""
    if listed is not None:
        return listed
    if domain is not None and spec.values is None:
        return tuple((value, value) for value in domain)
    return None


def _offered(spec: FieldSpec, described: CatalogField | None, *, is_currency: bool) -> Pairs | None:
    """What people may choose in an open list: the CRM's own, as described; `None` where there is none. Currencies are one by default."""
    is_from_crm = is_currency if spec.values is None else spec.values.is_from_crm
    if not is_from_crm or described is None or described.values is None:
        return None
    return tuple((value, value) for value in described.offered)


def _typed(pairs: Pairs, transform: Transform) -> dict[str, Value]:
    """Native → portal value. Members of a set stay single texts."""
    if transform.kind in ("set", "text"):
        return dict(reversed(pairs)) if len(dict(pairs)) < len(pairs) else dict(pairs)
    return {native: transform.read(portal) for native, portal in pairs}


def _allowed(closed: Mapping[str, Value] | None, offered: Mapping[str, Value] | None, default: Value) -> tuple[Value, ...] | None:
    table = closed if offered is None else offered
    if table is None:
        return None
    extra = () if default is None else (default,)
    return tuple(dict.fromkeys([*table.values(), *extra]))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _reader(transform: Transform, table: Mapping[str, Value] | None, known: frozenset[str] | None, default: Value) -> Read:
    if table is None:
        read = transform.read if known is None or transform.kind != "text" else _open_reader(transform.read, known)
        return read if default is None else _with_default(read, default)
    return _set_reader(table) if transform.kind == "set" else _list_reader(table, default)


def _open_reader(read: Read, known: frozenset[str]) -> Read:
    """Any value as it stands; of a listed one without the blanks around it."""

    def read_as_it_stands(raw: Any) -> Value:
        found = read(raw)
        if type(found) is not str or found in known:
            return found
        bare = found.strip()
        return bare if bare in known else found

    return read_as_it_stands


def unknown_members(raw: Any, known: frozenset[str], *, is_set: bool) -> tuple[str, ...]:
    """What the CRM holds here and has on no list of its own."""
    if raw is None or (type(raw) is str and raw in known):
        return ()
    if not is_set:
        bare = raw.strip() if type(raw) is str else ""  # numbers and booleans have no list of texts
        return (bare,) if bare and bare not in known else ()
    try:
        return tuple(member for member in members(raw) if member not in known)
    except ValueMistake:
        return ()  # not a set at all: reading it says so


def distinct(raws: Iterable[Any]) -> Iterable[Any]:
    """Each spelling once, as far as they can be compared: a list of values, as it stands in JSON, cannot."""
    found = list(raws)
    try:
        return set(found)
    except TypeError:
        return found


ODD: Any = object()
"""In the place of a value that cannot be read, is not there, or is on no list of the CRM."""
_TEXTS = {str, type(None)}


def read_column(
    read: Read, raws: Sequence[Any], *, absent: Any, known: frozenset[str] | None, is_set: bool
) -> tuple[list[Value], set[int]]:
    """One field of many records, and the places of those whose value is odd; a spelling that repeats is read once.

    **Shapes** `absent` stands for a value that is not there.
    """

    def read_one(raw: Any) -> Value:
        if raw is absent or (raw and known is not None and unknown_members(raw, known, is_set=is_set)):
            return ODD  # type: ignore[no-any-return]
        try:
            return read(raw)
        except ValueMistake:
            return ODD  # type: ignore[no-any-return]

    if set(map(type, raws)) <= _TEXTS:  # 1, 1.0 and True are one key, and three spellings
        spellings = {raw: read_one(raw) for raw in set(raws)}
        column = [spellings[raw] for raw in raws]
        is_clean = not any(value is ODD for value in spellings.values())
    else:
        column, is_clean = [read_one(raw) for raw in raws], False
    return column, set() if is_clean else {place for place, value in enumerate(column) if value is ODD}


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
        raise _unlisted((text,), allowed)

    return read


def _set_reader(table: Mapping[str, Value]) -> Read:
    allowed = tuple(table)

    def read(raw: Any) -> Value:
        found = members(raw)
        rest = tuple(sorted({str(table[member]) for member in found if member in table}))
        bad = tuple(member for member in found if member not in table)
        if bad:
            raise _unlisted(bad, allowed, rest)
        return rest

    return read


def _unlisted(words: tuple[str, ...], allowed: tuple[str, ...], rest: tuple[str, ...] | None = None) -> ValueMistake:
    what = f"is {words[0]!r}, which is not in the list" if rest is None else f"holds {_quoted(words)}, not in the list"
    return ValueMistake(UNLISTED, what, allowed, members=words if rest is not None else (), rest=rest)


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(repr(word) for word in words)


# ── spelling ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _speller(transform: Transform, table: Mapping[str, Value], wire: WireForm) -> Spell:
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
            raise _unlisted((str(value),), allowed)
        return natives[value]

    def spell_set(value: Value) -> Any:
        chosen = value if isinstance(value, tuple) else () if value is None else (str(value),)
        return transform.spell(tuple(str(spell(member)) for member in chosen))

    return spell_set if transform.kind == "set" else spell
