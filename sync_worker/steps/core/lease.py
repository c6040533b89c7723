"""One reader at a time per portal and record type: the lease that PULL and REFRESH take turns under, kept while a page is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.keeper import Keeper
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import cursors
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.sync import notices


@contextmanager
def leased(tenant: Tenant, record_name: str) -> Iterator[Cursor | None]:
    """The cursor with a new fence, released at the end; None while another reader has it."""
    with tenant.store.side_transaction(tenant.name) as tx:
        cursor = cursors.acquire(tx, record_name, tenant.services.new_id())
    if cursor is None:
        yield None
        return
    try:
        with Keeper(lambda: _held(tenant, cursor)):
            yield cursor
    finally:
        with tenant.store.side_transaction(tenant.name) as tx:
            cursors.release(tx, cursor)


def turned_away(tenant: Tenant, record_name: str) -> set[FollowUp]:
    """What was noticed while we read; asked once the lease is let go: a process that came for it before was told that we are at it."""
    with tenant.store.reading(tenant.name) as tx:
        return {FollowUp(Work.REFRESH, record_name)} if notices.oldest(tx, record_name, 1) else set()


def _held(tenant: Tenant, cursor: Cursor) -> bool:
    with tenant.store.side_transaction(tenant.name) as tx:
        cursors.hold(tx, cursor)
    return True
