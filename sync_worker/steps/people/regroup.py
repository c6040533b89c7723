"""REGROUP: which companies are in which group. A company that changes is looked at in the commit that changes it; an edited group is
applied to all companies in pages of its own, and until that is complete the old answer stands.

    page     companies by id: those that meet the new conditions are written beside those that meet the old ones
    stand    one small commit: the new conditions count, and the portal is told once
    clear    rows of earlier conditions are cleared away, page by page

Each page is a commit, and the process that comes next goes on where the last one ended. While a group is evaluated again, a company that
changes is held against both conditions. The CRM is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.values import Plain
from sync_worker.domain.people.group import GroupPart, UserGroup, is_news, matches, parts
from sync_worker.domain.tell.event import COMPANY, MOVES, By, group_event
from sync_worker.steps.core.follow_up import Advance, Done, FollowUp, Work, in_turn
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import companies, feed, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.people import groups
from sync_worker.telemetry.correlation import run_under_way

PAGE_COUNT: Final = 2000  # companies a commit
REGROUP: Final = FollowUp(Work.REGROUP, share="backfill")
NOTHING: Final[Mapping[str, Plain]] = {}


# ── a company changes ────────────────────────────────────────────────────────────────────────────────────────────────


def regroup(tx: Tx, moved: Sequence[tuple[Company | None, Company]]) -> None:
    """The groups of companies that changed, as (before, after), in the commit of the change; the portal is told who joins and leaves."""
    every = groups.listed(tx) if moved else []
    changed = {after.id: after for before, after in moved if is_news(before, after)} if every else {}
    if not changed:
        return
    held = groups.held(tx, changed)
    due = {company_id: parts(every, company) for company_id, company in changed.items()}
    entered = {(company_id, part) for company_id, now in due.items() for part in now - held.get(company_id, set())}
    left = {(company_id, part) for company_id, then in held.items() for part in then - due[company_id]}
    if entered or left:
        _regroup(tx, entered, left)


def _regroup(tx: Tx, entered: set[tuple[str, GroupPart]], left: set[tuple[str, GroupPart]]) -> None:
    is_told = not MOVES.isdisjoint(tx.events) and not feed.is_loading(tx, COMPANY)
    user_ids = groups.user_ids_of(tx, {company_id for company_id, _ in entered | left}) if is_told else set()
    before = groups.of_users(tx, user_ids) if user_ids else {}
    groups.leave(tx, left)
    groups.enter(tx, entered)
    if user_ids:
        groups.tell_moves(tx, before, groups.of_users(tx, user_ids))


# ── a group changes ──────────────────────────────────────────────────────────────────────────────────────────────────


def evaluate_groups(tenant: Tenant) -> Done:
    """Goes on until the conditions of every group stand, or its turn is over.

    **Raises** StoreDown; Stopped after the page at hand, where the process is asked to stop.
    """
    if not is_due(tenant):
        return Done("", Counts())
    with tenant.runs.apart("regroup", COMPANY) as run_id:
        return in_turn(tenant, run_id, _advance, again=REGROUP)


def is_due(tenant: Tenant) -> bool:
    """Whether a group is to be evaluated, or rows of one are to be cleared away."""
    with tenant.store.reading(tenant.name) as tx:
        return groups.unsettled(tx) is not None


def _advance(tenant: Tenant, run_id: str) -> Advance | None:
    """The next commit; None where nothing is left to do."""
    with tenant.store.transaction(tenant.name) as tx:
        found = groups.unsettled(tx)
        if found is None:
            return None
        group, is_deleted = found
        done = _clear(tx, group) if is_deleted or group.is_evaluated else _page(tx, group)
        runs.count(tx, run_id, done.counts)
    return done


def _page(tx: Tx, group: UserGroup) -> Advance:
    """The next companies; after the last one the conditions stand."""
    found = companies.page(tx, after=group.position, limit=PAGE_COUNT)
    if not found:
        before = known_of(tx, group)
        groups.stand(tx, group)
        tell_change(tx, group.key, before, known_of(tx, groups.get(tx, group.key)), by=group.changed_by)
        return Advance()
    inside = [company.id for company in found if matches(group.conditions, company)]
    groups.enter(tx, [(company_id, GroupPart(group.key, group.no)) for company_id in inside])
    groups.move(tx, group.key, found[-1].id)
    return Advance(Counts(read=len(found), applied=len(inside), unchanged=len(found) - len(inside)))


def _clear(tx: Tx, group: UserGroup) -> Advance:
    """Rows of earlier conditions, or of a group that was deleted."""
    if groups.clear(tx, group.key, but_no=group.stood_no, limit=PAGE_COUNT) < PAGE_COUNT:
        groups.settle(tx, group.key)
    return Advance()


def known_of(tx: Tx, group: UserGroup | None) -> Mapping[str, Plain]:
    """What the portal is told of a group: its name and its conditions that count, in words, and how many are in it."""
    if group is None or not group.stood_no:
        return NOTHING
    company_count, user_count = groups.counts(tx, group.key, group.stood_no)
    words: Plain = [condition.words for condition in group.stood_conditions]
    return {"name": group.name, "conditions": words, "company_count": company_count, "user_count": user_count}


def tell_change(tx: Tx, key: str, before: Mapping[str, Plain], after: Mapping[str, Plain], *, by: str) -> None:
    """Tells the portal once that a group is new, was edited or deleted."""
    feed.tell(tx, [group_event(key, before, after, By("portal", by, run_under_way()))])
