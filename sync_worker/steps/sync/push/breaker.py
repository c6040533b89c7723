"""BREAKER: writes of a cause that keeps failing rest, except a probe; every answer of the CRM teaches it. domain/sync/push/breaker.py
decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sync_worker.domain.sync.push.breaker import CLOSED, Breaker, Cause, after
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import breakers, outbox
from sync_worker.store.sync.outbox import OutboxRow

STAGE = "push"


def admitted(tx: Tx, claim: Claim) -> Sequence[OutboxRow]:
    """The claim's rows that may be written now; the others are put off until the breaker of their cause lets a probe through."""
    resting = {cause: breaker for cause, breaker in breakers.standing(tx).items() if breaker.until_at and cause.stage == STAGE}
    if not resting:
        return claim.rows
    until_at = _put_off(tx, claim.rows, resting)
    for moment in sorted(set(until_at.values())):
        rows = [row for row in claim.rows if until_at.get(row.record_id) == moment]
        outbox.put_off(tx, rows, claim.token, moment)
    return [row for row in claim.rows if row.record_id not in until_at]


def learn(tx: Tx, tenant: Tenant, object_: str, *, passed: Mapping[str, int], failed: Mapping[str, int]) -> None:
    """Records that had failed of these codes were written, others were refused. **Shapes** code → how many records."""
    if passed or failed:
        counts = {Cause(object_, STAGE, code): (passed.get(code, 0), failed.get(code, 0)) for code in passed.keys() | failed.keys()}
        judge(tx, tenant, counts)


def judge(tx: Tx, tenant: Tenant, counts: Mapping[Cause, tuple[int, int]]) -> None:
    """Moves the breakers of these causes. **Shapes** cause → (passed, failed)."""
    standing = breakers.standing(tx)
    for cause, (passed, failed) in sorted(counts.items()):
        before = standing.get(cause, CLOSED)
        now = after(before, passed_count=passed, failed_count=failed, now=tx.shared_now)
        if now != before:
            breakers.save(tx, cause, now)
        if now.until_at and now.until_at != before.until_at:
            words = {"object": cause.object, "code": cause.code, "in_a_row": now.failed_count, "until": now.until_at.isoformat()}
            tenant.log.warning("the breaker opened: records that failed of this cause rest", **words)
        elif before.until_at and not now.until_at:
            tenant.log.info("the breaker closed: a record of this cause passed", object=cause.object, code=cause.code)
            outbox.hasten(tx, cause.object, failures.records_of(tx, cause))


def _put_off(tx: Tx, rows: Sequence[OutboxRow], standing: Mapping[Cause, Breaker]) -> dict[str, datetime]:
    """Until when which records rest. A breaker that is half open lets the first of its cause through, and then rests again."""
    until_at, resting = dict[str, datetime](), dict(standing)
    causes = _causes(tx, rows)
    for row in rows:
        mine = [cause for cause in causes.get(row.record_id, ()) if cause in resting]
        waits = [until for cause in mine if not resting[cause].admits(tx.shared_now) and (until := resting[cause].until_at)]
        if waits:
            until_at[row.record_id] = max(waits)
            continue
        for cause in mine:
            resting[cause] = resting[cause].probing(tx.shared_now)
            breakers.save(tx, cause, resting[cause])
    return until_at


def _causes(tx: Tx, rows: Sequence[OutboxRow]) -> dict[str, list[Cause]]:
    """Of what the records of these rows, all of one object, have failed before."""
    found: dict[str, list[Cause]] = {}
    object_ = rows[0].object
    for row in failures.open_rows(tx, object_, [row.record_id for row in rows], STAGE):
        found.setdefault(row.record, []).append(Cause(object_, STAGE, row.code))
    return found
