"""Writes to records: checked whole, then done. The API's and a person's go the same way; only who did it differs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crm_sandbox.hubspot.data.linking import Linking
from crm_sandbox.hubspot.data.portal import PORTAL_ID, HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf, Values, merged_values
from crm_sandbox.hubspot.data.validation import broken
from crm_sandbox.hubspot.data.values import as_text, kept
from crm_sandbox.hubspot.schema.schema import ObjectType
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.errors import BadValue

End = tuple[RecordShelf, int, list[int]]  # where a new association leads: record type, id, type ids


@dataclass(frozen=True, slots=True)
class CheckedWrite:
    """A write that was checked: the record as it will be, and which properties it names."""

    shelf: RecordShelf
    before: Record | None
    values: Values
    names: tuple[str, ...]
    ends: tuple[End, ...] = ()

    def claims(self) -> list[tuple[str, str]]:
        """The unique values it takes."""
        return [(name, self.values[name]) for name in self.names if name in self.values and self.shelf.type.properties[name].is_unique]


class RecordWrites:
    """Writes in somebody's name; all of them at `at_ms`, if it is given."""

    def __init__(self, portal: HubspotAccount, author: HubspotAuthor, *, at_ms: int | None = None) -> None:
        self._portal, self._author, self._at_ms = portal, author, at_ms
        self._linking = Linking(portal, author)

    def create(self, shelf: RecordShelf, properties: Mapping[str, Any], links: Sequence[Mapping[str, Any]] = ()) -> Record:
        """A new record, with whom it is associated.

        Raises: Refusal.
        """
        return self.done(self.checked(shelf, None, properties, links))

    def update(self, shelf: RecordShelf, record: Record, properties: Mapping[str, Any]) -> Record:
        """A record changed.

        Raises: Refusal.
        """
        return self.done(self.checked(shelf, record, properties))

    def archive(self, shelf: RecordShelf, record: Record) -> None:
        """A record put where it can be restored from for 90 days; nothing happens to one that is there."""
        if record.archived_ms is None:
            now = self._portal.now_ms()
            self._portal.save(shelf, replace(record, archived_ms=now, modified_ms=now), self._author)

    def checked(
        self, shelf: RecordShelf, before: Record | None, properties: Mapping[str, Any], links: Sequence[Mapping[str, Any]] = ()
    ) -> CheckedWrite:
        """A write that may be done.

        Raises: Refusal.
        """
        changes: Values = {}
        bad: list[BadValue] = []
        for name, value in properties.items():
            found = self._kept(shelf.type, before, name, value)
            if isinstance(found, BadValue):
                bad.append(found)
            else:
                changes[name.lower()] = found
        if bad:
            raise errors.invalid_values(bad)
        self._check_unique(shelf, before, changes)
        values = self._portal.derived(shelf.type.name, merged_values({} if before is None else before.values, changes))
        self._check_rules(shelf.type, values, is_new=before is None)
        return CheckedWrite(shelf, before, values, tuple(changes), tuple(self._end(shelf, link) for link in links))

    def done(self, change: CheckedWrite) -> Record:
        """The write done."""
        now = self._portal.now_ms() if self._at_ms is None else self._at_ms
        before, shelf = change.before, change.shelf
        after = (
            Record(shelf.next_id(), change.values, now, now) if before is None else replace(before, values=change.values, modified_ms=now)
        )
        old = {} if before is None else before.values
        changed = [name for name in change.names if old.get(name) != after.values.get(name)]
        shelf.note(before, after, changed, self._author)
        self._portal.save(shelf, after, self._author)
        for other, to_id, type_ids in change.ends:
            self._linking.put(shelf, other, after.id, to_id, type_ids)
        return after

    def _end(self, shelf: RecordShelf, link: Mapping[str, Any]) -> End:
        """What a create's association leads to: its types say to which record type."""
        wishes, to_id = link.get("types") or [], link["to"].get("id")
        wanted = wishes[0].get("associationTypeId") if wishes else None
        for (one, other), types in self._portal.associations.labels.items():
            if one == shelf.type.name and wanted in types:
                far = self._portal.shelf(other)
                return far, self._linking.there(far, to_id).id, self._linking.types(shelf, far, wishes)
        raise errors.no_such_association_type(str(wanted), shelf.type.name, "any")

    def _kept(self, kind: ObjectType, before: Record | None, name: str, value: Any) -> str | BadValue:
        prop = kind.properties.get(name.lower())
        if prop is None:
            return BadValue(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist', portal_id=PORTAL_ID)
        if prop.is_read_only:
            return BadValue(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
        old = None if before is None else before.values.get(prop.name)
        return kept(prop, self._portal.options(prop), value, old, is_dated=self._author.is_dated)

    def _check_rules(self, kind: ObjectType, values: Values, *, is_new: bool) -> None:
        refusal = broken(self._portal.rules, kind.name, values, is_new=is_new) if self._author.keeps_rules else None
        if refusal is not None:
            raise refusal

    def _check_unique(self, shelf: RecordShelf, before: Record | None, changes: Values) -> None:
        for name, value in changes.items():
            if not value or not shelf.type.properties[name].is_unique:
                continue
            holder = shelf.with_key(name, value)
            if holder is not None and (before is None or holder.id != before.id):
                raise _taken(shelf.type, name, value, holder.id, shelf.coming_id if before is None else before.id)


def _taken(kind: ObjectType, name: str, value: str, holder_id: int, record_id: int) -> errors.HubspotRefusal:
    if kind.singular == "contact" and name == "email":
        return errors.conflict(f"Contact already exists. Existing ID: {holder_id}")
    coordinates = f"portalId={PORTAL_ID}, objectTypeId={kind.type_id}, propertyName={name}, value={value}"
    words = f"Cannot set PropertyValueCoordinates{{{coordinates}}} on {record_id}. {holder_id} already has that value."
    return errors.taken(words, name)


def refuse_clashes(changes: Iterable[CheckedWrite]) -> None:
    """Two rows of a batch want the same unique value.

    Raises: Refusal.
    """
    seen: set[tuple[str, str]] = set()
    for change in changes:
        for name, value in change.claims():
            if (name, value.lower()) in seen:
                raise errors.taken(f"Another input of this batch has the value {value} for the unique property {name}", name)
            seen.add((name, value.lower()))


def properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The `properties` of an input.

    Raises: Refusal.
    """
    found = body.get("properties", {})
    if not isinstance(found, dict):
        raise errors.bad_json("properties must be an object")
    for value in found.values():
        as_text(value)
    return found
