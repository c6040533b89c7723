"""What has been kept long enough goes, the oldest first: one batch a call, found by an index, in a commit of its own.

History stays: changes of deals, conflicts, contracts, memberships of rules, evaluations, and every run that one of these names. So do
acts of people that are history themselves: a mode, a binding, an erasure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Table, and_, delete, exists, not_, or_, select, tuple_, union

from sync_worker.domain.core.deal import CLOSED, Lifecycle
from sync_worker.domain.tell.notification import deal_reminded_of
from sync_worker.store.associations.tables import contract_values, evaluations, past_contracts, rule_members
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.core.tables import events, failures, runs
from sync_worker.store.deals.tables import conflicts, deal_changes, deal_files, deal_notes, deals
from sync_worker.store.operate.tables import inquiries, interventions, sweeps, tries
from sync_worker.store.people.tables import answers
from sync_worker.store.sync.tables import removals
from sync_worker.store.tell.tables import journey_log, mails, notifications

BATCH_COUNT: Final = 500  # rows looked at between two commits
HISTORY: Final = (deal_changes, conflicts, contract_values, past_contracts, rule_members, evaluations)
"""The tables that name runs for good."""
PASSING: Final = ("replay", "discard", "release", "stop", "repair")
"""Acts of people that are of use only as long as the failures they were about."""

Place: TypeAlias = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step took away.

    **Shapes** `last`: the last row that was looked at, behind which the next step begins; None = there are no more.
    `lost_count`: events among those gone that the portal never took.
    """

    gone_count: int
    last: Place | None
    lost_count: int = 0


def forget_runs(tx: Tx, before: datetime, _after: Place | None) -> Batch:
    """Runs that history does not name. Those that it names are looked at once; the place up to which that is done is kept."""
    here = (sweeps.c.portal == tx.portal, sweeps.c.what == runs.name)
    place = tx.connection.execute(select(sweeps.c.last_at, sweeps.c.last_id).where(*here)).first()
    found = _old(tx, runs, runs.c.started_at, before, tuple(place) if place else None)
    ids = [id_ for _, id_ in found]
    named = union(*(select(table.c.run_id).where(table.c.portal == tx.portal, among(tx, table.c.run_id, ids)) for table in HISTORY))
    kept = set(tx.connection.execute(named).scalars()) if ids else set()
    gone = _delete(tx, runs, [id_ for id_ in ids if id_ not in kept])
    last = _last(found)
    if found:
        upsert(tx, sweeps, [{"portal": tx.portal, "what": runs.name, "last_at": found[-1][0], "last_id": found[-1][1]}])
    return Batch(gone, last)


