"""LANES: the pages of a scan, the next ones under way while one is stored; a long scan is read in several lanes side by side.

    one lane   as every scan begins: a thread beside this one asks for the next page while this one is stored
    a cut      after the first page, where the CRM's few counts say that it pays and it takes several calls at once; or after a later
               one that says how much is left, as when a bulk job is done
    lanes      each with a thread and a connection of its own, and one page under way; the pages are handed out as they come

Pages are stored by the caller's thread alone, one after the other, each with the position of all lanes: a crash resumes every lane. Each
request draws its read number first, in that thread too, and compares the fence. Where the scan ends before its end (its turn is over, the
process is to stop, notices wait, a lane failed), no lane asks for more, and what is under way is waited for and stored. Where the caller
stops (the brake, a lost lease), what is under way is waited for and thrown away. Both happen before the lease is let go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeAlias

from sync_worker.crm.port import Crm, OutOfOrder, Page, Range, Scan
from sync_worker.domain.sync.ingest.lanes import Lane, Lanes
from sync_worker.errors import Stopped, SyncError
from sync_worker.steps.core.follow_up import Done, FollowUp
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.refresh import between_pages
from sync_worker.store.core import cursors, portals
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices

_DOCUMENT = "["  # how the document of several lanes begins; no position of a CRM begins so
MOST_LANES = 8  # of one scan: each holds a page in memory
GIVES_WAY_S = 2.0  # how long a scan goes on at least before it gives way to notices of its record type

PagesRead: TypeAlias = Generator[tuple[int, Page], None, None]
"""Pages of a scan, each with its read number."""

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called after each page with (records so far, records in all if known)."""


@dataclass(frozen=True, slots=True)
class ReadingTurn:
    """What a reader holds while it is its turn.

    **Shapes** `beside`: asks for the next page of a single lane while this one is stored. **Units** `began_s` on the monotonic clock.
    """

    cursor: Cursor
    run_id: str
    began_s: float
    beside: Executor
    on_page: Progress | None


@dataclass(frozen=True, slots=True)
class ScanReading:
    """A scan that is read in this turn."""

    tenant: Tenant
    record_name: str
    scan: Scan
    turn: ReadingTurn

    @property
    def lane_count(self) -> int:
        """How many lanes are read side by side, at most."""
        return lane_count(self.tenant)

    @property
    def is_over(self) -> bool:
        """Whether others have waited long enough, or the process is to stop."""
        return _is_over(self.tenant)

    @property
    def ends_early(self) -> bool:
        """Whether it ends after the pages that are under way."""
        return ends_early(self.tenant, self.record_name, self.turn)

    def of(self, lane: Lane, read_no: int) -> Scan:
        """What is left of one lane."""
        return replace(self.scan, position=lane.position, up_to=lane.up_to, read_no=read_no)

    def draw(self) -> int:
        """The number of the next request. **Raises** StaleRead."""
        return draw(self.tenant, self.turn.cursor)

    def handed(self, page: Page, lanes: Lanes, read_no: int) -> tuple[int, Page]:
        """The page as it is handed out: its position is that of all lanes."""
        if page.warning:
            self.tenant.log.warning(page.warning)
        return read_no if page.read_no is None else page.read_no, replace(page, position=position_of(lanes), is_last=lanes.is_over)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One lane that is being read: its number, who asks, and the pages to come, None where it has not begun."""

    no: int
    crm: Crm
    beside: Executor
    pages: Iterator[Page] | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page that is under way. **Shapes** `read_no`: drawn before it was asked for."""

    reader: _Reader
    read_no: int


def giving_way(tenant: Tenant, record_name: str, cursor: Cursor, piece: Callable[[Cursor, int], tuple[Done, bool]]) -> Done:
    """A scan, piece by piece; between two of them the records that were noticed meanwhile are read, under the same lease.

    **Shapes** `piece`: hears where the cursor stands and how many pieces were read before; says what it did, and whether it gave way.
    """
    total, follow_ups = Counts(), set[FollowUp]()
    for no in count():
        done, gave_way = piece(cursor, no)
        total.add(done.counts)
        follow_ups |= done.follow_ups
        if not gave_way:
            break
        follow_ups |= between_pages(tenant, record_name, cursor)
        with tenant.store.side_transaction(tenant.name) as tx:
            cursor = cursors.held(tx, cursor)
    return replace(done, counts=total, follow_ups=frozenset(follow_ups))


def pages(tenant: Tenant, record_name: str, scan: Scan, turn: ReadingTurn) -> PagesRead:
    """Each page with the read number drawn before it was asked for, until the scan or its turn is over.

    Asked for only while we read: the lease is compared with each number. An error of a request is raised where its page would have come;
    of a lane, once what the others had under way is handed out.
    """
    reading = ScanReading(tenant, record_name, scan, turn)
    lanes = lanes_of(scan.position)
    while True:
        if not lanes.is_cut:
            lanes = yield from _one_lane(reading, lanes)
        if not lanes.is_cut:
            return
        try:
            yield from _side_by_side(reading, lanes)
        except OutOfOrder as why:
            lanes = lanes.joined()
            tenant.log.warning("a scan that was cut is read in one piece", object=record_name, because=str(why))
        else:
            return


def lanes_of(position: str) -> Lanes:
    """The lanes that a cursor's position spells; of a scan that was not cut it is its one lane's position, as before there were lanes."""
    if not position.startswith(_DOCUMENT):
        return Lanes((Lane(position=position),))
    cut_at, *lanes = json.loads(position)
    return Lanes(tuple(Lane(*lane) for lane in lanes), cut_at)


