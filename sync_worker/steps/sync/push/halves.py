"""HALVES: a write that takes several calls is several facts. What the calls until now have done is settled before the next one is made.

    call ─▶ commit ─▶ call ─▶ commit

In the commit between two calls the record is linked, what is done is agreed, what stands in between has no base, and the row keeps what is
still to come.
A worker that dies between two calls, or whose next call is refused or never answered, leaves a row and a base that say how far it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sync_worker.crm.port import Half
from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.reconcile import Base
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import HOMES
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.facts import standing
from sync_worker.steps.sync.push.outgoing_writes import OutgoingWrite
from sync_worker.store.core import portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import outbox, own_stamps


def settle_halves(tx: Tx, tenant: Tenant, claim: Claim, halves: Sequence[tuple[OutgoingWrite, Half]], run_id: str) -> None:
    """Writes of one record type, each with what stands of it. A row whose claim was lost is left to the worker that has it now."""
    rows = [write.row for write, _ in halves]
    outbox.hold(tx, rows)
    current = HOMES[claim.object].current(tx, [row.record_id for row in rows])
    bases = {write.row.record_id: _base(write, half, current.get(write.row.record_id)) for write, half in halves}
    under_way = outbox.sent(tx, claim.object, bases)
    rest = {record_id: _rest(under_way.get(record_id, {}), base) for record_id, base in bases.items()}
    held = outbox.prepare(tx, rows, claim.token, rest)
    settled_no = portals.draw_read_no(tx)
    found = [
        Link(
            write.record.record,
            write.link.crm_id if write.link else tenant.crm.canonical_id(half.crm_id),
            write.row.record_id,
            base=bases[write.row.record_id],
            settled_no=settled_no,
            written_at=tx.now,
            written_run=run_id,
            written_attempt=write.row.refused + write.row.unanswered + 1,  # the row is as it stood before the claim
        )
        for write, half in halves
        if write.row.record_id in held
    ]
    HOMES[claim.object].agree(tx, found)
    for record_name in {link.object for link in found}:
        own_stamps.keep(tx, record_name, {link.crm_id: None for link in found})


def _base(write: OutgoingWrite, half: Half, link: Link | None) -> Mapping[str, Base]:
    found = standing(link.base if link else {}, write.sent, write.record, half.fields)
    return {**found, KEY: write.sent[KEY]} if write.record.key_field in half.fields else found


def _rest(under_way: Mapping[str, Base], base: Mapping[str, Base]) -> dict[str, Base]:
    """What the calls to come are still to write."""
    return {name: pair for name, pair in under_way.items() if name not in base or base[name].is_half}
