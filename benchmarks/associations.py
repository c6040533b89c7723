"""`python -m benchmarks.associations`: rules over 20,000 partners and 2,000 second partners, beside the same rules as SQL joins.

In one run, one after the other: the worker's evaluation on both databases; the same pairs materialized by SQL on PostgreSQL, from typed
columns and hash joins, with an index for either side; the naive product of a hundred partners with everybody, times as many as there are.
All three must come to the same pairs. Then what is asked all day: whom one company may work with, and what one changed company costs.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.crms import PORTAL, SALESFORCE
from benchmarks.databases import DATABASES, Database, server_cpu
from benchmarks.meter import metered, peak_bytes
from benchmarks.work import installed
from sync_worker.domain.associations.rule import Rule
from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.values import values_of
from sync_worker.steps.associations.associate import associate, whom
from sync_worker.steps.associations.evaluate import evaluate
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.associations import rule_members
from sync_worker.store.core import companies, portals
from sync_worker.telemetry import logs

GOALS = {"sql_ratio": 0.5, "whom_p99_ms": 5.0, "company_p99_ms": 20.0, "memory_mb": 400.0}
LISTS = {
    "territory": [f"T{number:02}" for number in range(42)],
    "segment": [f"S{number}" for number in range(10)],
    "land": [f"L{number:02}" for number in range(20)],
    "lines": [f"P{number:02}" for number in range(30)],
}
TIERS, REGIONS = ("Registered", "Silver", "Gold", "Platinum"), ("AMER", "APAC", "EMEA", "LATAM")
RULES: list[dict[str, Any]] = [
    *({"name": f"segment-{one}", "partner": {"segment": [one]}, "second_partner": {"segment": [one]}, "match": ["territory"]}
      for one in LISTS["segment"]),
    *({"name": f"tier-{one}", "partner": {"tier": [one]}, "match": ["lines", "territory"]} for one in TIERS),
    *({"name": f"region-{one}", "partner": {"region": [one]}, "match": ["land", "segment"]} for one in REGIONS),
    {"name": "neighbors", "match": ["territory", "land"]},
    {"name": "gold-lines", "partner": {"tier": ["Gold"]}, "match": ["lines", "land"]},
]  # fmt: skip
EVERYBODY = [{"name": "everybody", "partner": {"segment": LISTS["segment"]}}]
WHOM_COUNT, CHANGED_COUNT, NAIVE_COUNT = 1000, 200, 100


def portal_file(rules: Sequence[dict[str, Any]]) -> str:
    """The benchmarks' portal in rules mode, with fields of its own."""
    fields = {
        name: {"native": f"Bench_{name}__c", "rule_field": True, "values": listed, "optional": True} for name, listed in LISTS.items()
    }
    fields["lines"]["transform"] = "multi_select"
    overrides = {f"company.attributes.{name}": field for name, field in fields.items()}
    block = f"associations: {json.dumps({'mode': 'rules', 'rules': rules})}\noverrides: {json.dumps(overrides)}"
    return SALESFORCE.portal_file.replace("associations: {{mode: contracts}}", block.replace("{", "{{").replace("}", "}}"))


def drawn(partner_count: int, second_count: int) -> list[Company]:
    """Companies of both kinds, one in fifty inactive, one field in twenty blank."""
    dice = random.Random(7)

    def attributes() -> dict[str, Any]:
        one = {name: dice.choice(LISTS[name]) for name in ("territory", "segment", "land")}
        whole: dict[str, Any] = {**one, "tier": dice.choice(TIERS), "region": dice.choice(REGIONS)}
        whole["lines"] = sorted(dice.sample(LISTS["lines"], dice.randint(1, 3)))
        return {name: value for name, value in whole.items() if dice.random() > 0.05}

    kinds = [AccountType.PARTNER] * partner_count + [AccountType.SECOND_PARTNER] * second_count
    return [
        Company(f"{dice.getrandbits(128):032x}", f"001{number:015}", f"Company {number}", _status(dice), kind, attributes=attributes())
        for number, kind in enumerate(kinds)
    ]


def _status(dice: random.Random) -> PortalStatus:
    return PortalStatus.INACTIVE if dice.random() < 0.02 else PortalStatus.ACTIVE


# ── the worker ───────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def worker(base_url: str, database: Database, rules: Sequence[dict[str, Any]], everybody: Sequence[Company]) -> Iterator[Tenant]:
    """A portal in rules mode that holds these companies and was never evaluated."""
    crm = replace(SALESFORCE, portal_file=portal_file(rules))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, closing(installed(crm, base_url, Path(folder), database.url)) as ours:
        tenant = ours.tenant(PORTAL)
        _ = tenant.mapping
        with tenant.store.transaction(PORTAL) as tx:
            portals.enter(tx, "rules")
            companies.save(tx, [StoredCompany(company, tx.now, is_patched=True) for company in everybody])
        yield tenant


