"""Memberships of rules: what a company that changed holds, in the commit that changed it; and what two companies share.

While rules are being evaluated again, a company that changes is held against both sets, so that the old answer stays right until the new
one stands, and the new one is right from its first moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter

from sync_worker.domain.associations.association import Missing
from sync_worker.domain.associations.rule import MOST_KEYS, SIDES, Membership, Names, Rule, Rules, SharedKeys, Side, missing
from sync_worker.domain.associations.rule_member import Holding, Member, turn
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.names import folded, spelled
from sync_worker.domain.core.problem import Problem
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.associations import evaluations, rule_members, rule_names
from sync_worker.store.associations.evaluations import Evaluation
from sync_worker.store.associations.rule_members import EVERY_OTHER, OtherSide, SharedKey
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure

RULE = "rule"  # the object of failures that concern the rules themselves
NAME_CODES = ("rule_name_unresolved", "rule_name_ambiguous", "rule_name_wrong_side")
CROWDED = "rule_keys_many"
_OPPOSITE: Mapping[Side, Side] = {"partner": "second_partner", "second_partner": "partner"}


@dataclass(frozen=True, slots=True)
class RuleSets:
    """What counts now, and what will. **Shapes** `standing_no` 0 and `now` empty: none stands yet; `later` None: none is under way."""

    standing_no: int
    now: Rules
    later: Rules | None

    @classmethod
    def of(cls, tx: Tx, names: Names) -> RuleSets | None:
        """Those of the portal; None before its first evaluation."""
        newest = evaluations.newest(tx)
        if newest is None:
            return None
        standing = newest if newest.stood_at else evaluations.standing(tx)
        now = Rules(rules_of(standing), names) if standing else Rules((), names)
        return cls(standing.no if standing else 0, now, None if newest.stood_at else Rules(rules_of(newest), names))


def rules_of(evaluation: Evaluation) -> list[Rule]:
    """The rules it was made with."""
    return [Rule.from_document(document) for document in evaluation.document]


# ── a company changes ────────────────────────────────────────────────────────────────────────────────────────────────


def derive(tx: Tx, tenant: Tenant, run_id: str, moved: Sequence[tuple[Company | None, Company]]) -> set[str]:
    """The memberships of the companies that changed, as they are now. Returns the ids of those whose memberships changed."""
    names = rule_names.listed(tx)
    healed = _heal(tx, tenant, names, moved) if None in names.values() else {}
    sets = RuleSets.of(tx, bound(names | healed))
    if sets is None:
        return set()
    changed = {after.id: after for before, after in moved if _has_news(before, after)}
    changed |= companies.by_ids(tx, set(healed.values()) - changed.keys()) if healed else {}
    return settle(tx, tenant, sets, list(changed.values()), rule_members.held(tx, changed), run_id) if changed else set()


def settle(
    tx: Tx, tenant: Tenant, sets: RuleSets, found: Collection[Company], held: Mapping[str, Sequence[Member]], run_id: str
) -> set[str]:
    """Writes what these companies hold, now and later, after what they held. Returns the ids of those for which anything changed."""
    saved: list[Member] = []
    waiting: list[Member] = []
    gone: list[Member] = []
    changed: set[str] = set()
    for company in found:
        due = turn(
            Holding(company.id, sets.now.memberships(company), sets.later.memberships(company) if sets.later else None),
            held.get(company.id, ()),
            standing_no=sets.standing_no,
            now=tx.now,
            run_id=run_id,
        )
        saved += due.saved
        waiting += due.waiting
        gone += due.gone
        if not due.is_idle:
            changed.add(company.id)
    rule_members.remove(tx, gone)
    rule_members.save(tx, saved)
    rule_members.wait(tx, waiting)
    _report_crowded(tx, tenant, sets.later or sets.now, found, run_id)
    return changed


def _has_news(before: Company | None, after: Company) -> bool:
    return before is None or before == after or (before.attributes, before.account_type) != (after.attributes, after.account_type)


def _report_crowded(tx: Tx, tenant: Tenant, rules: Rules, found: Collection[Company], run_id: str) -> None:
    """Several sets to match multiply: a company with too many combinations keeps the first, and a person hears of it."""
    if not rules.may_crowd:
        return
    crowded = {(company.crm_id or company.id, rule): company for company in found for rule in rules.crowded(company)}
    open_rows = failures.open_rows(tx, RULE, [company.crm_id or company.id for company in found], "pull")
    failures.close(tx, [row.id for row in open_rows if row.code == CROWDED and (row.record, row.field) not in crowded], "it has fewer now")
    words = f"holds more than {MOST_KEYS:,} combinations of the fields that the rule matches; only the first {MOST_KEYS:,} count"
    problems = [
        failure(tenant, run_id, Problem(CROWDED, rule, f"{company.name} {words}"), record=record, name=company.name)
        for (record, rule), company in crowded.items()
    ]
    failures.record(tx, problems)


# ── companies that rules name ────────────────────────────────────────────────────────────────────────────────────────


def bound(names: Mapping[tuple[Side, str], str | None]) -> dict[tuple[Side, str], str]:
    """Those that stand for a company."""
    return {name: company_id for name, company_id in names.items() if company_id}


def resolve(tx: Tx, tenant: Tenant, names: Collection[tuple[Side, str]]) -> dict[tuple[Side, str], str | Problem]:
    """Whom each name stands for, by CRM id, exact name or a name that looks the same; or what is wrong with it."""
    ids = {name: tenant.crm.canonical_id(name) for _, name in names}
    by_crm_id, named = companies.by_crm_ids(tx, sorted(set(ids.values()))), companies.by_names(tx, ids)
    found: dict[tuple[Side, str], str | Problem] = {}
    for side, name in sorted(names):
        known = by_crm_id.get(ids[name])
        exact = [company for company in ([known.company] if known else named.exact.get(name, ())) if not company.is_deleted]
        candidates = exact or [company for company in named.alike.get(folded(name), ()) if not (known or company.is_deleted)]
        fitting = [company for company in candidates if SIDES.get(company.account_type) == side]
        found[side, name] = fitting[0].id if len(fitting) == 1 else _unresolved(side, name, candidates, fitting)
    return found


def _unresolved(side: Side, name: str, candidates: Sequence[Company], fitting: Sequence[Company]) -> Problem:
    field = name_field(side, name)
    listed = ", ".join(f"{spelled(one.name)} ({one.crm_id or one.id}, {one.account_type})" for one in candidates)
    called = spelled(name)
    if fitting:
        return Problem("rule_name_ambiguous", field, f"a rule names {called}, and several companies have that name: {listed}", name)
    if candidates:
        return Problem(
            "rule_name_wrong_side", field, f"a rule names {called} as a {side}, and that company is not a {side}: {listed}", name
        )
    return Problem(
        "rule_name_unresolved", field, f"a rule names {called}, and this portal does not know a company with that name or CRM id", name
    )


def name_field(side: Side, name: str) -> str:
    """The field of a problem that concerns one name in the rules."""
    return f"{side}.name[{name}]"


def failure(tenant: Tenant, run_id: str, problem: Problem, *, record: str, name: str = "") -> Failure:
    """A problem of the rules as it is kept."""
    return Failure(
        tenant.services.new_id(), "problem", RULE, record, "pull", problem.code, problem.message, run_id, problem.field, name or record
    )


def _heal(
    tx: Tx, tenant: Tenant, names: Mapping[tuple[Side, str], str | None], moved: Iterable[tuple[Company | None, Company]]
) -> dict[tuple[Side, str], str]:
    """Names that stood for no company and stand for a company of this page now."""
    arrived = {folded(one.name) for pair in moved for one in pair if one} | {after.crm_id for _, after in moved if after.crm_id}
    unbound = [name for name, company_id in names.items() if company_id is None]
    waiting = [name for name in unbound if {folded(name[1]), tenant.crm.canonical_id(name[1])} & arrived]
    if not waiting:
        return {}
    found = {name: company_id for name, company_id in resolve(tx, tenant, waiting).items() if isinstance(company_id, str)}
    rule_names.save(tx, found)
    failures.close_fields(tx, RULE, [name_field(*name) for name in found], NAME_CODES, "its company is known now")
    return found


# ── what two companies share ─────────────────────────────────────────────────────────────────────────────────────────


def shared(
    tx: Tx, company: Company, evaluation: Evaluation, *, at: datetime | None = None, others: OtherSide = EVERY_OTHER
) -> list[SharedKeys]:
    """What this company shares with each of the other side. **Shapes** by the other's id."""
    side = SIDES.get(company.account_type)
    if side is None:
        return []
    shares = rule_members.shares(tx, company.id, side, evaluation, at=at, others=others)
    return _shared(company, side, shares, evaluation, is_past=at is not None)


