"""One scan, by the cheaper of two ways: pages of a query, or a bulk job for what is left after the first page, where that is much.

The first page says how many records there are, at no price. Where the job comes to nothing (refused, failed, aborted, gone after seven
days), the scan goes on by pages from where the job began, and says so: what the job had given already comes again, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sync_worker.crm.port import Page, Scan
from sync_worker.crm.salesforce import bulk, reader
from sync_worker.crm.salesforce.faults import JobLost
from sync_worker.crm.salesforce.session import Connection
from sync_worker.errors import AuthFailed, ConnectionDown, SchemaChanged
from sync_worker.services import Services


def changed_since(connection: Connection, services: Services, scan: Scan, *, bulk_above: int | None) -> Iterator[Page]:
    """The scan's pages. **Shapes** `bulk_above`: of how many records left a job is made; None = never."""
    place, position = bulk.Place.of(scan.position), scan.position
    walk = reader.changed_since(connection, replace(scan, position=place.after) if place else scan)
    if place is None:
        first = next(walk)
        yield first
        if first.is_last:
            return
        if not _is_much(first, bulk_above):
            yield from walk
            return
        position = first.position
    try:
        yield from bulk.pages(connection, services, scan, position)
    except AuthFailed:
        raise
    except (JobLost, SchemaChanged, ConnectionDown) as why:  # if more is wrong than the job, the pages will say so in their own words
        yield from _instead(walk, why)


def _is_much(first: Page, bulk_above: int | None) -> bool:
    return bulk_above is not None and first.total is not None and first.total - len(first.records) > bulk_above


def _instead(walk: Iterator[Page], why: Exception) -> Iterator[Page]:
    """The pages, the first one with the reason."""
    page = next(walk)
    page.warning = f"{why}; the rest is read by pages"
    yield page
    if not page.is_last:
        yield from walk
