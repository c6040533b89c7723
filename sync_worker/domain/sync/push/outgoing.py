"""OUTGOING WRITES: what one record owes the CRM, decided from what the portal holds and what both sides last agreed on. Pure.

its CRM record could not be read as it is now        park: it is unknown what a write replaces, and a failure says so already
the CRM is to hear nothing of it                     nothing
it names a company that has no CRM record yet        park
nothing differs from what was agreed                 nothing
anything else                                        write these fields, and our key where the CRM record lacks it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sync_worker.domain.core.reconcile import Base, FieldRule, comparable, owed
from sync_worker.domain.core.values import Value
from sync_worker.errors import InvalidRecord, RecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """What is known of a record that is due.

    **Shapes** `held`: as the portal holds it; None where the CRM is to hear nothing of it. `base`: what was agreed on; None where the CRM
    has no record of it yet. `waiting`: fields that are not written now. `companies`: for each field that names a company, its CRM id; None
    where it has none. `key`: the key on the CRM record; None where that is not known. `is_key_left_over`: that key is of a record that is
    gone. `is_unread`: its CRM record could not be read as it is now.
    """

    record_id: str
    held: Mapping[str, Value] | None
    base: Mapping[str, Base] | None
    waiting: Collection[str] = ()
    companies: Mapping[str, str | None]
    key: str | None = None
    is_key_left_over: bool = False
    is_unread: bool = False

    @property
    def is_key_owed(self) -> bool:
        """Whether our key is to be written in the place of the one that stands there."""
        return self.key is not None and self.key != self.record_id and (not self.key or self.is_key_left_over)


@dataclass(frozen=True, slots=True)
class WriteFields:
    """These fields are written, each with the value that the CRM is to have, and our key where it is owed."""

    fields: Mapping[str, Value]
    is_key_owed: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is owed any more."""


@dataclass(frozen=True, slots=True)
class Park:
    """It cannot be written. **Shapes** `error` `None`: why is said by a failure that is open already."""

    error: RecordError | None = None


Decision: TypeAlias = WriteFields | Nothing | Park


def decide(owing: Owing, rules: Mapping[str, FieldRule]) -> Decision:
    """What becomes of a record that is due. An empty field of a new record is left to the CRM's own defaults."""
    if owing.is_unread:
        return Park()
    if owing.held is None:
        return Nothing()
    is_create = owing.base is None
    names = owed(rules, base=owing.base or {}, portal=owing.held, is_create=is_create, waiting=owing.waiting)
    written = [name for name in names if not (is_create and comparable(owing.held.get(name)) is None)]
    for name in written:
        if name in owing.companies and owing.companies[name] is None:
            words = f"{name} has no CRM record yet, so the deal cannot name it there"
            return Park(InvalidRecord(words, code="company_not_in_crm", field=name))
    if not (is_create or written or owing.is_key_owed):
        return Nothing()
    return WriteFields({name: owing.companies.get(name, owing.held.get(name)) for name in written}, owing.is_key_owed)
