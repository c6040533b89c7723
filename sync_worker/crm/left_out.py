"""What an answer leaves out of a record that it was asked for: the field is empty, or it is not there any more.

A vendor may leave empty fields out of an answer, and answers the same for a field that an admin has just taken away. A describe that was
taken after the answer tells the two apart; an older one would turn a field that is gone into a clearing of every record. Nothing is asked
where nothing is left out. An answer to a write was asked for nothing: what it leaves out is unread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sync_worker.crm.port import NativeRecord
from sync_worker.errors import SchemaChanged

MOST_NAMES = 10  # in one message

Described = Callable[[], Collection[str]]
"""Asks the CRM now for the fields of the record type that it shows us."""


def fill(records: Sequence[NativeRecord], asked: Collection[str], described: Described) -> None:
    """Fields that were asked for and are left out become None in these records of one type; deleted ones stay as they are.

    **Raises** SchemaChanged naming the fields that the CRM does not describe any more.
    """
    wanted = frozenset(asked)
    partial = [record for record in records if not record.is_deleted and not wanted <= record.fields.keys()]
    if not partial:
        return
    absent = {name for record in partial for name in wanted - record.fields.keys()}
    gone = sorted(absent - set(described()))
    if gone:
        raise _changed(partial[0].native, gone)
    for record in partial:
        record.fields = {**dict.fromkeys(wanted - record.fields.keys()), **record.fields}


def _changed(native: str, gone: Sequence[str]) -> SchemaChanged:
    names = ", ".join(f"{native}.{name}" for name in gone[:MOST_NAMES])
    more = f" and {len(gone) - MOST_NAMES} more" if gone[MOST_NAMES:] else ""
    return SchemaChanged(
        f"the CRM's answer leaves out {names}{more}, and a describe taken after it does not show {'it' if len(gone) == 1 else 'them'}: "
        "an admin deleted the field, or took away the access to it. No value was changed here. "
        "Restore the field or the access, or correct the mapping; `sync-worker check` lists what is missing"
    )
