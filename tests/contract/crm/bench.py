"""What the contract's tests ask of a CRM under test: a connection as the worker makes it, and the hands of people in that CRM.

A new CRM joins by a class of this shape and one entry in conftest.py.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sync_worker.crm.port import Crm, WholeCrm


def closed_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bench(Protocol):
    """One record type of one CRM, in a sandbox with its clock frozen."""

    native: str
    key_field: str
    name_field: str
    filter_field: str  # text, empty unless said
    bad_field: str  # takes no value but those of a list
    rejects_with: str  # the vendor's code for another value
    full_code: str  # the vendor's code where there is no room for another record

    def connect(self) -> WholeCrm:
        """A connection that shares its log-in with the others."""

    def unreachable(self) -> Crm:
        """One that is logged in, and whose CRM then refuses every connection."""

    def now(self) -> datetime: ...

    def move_clock(self, to: datetime) -> None: ...

    def create(self, name: str, *, key: str | None = None, marker: str | None = None) -> str: ...

    def edit(self, crm_id: str, name: str) -> None: ...

    def delete(self, crm_id: str) -> None: ...

    def purge(self, crm_id: str) -> None: ...

    def hide(self, crm_id: str) -> None:
        """Sharing hides the record from the connection."""

    def show(self, crm_id: str) -> None:
        """It is shown again, its stamp as it was."""

    def merge(self, winner: str, loser: str) -> None: ...

    def required(self, name: str) -> dict[str, Any]:
        """The fields a create needs."""

    def stored(self, crm_id: str) -> Mapping[str, Any]:
        """The record as the CRM holds it."""

    def with_key(self, key: str) -> list[Mapping[str, Any]]:
        """The live records that carry the key."""

    def pages_of(self, count: int) -> None:
        """From now on no page holds more."""

    def lose_reply(self) -> None:
        """The next write is done, and its answer lost."""

    def be_too_busy(self) -> None:
        """The next write is refused for the moment."""

    def lock_one(self) -> None:
        """One record of the next write is locked by somebody."""

    def order(self, what: str, **order: Any) -> None:
        """A fault of the next calls that ask for the `time`, `scan` or `read` records, or `create` or `update` some."""

    def new_field(self, word: str) -> str:
        """How this CRM spells the name of a field that is to be made."""

    def lose_definition(self) -> None:
        """The next field is made, and the answer lost."""

    def leave_out_empty(self) -> None:
        """From now on answers leave out the fields that are empty."""

    def take_field_away(self, name: str) -> None:
        """An admin deletes the field, or takes it from our sight."""

    def describe_count(self) -> int:
        """How often the record type's fields were asked for since the test began."""

    def data_calls(self) -> int:
        """As the CRM has counted them since the test began."""
