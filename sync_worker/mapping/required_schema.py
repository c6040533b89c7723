"""What each field of a CRM must be so that the mapping works: told from the mapping alone, in words that every CRM can build from.

A wish is compared with what describe shows (`lack_of`); the same answer is a row of `check` and a piece of work for `provision`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sync_worker.mapping.catalog import ASSOCIATION, Catalog, CatalogField, FieldType
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.fields import FieldMap
from sync_worker.mapping.transforms import FLAGS, decimal_places, kind_of
from sync_worker.mapping.vocabulary import TEXT_AREAS
from sync_worker.nearest import slip_of

FieldKind: TypeAlias = Literal[
    "key", "text", "text_area", "decimal", "integer", "boolean", "date", "picklist", "multi_picklist", "reference"
]
LackKind: TypeAlias = Literal["missing", "not_unique", "other_type", "other_target", "read_only", "values"]
KEY_LENGTH = 36  # a UUID as text
_BUILT_AS: Mapping[FieldKind, frozenset[FieldType]] = {
    "key": frozenset({"text"}),
    "text_area": frozenset({"text"}),
    "decimal": frozenset({"number"}),
    "integer": frozenset({"number"}),
    "boolean": frozenset({"boolean", "picklist"}),
    "date": frozenset({"date", "datetime"}),
    "picklist": frozenset({"picklist", "text", "boolean"}),
    "multi_picklist": frozenset({"multi_picklist"}),
    "reference": frozenset({"reference", "text"}),
}
"""Which types of a CRM hold what we mean; a kind that is not here is held by any."""


@dataclass(frozen=True, slots=True)
class FieldWish:
    """One field as it must be.

    **Shapes** `native`: the record type; `name`: the field's API name, or `association:…` for a labelled association to a company
    (`is_association`); `fields`: the canonical fields that live in it, none for our key and for constants; `values`: what its list must
    hold, empty where the list is the CRM's own; `spellings`: every value that the mapping knows; `refers_to`: the record type that a
    reference leads to; `places`: decimals of an amount.
    """

    native: str
    name: str
    kind: FieldKind
    fields: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    places: int = 0
    refers_to: str = ""
    is_written: bool = False
    is_optional: bool = False

    @property
    def is_association(self) -> bool:
        return self.name.startswith(ASSOCIATION)

    @property
    def subject(self) -> str:
        return f"{self.native}.{self.name}"

    @property
    def label(self) -> str:
        """What people read, where we name it: *Portal Deal Key* for `Portal_Deal_Key__c` and for `portal_deal_key`."""
        words = self.name.removeprefix(ASSOCIATION).removesuffix("__c").replace("_", " ").split()
        return " ".join(word[:1].upper() + word[1:] for word in words)


@dataclass(frozen=True, slots=True)
class Lack:
    """What a field has not. **Shapes** `values`: those the list lacks, for `values`; `found`: what is there instead."""

    kind: LackKind
    found: str = ""
    values: tuple[str, ...] = ()


def wishes(record: RecordMap, *, company: RecordMap) -> list[FieldWish]:
    """Every field that one record type must have, each once: our key first, then the mapping's order, then the constants of a create."""
    key = FieldWish(record.native, record.key_field, "key", is_written=True)
    mapped = [_of_field(record, field, company.native) for field in record.fields.values()]
    constants = [
        FieldWish(record.native, name, "picklist", values=(constant,), is_written=True) for name, constant in record.on_create.items()
    ]
    return list(_each_once([key, *mapped, *constants]))


def lack_of(wish: FieldWish, described: CatalogField | None) -> Lack | None:
    """The first thing that is wrong with the field as the CRM describes it; None where nothing is."""
    if described is None:
        return None if wish.is_optional else Lack("missing")
    if described.type not in _BUILT_AS.get(wish.kind, {described.type}):
        return Lack("other_type", described.type)
    if wish.kind == "key" and not described.is_unique:
        return Lack("not_unique")
    if described.type == "reference" and wish.refers_to and wish.refers_to not in described.refers_to:
        return Lack("other_target", ", ".join(described.refers_to))
    if wish.is_written and not (described.is_createable or described.is_updateable):
        return Lack("read_only")
    return _unlisted(wish, described)


def slips(wish: FieldWish, lack: Lack | None, catalog: Catalog, *, claimed: Collection[str]) -> dict[str, str]:
    """What is missing → what is there instead, and differs from it by its capitals or by one letter: a mistake more likely than a wish.

    **Shapes** keys: the field's name, or values of its list. `claimed`: the fields that the mapping names; they are what they are called.
    """
    if lack is None or lack.kind not in ("missing", "values"):
        return {}
    if lack.kind == "missing":
        near = slip_of(wish.name, [name for name in catalog.fields if name not in claimed])
        return {wish.name: near} if near else {}
    unknown = [value for value in catalog.fields[wish.name].values or () if value not in (*wish.values, *wish.spellings)]
    return {value: near for value in lack.values if (near := slip_of(value, unknown))}


def _unlisted(wish: FieldWish, described: CatalogField) -> Lack | None:
    """What we write must be listed (a constant only where the list is closed); of what we only read, something must be."""
    listed = described.values
    if listed is None or not wish.values:
        return None
    absent = tuple(value for value in wish.values if value not in listed)
    if wish.is_written:
        return Lack("values", values=absent) if absent and (wish.fields or described.is_restricted) else None
    return Lack("values", values=absent) if len(absent) == len(wish.values) else None


def _of_field(record: RecordMap, field: FieldMap, company: str) -> FieldWish:
    kind, places = _kind(field)
    return FieldWish(
        native=record.native,
        name=field.native,
        kind=kind,
        fields=(field.field,),
        values=_values(field) if kind in ("picklist", "multi_picklist") else (),
        spellings=tuple(field.listed or ()),
        places=places,
        refers_to=company if kind == "reference" else "",
        is_written=field.direction != "pull",
        is_optional=field.is_optional,
    )


def _kind(field: FieldMap) -> tuple[FieldKind, int]:
    kind = kind_of(field.transform) or "text"
    if kind == "set":
        return "multi_picklist", 0
    if kind == "text" and field.has_list:
        is_flag = field.listed is not None and set(field.listed) <= set(FLAGS)
        return ("boolean" if is_flag else "picklist"), 0
    if kind == "decimal":
        return "decimal", decimal_places(field.transform)
    if field.field in TEXT_AREAS:
        return "text_area", 0
    return kind, 0


def _values(field: FieldMap) -> tuple[str, ...]:
    """The native values, the first where several mean the same: that one is written."""
    first: dict[object, str] = {}
    for native, portal in (field.listed or {}).items():
        first.setdefault(portal, native)
    return tuple(first.values())


def _each_once(found: Iterable[FieldWish]) -> Iterator[FieldWish]:
    """Wishes of the same field as one: the first says what it is, all say what it must hold."""
    by_name: dict[str, list[FieldWish]] = {}
    for wish in found:
        by_name.setdefault(wish.name, []).append(wish)
    for first, *others in by_name.values():
        same = [first, *others]
        yield replace(
            first,
            fields=tuple(dict.fromkeys(field for wish in same for field in wish.fields)),
            values=tuple(dict.fromkeys(value for wish in same for value in wish.values)),
            spellings=tuple(dict.fromkeys(value for wish in same for value in wish.spellings)),
            is_written=any(wish.is_written for wish in same),
            is_optional=all(wish.is_optional for wish in same),
        )
