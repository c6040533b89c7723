"""The records of one type: by id, by unique value, with the ids that merges have swallowed and the history of values.

A record is never changed, only replaced, so that the search index may hold on to an earlier one for as long as it lags.
Values are text; what has no value is not there.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from crm_sandbox.hubspot.schema.schema import ObjectType
from crm_sandbox.hubspot.wire import stamps

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is at a time."""

    id: int
    values: Values
    created_ms: int
    modified_ms: int
    archived_ms: int | None = None
    merged: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HubspotAuthor:
    """Who writes: `source` as webhooks and histories name it. `is_dated`: by a dated address of the API.

    `keeps_rules`: whether an admin's validation rules hold, as they do for people and for the API from 2026-09 on.
    """

    source: str = "INTEGRATION"
    source_id: str | None = None
    is_dated: bool = False
    keeps_rules: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """One value that a property has had; "" when it was cleared."""

    value: str
    at_ms: int
    source: str
    source_id: str | None


@dataclass(slots=True)
class RecordShelf:
    """The records of one type."""

    type: ObjectType
    records: dict[int, Record] = field(default_factory=dict)
    survivor_by_id: dict[int, int] = field(default_factory=dict)
    _id_by_key: dict[tuple[str, str], int] = field(default_factory=dict)
    _versions: dict[tuple[int, str], list[Version]] = field(default_factory=dict)
    _next_id: int = 0
    _ids: list[int] | None = None
    _archived: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._next_id = self.type.first_id

    @property
    def coming_id(self) -> int:
        """The id that the next new record will have."""
        return self._next_id

    def next_id(self) -> int:
        """An id that was never used."""
        self._next_id += 1
        return self._next_id - 1

    def find(self, record_id: int) -> Record | None:
        """The record of that id, archived or not; of a merged one, what it was merged into."""
        while record_id in self.survivor_by_id:
            record_id = self.survivor_by_id[record_id]
        return self.records.get(record_id)

    def with_key(self, name: str, value: str) -> Record | None:
        """The record, not archived, that has a unique value."""
        found = self._id_by_key.get((name, value.lower()))
        return None if found is None else self.records[found]

    def from_id(self, first: int, count: int, *, archived: bool) -> list[Record]:
        """Records from an id on, in order: those that are archived, or those that are not."""
        if archived:
            return [self.records[one] for one in sorted(self._archived) if one >= first][:count]
        if self._ids is None:
            self._ids = sorted(self.records)
        ids = self._ids
        found = (self.records[ids[place]] for place in range(bisect_left(ids, first), len(ids)))
        return list(islice((record for record in found if record.archived_ms is None), count))

    def save(self, record: Record) -> None:
        """A new record, or a new state of one."""
        before = self.records.get(record.id)
        self._forget_keys(before)
        if before is None:
            self._ids = None
        self.records[record.id] = record
        (self._archived.discard if record.archived_ms is None else self._archived.add)(record.id)
        if record.archived_ms is None:
            self._id_by_key |= dict.fromkeys(self._keys(record), record.id)

    def remove(self, record_id: int) -> Record:
        """Takes a record away for good; what it was."""
        gone = self.records.pop(record_id)
        self._archived.discard(record_id)
        self._ids = None
        self._forget_keys(gone)
        return gone

    def load(self, records: Iterable[Record]) -> None:
        """Many new records at once, none of them news to anybody."""
        for record in records:
            self.records[record.id] = record
            self._id_by_key |= dict.fromkeys(self._keys(record), record.id)
            self._next_id = max(self._next_id, record.id + 1)

    def note(self, before: Record | None, after: Record, names: Iterable[str], author: HubspotAuthor) -> None:
        """Remembers what a write made of some properties."""
        for name in names:
            versions = self._versions.setdefault((after.id, name), [])
            if not versions and before is not None and name in before.values:
                versions.append(Version(before.values[name], before.created_ms, "CRM_UI", None))
            versions.append(Version(after.values.get(name, ""), after.modified_ms, author.source, author.source_id))

    def history(self, record: Record, name: str) -> list[Version]:
        """What a property was, latest first."""
        if versions := self._versions.get((record.id, name)):
            return versions[::-1]
        return [Version(record.values[name], record.created_ms, "CRM_UI", None)] if name in record.values else []

    def count(self) -> int:
        """Records, archived ones too."""
        return len(self.records)

    def _keys(self, record: Record) -> list[tuple[str, str]]:
        unique = [prop.name for prop in self.type.properties.values() if prop.is_unique]
        return [(name, record.values[name].lower()) for name in unique if name in record.values]

    def _forget_keys(self, record: Record | None) -> None:
        if record is None:
            return
        for key in self._keys(record):
            if self._id_by_key.get(key) == record.id:
                del self._id_by_key[key]


def value_of(kind: ObjectType, record: Record, name: str) -> str | None:
    """One property of a record, the vendor's own stamps among them."""
    if name == "hs_object_id":
        return str(record.id)
    if name in ("createdate", "hs_createdate"):
        return stamps.write(record.created_ms)
    if name == kind.modified:
        return stamps.write(record.modified_ms)
    if name == "hs_merged_object_ids":
        return ";".join(map(str, record.merged)) or None
    return record.values.get(name)


def shape_of(kind: ObjectType, record: Record, names: Iterable[str] | None, *, portal_id: int) -> dict[str, object]:
    """A record as the API shows it: the properties asked for, null where there is no value, and those that always come."""
    wanted = kind.shown if names is None else names
    created, modified = stamps.write(record.created_ms), stamps.write(record.modified_ms)
    properties: dict[str, str | None] = {"createdate": created, kind.modified: modified, "hs_object_id": str(record.id)}
    for name in wanted:
        if name not in properties and name in kind.properties:
            properties[name] = record.values.get(name) if name not in _MADE else value_of(kind, record, name)
    shape: dict[str, object] = {
        "id": str(record.id),
        "properties": properties,
        "createdAt": created,
        "updatedAt": modified,
        "archived": record.archived_ms is not None,
        "url": f"https://app.hubspot.com/contacts/{portal_id}/record/{kind.type_id}/{record.id}",
    }
    if record.archived_ms is not None:
        shape["archivedAt"] = stamps.write(record.archived_ms)
    return shape


def merged_values(before: Mapping[str, str], changes: Mapping[str, str]) -> Values:
    """Values after a write: "" takes one away."""
    return {name: value for name, value in {**before, **changes}.items() if value != ""}


_MADE = {"hs_createdate", "hs_merged_object_ids"}
