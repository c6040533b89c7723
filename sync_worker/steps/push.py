"""PUSH: the only step that writes records to a CRM. Claim, compute, keep what is about to be sent, send, settle; read back by notice.

A claim that outlives its time is uncertain and is read back before anything else. A known record is written by its CRM id; our key is for the
first create only. The portal ids not yet patched back are written here too: their missing mark is their outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sync_worker.crm.port import Change, NativeRecord, Outcome, Wrote
from sync_worker.domain.deal import Deal
from sync_worker.domain.reconcile import Base, FieldRule, after_write, comparable, owed
from sync_worker.domain.values import Value
from sync_worker.errors import InvalidRecord, RecordError, SyncError, WriteRejected
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.claim import Claim
from sync_worker.steps.ingest_deals import KEY, REFERENCES
from sync_worker.steps.refresh import refresh
from sync_worker.steps.tenant import COMPANY, DEAL, Done, Tenant, Wake, field_rules
from sync_worker.store import companies, conflicts, deals, failures, links, notices, outbox, portals, runs
from sync_worker.store.engine import Tx
from sync_worker.store.failures import Failure
from sync_worker.store.links import Link
from sync_worker.store.outbox import OutboxRow
from sync_worker.store.runs import Counts

BATCH_COUNT = 200  # rows a claim: one collections call
READ_COUNT = 2000  # known records read before they are written: one call
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 600.0  # between tries of a row the CRM could not take just now
MOST_ATTEMPTS = 10  # then a person looks: some two hours after the first

Progress = Callable[[int], None]
"""Called after each batch with the number of rows settled so far."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One outbox row with what is to be written for it."""

    row: OutboxRow
    record: RecordMap
    link: Link | None
    change: Change
    sent: Mapping[str, Base]


def push(tenant: Tenant, *, on_batch: Progress | None = None) -> Done:
    """Writes everything due. **Raises** the port's errors, StoreDown; what was claimed and not begun is released first."""
    if not has_work(tenant):
        return Done("", Counts())
    total, wakes = Counts(), set[Wake]()
    with tenant.run("push") as run_id:
        _doubt_expired(tenant)
        for counts in _batches(tenant, run_id, wakes):
            total.add(counts)
            if on_batch:
                on_batch(total.claimed)
    tenant.log.info("pushed", run=run_id, written=total.written, deferred=total.deferred, parked=total.parked, uncertain=total.uncertain)
    return Done(run_id, total, frozenset(wakes))


def has_work(tenant: Tenant) -> bool:
    """Whether a push would find something to do now."""
    with tenant.store.reading(tenant.name) as tx:
        return outbox.has_due(tx) or bool(companies.unpatched(tx, 1))


def _batches(tenant: Tenant, run_id: str, wakes: set[Wake]) -> Iterator[Counts]:
    """Batches of any kind until nothing is due: uncertain rows first, then deals, then portal ids."""
    while True:
        with Claim(tenant, state="uncertain", limit=BATCH_COUNT) as claim:
            if claim.rows:
                yield _read_back(tenant, claim, run_id, wakes)
                continue
        read = _read_first(tenant, wakes)
        with Claim(tenant, state="ready", limit=BATCH_COUNT) as claim:
            if claim.rows:
                yield _write(tenant, claim, read, run_id, wakes)
                continue
        patched = _patch_back(tenant, run_id)
        if patched is None:
            return
        yield patched


def _doubt_expired(tenant: Tenant) -> None:
    with tenant.store.side_transaction(tenant.name) as tx:
        count = outbox.doubt_expired(tx)
    if count:
        tenant.log.warning("claims expired", count=count, next="they are read back before anything is written again")


# ── computing what to write ──────────────────────────────────────────────────────────────────────────────────────────


def _read_first(tenant: Tenant, wakes: set[Wake]) -> set[str]:
    """Reads and merges the known records that are due, so that a value nobody has seen yet is not written over. Returns their deals.

    Where another reader has the lease, its records wait: a create never does.
    """
    with tenant.store.reading(tenant.name) as tx:
        due = links.current(tx, outbox.due(tx, READ_COUNT))
    read: set[str] = set()
    for record_name in sorted({link.object for link in due.values()}):
        mine = {deal_id: link for deal_id, link in due.items() if link.object == record_name}
        with tenant.store.side_transaction(tenant.name) as tx:
            notices.add(tx, record_name, [link.crm_id for link in mine.values()])
        done = refresh(tenant, record_name)
        wakes |= done.wakes
        if not done.is_busy:
            read |= mine.keys()
    return read


