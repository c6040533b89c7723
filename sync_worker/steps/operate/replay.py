"""REPLAY: what failed is tried again, with both sides as they are now. An old value is never sent or applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.steps.tell.deliver import deliver
from sync_worker.steps.tell.mail import mail
from sync_worker.store.core import failures, feed
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.sync import notices, outbox
from sync_worker.store.tell import mails

REPLAYED = "replayed"  # the resolution of what is found again if it fails again
BUSY_TRIES, BUSY_WAIT_S = 60, 1.0

AT_ONCE: Final[Mapping[Work, Callable[[Tenant, str], Done]]] = {
    Work.REFRESH: refresh,
    Work.PUSH: lambda tenant, _record: push(tenant),
    Work.DELIVER: lambda tenant, _record: deliver(tenant),
    Work.MAIL: lambda tenant, _record: mail(tenant),
}
"""What a person who replays waits for."""


def replay(tenant: Tenant, rows: Sequence[FailureRow]) -> frozenset[FollowUp]:
    """Makes these rows due: records that could not be read are read again, writes that were refused are computed and sent again.

    A row resolves itself when its record passes, and stays open, counted up, when it fails again.
    """
    unsent = [row.failure.record for row in rows if row.failure.object == "mail"]
    untold = [row.failure for row in rows if row.failure.stage == "deliver" and row.failure.object != "mail"]
    unread = [row.failure for row in rows if row.failure.stage == "ingest"]
    refused = [row.failure for row in rows if row.failure.stage == "push"]
    with tenant.store.side_transaction(tenant.name) as tx:
        if untold:
            feed.owe_again(tx, [int(failure.field) for failure in untold if failure.field])
        mails.retry(tx, unsent)
        failures.forget_payloads(tx, [failure.id for failure in unread])
        for object_ in sorted({failure.object for failure in unread}):
            notices.add(tx, object_, [failure.record for failure in unread if failure.object == object_])
        failures.close(tx, [failure.id for failure in refused if failure.object == COMPANY], REPLAYED)  # while open, it keeps its id back
        for object_ in (COMPANY, DEAL):
            outbox.unpark(tx, object_, [failure.record for failure in refused if (failure.object == COMPANY) == (object_ == COMPANY)])
    follow_ups = {FollowUp(Work.REFRESH, failure.object) for failure in unread}
    others = {Work.PUSH: refused, Work.DELIVER: untold, Work.MAIL: unsent}
    return frozenset(follow_ups | {FollowUp(work) for work, owed in others.items() if owed})


def work_off(tenant: Tenant, follow_ups: Iterable[FollowUp]) -> None:
    """Does of this work what is in `AT_ONCE`, and what follows from it, reading before writing. **Raises** what `refresh` and `push` do.

    What is not in `AT_ONCE` stays due in the database, where the schedule finds it.
    """
    waiting = _at_once(follow_ups)
    while waiting:
        follow_up = min(waiting, key=lambda one: (one.work != Work.REFRESH, one.record != COMPANY, one.record))
        waiting.discard(follow_up)
        step = partial(AT_ONCE[follow_up.work], tenant, follow_up.record)
        waiting |= _at_once(waited_for(tenant, step).follow_ups)


def _at_once(follow_ups: Iterable[FollowUp]) -> set[FollowUp]:
    return {follow_up for follow_up in follow_ups if follow_up.work in AT_ONCE}


def waited_for(tenant: Tenant, step: Callable[[], Done]) -> Done:
    """The step, once the same records have no other reader; a page takes one a few seconds. After a while it is left to that reader."""
    for _ in range(BUSY_TRIES):
        done = step()
        if not done.is_busy:
            return done
        tenant.services.sleep(BUSY_WAIT_S)
    return done
