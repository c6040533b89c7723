"""REPLAY: what failed is tried again from both sides as they are now; nothing old is ever sent or applied as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sync_worker.steps.core.tenant import COMPANY, DEAL, Done, Tenant, Wake
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


def replay(tenant: Tenant, rows: Sequence[FailureRow]) -> frozenset[Wake]:
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
    wakes = {Wake("refresh", failure.object) for failure in unread}
    others = {"push": refused, "deliver": untold, "mail": unsent}
    return frozenset(wakes | {Wake(verb) for verb, owed in others.items() if owed})


def work_off(tenant: Tenant, wakes: Iterable[Wake]) -> None:
    """Does this work and what it wakes, reading before writing. **Raises** what `refresh` and `push` do."""
    waiting = set(wakes)
    while waiting:
        wake = min(waiting, key=lambda one: (one.verb != "refresh", one.record != COMPANY, one.record))
        waiting.discard(wake)
        alone = {"push": push, "deliver": deliver, "mail": mail}.get(wake.verb)
        step = partial(alone, tenant) if alone else partial(refresh, tenant, wake.record)
        waiting |= waited_for(tenant, step).wakes


def waited_for(tenant: Tenant, step: Callable[[], Done]) -> Done:
    """The step, once nobody else is at the same records; a page takes another reader a few seconds. After a while it is left to him."""
    for _ in range(BUSY_TRIES):
        done = step()
        if not done.is_busy:
            return done
        tenant.services.sleep(BUSY_WAIT_S)
    return done