def _write(tenant: Tenant, claim: Claim, read: set[str], run_id: str, wakes: set[Wake]) -> Counts:
    counts = Counts(claimed=len(claim.rows))
    letters = _compose(tenant, claim, read, counts, run_id)
    try:
        for record_name in sorted({letter.record.record for letter in letters.values()}):
            _send(tenant, claim, record_name, letters, counts, run_id, wakes)
    except SyncError:
        _release(tenant, claim, letters, run_id)
        raise
    return counts


def _send(
    tenant: Tenant, claim: Claim, record_name: str, letters: dict[str, Letter], counts: Counts, run_id: str, wakes: set[Wake]
) -> None:
    """Sends the letters of one record type; each answer is settled in one commit, and its letters are taken off the list."""
    record = tenant.mapping.records[record_name]
    changes = [letter.change for letter in letters.values() if letter.record.record == record_name]
    for outcomes in tenant.crm.write(record.native, record.key_field, changes, time_left_s=claim.time_left_s):
        settled = Counts()
        with tenant.store.transaction(tenant.name) as tx:
            for outcome in outcomes:
                wakes |= _settle(tx, tenant, claim, letters[outcome.ref], outcome, settled, run_id)
            runs.count(tx, run_id, settled)
        for outcome in outcomes:
            del letters[outcome.ref]
        counts.add(settled)


def _release(tenant: Tenant, claim: Claim, letters: Mapping[str, Letter], run_id: str) -> None:
    """The call failed before anything of it was written: these rows are due again."""
    with tenant.store.side_transaction(tenant.name) as tx:
        for letter in letters.values():
            outbox.later(tx, letter.row, claim.token, tx.now + timedelta(seconds=FIRST_WAIT_S))
        runs.count(tx, run_id, Counts(deferred=len(letters)))


def _compose(tenant: Tenant, claim: Claim, read: set[str], counts: Counts, run_id: str) -> dict[str, Letter]:
    """Computes the writes, by deal, and keeps them with their rows in the commit before the call. Rows that owe nothing any more are done."""
    letters: dict[str, Letter] = {}
    with tenant.store.transaction(tenant.name) as tx:
        desk = _Desk(tx, tenant, [row.record_id for row in claim.rows])
        for row in claim.rows:
            if row.record_id in desk.links and row.record_id not in read:
                outbox.later(tx, row, claim.token, tx.now + timedelta(seconds=FIRST_WAIT_S))
                counts.deferred += 1
                continue
            try:
                letter = desk.letter(row)
            except RecordError as error:
                _park(tx, tenant, claim, row, error, counts, run_id)
                continue
            if letter is None:
                outbox.done(tx, row, claim.token)
                counts.unchanged += 1
            else:
                outbox.begin(tx, row, claim.token, letter.sent)
                letters[row.record_id] = letter
        runs.count(tx, run_id, counts)
    return letters


class _Desk:
    """Everything that is needed to write letters for these deals, fetched at once."""

    def __init__(self, tx: Tx, tenant: Tenant, deal_ids: Sequence[str]) -> None:
        self._tenant = tenant
        self._deals = deals.by_ids(tx, deal_ids)
        named = {str(value) for stored in self._deals.values() for name in REFERENCES if (value := stored.deal.values.get(name))}
        self._crm_ids = companies.crm_ids_by_id(tx, named)
        self._waiting = conflicts.open_fields(tx, deal_ids)
        self.links = links.current(tx, deal_ids)

    def letter(self, row: OutboxRow) -> Letter | None:
        """What this deal owes the CRM, None where nothing. **Raises** InvalidRecord for a value the CRM has no spelling for."""
        stored, link = self._deals.get(row.record_id), self.links.get(row.record_id)
        if stored is None or (link and link.deleted_at):
            return None
        deal = stored.deal
        record = self._tenant.mapping.records[link.object if link else self._tenant.portal.deals.record]
        rules, base = field_rules(record), link.base if link else {}
        names = owed(rules, base=base, portal=deal.values, is_create=link is None, waiting=self._waiting.get(deal.id, ()))
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

    def _reference(self, name: str, deal: Deal) -> Value:
        value = deal.values.get(name)
        if name not in REFERENCES or not value:
            return value
        if str(value) not in self._crm_ids:
            words = f"{name} has no CRM record yet, so the deal cannot name it there"
            raise InvalidRecord(words, code="company_not_in_crm", field=name)
        return self._crm_ids[str(value)]


# ── settling what was written ────────────────────────────────────────────────────────────────────────────────────────


