"""The org: its records, its clock, its people, its rules and its day's calls. Everything that a reset begins again."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from crm_sandbox.clock import Clock
from crm_sandbox.salesforce.data.store import OrgTables, Values
from crm_sandbox.salesforce.schema.objects import org_objects
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.wire import errors, stamps

DAILY_LIMIT = 15_000  # calls in 24 hours, a developer org's
MOST_LONG_CALLS = 25  # in flight at once, in production and in a full sandbox; 5 in trials and developer orgs
LONG_CALL_S = 20  # how long a call is in flight before it is one of them
ORG_ID = "00DSb0000000001MAA"
LookupLocks = Literal["changed", "always", "never"]
"""Whether a lookup other than AccountId locks its account: at a write that changes it, at every write, or never."""


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """An admin's rule: a record for which the condition holds is refused with the message."""

    sobject: str
    field: str
    op: str
    value: Any = None
    message: str = "Custom validation rule failed"

    def refuses(self, record: Values) -> bool:
        """Whether the record, as it would be saved, breaks the rule."""
        return _CONDITIONS[self.op](record.get(self.field), self.value)


def _compared(value: Any, bound: Any, sign: int) -> bool:
    return value is not None and (value > bound) - (value < bound) == sign


_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "matches": lambda value, pattern: value is not None and re.search(pattern, str(value)) is not None,
    "not_matches": lambda value, pattern: value is None or re.search(pattern, str(value)) is None,
    "in": lambda value, values: value in values,
    "not_in": lambda value, values: value not in values,
    "is_blank": lambda value, _: value is None,
    "gt": lambda value, bound: _compared(value, bound, 1),
    "lt": lambda value, bound: _compared(value, bound, -1),
}
RULE_OPS = tuple(_CONDITIONS)


@dataclass(slots=True)
class Usage:
    """The org's API calls of the day, and how many long ones it may have at once. The vendor's day is a rolling one; here it begins with
    the first call.
    """

    limit: int = DAILY_LIMIT
    most_long_calls: int = MOST_LONG_CALLS
    long_call_s: float = LONG_CALL_S
    used: int = 0
    since: datetime | None = None

    def count(self, now: datetime) -> None:
        """One more call.

        Raises: Refusal REQUEST_LIMIT_EXCEEDED when none is left.
        """
        if self.since is None or now - self.since >= timedelta(hours=24):
            self.since, self.used = now, 0
        if self.used >= self.limit:
            raise errors.limit_exceeded()
        self.used += 1


@dataclass(frozen=True, slots=True)
class People:
    """Ids of the users that matter."""

    integration: str = ""
    admin: str = ""
    queue: str = ""
    reps: tuple[str, ...] = ()


@dataclass(slots=True)
class ReplicationReach:
    """How far `updated` and `deleted` reach: `deleted_since` is when the log of deletions was last purged, None: never."""

    lag_s: float = 0
    max_ids: int = 600_000
    deleted_since: datetime | None = None


def _uncustomized(sobject: SObject) -> SObject:
    return replace(sobject, fields=tuple(found for found in sobject.fields if not found.is_custom))


