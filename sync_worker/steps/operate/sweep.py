"""SWEEP: once a night, old data is deleted. Everything that grows with time is in one list, with how long it is kept.

Each batch is a short commit of its own, so a sweep that is stopped goes on where it ended. It makes no call, so it goes on while the CRM
rests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from sync_worker.config.portal import KEPT_EVENTS_S, Portal
from sync_worker.domain.operate import inquiry
from sync_worker.domain.sync.ingest.brake import WINDOW
from sync_worker.errors import told
from sync_worker.steps.core.association_mode import enter
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.deliver import tell_lost
from sync_worker.store.core import runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.operate import retention
from sync_worker.store.operate.retention import Batch, Place
from sync_worker.store.people.answers import KEPT

SWEEP: Final = FollowUp(Work.SWEEP, share="backfill")
PUT_OFF: Final = "its turn was over; the next one goes on"

Forget: TypeAlias = Callable[[Tx, datetime, Place | None], Batch]


class KeptRows(NamedTuple):
    """One kind of rows. **Units** `kept_s`: how long they are kept."""

    what: str
    kept_s: float
    forget: Forget


def kept(portal: Portal) -> tuple[KeptRows, ...]:
    """Everything that grows with time. A replay's tries go with the failure or with the replay, whichever goes first."""
    settings = portal.retention
    return (
        KeptRows("runs", settings.runs_s, retention.forget_runs),
        KeptRows("failures", settings.failures_s, retention.forget_failures),
        KeptRows("interventions", settings.interventions_s, retention.forget_interventions),
        KeptRows("inquiries", inquiry.KEPT.total_seconds(), retention.forget_inquiries),
        KeptRows("mails", settings.mails_s, retention.forget_mails),
        KeptRows("notifications", settings.notifications_s, retention.forget_notifications),
        KeptRows("journey log", settings.journey_log_s, retention.forget_journey_log),
        KeptRows("deal notes", settings.deal_notes_s, retention.forget_deal_notes),
        KeptRows("deal files", settings.deal_files_s, retention.forget_deal_files),
        KeptRows("events", portal.feed.keep_s if portal.feed else KEPT_EVENTS_S, retention.forget_events),
        KeptRows("answers", KEPT.total_seconds(), retention.forget_answers),
        KeptRows("removals", WINDOW.total_seconds(), retention.forget_removals),
    )


def sweep(tenant: Tenant) -> Done:
    """A turn of it. The CRM is not asked, not even for its fields, so this run is kept without `Tenant.run`. **Raises** StoreDown."""
    run_id, gone, error = tenant.services.new_id(), Counter[str](), PUT_OFF
    with tenant.store.side_transaction(tenant.name) as tx:
        enter(tx, tenant.portal)
        runs.start(tx, run_id, "sweep", "")
    try:
        is_left = False
        for what, batch in _batches(tenant):
            gone[what] += batch.gone_count
            is_left = batch.last is not None
        error = PUT_OFF if is_left else ""
    except Exception as bug:
        error = told(bug)
        raise
    finally:
        counts = Counts(read=sum(gone.values()), applied=sum(gone.values()))
        with tenant.store.side_transaction(tenant.name) as tx:
            runs.count(tx, run_id, counts)
            runs.finish(tx, run_id, error=error, is_stopped=error == PUT_OFF)
    tenant.log.info("swept", run=run_id, **gone)
    return Done(run_id, counts, frozenset({SWEEP} if is_left and not tenant.services.is_stopping() else ()))


def _batches(tenant: Tenant) -> Iterator[tuple[str, Batch]]:
    """What goes, batch by batch, each committed: until nothing old is left, or the turn is over."""
    for one in kept(tenant.portal):
        last: Place | None = None
        while True:
            with tenant.store.side_transaction(tenant.name) as tx:
                batch = one.forget(tx, tx.shared_now - timedelta(seconds=one.kept_s), last)
                if batch.lost_count and tenant.portal.feed:
                    tell_lost(tx, tenant, batch.lost_count)
            yield one.what, batch
            last = batch.last
            if last is None:
                break
            if tenant.turn.is_over or tenant.services.is_stopping():
                return