def _settle(tx: Tx, tenant: Tenant, claim: Claim, letter: Letter, outcome: Outcome, counts: Counts, run_id: str) -> set[Wake]:
    """One outcome, in one commit with the others of its call."""
    row = letter.row
    if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED) and outcome.crm_id:
        return _settle_written(tx, tenant, claim, letter, outcome, counts, run_id)
    if outcome.wrote is Wrote.UNCERTAIN:
        outbox.doubt(tx, row, claim.token)
        counts.uncertain += 1
        return {Wake("push")}
    if outcome.wrote is Wrote.REJECTED or row.attempts + 1 >= MOST_ATTEMPTS:
        _park(tx, tenant, claim, row, outcome.error, counts, run_id, payload=letter.change.fields)
        return set()
    wait_s = 0.0 if outcome.wrote is Wrote.NOT_BEGUN else _wait_s(tenant, row)
    outbox.later(tx, row, claim.token, tx.now + timedelta(seconds=wait_s))
    counts.deferred += 1
    return set()


def _settle_written(tx: Tx, tenant: Tenant, claim: Claim, letter: Letter, outcome: Outcome, counts: Counts, run_id: str) -> set[Wake]:
    """The base becomes what was sent, the link is kept at once, and the record is read back: the vendor may have rewritten it."""
    row, record = letter.row, letter.record
    if not outbox.done(tx, row, claim.token):
        counts.uncertain += 1  # the claim was lost meanwhile; whoever has the row now reads it back
        return {Wake("push")}
    crm_id = tenant.crm.canonical_id(outcome.crm_id or "")
    link = letter.link or Link(record.record, crm_id, row.record_id)
    fresh = links.by_crm_ids(tx, record.record, [crm_id]).get(crm_id, link)
    settled_no = portals.draw_read_no(tx)
    links.save(tx, [replace(fresh, base={**fresh.base, **letter.sent}, settled_no=settled_no)])
    notices.add(tx, record.record, [crm_id])
    _close(tx, row.record_id, "written")
    if outcome.warning:
        failures.record(tx, [_problem(tenant, row.record_id, "duplicate_in_crm", outcome.warning, run_id)])
    counts.written += 1
    return {Wake("refresh", record.record)} | ({Wake("push")} if outbox.is_owed(tx, row) else set())


def _park(
    tx: Tx,
    tenant: Tenant,
    claim: Claim,
    row: OutboxRow,
    error: SyncError | None,
    counts: Counts,
    run_id: str,
    *,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """The CRM, or our own mapping, refuses this record: a failure row, and the row waits for a person or the record's next change."""
    outbox.park(tx, row, claim.token)
    counts.parked += 1
    code = error.code if isinstance(error, RecordError) else "gave_up"
    field = error.field if isinstance(error, RecordError) else ""
    words = str(error) if error else "the CRM did not take it"
    failure = _problem(tenant, row.record_id, code, words, run_id)
    _close(tx, row.record_id, "tried again, and failed otherwise", but=(code, field))
    failures.record(tx, [replace(failure, kind="failure", field=field, payload=payload)])


def _close(tx: Tx, record_id: str, resolution: str, *, but: tuple[str, str] | None = None) -> None:
    rows = failures.open_rows(tx, DEAL, [record_id], "push")
    failures.close(tx, [row.id for row in rows if (row.code, row.field) != but], resolution)


def _problem(tenant: Tenant, record_id: str, code: str, message: str, run_id: str) -> Failure:
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=DEAL,
        record=record_id,
        stage="push",
        code=code,
        message=message,
        run_id=run_id,
    )


def _wait_s(tenant: Tenant, row: OutboxRow) -> float:
    ceiling: float = min(FIRST_WAIT_S * 2**row.attempts, LONGEST_WAIT_S)
    return ceiling * (0.5 + tenant.services.random.random() / 2)


# ── uncertain rows ───────────────────────────────────────────────────────────────────────────────────────────────────


def _read_back(tenant: Tenant, claim: Claim, run_id: str, wakes: set[Wake]) -> Counts:
    """What became of writes whose answer was lost: found by key or id, their fields compared with what was sent, and ready again."""
    counts = Counts(claimed=len(claim.rows), unchanged=len(claim.rows))
    with tenant.store.reading(tenant.name) as tx:
        current = links.current(tx, [row.record_id for row in claim.rows])
    found = {**_found_by_key(tenant, claim.rows, current), **_found_by_id(tenant, current)}
    with tenant.store.transaction(tenant.name) as tx:
        for row in claim.rows:
            outbox.later(tx, row, claim.token, tx.now)
            if native := found.get(row.record_id):
                record_name = current[row.record_id].object if row.record_id in current else tenant.portal.deals.record
                _take_over(tx, tenant, row, record_name, native)
                wakes.add(Wake("refresh", record_name))
        runs.count(tx, run_id, counts)
    return counts


