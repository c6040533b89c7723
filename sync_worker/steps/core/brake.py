"""BRAKE: counts what each commit of a reading takes away. A commit that would cross the limit is undone, and its cursor stays.

Tally      who stood in an association before a chunk was stored, and who no longer does after it
brake      counts that loss in the same commit, or refuses the commit
kept       writes a refusal down apart from what it refuses, with the command that lets it pass
released   inside, one refused commit passes, because a person has looked at it; the counter then starts again
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sync_worker.domain.associations.rule import Membership
from sync_worker.domain.core.company import Company
from sync_worker.domain.sync.ingest.brake import ASSOCIATIONS, COMPANIES, Allowance, excess
from sync_worker.errors import HeldForReview
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.associations import associations, evaluations, rule_members
from sync_worker.store.core import companies, failures, portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.sync import removals

CODE = "held_for_review"


@dataclass(frozen=True, slots=True)
class Loss:
    """What one commit takes away."""

    companies: int = 0
    associations: int = 0


NOTHING = Loss()


class Tally:
    """Looks at the companies that changed before they are stored, and again after what follows from it."""

    def __init__(self, tx: Tx, moved: Sequence[tuple[Company | None, Company]]) -> None:
        self._tx = tx
        known = [(before, after) for before, after in moved if before is not None]
        self._company_count = sum(before.takes_part and not after.takes_part for before, after in known)
        row = portals.get(tx) if known else None
        self._rules = evaluations.standing(tx) if row and row.mode == "rules" else None
        self._ids = [after.id for before, after in known if self._rules or _may_end_some(before, after)]
        self._members = rule_members.taking_part(tx, self._ids, self._rules.no) if self._rules else set()
        self._pairs = associations.pairs(tx, self._ids) if not self._rules else set()

    def loss(self) -> Loss:
        """What is gone by now."""
        if self._rules and self._members:
            return Loss(self._company_count, self._lost_by_rules(self._rules.no))
        return Loss(self._company_count, len(self._pairs - associations.pairs(self._tx, self._ids)) if self._pairs else 0)

    def _lost_by_rules(self, no: int) -> int:
        after = rule_members.taking_part(self._tx, self._ids, no)
        gone, new = _by_key(self._members - after), _by_key(after - self._members)
        sizes = rule_members.sizes(self._tx, no, rules={rule for rule, _ in gone}) if gone else {}
        kept = {key: sizes.get(key, Counter()) - new.get(key, Counter()) for key in gone}
        return sum(pair_count(kept[key] + gone[key]) - pair_count(kept[key]) for key in gone)


def _by_key(members: Iterable[tuple[str, Membership]]) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for _, member in members:
        found.setdefault((member.rule, member.key), Counter())[member.side] += 1
    return found


def pair_count(sides: Mapping[str, int]) -> int:
    """How many pairs one key of a rule makes; a pair that has several reasons is counted with each."""
    return sides["partner"] * sides["second_partner"]


def lost_between(tx: Tx, old_no: int, no: int) -> Loss:
    """What ends when one evaluation takes the place of another."""
    before, kept = rule_members.sizes(tx, old_no), rule_members.sizes(tx, old_no, until_no=no)
    return Loss(associations=sum(pair_count(sides) - pair_count(kept.get(key, Counter())) for key, sides in before.items()))


def _association_count(tx: Tx, at_most: int | None) -> int:
    row = portals.get(tx)
    standing = evaluations.standing(tx) if row and row.mode == "rules" else None
    return sum(map(pair_count, rule_members.sizes(tx, standing.no).values())) if standing else associations.pair_count(tx, at_most)


def _may_end_some(before: Company, after: Company) -> bool:
    """Whether the change could end an association."""
    sides = (after.status, after.account_type, after.is_deleted, after.second_partner_values)
    return (before.status, before.account_type, before.is_deleted, before.second_partner_values) != sides


_LEFT: dict[str, Callable[[Tx, int | None], int]] = {COMPANIES: companies.active_count, ASSOCIATIONS: _association_count}


def brake(tx: Tx, tenant: Tenant, loss: Loss, run_id: str) -> None:
    """Counts what this commit takes away. **Raises** HeldForReview where that is too much within a day, unless a person let it pass."""
    lost = {kind: count for kind, count in ((COMPANIES, loss.companies), (ASSOCIATIONS, loss.associations)) if count}
    if not lost:
        return
    allowance = Allowance(tenant.portal.brake_percent, tx.now, removals.listed(tx))
    found = [excess(kind, count, allowance, partial(_LEFT[kind], tx)) for kind, count in lost.items()]
    if refused := [str(one) for one in found if one]:
        if tenant.release is None:
            raise HeldForReview("; ".join(refused))
        tenant.release(tx)
        tenant.release = None
        return
    for kind, count in lost.items():
        removals.add(tx, run_id, kind, count)


def foreseen(before: Tx, after: Tx, *, percent: int) -> list[str]:
    """Why the brake would hold what was taken away between these two states of a portal, all of it together."""
    earlier = removals.listed(before)
    lost = Counter[str]()
    for removal in removals.listed(after):
        lost[removal.kind] += removal.count
    for removal in earlier:
        lost[removal.kind] -= removal.count
    allowance = Allowance(percent, after.now, earlier)
    found = [excess(kind, count, allowance, partial(_LEFT[kind], after)) for kind, count in lost.items()]
    return [str(one) for one in found if one]


@contextmanager
def kept(tenant: Tenant, verb: str, object_: str, run_id: str) -> Iterator[None]:
    """Writes down what the brake refused inside. **Raises** HeldForReview with what to do about it."""
    try:
        yield
    except HeldForReview as held:
        raise HeldForReview(_keep(tenant, verb, object_, run_id, str(held))) from None


def _keep(tenant: Tenant, verb: str, object_: str, run_id: str, words: str) -> str:
    """One open failure for this work on this record type, even if it is refused often. Returns its words."""
    with tenant.store.side_transaction(tenant.name) as tx:
        open_ids = [row.id for row in failures.open_rows(tx, object_, [verb], "pull") if row.code == CODE]
        failure_id = open_ids[0] if open_ids else tenant.services.new_id()
        message = (
            f"portal {tenant.name}, {verb} of {object_}: {words}. Nothing of it was applied. Look at the records in the CRM; "
            f'if it is meant: sync-worker failures release {failure_id[:8]} --reason "…"'
        )
        name = f"{verb} {object_}"
        failures.record(tx, [Failure(failure_id, "failure", object_, verb, "pull", CODE, message, run_id, name=name)])
    return message


@contextmanager
def released(tenant: Tenant, on_pass: Callable[[Tx], None]) -> Iterator[None]:
    """Inside, the first commit that the brake would refuse passes; `on_pass` belongs to that commit."""

    def let_pass(tx: Tx) -> None:
        removals.forget(tx)
        on_pass(tx)

    tenant.release = let_pass
    try:
        yield
    finally:
        tenant.release = None