def shared_with(
    tx: Tx, company: Company, others: Sequence[Company], evaluation: Evaluation, at: datetime | None = None
) -> dict[str, list[SharedKeys]]:
    """What this company shares with each of these, by their id."""
    held = rule_members.of(tx, {company.id, *(other.id for other in others)}, evaluation, at)
    side: Side = SIDES.get(company.account_type, "partner")
    ours = _by_key(held.get(company.id, {}), side)
    found = {}
    for other in others:
        theirs = _by_key(held.get(other.id, {}), _OPPOSITE[side])
        shares = [
            SharedKey(other.id, *key, *max(_beginning(member, evaluation) for member in (ours[key], theirs[key])))
            for key in sorted(ours.keys() & theirs.keys())
        ]
        found[other.id] = _shared(company, side, shares, evaluation, is_past=at is not None)
    return found


def joined(tx: Tx, pairs: Collection[tuple[str, str]], evaluation: Evaluation) -> set[tuple[str, str]]:
    """Those of these (partner, second partner) pairs that share a key of a rule."""
    held = rule_members.of(tx, {company_id for pair in pairs for company_id in pair}, evaluation)
    ours = {company_id: _by_key(members, "partner").keys() for company_id, members in held.items()}
    theirs = {company_id: _by_key(members, "second_partner").keys() for company_id, members in held.items()}
    return {(one, other) for one, other in pairs if ours.get(one, {}) and not ours[one].isdisjoint(theirs.get(other, ()))}


