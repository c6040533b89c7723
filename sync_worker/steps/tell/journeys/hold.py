"""HOLD: mails of a journey that wait, because it wrote too many within an hour. A person looks, then releases or discards all of them."""

from __future__ import annotations

from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.journeys.send import HELD
from sync_worker.steps.tell.journeys.standing import OBJECT, STAGE
from sync_worker.steps.tell.mail import MAIL
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.tell import journey_log, journeys, mails
from sync_worker.store.tell.journey_log import LogOutcome


def release(tenant: Tenant, key: str, *, actor: str, reason: str) -> int | Refusal:
    """They are sent; how many. The count of the journey's mails begins again."""
    with tenant.store.transaction(tenant.name) as tx:
        count = mails.release(tx, key)
        return _looked(tx, tenant, key, count, "told", f"released by {actor}: {reason}")


def discard(tenant: Tenant, key: str, *, actor: str, reason: str) -> int | Refusal:
    """They are never sent; how many. The count of the journey's mails begins again."""
    words = f"discarded by {actor}: {reason}"
    with tenant.store.transaction(tenant.name) as tx:
        count = mails.discard(tx, key, words)
        return _looked(tx, tenant, key, count, "discarded", words)


def follow_ups(count: int | Refusal) -> frozenset[FollowUp]:
    """What a release makes due."""
    return frozenset({MAIL} if isinstance(count, int) and count else ())


def _looked(tx: Tx, tenant: Tenant, key: str, count: int, outcome: LogOutcome, words: str) -> int | Refusal:
    """The problem is over, also where all who should get the mails were erased meanwhile."""
    problems = [row.id for row in failures.open_rows(tx, OBJECT, [key], STAGE) if row.code == HELD]
    if not count and not problems:
        return Refusal("nothing_held", f"no mail of the journey {key} waits for a person", "there is nothing to do")
    journey_log.settle_held(tx, key, outcome, words)
    journeys.look(tx, key)
    failures.close(tx, problems, words)
    tenant.log.info("held mails of a journey", journey=key, outcome=outcome, mails=count, why=words)
    return count
