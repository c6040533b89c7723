"""What each record owes the CRM, computed and spelled: a letter per outbox row, ready to send. Reads the store, calls nobody."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sync_worker.crm.port import Change
from sync_worker.domain.core.deal import Lifecycle
from sync_worker.domain.core.reconcile import Base, FieldRule, after_write, comparable, owed
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.link import KEY, Link
from sync_worker.domain.sync.deal_record import REFERENCES
from sync_worker.domain.sync.own_key import key_of
from sync_worker.errors import InvalidRecord
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
class Letter:
    """One outbox row with what is to be written for it."""

    row: OutboxRow
    record: RecordMap
    link: Link | None
    change: Change
    sent: Mapping[str, Base]


class Desk(ABC):
    """Everything that is needed to write letters for these records of one object, fetched at once.

    **Shapes** `unread`: those whose CRM record could not be read as it is now, so that nobody knows what a write would replace.
    """

    def __init__(self, tx: Tx, tenant: Tenant, object_: str, record_ids: Sequence[str]) -> None:
        self._tenant = tenant
        self.links = HOMES[object_].current(tx, record_ids)
        self._rules: dict[str, Mapping[str, FieldRule]] = {}
        self._wrong = self._wrong_records(tx)
        self.unread = {record_id for record_id, rows in self._wrong.items() if any(row.kind == "failure" for row in rows)}

    def letter(self, row: OutboxRow) -> Letter | None:
        """What this record owes the CRM, None where nothing. **Raises** InvalidRecord for a value the CRM has no spelling for."""
        id_, link = row.record_id, self.links.get(row.record_id)
        held = self._held(id_)
        if held is None or (link and link.deleted_at):
            return None
        record = self._tenant.mapping.records[link.object if link else first_record(self._tenant, row.object)]
        rules, base = self._rules_of(record), link.base if link else {}
        waiting = {*self._waiting(id_), *self._unreadable(id_, rules)}
        names = owed(rules, base=base, portal=held, is_create=link is None, waiting=waiting)
        if link is None:  # an empty field of a new record is left to the CRM's own defaults
            names = tuple(name for name in names if comparable(held.get(name)) is not None)
        values = {name: self._in_crm(name, held.get(name)) for name in names}
        native = record.update(values) if link else record.create(values)
        is_key_owed = link is not None and KEY in base and self._owes_key(id_, key_of(base[KEY].crm))
        if is_key_owed:
            native[record.key_field] = id_
        if link and not native:
            return None
        spellings = {name: native[record.fields[name].native] for name in names if record.fields[name].native in native}
        sent = after_write(rules, sent={name: held.get(name) for name in names}, spellings=spellings)
        change = Change(ref=id_, fields=native, crm_id=link.crm_id if link else None, key=id_)
        key = Base(None, id_) if link is None or is_key_owed else base.get(KEY, Base(None, id_))
        return Letter(row, record, link, change, {**sent, KEY: key})

    @abstractmethod
    def _held(self, record_id: str) -> Mapping[str, Value] | None:
        """The record as the portal holds it; None where the CRM is to hear nothing of it."""

    def _waiting(self, _record_id: str) -> Collection[str]:
        """Fields that wait for a person."""
        return ()

    def _in_crm(self, _name: str, value: Value) -> Value:
        """The value as the CRM knows it. **Raises** InvalidRecord."""
        return value

    def _owes_key(self, _record_id: str, key: str) -> bool:
        """Whether our key is to be written in the place of this one."""
        return not key

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

    def _rules_of(self, record: RecordMap) -> Mapping[str, FieldRule]:
        """The record's rules, made once for all letters of a batch."""
        if record.record not in self._rules:
            self._rules[record.record] = field_rules(record)
        return self._rules[record.record]


class DealDesk(Desk):
    """Letters of deals, which name companies by their CRM ids."""

    def __init__(self, tx: Tx, tenant: Tenant, deal_ids: Sequence[str]) -> None:
        super().__init__(tx, tenant, DEAL, deal_ids)
        self._deals = {deal_id: stored.deal for deal_id, stored in deals.by_ids(tx, deal_ids).items()}
        named = {str(value) for deal in self._deals.values() for name in REFERENCES if (value := deal.values.get(name))}
        self._crm_ids = companies.crm_ids_by_id(tx, named)
        self._disputed = conflicts.open_fields(tx, deal_ids)
        keys = {deal_id: key_of(link.base[KEY].crm) for deal_id, link in self.links.items() if KEY in link.base}
        others = {key for deal_id, key in keys.items() if key not in ("", deal_id)}
        self._left_over = deals.by_ids(tx, others).keys() if others else set()

    def _held(self, record_id: str) -> Mapping[str, Value] | None:
        deal = self._deals.get(record_id)
        if deal is None or (record_id not in self.links and deal.lifecycle in (Lifecycle.DRAFT, Lifecycle.WITHDRAWN)):
            return None  # nobody waits for a record of it, not yet or not any more
        return deal.values

    def _waiting(self, record_id: str) -> Collection[str]:
        return self._disputed.get(record_id, ())

    def _owes_key(self, record_id: str, key: str) -> bool:
        return key != record_id and (not key or key in self._left_over)

    def _in_crm(self, name: str, value: Value) -> Value:
        if name not in REFERENCES or not value:
            return value
        if str(value) not in self._crm_ids:
            words = f"{name} has no CRM record yet, so the deal cannot name it there"
            raise InvalidRecord(words, code="company_not_in_crm", field=name)
        return self._crm_ids[str(value)]


class CompanyDesk(Desk):
    """Letters of companies that the portal writes too."""

    def __init__(self, tx: Tx, tenant: Tenant, company_ids: Sequence[str]) -> None:
        super().__init__(tx, tenant, COMPANY, company_ids)
        self._words = words_of(tx, companies.by_ids(tx, company_ids).values())

    def _held(self, record_id: str) -> Mapping[str, Value] | None:
        return self._words.get(record_id)


def desk_of(tx: Tx, tenant: Tenant, object_: str, record_ids: Sequence[str]) -> Desk:
    """The desk for these records of one object."""
    return CompanyDesk(tx, tenant, record_ids) if object_ == COMPANY else DealDesk(tx, tenant, record_ids)
