"""What a write does: every check in the vendor's order, then the row, its stamps and what follows from it.

names ─▶ values ─▶ record alive? ─▶ rows not locked? ─▶ defaults, required ─▶ lookups ─▶ unique keys ─▶ rules ─▶ duplicates ─▶ owner ─▶ row
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_sandbox.salesforce.data.access import PERMISSION_TYPES, apply_access, refuse_bad_permission
from crm_sandbox.salesforce.data.locks import rows_of
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.references import resolved
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.data.values import kept
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.wire import errors
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.seed.words import STAGES

_STAGE_BY_NAME = {name: (is_closed, is_won, probability) for name, is_closed, is_won, probability in STAGES}


@dataclass(frozen=True, slots=True)
class SalesforceAuthor:
    """Who writes, and with which switches on. `auto_assign` is on if the client does not turn it off; `locked` are rows of other calls."""

    user_id: str
    auto_assign: bool = True
    allows_duplicates: bool = False
    url_prefix: str = "/services/data/v60.0"
    locked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PassedWrite:
    """A write that passed."""

    record_id: str
    created: bool


class RecordWriter:
    """Writes to an org, in the name of one author."""

    def __init__(self, org: Org, author: SalesforceAuthor) -> None:
        self._org, self._author = org, author

    def create(self, sobject: SObject, body: Mapping[str, Any]) -> PassedWrite:
        """A new record.

        Raises: Refusal.
        """
        _refuse_unwritable(sobject)
        changes = self._values(sobject, body, creating=True)
        self._refuse_locked(sobject, None, body)
        record = _with_defaults(sobject, changes)
        if sobject.field("OwnerId"):
            record.setdefault("OwnerId", self._author.user_id)
        missing = [field.name for field in sobject.fields if field.is_required and record.get(field.name) is None]
        if missing:
            raise errors.required_missing(missing)
        self._check(sobject, record, changes, record_id=None)
        self._refuse_duplicates(sobject, record)
        refuse_bad_permission(self._org, sobject, record, None)
        record_id = self._org.store.next_id(sobject.prefix)
        self._assign(sobject, record)
        stamp = self._org.stamp()
        record |= {"Id": record_id, "CreatedDate": stamp, "CreatedById": self._author.user_id}
        self._org.store.insert(sobject, record | self._stamps(stamp) | _derived(sobject, record))
        self._follow(sobject)
        return PassedWrite(record_id, created=True)

    def update(self, sobject: SObject, record_id: str, body: Mapping[str, Any]) -> PassedWrite:
        """Change a record; its stamps move even if no value does.

        Raises: Refusal; INVALID_CROSS_REFERENCE_KEY for an id that no record has.
        """
        _refuse_unwritable(sobject)
        record = self.alive(sobject, record_id, missing=errors.bad_reference(404))
        if record.get("IsConverted"):
            raise errors.converted_lead()
        changes = self._values(sobject, body, creating=False)
        self._refuse_locked(sobject, record, body)
        emptied = [name for name, value in changes.items() if value is None and not _field(sobject, name).is_nillable]
        if emptied:
            raise errors.required_missing(emptied)
        record |= changes
        self._check(sobject, record, changes, record_id=record["Id"])
        refuse_bad_permission(self._org, sobject, record, record["Id"])
        self._assign(sobject, changes)
        stamps = self._stamps(self._org.stamp())
        self._org.store.update(sobject, record["Id"], changes | stamps | _derived(sobject, record))
        self._follow(sobject)
        return PassedWrite(record["Id"], created=False)

    def upsert(self, sobject: SObject, key: Field, value: Any, body: Mapping[str, Any]) -> PassedWrite:
        """Update the one record whose key has that value, or create it.

        Raises: Refusal; 300 MULTIPLE for a key that several have.
        """
        if key.kind == "id":
            return self.update(sobject, str(value), body)
        wanted = kept(key, value)
        if wanted is None:
            raise errors.SalesforceRefusal("MISSING_ARGUMENT", f"{key.name} not specified", fields=[])
        found = self._org.store.ids_with(sobject, key, wanted)
        if len(found) > 1:
            raise self.several(sobject, key, found)
        if found:
            return self.update(sobject, found[0], body)
        return self.create(sobject, {**body, key.name: wanted})

    def delete(self, sobject: SObject, record_id: str) -> str:
        """Put a record into the recycle bin, an account with its contacts and opportunities; lookups to it stay as they are.

        Raises: Refusal.
        """
        _refuse_unwritable(sobject)
        record = self.alive(sobject, record_id, missing=errors.bad_reference(404))
        self._refuse_locked(sobject, record, {})
        with self._org.store.transaction():
            self._bin(sobject, str(record["Id"]))
        self._follow(sobject)
        return str(record["Id"])

    def _bin(self, sobject: SObject, record_id: str) -> None:
        self._org.store.update(sobject, record_id, {"IsDeleted": True} | self._stamps(self._org.stamp()))
        if sobject.name == "Account":
            for child_type in (self._org.sobject("Contact"), self._org.sobject("Opportunity")):
                for child in self._org.store.ids_with(child_type, _field(child_type, "AccountId"), record_id):
                    self._bin(child_type, child)

    def alive(self, sobject: SObject, record_id: str, *, missing: errors.SalesforceRefusal) -> Values:
        """The whole record behind an id in either form.

        Raises: Refusal MALFORMED_ID, ENTITY_IS_DELETED, or the given one.
        """
        full_id = to_18(record_id)
        if full_id is None or not full_id.startswith(sobject.prefix):
            raise errors.malformed_id(f"{sobject.label} ID", record_id, ["Id"])
        record = self._org.store.get(sobject, full_id)
        if record is None:
            raise missing
        if record.get("IsDeleted"):
            raise errors.entity_deleted()
        return record

    def several(self, sobject: SObject, key: Field, found: list[str]) -> errors.SalesforceRefusal:
        """The refusal of an ambiguous key; a single request answers it with 300 and the addresses."""
        urls = [f"{self._author.url_prefix}/sobjects/{sobject.name}/{record_id}" for record_id in found]
        words = f"{key.name}: more than one record found for external id field: [{', '.join(found)}]"
        return errors.SalesforceRefusal("DUPLICATE_EXTERNAL_ID", words, status=300, fields=[], extra={"urls": urls})

    def _follow(self, sobject: SObject) -> None:
        """What a saved permission changes for the integration user."""
        if sobject.name in PERMISSION_TYPES:
            apply_access(self._org)

    def _stamps(self, stamp: str) -> Values:
        return {"LastModifiedDate": stamp, "LastModifiedById": self._author.user_id, "SystemModstamp": stamp}

    def _refuse_locked(self, sobject: SObject, before: Values | None, body: Mapping[str, Any]) -> None:
        if self._author.locked and (rows := self._author.locked & rows_of(self._org, sobject, before, body)):
            raise errors.unable_to_lock(sorted(rows))

    def _values(self, sobject: SObject, body: Mapping[str, Any], *, creating: bool) -> Values:
        changes: Values = {}
        unwritable: list[str] = []
        for name, value in body.items():
            if name == "attributes":
                continue
            field = sobject.field(name)
            if field is None:
                link = self._org.relation(sobject, name)
                if link is None:
                    raise errors.no_such_column(name, sobject.name)
                field, value = link[0], resolved(self._org, link, value)
            if not self._may_write(sobject, field, creating=creating):
                unwritable.append(field.name)
            else:
                changes[field.name] = kept(field, value)
        if unwritable:
            raise errors.read_only(unwritable)
        return changes

    def _may_write(self, sobject: SObject, field: Field, *, creating: bool) -> bool:
        """An admin sees every field that was made by API; the integration user those that it is granted."""
        made = self._org.guarded.get((sobject.name, field.name))
        if made is not None and self._author.user_id != self._org.people.integration:
            return made.is_createable if creating else made.is_updateable
        is_hidden = (sobject.name, field.name) in self._org.hidden
        return not is_hidden and (field.is_createable if creating else field.is_updateable)

    def _check(self, sobject: SObject, record: Values, changes: Values, *, record_id: str | None) -> None:
        for name, value in changes.items():
            field = _field(sobject, name)
            if value is not None and field.kind == "reference":
                self._refuse_bad_lookup(field, value)
            if value is not None and field.is_unique:
                self._refuse_taken(sobject, field, value, record_id)
        for rule in self._org.rules:
            if rule.sobject == sobject.name and rule.refuses(record):
                raise errors.SalesforceRefusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields=[rule.field])

    def _refuse_bad_lookup(self, field: Field, record_id: str) -> None:
        target = self._org.sobject_of(record_id)
        if target is None or target.name not in field.refers_to:
            raise errors.malformed_id(field.label, record_id, [field.name])
        found = self._org.store.get(target, record_id)
        if found is None:
            raise errors.bad_reference()
        if found.get("IsDeleted"):
            raise errors.SalesforceRefusal("ENTITY_IS_DELETED", "entity is deleted", fields=[field.name])

    def _refuse_taken(self, sobject: SObject, field: Field, value: str, record_id: str | None) -> None:
        for other in self._org.store.ids_with(sobject, field, value):
            if other != record_id:
                raise errors.duplicate_value(field.name, other)

    def _refuse_duplicates(self, sobject: SObject, record: Values) -> None:
        if sobject.name not in self._org.duplicate_rules or self._author.allows_duplicates:
            return
        names = ("Company", "LastName") if sobject.name == "Lead" else ("Name",)
        where = " AND ".join(f'"{name}" = ?' for name in names) + ' AND "IsDeleted" = 0'
        found = self._org.store.select(sobject, ["Id"], where, [record[name] for name in names], 'ORDER BY "Id"')
        if found:
            prefix = f"{self._author.url_prefix}/sobjects/{sobject.name}"
            raise errors.duplicates_detected(sobject.name, {row["Id"]: f"{prefix}/{row['Id']}" for row in found})

    def _assign(self, sobject: SObject, values: Values) -> None:
        """The assignment rule of leads: unless the client says FALSE, the lead goes to the queue."""
        if sobject.name == "Lead" and self._org.lead_assignment and self._author.auto_assign:
            values["OwnerId"] = self._org.people.queue


def _field(sobject: SObject, name: str) -> Field:
    field = sobject.field(name)
    assert field is not None  # noqa: S101 - names come from the schema here
    return field


def _refuse_unwritable(sobject: SObject) -> None:
    if not sobject.is_writable:
        words = f"entity type {sobject.name} does not support this operation in the sandbox"
        raise errors.SalesforceRefusal("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", words, fields=[])


def _with_defaults(sobject: SObject, changes: Values) -> Values:
    defaults = {field.name: field.default for field in sobject.fields if field.default is not None}
    booleans = {field.name: False for field in sobject.fields if field.kind == "boolean"}
    given = {name: value for name, value in changes.items() if value is not None}
    return booleans | defaults | given


def _derived(sobject: SObject, record: Values) -> Values:
    """What the vendor works out by itself from the rest of the record."""
    if sobject.name in ("Contact", "Lead"):
        return {"Name": " ".join(filter(None, (record.get("FirstName"), record["LastName"])))}
    if sobject.name == "Opportunity":
        is_closed, is_won, probability = _STAGE_BY_NAME.get(record["StageName"], (False, False, 0))
        return {"IsClosed": is_closed, "IsWon": is_won, "Probability": float(probability)}
    return {}