def _found_by_key(tenant: Tenant, rows: Sequence[OutboxRow], current: Mapping[str, Link]) -> dict[str, NativeRecord]:
    """First creates: whichever record carries the key is ours."""
    keys = [row.record_id for row in rows if row.record_id not in current]
    if not keys:
        return {}
    record = tenant.mapping.records[tenant.portal.deals.record]
    natives = tenant.crm.find_by_key(record.native, record.key_field, keys, fields=record.native_fields)
    return {str(native.fields[record.key_field]): native for native in natives}


def _found_by_id(tenant: Tenant, current: Mapping[str, Link]) -> dict[str, NativeRecord]:
    found: dict[str, NativeRecord] = {}
    for object_ in sorted({link.object for link in current.values()}):
        record = tenant.mapping.records[object_]
        deal_ids = {link.crm_id: deal_id for deal_id, link in current.items() if link.object == object_}
        for native in tenant.crm.fetch(record.native, sorted(deal_ids), fields=record.native_fields):
            found[deal_ids[native.crm_id]] = native
    return found


def _take_over(tx: Tx, tenant: Tenant, row: OutboxRow, record_name: str, native: NativeRecord) -> None:
    """The link is kept, and fields that the CRM holds as we sent them are agreed; the rest is merged when the record is read again."""
    record = tenant.mapping.records[record_name]
    known = links.by_crm_ids(tx, record_name, [native.crm_id]).get(native.crm_id)
    link = known or Link(record_name, native.crm_id, row.record_id)
    base = _agreed(row, record, field_rules(record), native)
    links.save(tx, [replace(link, base={**link.base, **base}, settled_no=portals.draw_read_no(tx))])
    notices.add(tx, record_name, [native.crm_id])


def _agreed(row: OutboxRow, record: RecordMap, rules: Mapping[str, FieldRule], native: NativeRecord) -> dict[str, Base]:
    """What was sent and stands there now, however the CRM spells it."""
    reading = record.normalize(native.fields)
    agreed: dict[str, Base] = {KEY: Base(None, native.fields.get(record.key_field))}
    for name, base in (row.sent or {}).items():
        if name not in rules or name not in record.fields:
            continue
        spelling = native.fields.get(record.fields[name].native)
        is_same = name in reading.values and comparable(reading.values[name]) == base.portal
        if spelling == base.crm or is_same:
            agreed[name] = Base(base.portal, spelling)
    return agreed


# ── portal ids ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _patch_back(tenant: Tenant, run_id: str) -> Counts | None:
    """One batch of portal ids. Writing one again is harmless, so nothing is claimed; what the CRM refuses becomes a failure row."""
    with tenant.store.reading(tenant.name) as tx:
        rows = companies.unpatched(tx, BATCH_COUNT)
    if not rows:
        return None
    record = tenant.company_map()
    changes = [Change(ref=company_id, fields={record.key_field: company_id}, crm_id=crm_id) for company_id, crm_id in rows]
    counts = Counts(claimed=len(rows))
    for outcomes in tenant.crm.write(record.native, record.key_field, changes, time_left_s=lambda: float("inf")):
        with tenant.store.transaction(tenant.name) as tx:
            companies.mark_patched(tx, [outcome.ref for outcome in outcomes if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)])
            failures.record(tx, [_refused(tenant, outcome, run_id) for outcome in outcomes if outcome.wrote is Wrote.REJECTED])
        for outcome in outcomes:
            _count_patch(outcome, counts)
    with tenant.store.side_transaction(tenant.name) as tx:
        runs.count(tx, run_id, counts)
    return counts if counts.written or counts.parked else None


def _count_patch(outcome: Outcome, counts: Counts) -> None:
    name = {Wrote.WRITTEN: "written", Wrote.CREATED: "written", Wrote.REJECTED: "parked", Wrote.UNCERTAIN: "uncertain"}.get(
        outcome.wrote, "deferred"
    )
    setattr(counts, name, getattr(counts, name) + 1)


def _refused(tenant: Tenant, outcome: Outcome, run_id: str) -> Failure:
    code = outcome.error.code if isinstance(outcome.error, WriteRejected) else "rejected"
    failure = _problem(tenant, outcome.ref, code, str(outcome.error), run_id)
    return replace(failure, kind="failure", object=COMPANY)
