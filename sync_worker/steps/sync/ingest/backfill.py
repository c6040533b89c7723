"""BACKFILL: one field of all records that are here already is read from the CRM, and nothing else of them.

A new field in a mapping does not change old records: a record that is not edited keeps what it has. A backfill brings it in, by the way
that takes the fewest calls. Each page is a commit with the place it has come to, so that the process that comes next goes on there; other
readers of the record type take turns with it. A record that shows more than the field (it was deleted, or another term moved) is noticed
and read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from sync_worker.crm.port import Page, Scan
from sync_worker.domain.sync.ingest.backfill import Way, cheaper_way, may_scan, part_of
from sync_worker.errors import Stopped
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.fillable import Fillable, fillable
from sync_worker.steps.core.association_mode import enter
from sync_worker.steps.core.brake import kept
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.lease import leased, turned_away
from sync_worker.steps.core.tenant import COMPANY, Tenant, going_on
from sync_worker.steps.sync.ingest.ingest import ingest
from sync_worker.steps.sync.ingest.lanes import PagesRead, Progress, ReadingTurn, draw, ends_early, giving_way, pages
from sync_worker.steps.sync.ingest.pull import progress, pull
from sync_worker.steps.sync.ingest.refresh import gone
from sync_worker.store.core import companies, cursors
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import links
from sync_worker.store.sync import backfills
from sync_worker.store.sync.backfills import Backfill

PAGE_COUNT = 2000  # ids a page


def wanted(tenant: Tenant, word: str, records: Collection[str]) -> Fillable:
    """The field that a person names, and the record types on which it can be read. **Raises** ConfigError with what to do."""
    return fillable(word, tenant.mapping, tenant.plain_mapping, records)


def ask(tenant: Tenant, found: Fillable, *, by: str) -> None:
    """Writes down that a person wants it. What was asked for before and stopped goes on where it was."""
    with tenant.store.side_transaction(tenant.name) as tx:
        enter(tx, tenant.portal)
        left = {(one.object, one.field) for one in backfills.unfinished(tx)}
        for name in found.records:
            if (name, found.field) not in left:
                backfills.order(tx, name, found.field, by=by, is_queued=False)


def go_on(tenant: Tenant, record_name: str) -> Done:
    """A turn of what was left to the workers. A poll that is due goes first, for between two turns the lease is free for a moment only."""
    asked = _next(tenant, record_name)
    if asked is None:
        return Done("", Counts())
    polled = pull(tenant, record_name).follow_ups if _is_poll_due(tenant, record_name) else frozenset[FollowUp]()
    done = backfill(tenant, record_name, asked.field)
    again = {_wake(record_name)} if _next(tenant, record_name) and done.run_id else set()
    return replace(done, follow_ups=done.follow_ups | polled | again)


@going_on
def backfill(tenant: Tenant, record_name: str, field: str, *, on_page: Progress | None = None) -> Done:
    """Reads what is left of one field of one record type, or a turn of it.

    **Raises** the port's errors, StaleRead, StoreDown; HeldForReview; Stopped after the page at hand.
    """
    with tenant.services.beside() as beside, leased(tenant, record_name) as cursor:
        if cursor is None:
            return Done("", Counts(), is_busy=True)

        def piece(cursor: Cursor, _no: int) -> tuple[Done, bool]:
            with tenant.run("backfill", record_name) as run_id, kept(tenant, "backfill", record_name, run_id):
                turn = ReadingTurn(cursor, run_id, tenant.services.monotonic(), beside, on_page)
                return _fill(tenant, record_name, field, turn)

        done = giving_way(tenant, record_name, cursor, piece)
    return replace(done, follow_ups=done.follow_ups | turned_away(tenant, record_name))


def do_again(tenant: Tenant, record_name: str) -> Done:
    """What is left of this record type, the backfill that the brake held among it, each from the page on where it stands."""
    with tenant.store.reading(tenant.name) as tx:
        left = [one.field for one in backfills.unfinished(tx) if one.object == record_name]
    total, follow_ups = Counts(), set[FollowUp]()
    for field in left:
        done = backfill(tenant, record_name, field)
        if done.is_busy:
            return done
        total.add(done.counts)
        follow_ups |= done.follow_ups
    return Done("", total, frozenset(follow_ups))


def _fill(tenant: Tenant, record_name: str, field: str, turn: ReadingTurn) -> tuple[Done, bool]:
    """What was done, and whether it ended because it gives way to notices."""
    with tenant.store.reading(tenant.name) as tx:
        asked = backfills.get(tx, record_name, field)
    mapped = tenant.described.looked_at(record_name)
    if asked is None or asked.finished_at:
        return Done(turn.run_id, Counts()), False
    if field not in mapped.fields:
        return _given_up(tenant, asked, turn.run_id), False
    part = part_of(field, mapped.fields, is_company=record_name == COMPANY)
    asked = _begun(tenant, asked, mapped)
    total, follow_ups, so_far, in_all = Counts(), set[FollowUp](), asked.done_count, asked.total_count
    with closing(_pages(tenant, mapped.only(part.fields), asked, turn)) as found:  # what is under way ends before the lease does
        for read_no, page in found:
            so_far += len(page.records)
            in_all = page.total or in_all
            as_read = tenant.mapping.records[record_name].only(part.fields)  # which the page itself may have changed
            answer = Chunk(tenant, as_read, page.records, read_no, turn.run_id, part=part)
            counts, due = ingest(answer, _mover(turn.cursor, asked, page, so_far))
            total.add(counts)
            follow_ups |= due
            if turn.on_page:
                turn.on_page(so_far, in_all)
    is_ended = page.is_last or tenant.turn.is_over
    if not is_ended and tenant.services.is_stopping():
        words = f"stopped on request after {progress(so_far, in_all)} {record_name} records"
        raise Stopped(f"{words}; the next backfill of {field} goes on from there")
    return Done(turn.run_id, total, frozenset(follow_ups)), not is_ended


def _begun(tenant: Tenant, asked: Backfill, mapped: RecordMap) -> Backfill:
    """As it stands; from the first record on where it has not begun, or where the mapping was edited since it did."""
    until_at = tenant.crm_now()  # measures how far the CRM's clock is ahead, too, which `newest` needs
    if asked.mapping_hash == tenant.mapping.hash:
        return asked
    with tenant.store.reading(tenant.name) as tx:
        ours = companies.live_count(tx) if mapped.record == COMPANY else links.live_count(tx, mapped.record)
    way, rates = Way.BY_ID, tenant.crm.rates(mapped.native)
    if may_scan(ours, rates):
        way = cheaper_way(ours, tenant.crm.count(mapped.native), rates)
    total_count = ours if way is Way.BY_ID else None
    with tenant.store.side_transaction(tenant.name) as tx:
        return backfills.begin(tx, asked, way=way, until_at=until_at, total_count=total_count, mapping_hash=tenant.mapping.hash)


def _given_up(tenant: Tenant, asked: Backfill, run_id: str) -> Done:
    """The mapping has lost the field since it was asked for."""
    with tenant.store.side_transaction(tenant.name) as tx:
        backfills.finish(tx, asked, done_count=asked.done_count)
    tenant.log.warning("a backfill ends: the field is not mapped any more", object=asked.object, field=asked.field, asked_by=asked.asked_by)
    return Done(run_id, Counts())


def _pages(tenant: Tenant, record: RecordMap, asked: Backfill, turn: ReadingTurn) -> PagesRead:
    """What is left to read, each page with the read number drawn before it was asked for."""
    if asked.way == Way.BY_ID:
        return _by_id(tenant, record, asked, turn)
    assert asked.until_at is not None  # noqa: S101  # a scan was begun with it
    return pages(tenant, record.record, Scan(record.native, record.native_fields, None, asked.until_at, asked.position), turn)


def _by_id(tenant: Tenant, record: RecordMap, asked: Backfill, turn: ReadingTurn) -> PagesRead:
    position, is_last = asked.position, False
    while not is_last:
        with tenant.store.reading(tenant.name) as tx:
            crm_ids = _ids_after(tx, record.record, position)
        is_last = len(crm_ids) < PAGE_COUNT
        read_no = draw(tenant, turn.cursor)
        found = tenant.crm.fetch(record.native, crm_ids, fields=record.native_fields) if crm_ids else []
        tenant.lists.judged(record.record, found)
        position = crm_ids[-1] if crm_ids else position
        yield read_no, Page([*found, *gone(tenant, record.native, crm_ids, found)], position, is_last)
        if ends_early(tenant, record.record, turn):
            return


def _ids_after(tx: Tx, record_name: str, position: str) -> list[str]:
    if record_name == COMPANY:
        return companies.crm_ids_after(tx, position, PAGE_COUNT)
    return links.crm_ids_after(tx, record_name, position, PAGE_COUNT)


def _mover(cursor: Cursor, asked: Backfill, page: Page, done_count: int) -> Callable[[Tx, bool], None]:
    """What each chunk does inside its commit. **Raises** StaleRead when another reader has the fence, or it was asked for again."""

    def finish(tx: Tx, is_last_chunk: bool) -> None:
        cursors.hold(tx, cursor)
        if not is_last_chunk:
            return
        if page.is_last:
            backfills.finish(tx, asked, done_count=done_count)
        else:
            backfills.move(tx, asked, page.position, done_count=done_count)

    return finish


def _next(tenant: Tenant, record_name: str) -> Backfill | None:
    """The oldest one that was left to the workers."""
    with tenant.store.reading(tenant.name) as tx:
        return next((one for one in backfills.unfinished(tx) if one.object == record_name and one.is_queued), None)


def _is_poll_due(tenant: Tenant, record_name: str) -> bool:
    with tenant.store.reading(tenant.name) as tx:
        cursor, now = cursors.get(tx, record_name), tx.shared_now
    last = cursor.last_pulled_at if cursor else None
    return last is not None and now - last >= timedelta(seconds=tenant.portal.schedule.pull_s)


def _wake(record_name: str) -> FollowUp:
    return FollowUp(Work.BACKFILL, record_name, share="backfill")
