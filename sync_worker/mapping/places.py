"""Where a field, or the key of a record type, is written down: in the mapping file, or among a portal's overrides."""

from __future__ import annotations

from sync_worker.config.nodes import NodePath
from sync_worker.errors import Place
from sync_worker.mapping.load import LoadedMapping
from sync_worker.mapping.vocabulary import RecordKind


def place_of(mapping: LoadedMapping, kind: RecordKind, field: str, key: str = "") -> Place:
    """Where a field of ours stands; with `key`, where that key of it does."""
    part = mapping.grammar.company if kind == "company" else mapping.grammar.deal
    at: NodePath = (kind, "attributes", field) if field in part.attributes else (kind, field)
    return mapping.source.place((*at, key) if key else at)


def place_of_key(mapping: LoadedMapping, record: str) -> Place:
    """Where a record type names the field that holds our own id."""
    return mapping.source.place(("records", record, "key"))