def measure(base_url: str, database: Database, everybody: Sequence[Company]) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """The worker's figures, and the pairs of some partners."""
    with worker(base_url, database, RULES, everybody) as tenant:
        with metered(server_cpu(database)) as cost:
            evaluate(tenant)
        figures = {"evaluation_s": round(cost.wall_s, 2), "own_cpu_s": round(cost.cpu_s, 2), "server_cpu_s": round(cost.server_cpu_s, 2)}
        some = random.Random(1).sample(everybody, min(WHOM_COUNT, len(everybody)))
        figures |= _spread("whom", [_timed(partial(_whom, tenant, one)) for one in some])
        partners = [one for one in everybody if one.account_type is AccountType.PARTNER and _is_active(one)]
        found = {one.id: _whom(tenant, one) for one in partners[:NAIVE_COUNT]}
        figures |= _spread("company", [_timed(partial(_changed, tenant, one)) for one in some[:CHANGED_COUNT]])
        figures["peak_mb"] = round(peak_bytes() / 1e6)
        figures["members"] = _members(tenant, everybody)
        return figures, found


def _whom(tenant: Tenant, company: Company) -> set[str]:
    with tenant.store.reading(PORTAL) as tx:
        return {pair.second_partner_id for pair in whom(tx, company)[0]}


def _changed(tenant: Tenant, company: Company) -> None:
    """The company moves to another territory and land: stored, with what follows from it, in one commit."""
    moved = replace(company, attributes={**company.attributes, "territory": "T00", "land": "L00"})
    with tenant.store.transaction(PORTAL) as tx:
        companies.save(tx, [StoredCompany(moved, tx.now, is_patched=True)])
        associate(tx, tenant, "r1", [(company, moved)])


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock, and of this process's CPU: on a machine that is not ours alone the two differ."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    act()
    return (time.perf_counter() - begun_s) * 1000, (time.process_time() - cpu_s) * 1000


