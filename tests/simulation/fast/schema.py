"""The record types of one account, as its admin leaves them: what the worker's user does not see, and what its lists hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sync_worker.mapping.catalog import Catalog, CatalogField, FieldType


class AccountSchema:
    """Record type → its fields, and those that are hidden."""

    def __init__(self, types: Mapping[str, Mapping[str, CatalogField]]) -> None:
        self._types = dict(types)
        self._catalogs: dict[str, Catalog] = {}
        self._hidden: set[tuple[str, str]] = set()
        self._taken: set[tuple[str, str, str]] = set()

    def copied(self) -> AccountSchema:
        """Another one that says the same."""
        other = AccountSchema(self._types)
        other._hidden, other._taken = set(self._hidden), set(self._taken)
        return other

    def catalog(self, native: str) -> Catalog:
        """What a describe says."""
        if native not in self._catalogs:
            self._catalogs[native] = _catalog(native, self._types[native], {name for type_, name in self._hidden if type_ == native})
        return self._catalogs[native]

    def unseen(self, native: str, names: Iterable[str]) -> list[str]:
        """Those of these fields that are hidden."""
        return [name for name in names if (native, name) in self._hidden]

    def refused(self, native: str, fields: Mapping[str, Any]) -> str:
        """The field whose value no write may choose any more; "" for none."""
        return next((name for name, value in fields.items() if (native, name, str(value)) in self._taken), "")

    def hide(self, native: str, field: str) -> bool:
        is_news = (native, field) not in self._hidden
        self._hidden.add((native, field))
        self._catalogs.clear()
        return is_news

    def show(self) -> bool:
        was_hidden = bool(self._hidden)
        self._hidden.clear()
        self._catalogs.clear()
        return was_hidden

    def make(self, native: str, field: str) -> None:
        """A field that was hidden is made, and this user sees it."""
        self._hidden.discard((native, field))
        self._catalogs.clear()

    def add(self, native: str, field: str, added: Sequence[str]) -> None:
        """These values can be chosen, whether they were taken off the list before or not."""
        one = self._types[native][field]
        values = tuple(dict.fromkeys((*(one.values or ()), *added)))
        self._change(native, replace(one, values=values, inactive=tuple(other for other in one.inactive if other not in added)))
        self._taken -= {(native, field, value) for value in added}

    def take(self, native: str, field: str, dice: float, *, is_deleted: bool) -> str:
        """The value that is gone from the list, "" where only one is left."""
        one = self._types[native][field]
        values = one.values or ()
        if len(values) < 2:
            return ""
        taken = values[int(dice * len(values))]
        inactive = one.inactive if is_deleted else (*one.inactive, taken)
        self._change(native, replace(one, values=tuple(value for value in values if value != taken), inactive=inactive))
        self._taken.add((native, field, taken))
        return taken

    def fields(self, native: str) -> Mapping[str, CatalogField]:
        """All of them, the hidden ones too."""
        return self._types[native]

    def whole(self, native: str) -> Catalog:
        """What a describe would say if nothing were hidden."""
        return _catalog(native, self._types[native], set())

    def retype(self, native: str, field: str, type_: FieldType) -> None:
        self._change(native, replace(self._types[native][field], type=type_))

    def _change(self, native: str, one: CatalogField) -> None:
        self._types[native] = {**self._types[native], one.name: one}
        self._catalogs.clear()


_whole: dict[int, Catalog] = {}


def _catalog(native: str, fields: Mapping[str, CatalogField], hidden: set[str]) -> Catalog:
    """The same one for the same fields, of whichever seed: what the workers make of it is kept by it."""
    if hidden:
        return Catalog(native, {name: one for name, one in fields.items() if name not in hidden})
    found = _whole.get(id(fields))
    if found is None or found.fields is not fields:
        found = _whole[id(fields)] = Catalog(native, fields)
    return found
