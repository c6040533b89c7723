"""Rows of rules and of what was, for the tests that call every function of the store."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from sync_worker.domain.associations.rule import Membership, Rule, Side
from sync_worker.domain.associations.rule_member import Member
from sync_worker.store.associations import evaluations, history, rule_members, rule_names
from sync_worker.store.associations.evaluations import Evaluation
from sync_worker.store.core.engine import Tx
from tests.contract.store.samples import company, contract
from tests.servers import MONDAY

MODULES: tuple[ModuleType, ...] = (evaluations, history, rule_members, rule_names)
RULES = [Rule("r", match=("region",)).to_document()]
STANDING = Evaluation(1, "d1", RULES, "", "r1", MONDAY, MONDAY, MONDAY, {1: MONDAY})


def member(company_id: str = "c1", side: Side = "partner", key: str = "EMEA", **more: Any) -> Member:
    return Member(company_id, Membership("r", side, key), **{"since": MONDAY, "from_no": 1, "run_id": "r1", **more})


def stood(tx: Tx) -> None:
    """Rules that stand, of two companies that share a key."""
    evaluations.begin(tx, 1, "d1", RULES, "r1")
    evaluations.stand(tx, 1)
    rule_members.save(tx, [member(), member("c2", "second_partner")])


FILL: list[Callable[[Tx], object]] = [
    stood,
    lambda tx: rule_names.save(tx, {("partner", "Acme"): "c1", ("partner", "Nobody"): None}),
    lambda tx: history.end(tx, [contract()]),
    lambda tx: history.leave(tx, [company().company]),
]
READS: dict[str, Callable[[Tx], object]] = {
    "evaluations.newest": evaluations.newest,
    "evaluations.standing": evaluations.standing,
    "history.as_of": lambda tx: history.as_of(tx, {"c1": company(name="Then", status="inactive").company}, MONDAY.replace(year=2000)),
    "history.contracts": lambda tx: history.contracts(tx, "c1", tx.now),
    "rule_members.taking_part": lambda tx: rule_members.taking_part(tx, ["c1", "c2"], 1),
    "rule_members.sizes": lambda tx: rule_members.sizes(tx, 1),
    "rule_members.changed": lambda tx: rule_members.changed(tx, STANDING, after="", limit=9),
    "rule_members.held": lambda tx: rule_members.held(tx, ["c1"]),
    "rule_members.held_within": lambda tx: rule_members.held_within(tx, "c1", "c9"),
    "rule_members.of": lambda tx: rule_members.of(tx, ["c1"], STANDING),
    "rule_members.shares": lambda tx: rule_members.shares(tx, "c1", "partner", STANDING),
    "rule_names.listed": rule_names.listed,
}
WRITES: dict[str, Callable[[Tx], object]] = {
    "evaluations.begin": lambda tx: evaluations.begin(tx, 1, "d2", [], "r2"),
    "evaluations.finish": lambda tx: evaluations.finish(tx, 1),
    "evaluations.outdate": evaluations.outdate,
    "evaluations.move": lambda tx: evaluations.move(tx, 1, "c9"),
    "evaluations.stand": lambda tx: evaluations.stand(tx, 1),
    "history.end": lambda tx: history.end(tx, [contract("c1", "South")]),
    "history.leave": lambda tx: history.leave(tx, [company("c2").company]),
    "rule_members.date": lambda tx: rule_members.date(tx, STANDING, ["c1"]),
    "rule_members.remove": lambda tx: rule_members.remove(tx, [member()]),
    "rule_members.wait": lambda tx: rule_members.wait(tx, [member(key="LATAM", from_no=2)]),
    "rule_members.save": lambda tx: rule_members.save(tx, [member(key="AMER")]),
    "rule_names.rebind": lambda tx: rule_names.rebind(tx, "c1", "c9"),
    "rule_names.remove": lambda tx: rule_names.remove(tx, {("partner", "Acme")}),
    "rule_names.save": lambda tx: rule_names.save(tx, {("partner", "Acme"): "c9"}),
}
