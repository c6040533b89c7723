"""What each record owes the CRM, decided (`domain/sync/push/outgoing.py`) and spelled: one write a row, ready to send. Makes no call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sync_worker.crm.port import RecordWrite
from sync_worker.domain.core.deal import Lifecycle
from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.reconcile import Base, FieldRule, after_write
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.deals.record import REFERENCES
from sync_worker.domain.sync.ingest.own_key import key_of
from sync_worker.domain.sync.push.outgoing import Nothing, Owing, Park, WriteFields, decide
from sync_worker.errors import RecordError
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.fields import UNLISTED
from sync_worker.steps.core.crm_links import HOMES, first_record
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant, field_rules
from sync_worker.steps.distributors.company_words import words_of
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import OpenRow
from sync_worker.store.deals import conflicts, deals
from sync_worker.store.sync.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class OutgoingWrite:
    """One outbox row with what is to be written for it."""

    row: OutboxRow
    record: RecordMap
    link: Link | None
    change: RecordWrite
    sent: Mapping[str, Base]


Outgoing: TypeAlias = OutgoingWrite | Nothing | Park


class Desk(ABC):
    """Everything that is needed to decide on these records of one object, fetched at once."""

    def __init__(self, tx: Tx, tenant: Tenant, object_: str, record_ids: Sequence[str]) -> None:
        self._tenant = tenant
        self.links = HOMES[object_].current(tx, record_ids)
        self._rules: dict[str, Mapping[str, FieldRule]] = {}
        self._left_over: Collection[str] = ()  # keys of records that are gone
        self._wrong = self._wrong_records(tx)

    def outgoing(self, row: OutboxRow) -> Outgoing:
        """What becomes of this row: a write, nothing, or a record that waits for a person."""
        owing = self._owing(row)
        found = decide(owing, self._rules_of(row) if owing.held is not None else {})
        if not isinstance(found, WriteFields):
            return found
        try:
            return self._spelled(row, owing.held or {}, found)
        except RecordError as error:
            return Park(error)

    def _owing(self, row: OutboxRow) -> Owing:
        id_, link = row.record_id, self.links.get(row.record_id)
        held = None if link and link.deleted_at else self._held(id_)
        key = key_of(link.base[KEY].crm) if link and KEY in link.base else None
        return Owing(
            record_id=id_,
            held=held,
            base=link.base if link else None,
            waiting=() if held is None else {*self._waiting(id_), *self._unreadable(id_, self._rules_of(row))},
            companies=self._companies(held or {}),
            key=key,
            is_key_left_over=key in self._left_over,
            is_unread=any(wrong.kind == "failure" for wrong in self._wrong.get(id_, ())),
        )

    def _spelled(self, row: OutboxRow, held: Mapping[str, Value], found: WriteFields) -> OutgoingWrite | Nothing:
        """The write as the CRM spells it. **Raises** InvalidRecord for a value that the CRM has no spelling for."""
        id_, link, record = row.record_id, self.links.get(row.record_id), self._record_of(row)
        native = record.update(found.fields) if link else record.create(found.fields)
        if found.is_key_owed:
            native[record.key_field] = id_
        if link and not native:
            return Nothing()
        spellings = {name: native[record.fields[name].native] for name in found.fields if record.fields[name].native in native}
        sent = after_write(self._rules_of(row), sent={name: held.get(name) for name in found.fields}, spellings=spellings)
        change = RecordWrite(ref=id_, fields=native, crm_id=link.crm_id if link else None, key=id_)
        return OutgoingWrite(row, record, link, change, {**sent, KEY: self._key(id_, link, is_owed=found.is_key_owed)})

    def _record_of(self, row: OutboxRow) -> RecordMap:
        link = self.links.get(row.record_id)
        return self._tenant.mapping.records[link.object if link else first_record(self._tenant, row.object)]

    def _key(self, id_: str, link: Link | None, *, is_owed: bool) -> Base:
        ours = Base(None, id_)
        return ours if link is None or is_owed else link.base.get(KEY, ours)

    @abstractmethod
    def _held(self, record_id: str) -> Mapping[str, Value] | None:
        """The record as the portal holds it; None where the CRM is to hear nothing of it."""

    def _waiting(self, _record_id: str) -> Collection[str]:
        """Fields that wait for a person."""
        return ()

    def _companies(self, _held: Mapping[str, Value]) -> Mapping[str, str | None]:
        """The CRM id of each company that a field of the record names."""
        return {}

    def _wrong_records(self, tx: Tx) -> dict[str, list[OpenRow]]:
        """What is wrong with these records as they were last read, by our id."""
        ours = {(link.object, link.crm_id): record_id for record_id, link in self.links.items()}
        found: dict[str, list[OpenRow]] = {}
        for object_ in sorted({link.object for link in self.links.values()}):
            crm_ids = [link.crm_id for link in self.links.values() if link.object == object_]
            for row in failures.open_rows(tx, object_, crm_ids, "ingest"):
                found.setdefault(ours[object_, row.record], []).append(row)
        return found

    def _unreadable(self, record_id: str, rules: Mapping[str, FieldRule]) -> Iterator[str]:
        """Fields in which the CRM holds what the mapping refuses. Where the portal does not win by rule, it is not written over.

        A set is never: a write replaces it whole, and would take away the members that the mapping does not know.
        """
        for row in self._wrong.get(record_id, ()):
            rule = rules.get(row.field) if row.code == UNLISTED else None
            if rule and (rule.is_set or rule.conflict != "portal"):
                yield row.field

    def _rules_of(self, row: OutboxRow) -> Mapping[str, FieldRule]:
        """The rules of its record, made once for all writes of a batch."""
        record = self._record_of(row)
        if record.record not in self._rules:
            self._rules[record.record] = field_rules(record)
        return self._rules[record.record]


class DealDesk(Desk):
    """Writes of deals, which name companies by their CRM ids."""

    def __init__(self, tx: Tx, tenant: Tenant, deal_ids: Sequence[str]) -> None:
        super().__init__(tx, tenant, DEAL, deal_ids)
        self._deals = {deal_id: stored.deal for deal_id, stored in deals.by_ids(tx, deal_ids).items()}
        named = {str(value) for deal in self._deals.values() for name in REFERENCES if (value := deal.values.get(name))}
        self._crm_ids = companies.crm_ids_by_id(tx, named)
        self._disputed = conflicts.open_fields(tx, deal_ids)
        keys = {deal_id: key_of(link.base[KEY].crm) for deal_id, link in self.links.items() if KEY in link.base}
        others = {key for deal_id, key in keys.items() if key not in ("", deal_id)}
        self._left_over = deals.by_ids(tx, others).keys() if others else frozenset()

    def _held(self, record_id: str) -> Mapping[str, Value] | None:
        deal = self._deals.get(record_id)
        if deal is None or (record_id not in self.links and deal.lifecycle in (Lifecycle.DRAFT, Lifecycle.WITHDRAWN)):
            return None  # no record of it is wanted, not yet or not any more
        return deal.values

    def _waiting(self, record_id: str) -> Collection[str]:
        return self._disputed.get(record_id, ())

    def _companies(self, held: Mapping[str, Value]) -> Mapping[str, str | None]:
        return {name: self._crm_ids.get(str(value)) for name in REFERENCES if (value := held.get(name))}


class CompanyDesk(Desk):
    """Writes of companies that the portal writes too."""

    def __init__(self, tx: Tx, tenant: Tenant, company_ids: Sequence[str]) -> None:
        super().__init__(tx, tenant, COMPANY, company_ids)
        self._words = words_of(tx, companies.by_ids(tx, company_ids).values())

    def _held(self, record_id: str) -> Mapping[str, Value] | None:
        return self._words.get(record_id)


def desk_of(tx: Tx, tenant: Tenant, object_: str, record_ids: Sequence[str]) -> Desk:
    """The desk for these records of one object."""
    return CompanyDesk(tx, tenant, record_ids) if object_ == COMPANY else DealDesk(tx, tenant, record_ids)
