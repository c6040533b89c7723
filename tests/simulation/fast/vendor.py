"""A CRM in memory, as people and the vendor's own rules see it. It knows no API and no adapter; `port.py` shows it to the workers.

Salesforce's ways   stamps in whole seconds · a lead turns into an opportunity · a merge keeps the winner's id · references are fields
HubSpot's ways      stamps in milliseconds · every value is text · a merge makes a new id · references are labelled associations
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeAlias

from crm_sandbox.remote import ControlError
from sync_worker.mapping.catalog import Catalog, FieldType
from tests.simulation.fast.faults import Trouble
from tests.simulation.fast.schema import AccountSchema
from tests.simulation.fast.ways import Ways
from tests.simulation.gate import Gate

Fields: TypeAlias = dict[str, Any]

INVALID_FIELD = "INVALID_FIELD"


@dataclass(slots=True)
class Row:
    """One record.

    **Shapes** `stamp`: when it changed last, as the vendor tells it; `companies`: label → who has it; `swallowed`: ids that
    merges made into it; `is_shared`: whether the worker's user sees it; `is_ours`: whether that user changed it last.
    """

    native: str
    id: str
    stamp: datetime
    fields: Fields
    companies: dict[str, set[str]] = field(default_factory=dict)
    deleted_at: datetime | None = None
    merged_into: str | None = None
    swallowed: list[str] = field(default_factory=list)
    converted_to: str | None = None
    is_shared: bool = True
    is_ours: bool = False

    @property
    def is_live(self) -> bool:
        return self.deleted_at is None

    def key(self, field_name: str) -> str | None:
        return self.fields.get(field_name)


class Refused(Exception):
    """The vendor refuses one record. **Shapes** `code`: as the vendor calls it; `field`: that it refuses, where it names one."""

    def __init__(self, code: str, words: str, field: str = "") -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.field = field


@dataclass(slots=True)
class _Later:
    """What the vendor does by itself at a later moment."""

    at: datetime
    act: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Job:
    """An answer that was ordered. **Shapes** `rows`: copies, as they were then, in no order; `ready_at`: when it can be fetched."""

    rows: tuple[Row, ...]
    ready_at: datetime


class Vendor:
    """All records of one account, what goes wrong with its calls, and its clock.

    **Shapes** `stamps_every_save`: also one that changes nothing. `limited`: labels under which an admin allows one company; `calls`: by
    kind; `called_at`: every call there was; `news`: what has changed since webhooks told of it last; `pause`, `overtake`: what happens
    while a worker stands still, or is asleep; `on_send`: hears of the outbox's records that are sent.
    `prepares_answers`: of a first load, as jobs that were ordered.
    **Units** `lag_s`: how far its index is behind; `late_s`: how long after a call was given up it is done.
    """

    def __init__(self, ways: Ways, clock: Callable[[], datetime]) -> None:
        self.ways = ways
        self.trouble = Trouble()
        self.schema = AccountSchema(ways.types)
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._numbers = count(1)
        self._later: list[_Later] = []
        self._due_at: datetime | None = None
        self._late_stamps: list[float] = []
        self.lag_s = 0.0
        self.late_s = 0.0
        self.pause: Callable[[], None] = lambda: None
        self.overtake: Callable[[Gate], None] = lambda _gate: None
        self.on_send: Callable[[Iterable[str]], None] = lambda _refs: None
        self.stamps_every_save = True
        self.limited: set[str] = set()
        self.page_count = self.batch_count = 100
        self.calls: Counter[str] = Counter()
        self.called_at: list[datetime] = []
        self.news: list[Row] = []
        self.jobs: list[Job] = []
        self.prepares_answers = False

    def copied(self) -> Vendor:
        """Another one that holds the same, by the same clock; without trouble, and with nothing that it does by itself later."""
        other = Vendor(self.ways, self._clock)
        other._rows = deepcopy(self._rows)
        other._numbers = count(1 + len(self._rows))
        other.schema = self.schema.copied()
        other.jobs, other.prepares_answers = list(self.jobs), self.prepares_answers
        other.stamps_every_save, other.limited = self.stamps_every_save, set(self.limited)
        other.page_count, other.batch_count = self.page_count, self.batch_count
        return other

    # ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> datetime:
        """Where it does something by itself: the moment for which that was due, even if nobody has looked since."""
        return self._due_at or self._clock()

    def catch_up(self) -> None:
        """What was to happen by itself until now happens."""
        due = sorted((later for later in self._later if later.at <= self.now), key=lambda later: later.at)
        self._later = [later for later in self._later if later not in due]
        for later in due:
            self._due_at = later.at
            later.act()
            self._due_at = None

    def do_later(self, seconds: float, act: Callable[[], None]) -> None:
        self._later.append(_Later(self.now + timedelta(seconds=seconds), act))

    def stamp_late(self, seconds: float, times: int) -> None:
        """The next writes become visible late: with the stamp of a moment that readers have left behind."""
        self._late_stamps = [seconds] * times

    @contextmanager
    def stamping_late(self, seconds: float) -> Iterator[None]:
        """All that is written inside becomes visible so much too late."""
        before, self._late_stamps = self._late_stamps, [seconds] * 100
        try:
            yield
        finally:
            self._late_stamps = before

    def be_quick(self) -> None:
        """Nothing becomes visible late any more."""
        self.lag_s, self._late_stamps = 0.0, []

    def _stamp(self) -> datetime:
        late_s = self._late_stamps.pop() if self._late_stamps else 0.0
        return self.ways.rounded(self.now - timedelta(seconds=late_s))

    def is_indexed(self, row: Row) -> bool:
        """Whether a search knows of the record's last change."""
        return row.stamp + timedelta(seconds=self.lag_s) <= self.now

    def count(self, kind: str) -> None:
        """One call has come."""
        self.calls[kind] += 1
        self.called_at.append(self.now)

    def catalog(self, native: str) -> Catalog:
        """What a describe says."""
        return self.schema.catalog(native)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def all(self, native: str) -> list[Row]:
        """Everything of a type, in the order of ids, as people see it."""
        self.catch_up()
        return [row for row in self._rows.values() if row.native == native]

    def shared(self, native: str) -> Iterator[Row]:
        """What the worker's user sees, the deleted too."""
        return (row for row in self.all(native) if row.is_shared)

    def find(self, crm_id: str) -> Row | None:
        """As the worker's user finds it by its id, a merge followed where this vendor does."""
        self.catch_up()
        row = self._rows.get(crm_id)
        while row and row.merged_into and self.ways.follows_merges:
            row = self._rows.get(row.merged_into)
        return row if row and row.is_shared else None

    def loser(self, crm_id: str) -> Row | None:
        row = self._rows.get(crm_id)
        return row if row and row.merged_into and row.is_shared else None

    def record(self, crm_id: str) -> Row:
        """One of them. **Raises** KeyError."""
        self.catch_up()
        return self._rows[crm_id]

    def by_key(self, native: str, key_field: str, key: str) -> list[Row]:
        """The live records that carry one of our keys."""
        return [row for row in self.shared(native) if row.is_live and str(row.key(key_field) or "").lower() == key.lower()]

    def shown(self, row: Row, names: Iterable[str]) -> Fields:
        """The fields, as an answer spells them: companies that are gone have no label."""
        return {name: self.held(row, name) if self.ways.is_label(name) else row.fields.get(name) for name in names}

    def held(self, row: Row, label: str) -> str | list[str] | None:
        """The company under a label; two cannot be one value, and both are shown."""
        found = sorted(self.holders(row, label))
        return found if len(found) > 1 else next(iter(found), None)

    def holders(self, row: Row, label: str) -> set[str]:
        return {company for company in row.companies.get(label, ()) if (one := self._rows.get(company)) and one.is_live}

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, native: str, fields: Mapping[str, Any], *, by_us: bool = False) -> Row:
        """A new record."""
        if by_us:
            self._check_ours(native, fields)
        self._check(native, fields)
        properties = {name: value for name, value in fields.items() if not self.ways.is_label(name)}
        row = Row(native, self.ways.id_of(native, next(self._numbers)), self._stamp(), {}, is_ours=by_us)
        row.fields = {**self.ways.blank(native), **self.ways.stored(self.schema.fields(native), properties)}
        self._rows[row.id] = row
        self.news.append(row)
        for name in fields.keys() - properties.keys():
            self.label(row, name, fields[name])
        return row

    def edit(self, row: Row, fields: Mapping[str, Any], *, by_us: bool = False) -> None:
        """Some fields of a record. **Raises** Refused."""
        self._check_live(row)
        if by_us:
            self._check_ours(row.native, fields)
        self._check(row.native, fields)
        properties = {name: value for name, value in fields.items() if not self.ways.is_label(name)}
        stored = self.ways.stored(self.schema.fields(row.native), properties)
        if (stored and self.stamps_every_save) or any(row.fields.get(name) != value for name, value in stored.items()):
            row.fields |= stored
            self._touch(row, by_us=by_us)
        for name in fields.keys() - properties.keys():
            self.label(row, name, fields[name])

    def label(self, row: Row, label: str, company: str | None) -> None:
        """The label goes to that company. An association is not a part of the record, so its stamp stays. (HubSpot moves it later.)"""
        wanted = {company} if company else set()
        if row.companies.get(label, set()) != wanted:
            row.companies[label] = wanted
            self._touch(row, by_us=False)

    def add_label(self, row: Row, label: str, company: str) -> None:
        """One more company under a label. **Raises** Refused where an admin allows only one."""
        self._check_company(company)
        if label in self.limited and self.holders(row, label) - {company}:
            raise Refused("LIMIT_EXCEEDED", f"{label} allows one company")
        row.companies.setdefault(label, set()).add(company)
        self._touch(row, by_us=True)

    def end_label(self, row: Row, label: str, companies: Iterable[str]) -> None:
        row.companies.setdefault(label, set()).difference_update(companies)
        self._touch(row, by_us=True)

    def _touch(self, row: Row, *, by_us: bool) -> None:
        row.stamp, row.is_ours = self._stamp(), by_us
        self.news.append(row)

    def _check(self, native: str, fields: Mapping[str, Any]) -> None:
        """**Raises** Refused for a company that is not there, and for a value that may not be chosen."""
        for name, value in fields.items():
            if value and self.ways.refers(native, name):
                self._check_company(value)

    def _check_ours(self, native: str, fields: Mapping[str, Any]) -> None:
        """**Raises** Refused for a field that the worker's user does not see, and for a value that its list does not hold any more."""
        if unseen := self.schema.unseen(native, fields):
            raise Refused(INVALID_FIELD, f"no such column {unseen[0]!r}", unseen[0])
        if field_name := self.schema.refused(native, fields):
            raise Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"bad value for restricted picklist field {field_name}", field_name)

    def _check_company(self, crm_id: str) -> None:
        company = self._rows.get(crm_id)
        if company is None or not company.is_live:
            raise Refused("INVALID_CROSS_REFERENCE_KEY", f"company {crm_id} is deleted")

    def _check_live(self, row: Row) -> None:
        if not row.is_live:
            raise Refused("ENTITY_IS_DELETED", "entity is deleted")
        if row.converted_to:
            raise Refused("CANNOT_UPDATE_CONVERTED_LEAD", "the lead is converted")

    # ── what people do besides ───────────────────────────────────────────────────────────────────────────────────────

    def delete(self, row: Row) -> None:
        self._refuse_people(row, is_deleted=False)
        row.deleted_at = self.now
        self._touch(row, by_us=False)

    def undelete(self, row: Row) -> None:
        if row.is_live or row.merged_into:
            raise ControlError(400, "not in the bin")
        row.deleted_at = None
        self._touch(row, by_us=False)

    def merge(self, winner: Row, loser: Row) -> str:
        """The id that both live on under."""
        self._refuse_people(winner, is_deleted=False)
        self._refuse_people(loser, is_deleted=False)
        if not self.ways.merges(winner.native):
            raise ControlError(400, f"{winner.native} cannot be merged")
        survivor = self._survivor(winner, loser) if self.ways.merge_makes_new_id else winner
        for lost in {winner.id: winner, loser.id: loser}.values():
            if lost is not survivor:
                lost.deleted_at, lost.merged_into = self.now, survivor.id
                self._touch(lost, by_us=False)
                self._reparent(lost.id, survivor.id)
        self._touch(survivor, by_us=False)
        return survivor.id

    def _survivor(self, winner: Row, loser: Row) -> Row:
        survivor = Row(winner.native, self.ways.id_of(winner.native, next(self._numbers)), self._stamp(), {})
        survivor.fields = {name: winner.fields.get(name) or value for name, value in (loser.fields | winner.fields).items()}
        for name, value in loser.fields.items():
            if survivor.fields.get(name) in (None, ""):
                survivor.fields[name] = value
        for label in winner.companies.keys() | loser.companies.keys():
            survivor.companies[label] = winner.companies.get(label, set()) | loser.companies.get(label, set())
        survivor.swallowed = [*winner.swallowed, *loser.swallowed, winner.id, loser.id]
        self._rows[survivor.id] = survivor
        self.news.append(survivor)
        return survivor

    def _reparent(self, lost: str, survivor: str) -> None:
        """What named the loser names the survivor."""
        for row in list(self._rows.values()):
            for name in self.ways.references(row.native):
                if row.fields.get(name) == lost:
                    row.fields[name] = survivor
                    self._touch(row, by_us=False)
            for companies in row.companies.values():
                if lost in companies:
                    companies.remove(lost)
                    companies.add(survivor)

    def convert(self, lead: Row, *, is_mapped: bool, omit: Sequence[str]) -> str:
        """The opportunity that a lead turns into."""
        self._refuse_people(lead, is_deleted=False)
        opportunity = self.create(self.ways.converted, self.ways.handed_on(lead.fields, self.now, is_mapped=is_mapped, omit=omit))
        lead.converted_to = opportunity.id
        lead.fields["Status"] = "Closed - Converted"
        self._touch(lead, by_us=False)
        return opportunity.id

    def retype(self, native: str, field_name: str, type_: FieldType) -> None:
        """An admin gives a field another type; its values are spelled anew, and no stamp moves."""
        self.schema.retype(native, field_name, type_)
        for row in self.all(native):
            row.fields |= self.ways.stored(self.schema.fields(native), {field_name: row.fields.get(field_name)})

    def share(self, ids: Iterable[str], *, is_shared: bool) -> None:
        """Whether the worker's user sees these; their stamps stay."""
        for crm_id in ids:
            self._rows[crm_id].is_shared = is_shared

    def _refuse_people(self, row: Row, *, is_deleted: bool) -> None:
        if row.is_live is is_deleted or row.converted_to:
            raise ControlError(400, f"{row.id} cannot be changed")
