"""PLAN: what a pull and a push would change here and in the CRM, and what they would cost, before anything is changed.

It is a rehearsal with the real code: the real steps run on a copy of the portal's rows. They read the real CRM, and
a stand-in takes the writes. The difference between the copy before and after is the plan.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sync_worker.config.portal_rules import with_rules
from sync_worker.crm.port import RecordWrite
from sync_worker.crm.rehearsal import Rehearsal
from sync_worker.domain.core.deal import CLOSED
from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.values import plain
from sync_worker.domain.operate.plan import SHOWN_COUNT, Cost, Plan
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.fillable import Fillable
from sync_worker.mapping.load import load_for_portal
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.core.brake import foreseen
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.run import Runs
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant
from sync_worker.steps.operate.difference import tell_differences
from sync_worker.steps.operate.preview import per_minute
from sync_worker.steps.operate.replay import work_off
from sync_worker.steps.sync.ingest.backfill import ask, backfill
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.outgoing_writes import DealDesk, OutgoingWrite
from sync_worker.steps.sync.push.patch_back import patch_back
from sync_worker.steps.sync.push.push import BATCH_COUNT
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, runs
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.runs import Counts, Run
from sync_worker.store.deals import deals, links
from sync_worker.store.operate.copies import copied
from sync_worker.store.sync import outbox

READ_BACK_COUNT = 2000  # written records read back in one go
DUE_COUNT = 1_000_000  # ids of deals that wait to be written
NO_BRAKE_PERCENT = 100  # the rehearsal goes on to its end; whether the brake would hold is asked of what it took away

Progress = Callable[[str, int, int | None], None]
"""Called after each page with (record, records so far, records in all if known)."""


def plan(
    tenant: Tenant,
    *,
    is_full: bool = False,
    reads: bool = True,
    only: Fillable | None = None,
    limit: int | None = SHOWN_COUNT,
    on_page: Progress | None = None,
) -> Plan:
    """What a pull and a push would do now, by the portal and mapping files as they are now.

    **Shapes** `is_full`: the pull reads everything again, so that another mapping shows on every record. `reads` False asks the CRM for
    no record: only what is stored is worked out again. `only`: in place of the pull a backfill of this field, from the first record on.
    `limit`: how many of each kind are shown; None shows all.
    **Raises** the port's errors, StoreDown, Stopped.
    """
    found, calls = Plan.empty(tenant.name, limit=limit), tenant.crm.calls
    with copied(tenant.store, tenant.name, clock=tenant.services.clock) as copy:
        ear = _Ear(tenant, copy.after, found)
        crm = Rehearsal(tenant.crm, tell=ear.hear, services=tenant.services)
        portal = tenant.portal.model_copy(update={"brake_percent": NO_BRAKE_PERCENT})
        rehearsing = _Rehearsing(Ports(portal, copy.after, crm, tenant.services), grammar=tenant.grammar)
        rehearsing.works_while_paused = tenant.works_while_paused
        if only:
            _fill_and_push(rehearsing, only, on_page=on_page)
        elif reads:
            _pull_and_push(rehearsing, is_full=is_full, on_page=on_page)
        else:
            _evaluate(rehearsing)
            _push_unread(rehearsing)
        tell_differences(copy, found)
        with copy.before.reading(tenant.name) as was, copy.after.reading(tenant.name) as now:
            found.stays = _left_of_two_tiers(tenant, was)
            found.held = foreseen(was, now, percent=tenant.portal.brake_percent)
        used = tenant.crm.calls - calls
        needed = used + crm.write_calls + -(-ear.deal_count // READ_BACK_COUNT)
        found.cost = Cost(used, needed, round(_handled(rehearsing) / per_minute(tenant, "pull", "backfill", "push"), 1))
    return found


def with_other_rules(tenant: Tenant, text: str) -> Tenant:
    """The portal as it would be with these rules. **Shapes** `text`: as `with_rules` takes it. **Raises** ConfigError: every mistake."""
    portal = with_rules(tenant.portal, text)
    folder = Path(tenant.grammar.source_path).parents[len(Path(portal.crm.mapping).parts) - 1]
    return Tenant(Ports(portal, tenant.store, tenant.crm, tenant.services), grammar=load_for_portal(portal, folder))


def plan_rules(tenant: Tenant, text: str, *, limit: int | None = SHOWN_COUNT) -> Plan:
    """What these rules would do in place of the portal's own, to what is stored. Nothing is changed, and no record is read.

    **Raises** ConfigError with every mistake at its line of the text; the port's errors, StoreDown, Stopped.
    """
    return plan(with_other_rules(tenant, text), reads=False, limit=limit)


def _left_of_two_tiers(tenant: Tenant, tx: Tx) -> list[str]:
    """What a portal without second partners holds from the time when it had them; neither here nor in the CRM is any of it removed."""
    deal_count, pair_count = len(links.two_tier(tx, but=CLOSED)), associations.pair_count(tx)
    if tenant.portal.two_tier or not (deal_count or pair_count):
        return []
    kept = f"{deal_count:,} open deals keep their second partner, and {pair_count:,} associations are kept"
    stays = f"two_tier is off: {kept}. The portal does not show them; the CRM's fields stay as they are and are not read."
    return [f"{stays} two_tier: true brings all of it back; then `pull --full` reads what changed in the CRM meanwhile"]


class _Unheard(Runs):
    """Runs that are in no database, so neither logs nor metrics speak of them."""

    def batch_done(self, object_: str, counts: Counts) -> None:
        pass

    def tell(self, run: Run, duration_s: float) -> None:
        pass


class _Rehearsing(Tenant):
    """A tenant of whose runs nothing is told."""

    RUNS = _Unheard


def _pull_and_push(tenant: Tenant, *, is_full: bool, on_page: Progress | None) -> None:
    """As a person would with `pull` and `push`: companies first, and whatever is noticed on the way."""
    follow_ups = {FollowUp(Work.PUSH)}
    for record_name in tenant.readable_records():
        found = pull(tenant, record_name, is_full=is_full, on_page=_told_of(record_name, on_page)).follow_ups
        if record_name == COMPANY:
            found |= _evaluate(tenant)
        work_off(tenant, {follow_up for follow_up in found if follow_up.work == Work.REFRESH})
        follow_ups |= {follow_up for follow_up in found if follow_up.work in (Work.REFRESH, Work.PUSH)}
    work_off(tenant, follow_ups)


def _fill_and_push(tenant: Tenant, only: Fillable, *, on_page: Progress | None) -> None:
    """As a person would with `pull --backfill` and `push`, and whatever is noticed on the way."""
    ask(tenant, only, by="plan")
    follow_ups = {FollowUp(Work.PUSH)}
    for record_name in only.records:
        follow_ups |= backfill(tenant, record_name, only.field, on_page=_told_of(record_name, on_page)).follow_ups
    work_off(tenant, follow_ups)


def _told_of(record_name: str, on_page: Progress | None) -> Callable[[int, int | None], None] | None:
    """What hears of each page, told which records are on it."""
    return partial(on_page, record_name) if on_page else None


def _evaluate(tenant: Tenant) -> frozenset[FollowUp]:
    """Rules that do not stand yet, to the end."""
    with tenant.turn.lasting(math.inf):
        return evaluate(tenant).follow_ups


def _push_unread(tenant: Tenant) -> None:
    """The writes that are due, as they stand, and the portal ids that companies lack."""
    with tenant.store.reading(tenant.name) as tx:
        due = outbox.due(tx, DUE_COUNT)
    for start in range(0, len(due), BATCH_COUNT):
        writes = _outgoing(tenant, due[start : start + BATCH_COUNT])
        for name in sorted({write.record.record for write in writes}):
            record, changes = tenant.mapping.records[name], [write.change for write in writes if write.record.record == name]
            deque(tenant.crm.write(record.native, record.key_field, changes, time_left_s=lambda: math.inf), maxlen=0)
    with tenant.run("push") as run_id:
        while patch_back(tenant, run_id):
            pass


def _outgoing(tenant: Tenant, deal_ids: Sequence[str]) -> list[OutgoingWrite]:
    """What these deals owe. One that cannot be spelled is left out: only a push says so."""
    with tenant.store.reading(tenant.name) as tx:
        desk = DealDesk(tx, tenant, deal_ids)
        found = [desk.outgoing(row) for row in outbox.of(tx, DEAL, deal_ids)]
    return [one for one in found if isinstance(one, OutgoingWrite)]


def _handled(tenant: Tenant) -> int:
    """Records read and written by the rehearsal, whose runs are the only ones in its copy."""
    with tenant.store.reading(tenant.name) as tx:
        return sum(run.counts.read + run.counts.claimed for run in runs.listed(tx, limit=DUE_COUNT))


class _Ear:
    """Hears what would be written, and tells the plan what stands there now: what the CRM last said, as the copy's links remember it."""

    def __init__(self, tenant: Tenant, store: Store, found: Plan) -> None:
        self._tenant = tenant
        self._store = store
        self._found = found
        self.deal_count = 0

    def hear(self, native: str, changes: Sequence[RecordWrite]) -> None:
        record = next(one for one in self._tenant.plain_mapping.records.values() if one.native == native)
        if record.record == COMPANY:
            self._hear_ids(record, changes)
            return
        self.deal_count += len(changes)
        with self._store.reading(self._tenant.name) as tx:
            known = links.by_crm_ids(tx, record.record, [change.crm_id for change in changes if change.crm_id])
            named = deals.by_ids(tx, [change.ref for change in changes])
        for change in changes:
            link = known.get(change.crm_id or "")
            fields = _written(change.fields, _shown(record, link) if link else {})
            name = named[change.ref].deal.values.get("name")
            where = {"record": record.record, "name": name, "deal": change.ref, "crm_id": change.crm_id}
            self._found.listings["crm_written" if link else "crm_created"].add({**where, "changes": fields})

    def _hear_ids(self, record: RecordMap, changes: Sequence[RecordWrite]) -> None:
        with self._store.reading(self._tenant.name) as tx:
            names = companies.by_ids(tx, [change.ref for change in changes])
        for change in changes:
            fields = _written(change.fields, {})
            self._found.listings["portal_ids"].add({"name": names[change.ref].name, "crm_id": change.crm_id, "changes": fields})


def _shown(record: RecordMap, link: Link) -> dict[str, Any]:
    """What the CRM holds, field by field in its own words."""
    agreed = {field.native: link.base[name].crm for name, field in record.fields.items() if name in link.base}
    return {**agreed, record.key_field: link.base[KEY].crm if KEY in link.base else None}


def _written(fields: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"field": name, "before": plain(now.get(name)), "after": plain(value)} for name, value in sorted(fields.items())]
