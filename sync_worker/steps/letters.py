"""What each deal owes the CRM, computed and spelled: a letter per outbox row, ready to send. Reads the store, calls nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_worker.crm.port import Change
from sync_worker.domain.deal import Deal, Lifecycle
from sync_worker.domain.reconcile import Base, FieldRule, after_write, comparable, owed
from sync_worker.domain.values import Value
from sync_worker.errors import InvalidRecord
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.deal_shelf import REFERENCES
from sync_worker.steps.tenant import Tenant, field_rules
from sync_worker.store import companies, conflicts, deals, failures, links
from sync_worker.store.engine import Tx
from sync_worker.store.links import KEY, Link
from sync_worker.store.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class Letter:
    """One outbox row with what is to be written for it."""

    row: OutboxRow
    record: RecordMap
    link: Link | None
    change: Change
    sent: Mapping[str, Base]


class Desk:
    """Everything that is needed to write letters for these deals, fetched at once."""

    def __init__(self, tx: Tx, tenant: Tenant, deal_ids: Sequence[str]) -> None:
        self._tenant = tenant
        self._deals = deals.by_ids(tx, deal_ids)
        named = {str(value) for stored in self._deals.values() for name in REFERENCES if (value := stored.deal.values.get(name))}
        self._crm_ids = companies.crm_ids_by_id(tx, named)
        self._waiting = conflicts.open_fields(tx, deal_ids)
        self.links = links.current(tx, deal_ids)
        self._rules: dict[str, Mapping[str, FieldRule]] = {}
        self.unread = self._unread(tx)

    def _unread(self, tx: Tx) -> set[str]:
        """Deals whose record could not be read as it is now: what stands there was seen by nobody, so nothing is written over it."""
        failed: set[tuple[str, str]] = set()
        for object_ in {link.object for link in self.links.values()}:
            crm_ids = [link.crm_id for link in self.links.values() if link.object == object_]
            failed |= {(object_, row.record) for row in failures.open_rows(tx, object_, crm_ids, "ingest") if row.kind == "failure"}
        return {deal_id for deal_id, link in self.links.items() if (link.object, link.crm_id) in failed}

    def letter(self, row: OutboxRow) -> Letter | None:
        """What this deal owes the CRM, None where nothing. **Raises** InvalidRecord for a value the CRM has no spelling for."""
        stored, link = self._deals.get(row.record_id), self.links.get(row.record_id)
        if stored is None or (link and link.deleted_at):
            return None
        if link is None and stored.deal.lifecycle in (Lifecycle.DRAFT, Lifecycle.WITHDRAWN):
            return None  # nobody waits for a record of it, not yet or not any more
        deal = stored.deal
        record = self._tenant.mapping.records[link.object if link else self._tenant.portal.deals.record]
        rules, base = self._rules_of(record), link.base if link else {}
        names = owed(rules, base=base, portal=deal.values, is_create=link is None, waiting=self._waiting.get(deal.id, ()))
        if link is None:  # an empty field of a new record is left to the CRM's own defaults
            names = tuple(name for name in names if comparable(deal.values.get(name)) is not None)
        values = {name: self._reference(name, deal) for name in names}
        native = record.update(values) if link else record.create(values)
        if link and KEY in base and base[KEY].crm != deal.id:
            native[record.key_field] = deal.id
        if link and not native:
            return None
        spellings = {name: native[record.fields[name].native] for name in names if record.fields[name].native in native}
        sent = after_write(rules, sent={name: deal.values.get(name) for name in names}, spellings=spellings)
        change = Change(ref=deal.id, fields=native, crm_id=link.crm_id if link else None, key=deal.id)
        return Letter(row, record, link, change, {**sent, KEY: Base(None, deal.id)})

    def _rules_of(self, record: RecordMap) -> Mapping[str, FieldRule]:
        """The record's rules, made once for all letters of a batch."""
        if record.record not in self._rules:
            self._rules[record.record] = field_rules(record)
        return self._rules[record.record]

    def _reference(self, name: str, deal: Deal) -> Value:
        value = deal.values.get(name)
        if name not in REFERENCES or not value:
            return value
        if str(value) not in self._crm_ids:
            words = f"{name} has no CRM record yet, so the deal cannot name it there"
            raise InvalidRecord(words, code="company_not_in_crm", field=name)
        return self._crm_ids[str(value)]