def missing_rule(tx: Tx, evaluation: Evaluation, at: datetime | None) -> Missing:
    """What each rule lacks to join two companies whom nothing else bars. Of the past only the memberships are known."""
    rules = rules_of(evaluation)
    if at is None:
        return partial(missing, rules=rules, names=bound(rule_names.listed(tx)))
    stood = f"{evaluation.stood_at:%Y-%m-%d %H:%M} UTC" if evaluation.stood_at else "never"
    named = ", ".join(rule.name for rule in rules) or "none"

    def then(partner: Company, second: Company) -> tuple[str, str]:
        return f"no rule joined {partner.name} and {second.name} then; the rules of that day ({named}) stood since {stood}", ""

    return then


_since = attrgetter("since")


def _beginning(member: Member, evaluation: Evaluation) -> tuple[datetime, str]:
    return evaluation.since(member.since, member.from_no), member.run_id


def _by_key(members: Mapping[Membership, Member], side: str) -> dict[tuple[str, str], Member]:
    return {(one.rule, one.key): member for one, member in members.items() if one.side == side}


def _shared(company: Company, side: Side, shares: Iterable[SharedKey], evaluation: Evaluation, *, is_past: bool) -> list[SharedKeys]:
    """One for each rule and other company, since the first of its keys."""
    rules = {rule.name: rule for rule in rules_of(evaluation)}
    grouped: dict[tuple[str, str], list[SharedKey]] = {}
    for share in shares:
        grouped.setdefault((share.company_id, share.rule), []).append(share)
    found = []
    for (other_id, rule), group in sorted(grouped.items()):
        is_alone = len(group) == 1
        first = group[0] if is_alone else min(group, key=_since)
        keys = (first.key,) if is_alone else tuple(sorted([one.key for one in group]))
        pair = (company.id, other_id) if side == "partner" else (other_id, company.id)
        found.append(SharedKeys(rules[rule], keys, *pair, first.since, first.run_id, is_past))
    return found
