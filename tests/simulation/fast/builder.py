"""What an admin does to the vendor's record types, by its API: the schema behind the port, for `provision`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sync_worker.mapping.required_schema import FieldWish
from tests.simulation.fast.port import FastCrm


class FastSchema:
    """One worker's. See `crm/port.py` for what each call promises."""

    most_options = None

    def __init__(self, crm: FastCrm) -> None:
        self._crm = crm

    def by_hand(self, wish: FieldWish) -> str:
        del wish
        return ""

    def create(self, wish: FieldWish) -> None:
        self._crm.call("schema", lambda: self._crm.vendor.schema.make(wish.native, wish.name))

    def add_values(self, wish: FieldWish, values: Sequence[str]) -> None:
        self._crm.call("schema", lambda: self._crm.vendor.schema.add(wish.native, wish.name, values))

    def conversion(self, native: str, into: str) -> Mapping[str, str] | None:
        del native, into
        return None