def position_of(lanes: Lanes) -> str:
    """As a cursor keeps it: one document of where it was cut, and of each lane its beginning, end and position, and whether it ended."""
    if lanes.cut_at is None:
        return lanes.lanes[0].position
    return json.dumps([lanes.cut_at, *([lane.begin, lane.up_to, lane.position, lane.is_done] for lane in lanes.lanes)])


def draw(tenant: Tenant, cursor: Cursor) -> int:
    """The next read number. **Raises** StaleRead where it is not our turn to read any more."""
    with tenant.store.side_transaction(tenant.name) as tx:
        cursors.hold(tx, cursor)
        return portals.draw_read_no(tx)


def ends_early(tenant: Tenant, record_name: str, turn: ReadingTurn) -> bool:
    """Whether a scan is to end after the page at hand: others have waited long enough, the process is to stop, or notices wait."""
    if _is_over(tenant):
        return True
    if tenant.services.monotonic() - turn.began_s < GIVES_WAY_S:
        return False
    with tenant.store.reading(tenant.name) as tx:
        return bool(notices.oldest(tx, record_name, 1))


def _is_over(tenant: Tenant) -> bool:
    return tenant.turn.is_over or tenant.services.is_stopping()


def lane_count(tenant: Tenant) -> int:
    """How many lanes of one scan are read side by side, at most: as many as calls may be in flight now."""
    return min(tenant.crm.parallel_calls, MOST_LANES)


# ── one lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _one_lane(reading: ScanReading, lanes: Lanes) -> Generator[tuple[int, Page], None, Lanes]:
    """Its pages, one ahead. Returns where it stands: cut, where it is to go on in lanes."""
    tenant, beside = reading.tenant, reading.turn.beside
    read_no = reading.draw()
    pages = tenant.crm.changed_since(reading.of(lanes.lanes[0], read_no))
    coming, cutting = beside.submit(next, pages), None
    may_cut, is_first = reading.lane_count > 1 and lanes.cut_at is None, True
    while True:
        page, page_no = coming.result(), read_no
        tenant.lists.judged(reading.record_name, page.records)  # may ask the CRM: here no page is under way, and no transaction
        lanes = lanes.moved(0, page.position, is_done=page.is_last)
        ends = page.is_last or reading.ends_early
        if may_cut and not ends and (is_first or page.left):
            cutting = beside.submit(_cuts, reading, page)
        elif not ends:
            read_no = reading.draw()
            coming = beside.submit(next, pages)
        is_first = False
        yield reading.handed(page, lanes, page_no)
        if ends or reading.is_over:
            return lanes
        if cutting:
            if len(ranges := cutting.result()) > 1:
                return lanes.cut([(one.begin, one.up_to) for one in ranges])
            read_no, cutting = reading.draw(), None
            coming = beside.submit(next, pages)


def _cuts(reading: ScanReading, page: Page) -> Sequence[Range]:
    """How what lies after the page can be read side by side."""
    return reading.tenant.crm.cuts(replace(reading.scan, position=page.position), reading.lane_count, left=page.left)


# ── lanes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _side_by_side(reading: ScanReading, lanes: Lanes) -> PagesRead:
    """The pages of all lanes, in the order in which they were asked for, as far as they have come. **Raises** OutOfOrder."""
    tenant, waiting = reading.tenant, lanes.left
    under_way: dict[Future[Page], _Asked] = {}
    failed: SyncError | None = None
    ends = False
    with ExitStack() as stack:  # left once nothing is under way any more
        for _ in range(min(reading.lane_count, len(waiting))):
            under_way |= _asked(reading, _reader(reading, stack, waiting.pop(0)), lanes)
        while under_way:
            wait(under_way, return_when=FIRST_COMPLETED)
            come = next(one for one in under_way if one.done())
            asked = under_way.pop(come)
            try:
                page = come.result()
            except SyncError as error:
                failed = failed or error
                continue
            tenant.lists.judged(reading.record_name, page.records)  # by the connection that no lane has
            lanes = lanes.moved(asked.reader.no, page.position, is_done=page.is_last)
            ends = ends or failed is not None or reading.ends_early
            if not ends and not page.is_last:
                under_way |= _asked(reading, asked.reader, lanes)
            elif not ends and waiting:
                under_way |= _asked(reading, replace(asked.reader, no=waiting.pop(0), pages=None), lanes)
            page.total = None  # of one lane
            yield reading.handed(page, lanes, asked.read_no)
    if failed and tenant.services.is_stopping():  # a call that waits for its turn ends in an error then
        raise Stopped(f"stopped on request; the next reading of {reading.record_name} goes on from there") from failed
    if failed:
        raise failed


def _reader(reading: ScanReading, stack: ExitStack, no: int) -> _Reader:
    crm = stack.enter_context(reading.tenant.crm.another_connection())
    return _Reader(no, crm, stack.enter_context(reading.tenant.services.beside()))


def _asked(reading: ScanReading, reader: _Reader, lanes: Lanes) -> dict[Future[Page], _Asked]:
    """The lane's next page is on its way."""
    read_no = reading.draw()
    pages = reader.pages or reader.crm.changed_since(reading.of(lanes.lanes[reader.no], read_no))
    return {reader.beside.submit(next, pages): _Asked(replace(reader, pages=pages), read_no)}
