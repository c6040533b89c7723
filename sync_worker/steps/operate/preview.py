"""PREVIEW: what a replay would change, and what it would cost. Both sides are read, all is computed as in REPLAY, and nothing is kept.

The ordinary ingest runs in a transaction that is always undone. The mails that it would send are written there, and not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.values import Plain, plain
from sync_worker.domain.operate.plan import changes
from sync_worker.domain.sync.push.outgoing import Park
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant
from sync_worker.steps.operate.intervene import is_open
from sync_worker.steps.sync.ingest.ingest import store_chunk
from sync_worker.steps.sync.push.outgoing_writes import DealDesk, OutgoingWrite
from sync_worker.store.core import companies, failures, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import outbox

BATCH_COUNT = 1000  # records computed in one transaction, which holds the portal's lock
PER_MINUTE = 2500  # records, where nothing was measured yet: 5,000 in two minutes
MEASURED_COUNT = 100  # records of a run from which a rate can be told


@dataclass(frozen=True, slots=True)
class FieldPreview:
    """One field as it is and as it would be. **Shapes** `side`: where it would change, `crm` or `portal`; `id`: of the record there."""

    side: str
    record: str
    id: str
    field: str
    now: Plain
    then: Plain


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one transaction that was undone has shown. **Shapes** as in `Preview`."""

    changes: tuple[FieldPreview, ...] = ()
    would_fail: Mapping[str, str] = field(default_factory=dict)
    written: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would do. **Shapes** `would_fail`: failure id → why it would fail as before, as far as we can tell without the CRM.

    **Units** `minutes`, at the rate last measured.
    """

    count: int = 0
    superseded: int = 0
    changes: Sequence[FieldPreview] = ()
    would_fail: Mapping[str, str] = field(default_factory=dict)
    written: int = 0
    calls: int = 0
    minutes: float = 0.0


class _Undo(Exception):
    """Nothing of this transaction is kept."""


def preview(tenant: Tenant, rows: Sequence[FailureRow]) -> Preview:
    """What replaying these would do. **Raises** the port's errors, StoreDown."""
    live = [row for row in rows if is_open(row)]
    _ = tenant.mapping  # may ask the CRM, which a transaction must not wait for
    calls = tenant.crm.calls
    seen = _together(_looks(tenant, live))
    reads = tenant.crm.calls - calls
    return Preview(
        count=len(rows),
        superseded=len(rows) - len(live),
        changes=seen.changes,
        would_fail=seen.would_fail,
        written=seen.written,
        calls=reads + -(-seen.written // tenant.crm.write_count) + (reads if seen.written else 0),  # what is written is read back
        minutes=round(len(live) / per_minute(tenant, "refresh", "push"), 1),
    )


def _looks(tenant: Tenant, rows: Sequence[FailureRow]) -> Iterator[_Seen]:
    """Batch by batch: what failed when it was read, then what failed when it was written."""
    for stage, look in (("ingest", _look_at_reads), ("push", _look_at_writes)):
        mine = [row for row in rows if row.failure.stage == stage]
        for start in range(0, len(mine), BATCH_COUNT):
            yield from look(tenant, mine[start : start + BATCH_COUNT])


def _look_at_reads(tenant: Tenant, rows: Sequence[FailureRow]) -> Iterator[_Seen]:
    """Records that could not be applied, or had a problem."""
    for object_ in sorted({row.failure.object for row in rows}):
        mine = [row for row in rows if row.failure.object == object_]
        yield _compute(tenant, object_, sorted({row.failure.record for row in mine}), rows=mine)


def _look_at_writes(tenant: Tenant, rows: Sequence[FailureRow]) -> Iterator[_Seen]:
    """Deals whose write was refused, and portal ids that companies did not take."""
    yield _Seen(written=sum(row.failure.object == COMPANY for row in rows))
    deal_ids = {row.failure.record for row in rows if row.failure.object != COMPANY}
    with tenant.store.reading(tenant.name) as tx:
        homes = links.homes(tx, deal_ids)
    for object_ in sorted({home.object for home in homes.values()}):
        mine = {deal_id: home.crm_id for deal_id, home in homes.items() if home.object == object_}
        yield _compute(tenant, object_, sorted(mine.values()), deal_ids=sorted(mine))
    if new := sorted(deal_ids - homes.keys()):
        yield _compute(tenant, tenant.portal.deals.record, [], deal_ids=new)


def _compute(
    tenant: Tenant, object_: str, crm_ids: Sequence[str], *, rows: Sequence[FailureRow] = (), deal_ids: Sequence[str] = ()
) -> _Seen:
    """Reads these records, and does with them what a replay would, in a transaction that is undone."""
    record, read_no = tenant.mapping.records[object_], tenant.draw_read_no()
    natives = tenant.crm.fetch(record.native, crm_ids, fields=record.native_fields) if crm_ids else []
    record = tenant.lists.judged(object_, natives)
    chunk = Chunk(tenant, record, natives, read_no, tenant.services.new_id())
    seen = _Seen()
    try:
        with tenant.store.transaction(tenant.name) as tx:
            before = _held(tx, object_, natives, deal_ids)
            failures.forget_payloads(tx, [row.failure.id for row in rows])
            store_chunk(tx, chunk)
            owing = _owing(tx, object_, natives, deal_ids)
            applied = _Seen(tuple(_applied(object_, before, _held(tx, object_, natives, deal_ids))))
            written = list(_write(tx, tenant, owing, natives))
            still = failures.by_ids(tx, [row.failure.id for row in rows])
            failing = {id_: row.failure.message for id_, row in still.items() if row.resolved_at is None}
            seen = _together([applied, *written, _Seen(would_fail=failing)])
            raise _Undo
    except _Undo:
        pass
    return seen


def _together(parts: Iterable[_Seen]) -> _Seen:
    found = list(parts)
    failing = {id_: why for one in found for id_, why in one.would_fail.items()}
    return _Seen(tuple(change for one in found for change in one.changes), failing, sum(one.written for one in found))


# ── what would be applied in the portal ──────────────────────────────────────────────────────────────────────────────


def _held(tx: Tx, object_: str, natives: Sequence[NativeRecord], deal_ids: Sequence[str]) -> dict[str, dict[str, Plain]]:
    """Our records behind these, field by field."""
    crm_ids = [native.crm_id for native in natives]
    if object_ == COMPANY:
        return {stored.company.id: company_values(stored.company) for stored in companies.by_crm_ids(tx, crm_ids).values()}
    mine = {link.deal_id for link in links.by_crm_ids(tx, object_, crm_ids).values()} | set(deal_ids)
    return {deal_id: deal_values(stored.deal) for deal_id, stored in deals.by_ids(tx, mine).items()}


def company_values(company: Company) -> dict[str, Plain]:
    """Every field of the company, plain."""
    whole = {item.name: getattr(company, item.name) for item in fields(company) if item.name not in ("id", "attributes")}
    return {name: plain(value) for name, value in {**whole, **company.attributes}.items()}


def deal_values(deal: Deal) -> dict[str, Plain]:
    """Every field of the deal, plain."""
    return {name: plain(value) for name, value in deal.values.items()}


def _applied(object_: str, before: Mapping[str, Mapping[str, Plain]], after: Mapping[str, Mapping[str, Plain]]) -> Iterator[FieldPreview]:
    """What the portal would hold otherwise, record by record."""
    for id_, values in sorted(after.items()):
        for change in changes(before.get(id_, {}), values):
            yield FieldPreview("portal", object_, id_, change["field"], change["before"], change["after"])


# ── what would be written into the CRM ───────────────────────────────────────────────────────────────────────────────


def _owing(tx: Tx, object_: str, natives: Sequence[NativeRecord], deal_ids: Sequence[str]) -> list[str]:
    """Deals that a push after this would write: those asked for, and those that the reading has made due."""
    if object_ == COMPANY:
        return []
    behind = {link.deal_id for link in links.by_crm_ids(tx, object_, [native.crm_id for native in natives]).values()}
    return sorted(set(deal_ids) | {row.record_id for row in outbox.of(tx, DEAL, behind) if row.state == "ready"})


def _write(tx: Tx, tenant: Tenant, deal_ids: Sequence[str], natives: Sequence[NativeRecord]) -> Iterator[_Seen]:
    """The writes of these deals, as they would be sent."""
    shown = {native.crm_id: native.fields for native in natives}
    desk = DealDesk(tx, tenant, deal_ids)
    for row in outbox.of(tx, DEAL, deal_ids):
        outgoing = desk.outgoing(row)
        if isinstance(outgoing, Park) and outgoing.error:
            yield _Seen(would_fail={row.record_id: str(outgoing.error)})
        elif isinstance(outgoing, OutgoingWrite):
            crm_id = outgoing.change.crm_id or ""
            where = crm_id or f"(new: {row.record_id})"
            yield _Seen(tuple(_written(outgoing.record.record, where, shown.get(crm_id, {}), outgoing.change.fields)), written=1)


def _written(object_: str, crm_id: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[FieldPreview]:
    for name, value in sorted(then.items()):
        if plain(now.get(name)) != plain(value):
            yield FieldPreview("crm", object_, crm_id, name, plain(now.get(name)), plain(value))


def per_minute(tenant: Tenant, *verbs: str) -> float:
    """Records a minute, as the portal's last runs of size went, of these verbs."""
    with tenant.store.reading(tenant.name) as tx:
        found = [run for run in runs.listed(tx) if run.finished_at and run.verb in verbs]
    large = [run for run in found if run.counts.read + run.counts.claimed >= MEASURED_COUNT]
    spent_s = sum((run.finished_at - run.started_at).total_seconds() for run in large if run.finished_at)
    counted = sum(run.counts.read + run.counts.claimed for run in large)
    return counted * 60 / spent_s if spent_s > 1 else PER_MINUTE