@dataclass(slots=True)
class Org:
    """One org. `objects` are keyed by lower-case name."""

    clock: Clock
    objects: dict[str, SObject]
    store: OrgTables
    people: People = field(default_factory=People)
    usage: Usage = field(default_factory=Usage)
    replication: ReplicationReach = field(default_factory=ReplicationReach)
    rules: list[ValidationRule] = field(default_factory=list)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    left_out: set[tuple[str, str]] = field(default_factory=set)  # by describe and rows, and nothing is refused
    leaves_out_empty: bool = False
    guarded: dict[tuple[str, str], Field] = field(default_factory=dict)  # made by API, seen through a permission set
    schema_changed_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    lead_mapping: dict[str, str] | None = None  # None: the integration user is not told
    lead_assignment: bool = True
    lookup_locks: LookupLocks = "changed"
    duplicate_rules: set[str] = field(default_factory=set)
    late_writes: int = 0
    late_by_s: float = 0
    unshared: dict[str, tuple[SObject, Values]] = field(default_factory=dict)

    @classmethod
    def empty(cls, clock: Clock, second_partners: tuple[str, ...], *, clean: bool = False) -> "Org":
        """An org without records; the seed fills it. A clean one has no field that an admin made."""
        objects = org_objects(second_partners)
        if clean:
            objects = {name: _uncustomized(sobject) for name, sobject in objects.items()}
        return cls(clock, objects, OrgTables(objects.values()), schema_changed_at=clock.now())

    def sobject(self, name: str) -> SObject:
        """The record type of that name, whatever its case.

        Raises: Refusal NOT_FOUND.
        """
        found = self.objects.get(name.lower())
        if found is None:
            raise errors.not_found()
        return found

    def sobject_of(self, record_id: str) -> SObject | None:
        """The record type that an id's prefix names."""
        return next((sobject for sobject in self.objects.values() if record_id.startswith(sobject.prefix)), None)

    def field(self, sobject: SObject, name: str) -> Field | None:
        """A field that the client may see; a hidden one does not exist."""
        found = sobject.field(name)
        return None if found is None or (sobject.name, found.name) in self.hidden else found

    def fields(self, sobject: SObject) -> list[Field]:
        """All fields that the client may see."""
        return [found for found in sobject.fields if (sobject.name, found.name) not in self.hidden | self.left_out]

    def shown(self, sobject: SObject, row: dict[str, Any]) -> dict[str, Any]:
        """A row without what answers leave out."""
        if not (self.leaves_out_empty or self.left_out):
            return row
        gone = {name for kind, name in self.left_out if kind == sobject.name}
        return {name: value for name, value in row.items() if name not in gone and not (value is None and self.leaves_out_empty)}

    def relation(self, sobject: SObject, name: str) -> tuple[Field, SObject] | None:
        """The lookup of that relationship name which the client may see, and the type that it points to."""
        small = name.lower()
        for found in self.fields(sobject):
            if (found.relationship or "").lower() == small and found.refers_to:
                target = self.objects.get(found.refers_to[0].lower())
                return None if target is None else (found, target)
        return None

    def add_field(self, sobject: SObject, found: Field) -> SObject:
        """An admin's new field on a record type.

        Raises: ValueError for a name that is taken.
        """
        if sobject.field(found.name) is not None:
            raise ValueError(f"{sobject.name} has a field {found.name} already")
        self.store.add_column(sobject, found)
        grown = replace(sobject, fields=(*sobject.fields, found))
        self.objects[sobject.name.lower()] = grown
        self.schema_changed_at = self.clock.now()
        return grown

    def guard(self, sobject: SObject, found: Field) -> None:
        """From now on the users who are granted the field see it; it is kept here as it was made."""
        self.guarded[sobject.name, found.name] = found

    def made(self, sobject: SObject, found: Field) -> Field:
        """The field as an admin sees it."""
        return self.guarded.get((sobject.name, found.name), found)

    def change_field(self, sobject: SObject, changed: Field) -> None:
        """An admin's change to a field."""
        if (sobject.name, changed.name) in self.guarded:
            self.guard(sobject, changed)
        self.put_field(sobject, changed)

    def put_field(self, sobject: SObject, changed: Field) -> None:
        """The field in the place of the one of its name."""
        fields = tuple(changed if one.name == changed.name else one for one in sobject.fields)
        self.objects[sobject.name.lower()] = replace(self.objects[sobject.name.lower()], fields=fields)
        self.schema_changed_at = self.clock.now()

    def hide(self, sobject: SObject, found: Field, *, hidden: bool) -> None:
        """Take a field from the client's sight by field-level security, or give it back."""
        change = self.hidden.add if hidden else self.hidden.discard
        change((sobject.name, found.name))
        self.schema_changed_at = self.clock.now()

    def stamp(self) -> str:
        """The moment that a write made now carries; one ordered to be seen late carries an earlier one."""
        moment = self.clock.now()
        if self.late_writes > 0:
            self.late_writes -= 1
            moment -= timedelta(seconds=self.late_by_s)
        return stamps.write(moment)
