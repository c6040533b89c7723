"""One scan, by the cheaper of two ways: pages of a query, or a bulk job for what is left after the first page, where that is much.

The first page says how many records there are, at no price. Where the job comes to nothing (refused, failed, aborted, gone after seven
days), the scan goes on by pages from where the job began, and says so: what the job had given already comes again, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sync_worker.crm.port import OutOfOrder, Page, Roll, Scan
from sync_worker.crm.salesforce.connection.faults import JobLost
from sync_worker.crm.salesforce.connection.session import SalesforceConnection
from sync_worker.crm.salesforce.reading import bulk, reader
from sync_worker.errors import AuthFailed, ConnectionDown, SchemaChanged
from sync_worker.services import Services


def changed_since(connection: SalesforceConnection, services: Services, scan: Scan, *, bulk_above: int | None) -> Iterator[Page]:
    """The scan's pages. **Shapes** `bulk_above`: of how many records left a job is made; None = never.

    **Raises** OutOfOrder where the job comes to nothing that several lanes read: one of them goes on by pages.
    """
    place, position = bulk.JobPlace.of(scan.position), scan.position
    walk = reader.changed_since(connection, replace(scan, position=place.after) if place else scan)
    if place is None:
        first = next(walk)
        is_last, is_much, position = first.is_last, _is_much(first, bulk_above), first.position
        yield first
        del first  # some megabytes, in each lane
        if is_last:
            return
        if not is_much:
            yield from walk
            return
    try:
        yield from bulk.pages(connection, services, scan, position)
    except AuthFailed:
        raise
    except (JobLost, SchemaChanged, ConnectionDown) as why:  # if more is wrong than the job, the pages will say so in their own words
        if scan.up_to:
            raise OutOfOrder(str(why)) from why
        yield from _instead(walk, why)


def census(
    connection: SalesforceConnection, services: Services, native: str, any_of: Sequence[str], *, bulk_above: int | None
) -> Iterator[Roll]:
    """Ids and stamps of what lives, 2,000 a call, or 20,000 by a job. A lead that was converted lives in what it turned into."""
    only_with, *or_with = any_of
    scan = Scan(native, (), None, connection.now(), only_with=only_with, or_with=tuple(or_with))
    for page in changed_since(connection, services, scan, bulk_above=bulk_above):
        living = (record for record in page.records if not (record.is_deleted or record.is_converted))
        yield Roll({record.crm_id: record.modified_at for record in living}, page.total)


def _is_much(first: Page, bulk_above: int | None) -> bool:
    return bulk_above is not None and first.left is not None and first.left.count > bulk_above


def _instead(walk: Iterator[Page], why: Exception) -> Iterator[Page]:
    """The pages, the first one with the reason."""
    page = next(walk)
    page.warning = f"{why}; the rest is read by pages"
    yield page
    if not page.is_last:
        yield from walk
