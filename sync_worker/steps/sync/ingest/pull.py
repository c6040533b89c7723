"""PULL: pages of changed records, oldest first; each page is ingested, and the cursor moves in the same commit.

A pull reads a window of time. The window begins a look-back before the *high water* (the time up to which everything was read), because
rows of long transactions become visible late. It ends a little before the CRM's own now. After a crash or a stop, the next pull goes on
at the *position* inside the window. If another worker has taken over the lease, the *fence* stops this one: a number that rises with each
lease, and that each commit compares. `lanes.py` asks for the pages: the next ones are under way while one is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync_worker.crm.port import Page, Scan, no_echoes
from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.errors import Stopped
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.associations.contract_values import report_unbound
from sync_worker.steps.associations.evaluate import EVALUATE, is_due
from sync_worker.steps.core.brake import kept
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.lease import leased, turned_away
from sync_worker.steps.core.tenant import COMPANY, Tenant, going_on
from sync_worker.steps.people.regroup import regroup
from sync_worker.steps.sync.ingest.echoes import may_echo, own_echoes
from sync_worker.steps.sync.ingest.ingest import ingest
from sync_worker.steps.sync.ingest.lanes import Progress, ReadingTurn, giving_way, pages
from sync_worker.steps.sync.ingest.ours import marks
from sync_worker.store.core import companies, cursors
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import links
from sync_worker.store.sync import notices, spread

SETTLE_S = 10  # the window ends this long before the CRM's now: its own transactions of the moment are still open


@going_on
def pull(tenant: Tenant, record_name: str, *, is_full: bool = False, on_page: Progress | None = None) -> Done:
    """Reads what changed in one record type since the last pull, or everything.

    **Raises** the port's errors, StaleRead, StoreDown; HeldForReview; Stopped after the page at hand, where the process is asked to stop.
    """
    with tenant.services.beside() as beside, leased(tenant, record_name) as cursor:  # the lease is let go before an unwanted answer
        if cursor is None:
            return Done("", Counts(), is_busy=True)
        reached = Reached()

        def piece(cursor: Cursor, no: int) -> tuple[Done, bool]:
            nonlocal reached
            with _clock(tenant) as crm_now, tenant.run("pull", record_name) as run_id, kept(tenant, "pull", record_name, run_id):
                record = tenant.described.looked_at(record_name)
                turn = ReadingTurn(cursor, run_id, tenant.services.monotonic(), beside, on_page)
                scan, kind = _window(tenant, record, cursor, crm_now, is_full=is_full and no == 0)
                done, reached, gives_way = _scanned(tenant, record, turn, reached, scan, kind)
            return done, gives_way

        done = giving_way(tenant, record_name, cursor, piece)
    return replace(done, follow_ups=done.follow_ups | turned_away(tenant, record_name))


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the pieces of one pull have come. **Shapes** `in_all`: None where the CRM has not told it."""

    so_far: int = 0
    in_all: int | None = None

    def after(self, page: Page) -> Reached:
        return Reached(self.so_far + len(page.records), page.total or self.in_all)

    def __str__(self) -> str:
        return progress(self.so_far, self.in_all)


@contextmanager
def _clock(tenant: Tenant) -> Iterator[Callable[[], datetime]]:
    """The CRM's clock: asked for when it is needed, or beside the describes, where the run begins with these."""
    if tenant.crm.parallel_calls < 2 or not tenant.described.is_due:
        yield tenant.crm_now
        return
    with tenant.crm.another_connection() as other, tenant.services.beside() as beside:
        yield beside.submit(tenant.crm_now, other).result


