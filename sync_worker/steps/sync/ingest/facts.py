"""FACTS: what of a write is seen to stand in the CRM. A write that takes several calls is several facts, and only what is seen is agreed.

    stands as it was sent                         agreed: the pair is the new base
    stands as before                              nothing was done: the old base stays
    an association that stands in between         our own gap: the base is *half*, and the field is owed
    anything else                                 somebody in the CRM wrote it: the merge decides

A record's properties are written by one call, its associations by calls of their own. Between those calls, or where one of them failed, an
association holds what stood before in part: nothing, or both companies. That must not be taken for the CRM's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.link import KEY
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.sync.ingest.deals.association_gap import association_gaps
from sync_worker.mapping.compile import RecordMap


def agreed(sent: Mapping[str, Base], record: RecordMap, native: NativeRecord) -> dict[str, Base]:
    """What was sent and stands there now, however the CRM spells it."""
    return {KEY: Base(None, native.fields.get(record.key_field)), **_as_sent(sent, record, native.fields)}


def found_by_key(sent: Mapping[str, Base], record: RecordMap, native: NativeRecord) -> dict[str, Base]:
    """The bases of a create whose answer was lost: the key stands there, so the call that carried it was taken, with all its fields."""
    linked = _associations(sent, record)
    same_call = {name: base for name, base in sent.items() if name not in linked}
    return {**same_call, **standing({}, linked, record, native.fields)}


def standing(base: Mapping[str, Base], sent: Mapping[str, Base], record: RecordMap, shown: Mapping[str, Any]) -> dict[str, Base]:
    """The bases that follow from what the CRM shows of a write. **Shapes** a field that `shown` does not have was not seen."""
    return {**gaps(base, sent, record, shown), **_as_sent(sent, record, shown)}


def gaps(base: Mapping[str, Base], sent: Mapping[str, Base], record: RecordMap, shown: Mapping[str, Any]) -> dict[str, Base]:
    """Associations that stand neither as before nor as sent, but in between: the gap that our own calls leave."""
    return association_gaps(base, sent, associations_shown(record, shown))


def associations_shown(record: RecordMap, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The record's associations as the CRM spells them, those that were read."""
    return {name: shown[field.native] for name, field in record.fields.items() if field.is_association and field.native in shown}


def _associations(named: Mapping[str, Base], record: RecordMap) -> dict[str, Base]:
    return {name: pair for name, pair in named.items() if name in record.fields and record.fields[name].is_association}


def _as_sent(sent: Mapping[str, Base], record: RecordMap, shown: Mapping[str, Any]) -> dict[str, Base]:
    reading = record.normalize(shown)
    found: dict[str, Base] = {}
    for name, base in sent.items():
        if name not in record.fields or record.fields[name].native not in shown:
            continue  # what an answer leaves out was not read
        spelling = shown[record.fields[name].native]
        is_same = name in reading.values and comparable(reading.values[name]) == base.portal
        if spelling == base.crm or is_same:
            found[name] = Base(base.portal, spelling)
    return found
