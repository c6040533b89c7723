"""EVALUATE: rules that changed are applied to every company, page by page. Until that is complete the old associations count.

    begin    the rules are kept with a number of their own; companies they name are bound
    page     companies by id: what they hold under the new rules is written beside what they hold now
    stand    one small commit: the new number counts
    tell     open deals of pairs that began or ended are marked to be read again, page by page

Each page is a commit, and the process that comes next goes on where the last one ended. Rules that change meanwhile begin again at the
first page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace

from sync_worker.config.portal import Portal
from sync_worker.domain.associations.rule import Rule, named
from sync_worker.domain.core.deal import CLOSED
from sync_worker.domain.core.problem import Problem
from sync_worker.steps.associations.mode import is_turning, turn_over
from sync_worker.steps.associations.rule_members import (
    NAME_CODES,
    RULE,
    RuleSets,
    bound,
    failure,
    joined,
    name_field,
    resolve,
    rules_of,
    settle,
)
from sync_worker.steps.core.brake import NOTHING, brake, kept, lost_between
from sync_worker.steps.core.follow_up import Advance, Done, FollowUp, Work, in_turn
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.associations import evaluations, rule_members, rule_names
from sync_worker.store.associations.evaluations import Evaluation
from sync_worker.store.core import companies, documents, failures, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import links
from sync_worker.store.sync import notices

PAGE_COUNT = 2000  # companies a commit
EVALUATE = FollowUp(Work.EVALUATE, share="backfill")


def evaluate(tenant: Tenant) -> Done:
    """Goes on until the portal's rules stand and everybody was told, or its turn is over.

    **Raises** SchemaChanged, StoreDown, HeldForReview; Stopped after the page at hand, where the process is asked to stop.
    """
    if not is_due(tenant):
        return Done("", Counts())
    with tenant.run("evaluate", COMPANY) as run_id, kept(tenant, "evaluate", "evaluate", run_id):
        return in_turn(tenant, run_id, _advance, again=EVALUATE)


def is_due(tenant: Tenant) -> bool:
    """Whether the rules of the portal file do not stand yet, or not everybody was told."""
    if not is_by_rules(tenant.portal):
        return False
    with tenant.store.reading(tenant.name) as tx:
        newest = evaluations.newest(tx)
    return newest is None or newest.told_at is None or newest.digest != digest(tenant)


def is_by_rules(portal: Portal) -> bool:
    """Whether this portal's associations follow from rules."""
    return portal.two_tier and portal.associations.mode == "rules"


def digest(tenant: Tenant) -> str:
    """Of all that an evaluation depends on: the rules, and how the mapping and the portal spell what they speak of."""
    whole = [tenant.plain_mapping.hash, [rule.to_document() for rule in rules_in(tenant.portal)]]
    return hashlib.blake2b(documents.dump(whole).encode(), digest_size=16).hexdigest()


def rules_in(portal: Portal) -> list[Rule]:
    """The rules of the portal file."""
    return [Rule(rule.name, rule.partner, rule.second_partner, rule.match) for rule in portal.associations.rules]


def _advance(tenant: Tenant, run_id: str) -> Advance | None:
    """The next commit; None where nothing is left to do."""
    with tenant.store.transaction(tenant.name) as tx:
        newest = evaluations.newest(tx)
        if newest is None or newest.digest != digest(tenant):
            if newest is None or newest.told_at or not newest.stood_at:
                return _begin(tx, tenant, newest, run_id)
        elif newest.told_at:
            return None
        done = _tell(tx, newest) if newest.stood_at else _page(tx, tenant, newest, run_id)
        runs.count(tx, run_id, done.counts)
    return done


def _begin(tx: Tx, tenant: Tenant, newest: Evaluation | None, run_id: str) -> Advance:
    """A number for these rules, that of the last ones where they never stood; and a company for each name in them."""
    rules = rules_in(tenant.portal)
    no = 1 if newest is None else newest.no + 1 if newest.stood_at else newest.no
    evaluations.begin(tx, no, digest(tenant), [rule.to_document() for rule in rules], run_id)
    known = bound(rule_names.listed(tx))
    found = resolve(tx, tenant, named(rules) - known.keys())
    rule_names.save(tx, {name: one if isinstance(one, str) else None for name, one in found.items()})
    problems = [one for one in found.values() if isinstance(one, Problem)]
    failures.record(tx, [failure(tenant, run_id, problem, record=str(problem.value)) for problem in problems])
    return Advance()


def _page(tx: Tx, tenant: Tenant, newest: Evaluation, run_id: str) -> Advance:
    """The next companies; after the last one the evaluation stands."""
    found = companies.page(tx, after=newest.position, limit=PAGE_COUNT)
    if not found:
        loss = lost_between(tx, newest.no - 1, newest.no) if newest.no > 1 and not is_turning(tx) else NOTHING
        evaluations.stand(tx, newest.no)
        brake(tx, tenant, loss, run_id)
        _forget_names(tx, newest)
        return Advance(follow_ups=turn_over(tx))
    sets = RuleSets.of(tx, bound(rule_names.listed(tx)))
    held = rule_members.held_within(tx, found[0].id, found[-1].id)
    changed = settle(tx, tenant, sets, found, held, run_id) if sets else set()
    evaluations.move(tx, newest.no, found[-1].id)
    return Advance(Counts(read=len(found), applied=len(changed), unchanged=len(found) - len(changed)))


def _forget_names(tx: Tx, standing: Evaluation) -> None:
    """Companies that no rule names any more."""
    gone = rule_names.listed(tx).keys() - named(rules_of(standing))
    rule_names.remove(tx, gone)
    failures.close_fields(tx, RULE, [name_field(*name) for name in gone], NAME_CODES, "no rule names it any more")


def _tell(tx: Tx, standing: Evaluation) -> Advance:
    """Open deals of pairs that began or ended with this evaluation; each pair is looked at with the first of its two companies."""
    ids = rule_members.changed(tx, standing, after=standing.position, limit=PAGE_COUNT)
    if not ids:
        evaluations.finish(tx, standing.no)
        return Advance()
    follow_ups = _read_again(tx, standing, ids)
    rule_members.date(tx, standing, ids)
    evaluations.move(tx, standing.no, ids[-1])
    return Advance(follow_ups=follow_ups)


def _read_again(tx: Tx, standing: Evaluation, company_ids: Collection[str]) -> frozenset[FollowUp]:
    rows = links.of_pairs(tx, company_ids, but=CLOSED)
    pairs = {(owner, second) for _, _, owner, second in rows}
    if standing.no > 1:
        pairs = joined(tx, pairs, standing) ^ joined(tx, pairs, replace(standing, no=standing.no - 1))
    marked: dict[str, set[str]] = {}
    for object_, crm_id, owner, second in rows:
        if (owner, second) in pairs:
            marked.setdefault(object_, set()).add(crm_id)
    for object_ in sorted(marked):
        notices.add(tx, object_, marked[object_])
    return frozenset(FollowUp(Work.REFRESH, object_) for object_ in marked)