def forget_failures(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """Resolved failures, with what was tried about them."""
    found = _old(tx, failures, failures.c.resolved_at, before, after, failures.c.resolved_at.is_not(None))
    ids = [id_ for _, id_ in found]
    tx.connection.execute(delete(tries).where(tries.c.portal == tx.portal, among(tx, tries.c.failure_id, ids)))
    return Batch(_delete(tx, failures, ids), _last(found))


def forget_interventions(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """Replays, discards, releases and repairs of which nothing is left to do, with their tries."""
    its = (tries.c.portal == interventions.c.portal, tries.c.intervention_id == interventions.c.id, tries.c.outcome == "")
    of_try = and_(failures.c.portal == tries.c.portal, failures.c.id == tries.c.failure_id, failures.c.resolved_at.is_(None))
    is_marked = exists(select(1).select_from(tries.join(failures, of_try)).where(*its))
    is_left = and_(interventions.c.finished_at.is_(None), interventions.c.is_queued.is_(True) | is_marked)
    found = _old(tx, interventions, interventions.c.asked_at, before, after, interventions.c.verb.in_(PASSING), not_(is_left))
    ids = [id_ for _, id_ in found]
    tx.connection.execute(delete(tries).where(tries.c.portal == tx.portal, among(tx, tries.c.intervention_id, ids)))
    return Batch(_delete(tx, interventions, ids), _last(found))


def forget_inquiries(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """What people asked of the CRM, with its answer. One that is open stays."""
    found = _old(tx, inquiries, inquiries.c.asked_at, before, after, inquiries.c.finished_at.is_not(None))
    return Batch(_delete(tx, inquiries, [id_ for _, id_ in found]), _last(found))


def forget_mails(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """Letters that were sent or given up. A reminder of a deal that still waits stays: without it the reminder would be written again."""
    found = _old(tx, mails, mails.c.settled_at, before, after, mails.c.settled_at.is_not(None), more=(mails.c.event,))
    return Batch(_delete(tx, mails, _without_reminders(tx, found)), _last(found))


def forget_notifications(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """Notifications, read or not. A reminder of a deal that still waits stays, as its letter does."""
    found = _old(tx, notifications, notifications.c.at, before, after, more=(notifications.c.event,))
    return Batch(_delete(tx, notifications, _without_reminders(tx, found)), _last(found))


def _without_reminders(tx: Tx, found: Sequence[Any]) -> list[str]:
    """The ids of these rows, which are (moment, id, event), except reminders of deals that still wait."""
    reminded = {id_: deal_id for _, id_, event in found if (deal_id := deal_reminded_of(event))}
    waiting = _waiting(tx, set(reminded.values()))
    return [id_ for _, id_, _ in found if reminded.get(id_) not in waiting]


def forget_journey_log(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """Whom journeys told. What waits for a person stays."""
    found = _old(tx, journey_log, journey_log.c.at, before, after, journey_log.c.outcome != "held")
    return Batch(_delete(tx, journey_log, [id_ for _, id_ in found]), _last(found))


def forget_deal_notes(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """Notes of deals that have been over for as long."""
    return _forget_attached(tx, deal_notes, before, after)


def forget_deal_files(tx: Tx, before: datetime, after: Place | None) -> Batch:
    """The same for files. Their content is removed by the sweep of files that follows."""
    return _forget_attached(tx, deal_files, before, after)


def _forget_attached(tx: Tx, table: Table, before: datetime, after: Place | None) -> Batch:
    is_alive = or_(deals.c.updated_at >= before, deals.c.lifecycle.is_(None), deals.c.lifecycle.not_in(CLOSED))
    its_deal = exists(select(1).where(deals.c.portal == table.c.portal, deals.c.id == table.c.deal_id, is_alive))
    found = _old(tx, table, table.c.added_at, before, after, not_(its_deal))
    return Batch(_delete(tx, table, [id_ for _, id_ in found]), _last(found))


def forget_events(tx: Tx, before: datetime, _after: Place | None) -> Batch:
    """Events of the feed, delivered or not: the portal is told of those that it never took."""
    here = (events.c.portal == tx.portal, events.c.at < before)
    found = tx.connection.execute(select(events.c.at, events.c.seq).where(*here).order_by(events.c.seq).limit(BATCH_COUNT)).all()
    lost_count = feed.forget(tx, [seq for _, seq in found])
    return Batch(len(found), (found[-1][0], "") if len(found) == BATCH_COUNT else None, lost_count)


def forget_answers(tx: Tx, before: datetime, _after: Place | None) -> Batch:
    """Answers to requests with an idempotency key."""
    key = (answers.c.token_id, answers.c.key)
    here = (answers.c.portal == tx.portal, answers.c.begun_at < before)
    old = select(answers.c.begun_at, *key).where(*here).order_by(answers.c.begun_at).limit(BATCH_COUNT)
    found = tx.connection.execute(old.with_for_update(skip_locked=True) if tx.is_postgresql else old).all()
    if found:
        same = tuple_(*key).in_([(token_id, its_key) for _, token_id, its_key in found])
        tx.connection.execute(delete(answers).where(*here, same))
    return Batch(len(found), (found[-1][0], "") if len(found) == BATCH_COUNT else None)


def forget_removals(tx: Tx, before: datetime, _after: Place | None) -> Batch:
    """What the brake has counted; there is a row for each run that took something away."""
    return Batch(tx.connection.execute(delete(removals).where(removals.c.portal == tx.portal, removals.c.at < before)).rowcount, None)


def _old(
    tx: Tx,
    table: Table,
    at: ColumnElement[Any],
    before: datetime,
    after: Place | None,
    *conditions: ColumnElement[bool],
    more: Sequence[ColumnElement[Any]] = (),
) -> Sequence[Any]:
    """(moment, id, more) of the next rows of an earlier moment. Rows that another process is at are its own."""
    place = tuple_(at, table.c.id)
    here = [table.c.portal == tx.portal, at < before, *conditions, *([at >= after[0], place > after] if after else [])]
    query = select(at, table.c.id, *more).where(*here).order_by(at, table.c.id).limit(BATCH_COUNT)
    return tx.connection.execute(query.with_for_update(skip_locked=True, of=table) if tx.is_postgresql else query).all()


def _last(found: Sequence[Any]) -> Place | None:
    return (found[-1][0], found[-1][1]) if len(found) == BATCH_COUNT else None


def _delete(tx: Tx, table: Table, ids: Collection[str]) -> int:
    if not ids:
        return 0
    return tx.connection.execute(delete(table).where(table.c.portal == tx.portal, among(tx, table.c.id, ids))).rowcount


def _waiting(tx: Tx, deal_ids: Collection[str]) -> frozenset[str]:
    if not deal_ids:
        return frozenset()
    here = (deals.c.portal == tx.portal, among(tx, deals.c.id, deal_ids), deals.c.lifecycle == Lifecycle.SUBMITTED)
    return frozenset(tx.connection.execute(select(deals.c.id).where(*here)).scalars())