def _scanned(tenant: Tenant, record: RecordMap, turn: ReadingTurn, reached: Reached, scan: Scan, kind: str) -> tuple[Done, Reached, bool]:
    """What was done, how far the pull has come, and whether it ended because it gives way to notices."""
    if kind == "first" and record.record == COMPANY:
        _introduce_vendor(tenant)
    total, follow_ups = Counts(), set[FollowUp]()
    with closing(pages(tenant, record.record, scan, turn)) as found:  # what is under way ends before the lease does
        for read_no, page in found:
            if kind == "first" and page.is_last and record.record == COMPANY:
                report_unbound(tenant, turn.run_id)
            as_read = tenant.mapping.records[record.record]  # which the page itself may have changed
            is_filling, is_poll = kind == "first" and not page.is_last, kind == "changes"
            answer = Chunk(tenant, as_read, page.records, read_no, turn.run_id, is_filling=is_filling, is_poll=is_poll)
            counts, due = ingest(answer, _mover(turn.cursor, page, scan.until_at))
            total.add(counts)
            follow_ups |= due
            reached = reached.after(page)
            if turn.on_page:
                turn.on_page(reached.so_far, reached.in_all)
    if page.is_last:
        follow_ups |= {EVALUATE} if record.record == COMPANY and is_due(tenant) else set()
    elif tenant.turn.is_over:
        follow_ups.add(FollowUp(Work.PULL, record.record))
    elif tenant.services.is_stopping():
        raise Stopped(f"stopped on request after {reached} {record.record} records; the next pull goes on from there")
    is_ended = page.is_last or tenant.turn.is_over
    return Done(turn.run_id, total, frozenset(follow_ups)), reached, not is_ended


def progress(so_far: int, in_all: int | None) -> str:
    return f"{so_far:,} of {in_all:,}" if in_all else f"{so_far:,}"


def _window(tenant: Tenant, record: RecordMap, cursor: Cursor, crm_now: Callable[[], datetime], *, is_full: bool) -> tuple[Scan, str]:
    """The scan to make: the one under way, or a new one, committed before its first page is asked for."""
    if cursor.window_until_at and not is_full:
        if tenant.crm_clock_ahead is None:  # a worker that goes on where another one died has not measured it, and `newest` needs it
            crm_now()
        return _scan_of(record, cursor.window_from_at, cursor.window_until_at, cursor.position, cursor.kind, tenant), cursor.kind
    until_at = crm_now() - timedelta(seconds=SETTLE_S)
    kind = "full" if is_full and cursor.high_water_at else "changes" if cursor.high_water_at else "first"
    from_at = None
    if kind == "changes" and cursor.high_water_at:
        from_at = cursor.high_water_at - timedelta(seconds=tenant.portal.schedule.look_back_s)
    with tenant.store.side_transaction(tenant.name) as tx:
        cursors.open_window(tx, cursor, from_at=from_at, until_at=until_at, kind=kind)
        if kind == "first":  # its filter may leave out what is ours by now; after it no pull would look back that far
            notices.add(tx, record.record, links.crm_ids(tx, record.record))
    return _scan_of(record, from_at, until_at, "", kind, tenant), kind


def _scan_of(record: RecordMap, from_at: datetime | None, until_at: datetime, position: str, kind: str, tenant: Tenant) -> Scan:
    only_with = marks(tenant.portal, record)[0] if kind == "first" else None  # later pulls do not filter: a cleared status must be seen
    is_echoing = kind == "changes" and from_at is not None and may_echo(tenant, from_at)
    echoes = own_echoes(tenant, record.record) if is_echoing else no_echoes
    return Scan(record.native, record.native_fields, from_at, until_at, position, only_with, echoes=echoes)


def _mover(cursor: Cursor, page: Page, until_at: datetime) -> Callable[[Tx, bool], None]:
    """What each chunk does to the cursor inside its commit. **Raises** StaleRead when another reader has the fence."""

    def finish(tx: Tx, is_last_chunk: bool) -> None:
        if not is_last_chunk:
            cursors.hold(tx, cursor)
        elif page.is_last:
            cursors.close_window(tx, cursor, until_at)
        else:
            cursors.move(tx, cursor, page.position)
        if is_last_chunk and cursor.last_pulled_at is None:
            spread.look(tx)

    return finish


def _introduce_vendor(tenant: Tenant) -> None:
    """The vendor's own company exists without portal status, and without CRM record where the portal file names none."""
    with tenant.store.transaction(tenant.name) as tx:
        if companies.vendor(tx):
            return
        if tenant.vendor_crm_id:
            notices.add(tx, COMPANY, [tenant.vendor_crm_id])
            return
        name = tenant.portal.vendor.display_label or f"{tenant.name} (vendor)"
        vendor = Company(tenant.identity(COMPANY, "vendor"), None, name, PortalStatus.ACTIVE, AccountType.VENDOR)
        companies.save(tx, [StoredCompany(vendor, None)])
        regroup(tx, [(None, vendor)])
