"""The record types of one account, as its admin leaves them: what the worker's user does not see, and what its lists hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sync_worker.mapping.catalog import Catalog, CatalogField


class AccountSchema:
    """Record type → its fields, and those that are hidden."""

    def __init__(self, types: Mapping[str, Mapping[str, CatalogField]]) -> None:
        self._types = {native: dict(fields) for native, fields in types.items()}
        self._hidden: set[tuple[str, str]] = set()
        self._taken: set[tuple[str, str, str]] = set()

    def catalog(self, native: str) -> Catalog:
        """What a describe says."""
        return Catalog(native, {name: one for name, one in self._types[native].items() if (native, name) not in self._hidden})

    def unseen(self, native: str, names: Iterable[str]) -> list[str]:
        """Those of these fields that are hidden."""
        return [name for name in names if (native, name) in self._hidden]

    def refused(self, native: str, fields: Mapping[str, Any]) -> str:
        """The field whose value no write may choose any more; "" for none."""
        return next((name for name, value in fields.items() if (native, name, str(value)) in self._taken), "")

    def hide(self, native: str, field: str) -> bool:
        is_news = (native, field) not in self._hidden
        self._hidden.add((native, field))
        return is_news

    def show(self) -> bool:
        was_hidden = bool(self._hidden)
        self._hidden.clear()
        return was_hidden

    def add(self, native: str, field: str, value: str) -> None:
        one = self._types[native][field]
        self._types[native][field] = replace(one, values=(*(one.values or ()), value))

    def take(self, native: str, field: str, dice: float, *, is_deleted: bool) -> str:
        """The value that is gone from the list, "" where only one is left."""
        one = self._types[native][field]
        values = one.values or ()
        if len(values) < 2:
            return ""
        taken = values[int(dice * len(values))]
        inactive = one.inactive if is_deleted else (*one.inactive, taken)
        self._types[native][field] = replace(one, values=tuple(value for value in values if value != taken), inactive=inactive)
        self._taken.add((native, field, taken))
        return taken