def _spread(name: str, times_ms: Sequence[tuple[float, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind, times in zip(("", "cpu_"), zip(*times_ms, strict=True), strict=True):
        ordered = sorted(times)
        found |= {
            f"{name}_{kind}p50_ms": round(statistics.median(ordered), 2),
            f"{name}_{kind}p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
        }
    return found


def _members(tenant: Tenant, everybody: Sequence[Company]) -> int:
    """How many memberships go on."""
    with tenant.store.reading(PORTAL) as tx:
        return sum(map(len, rule_members.held(tx, [one.id for one in everybody]).values()))


def degenerate(base_url: str, database: Database, everybody: Sequence[Company]) -> dict[str, Any]:
    """One rule that joins everybody with everybody."""
    with worker(base_url, database, EVERYBODY, everybody) as tenant:
        begun_s = time.perf_counter()
        evaluate(tenant)
        figures: dict[str, Any] = {"evaluation_s": round(time.perf_counter() - begun_s, 2), "members": _members(tenant, everybody)}
        second = next(one for one in everybody if one.account_type is AccountType.SECOND_PARTNER and one.status is PortalStatus.ACTIVE)
        with tenant.store.reading(PORTAL) as tx:
            figures["page_of_100_ms"] = round(_timed(partial(whom, tx, second, limit=100))[0], 1)
            figures["pairs_of_one"] = len(whom(tx, second)[0])
        return {**figures, "peak_mb": round(peak_bytes() / 1e6)}


# ── the same by SQL, and by hand ─────────────────────────────────────────────────────────────────────────────────────

_TYPED = """
CREATE TEMPORARY TABLE {side} AS SELECT encode(id, 'hex')::uuid::text id,
  attributes->>'territory' territory, attributes->>'segment' segment, attributes->>'land' land,
  attributes->>'tier' tier, attributes->>'region' region FROM companies
  WHERE portal = 'bench' AND account_type = '{side}' AND status = 'active' AND deleted_at IS NULL;
CREATE TEMPORARY TABLE {side}_lines AS SELECT encode(id, 'hex')::uuid::text id,
  jsonb_array_elements_text(attributes->'lines') line FROM companies
  WHERE portal = 'bench' AND account_type = '{side}' AND attributes ? 'lines';
ANALYZE {side}; ANALYZE {side}_lines;
"""
_PAIRS = """
CREATE TABLE pairs (portal text, partner_id text, second_id text, rule text, since timestamptz,
  PRIMARY KEY (portal, partner_id, second_id, rule));
CREATE INDEX pairs_by_second ON pairs (portal, second_id);
"""


def by_sql(url: str) -> tuple[float, dict[str, set[str]], int]:
    """Seconds to materialize the pairs; whom each partner may work with; how many pairs there are."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_PAIRS)
        begun_s = time.perf_counter()
        with connection.transaction():
            for side in ("partner", "second_partner"):
                connection.execute(_TYPED.format(side=side).encode())
            for rule in RULES:
                connection.execute(_as_join(rule).encode())
        seconds = time.perf_counter() - begun_s
        found: dict[str, set[str]] = {}
        for partner_id, second_id in connection.execute("SELECT DISTINCT partner_id, second_id FROM pairs"):
            found.setdefault(partner_id, set()).add(second_id)
    return seconds, found, sum(map(len, found.values()))


def _as_join(rule: dict[str, Any]) -> str:
    tables, conditions = "partner a, second_partner b", list[str]()
    for alias, side in (("a", "partner"), ("b", "second_partner")):
        for field, listed in rule.get(side, {}).items():
            conditions.append(f"{alias}.{field} IN ({', '.join(map(repr, listed))})")
    for field in rule["match"]:
        if field == "lines":
            tables += ", partner_lines al, second_partner_lines bl"
            conditions += ["al.id = a.id", "bl.id = b.id", "al.line = bl.line"]
        else:
            conditions.append(f"a.{field} = b.{field}")
    columns = f"'bench', a.id, b.id, '{rule['name']}', now()"
    return f"INSERT INTO pairs SELECT DISTINCT {columns} FROM {tables} WHERE {' AND '.join(conditions)}"  # noqa: S608  # our own rules


def by_hand(some: Sequence[Company], seconds: Sequence[Company], rules: Sequence[Rule]) -> dict[str, set[str]]:
    """The naive product: every rule for every pair."""
    return {one.id: {other.id for other in seconds if any(_holds(rule, one, other) for rule in rules)} for one in some}


def _holds(rule: Rule, one: Company, other: Company) -> bool:
    sides = ((one, rule.partner), (other, rule.second_partner))
    if not all(set(values_of(each.attributes.get(name))) & set(listed) for each, listing in sides for name, listed in listing.items()):
        return False
    return all(set(values_of(one.attributes.get(name))) & set(values_of(other.attributes.get(name))) for name in rule.match)


def _is_active(company: Company) -> bool:
    return company.status is PortalStatus.ACTIVE


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(partner_count: int, second_count: int, databases: Sequence[str]) -> dict[str, Any]:
    everybody = drawn(partner_count, second_count)
    found: dict[str, Any] = {"partners": partner_count, "second_partners": second_count, "rules": len(RULES), "goals": GOALS}
    with SALESFORCE.serve(20, 0) as base_url:
        for name in databases:
            with DATABASES[name]() as fresh:
                with fresh() as database:
                    found[name], pairs = measure(base_url, database, everybody)
                with fresh() as database:
                    found[name]["everybody"] = degenerate(base_url, database, everybody)
        seconds = [one for one in everybody if one.account_type is AccountType.SECOND_PARTNER and _is_active(one)]
        some = [one for one in everybody if one.id in pairs and _is_active(one)]
        begun_s = time.perf_counter()
        expected = by_hand(some, seconds, [Rule.from_document(_whole(rule)) for rule in RULES])
        found["naive_s"] = round((time.perf_counter() - begun_s) * partner_count / len(some))
        if "postgresql" in databases:
            with DATABASES["postgresql"]() as fresh, fresh() as database, worker(base_url, database, RULES, everybody):
                with metered(server_cpu(database)) as cost:
                    seconds_s, sql_pairs, found["pairs"] = by_sql(database.url)
            found |= {"sql_joins_s": round(seconds_s, 2), "sql_joins_cpu_s": round(cost.server_cpu_s, 2), "load_average": cost.load_average}
            found["sql_ratio"] = {name: round(found[name]["evaluation_s"] / seconds_s, 2) for name in databases}
            cpu_s = {name: found[name]["own_cpu_s"] + found[name]["server_cpu_s"] for name in databases}
            found["sql_cpu_ratio"] = {name: round(used_s / cost.server_cpu_s, 2) for name, used_s in cpu_s.items()}
            _expect(expected, {one.id: sql_pairs.get(one.id, set()) for one in some}, "SQL")
        _expect(expected, {one.id: pairs[one.id] for one in some}, "the worker")
    return found


def _whole(rule: dict[str, Any]) -> dict[str, Any]:
    return {"partner": {}, "second_partner": {}, **rule}


def _expect(expected: dict[str, set[str]], found: dict[str, set[str]], who: str) -> None:
    wrong = [one for one in expected if expected[one] != found[one]]
    if wrong:
        raise RuntimeError(f"{who} finds other pairs for {len(wrong)} of {len(expected)} partners: {wrong[:3]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partners", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=2_000)
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    wish = parser.parse_args()
    logs.set_up(level=30)
    found = run(wish.partners, wish.seconds, wish.database)
    print(json.dumps(found, indent=1))
    if wish.out:
        wish.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
