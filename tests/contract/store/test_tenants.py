"""Two portals with equal ids never see each other, whatever function is called; and a crowd of pages ends without an error."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from types import ModuleType
from typing import Any

from sqlalchemy import select

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import Period
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.deal_edit import NewDeals
from sync_worker.domain.deals.insights import Grouping
from sync_worker.domain.operate.status import Process
from sync_worker.domain.people.visibility import DealShare, Scope
from sync_worker.domain.sync.push.breaker import CLOSED, Breaker, Cause
from sync_worker.domain.sync.push.late_write import Send
from sync_worker.mapping.catalog import Catalog
from sync_worker.store.associations import associations
from sync_worker.store.associations.associations import ContractRow, ValueFilter
from sync_worker.store.core import catalogs, companies, cursors, failures, portals, runs
from sync_worker.store.core.companies import NewCompanies
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import conflicts, deals, links, pipeline, sums
from sync_worker.store.deals.narrowing import WHOLE
from sync_worker.store.deals.sums import GroupsWanted
from sync_worker.store.operate import grants, halts, interventions, processes
from sync_worker.store.operate.grants import ConsentUnderWay
from sync_worker.store.operate.interventions import Intervention, TryOutcome
from sync_worker.store.operate.schema import metadata
from sync_worker.store.people import people
from sync_worker.store.sync import backfills, breakers, notices, outbox, own_stamps, patch_backs, removals, strangers, unlearned, webhooks
from sync_worker.store.sync.backfills import Backfill
from sync_worker.store.sync.patch_backs import PatchRest
from tests.contract.store import distributors, doors, journey_rows, rules
from tests.contract.store.samples import change, company, conflict, contract, deal, failure, link
from tests.servers import MONDAY

MODULES = (
    associations,
    backfills,
    breakers,
    catalogs,
    companies,
    conflicts,
    cursors,
    deals,
    failures,
    grants,
    halts,
    interventions,
    links,
    notices,
    outbox,
    own_stamps,
    patch_backs,
    people,
    pipeline,
    portals,
    processes,
    removals,
    runs,
    strangers,
    sums,
    unlearned,
    webhooks,
    *distributors.MODULES,
    *journey_rows.MODULES,
    *rules.MODULES,
    *doors.MODULES,
)
ANN = User("u1", "Owner@example.com", "Ann", Role.MANAGER, "c1", frozenset({"c2"}))
EVERYTHING = DealShare("u1", "any", frozenset(), Scope.EVERY)
CAUSE = Cause("company", "ingest", "name_blank")


def cursor_of(tx: Tx) -> Any:
    return cursors.get(tx, "company") or cursors.acquire(tx, "company", "t")


def under_way(tx: Tx, record_id: str) -> None:
    """A write of this record is being sent."""
    outbox.owe(tx, "lead", [record_id], "r1")
    (row,) = outbox.claim(tx, state="ready", limit=9, token="other", until_at=tx.now + timedelta(seconds=30))
    outbox.prepare(tx, [row], "other", {record_id: {"name": Base("a", "A")}})
    outbox.begin(tx, "lead", [record_id], "other")


def in_doubt(tx: Tx, record_id: str) -> None:
    """A write of this record was sent, and its answer is lost."""
    under_way(tx, record_id)
    outbox.doubt(tx, outbox.of(tx, "lead", [record_id])[0], "other")


def unlearned_send(tx: Tx) -> Send:
    """A send of the first record that is looked for now."""
    return Send("lead", "d1", tx.now, tx.now + timedelta(minutes=12), tx.now, {"name": Base("a", "A")})


def asked(tx: Tx) -> Backfill:
    """The backfill as this portal's reader would hold it."""
    return backfills.get(tx, "lead", "amount") or Backfill("lead", "amount", 1, tx.now, "Ann", is_queued=True)


def process_at(tx: Tx) -> Process:
    """A process that is there now."""
    return Process("p1", "run", "host", 7, "1.0", "abc", tx.now, tx.now)


def claimed(tx: Tx) -> Any:
    """A row as this portal's claimer would hold it: the ids are those of every portal."""
    rows = outbox.listed(tx)
    return rows[0] if rows else outbox.OutboxRow("lead", "d1", "ready", 1, 1, "t", None, None, None, tx.now, 0, 0, "r1")


NEW_DEALS = NewDeals(["d9"], {"name": ["Added"], "is_registered": [True]}, ["00Q9"], [MONDAY], [{"(key)": [None, None]}])


def next_turn(tx: Tx) -> None:
    grants.end_turn(tx, "t1")
    grants.take_turn(tx, "t2", timedelta(minutes=2))


def consent_at(tx: Tx, consent_id: str = "c1") -> ConsentUnderWay:
    return ConsentUnderWay(consent_id, "h", "s1", "http://127.0.0.1/console/connected", "sealed", tx.now + timedelta(minutes=15))


FILL: list[Callable[[Tx], object]] = [
    lambda tx: portals.enter(tx, "contracts"),
    lambda tx: portals.draw_read_no(tx),
    lambda tx: cursors.acquire(tx, "company", "t"),
    lambda tx: cursors.pause(tx, "lead", tx.shared_now + timedelta(hours=1), code="schema_changed", because="hidden"),
    lambda tx: companies.save(tx, [company(), company("c2", crm_id="002", account_type=AccountType.VENDOR)]),
    lambda tx: companies.save(tx, [company("c3", crm_id="003", name="East", account_type=AccountType.SECOND_PARTNER)]),
    lambda tx: patch_backs.claim(tx, limit=1, token="p", until_at=tx.now + timedelta(seconds=30), alone_from=9),
    lambda tx: associations.save(tx, [contract(), contract("c1", "South", None), contract("c1", "East", "c3")]),
    lambda tx: associations.save(tx, [ContractRow("c1", Binding("West", "c3", "person"), tx.now, "r1")]),
    lambda tx: deals.save(tx, [deal(expires_on=date(2026, 9, 30), prospect_name="Globex", owner_user="u1", vendor_decided_by="Ann (u1)")]),
    lambda tx: deals.record_changes(tx, [change()]),
    lambda tx: people.save(tx, [ANN]),
    lambda tx: links.save(tx, [link()]),
    lambda tx: links.add_aliases(tx, "company", {"009": "001"}),
    lambda tx: under_way(tx, "d2"),
    lambda tx: in_doubt(tx, "d4"),
    lambda tx: unlearned.keep(tx, [unlearned_send(tx)]),
    lambda tx: outbox.owe(tx, "lead", ["d1"], "r1"),
    lambda tx: notices.add(tx, "company", ["001"]),
    lambda tx: own_stamps.keep(tx, "company", {"001": tx.now}),
    lambda tx: failures.record(tx, [failure(waits_for="007")]),
    lambda tx: interventions.begin(tx, Intervention("i1", "replay", "failures replay --all", "Ann"), ["f1"]),
    lambda tx: breakers.save(tx, CAUSE, Breaker(20, 60, tx.now)),
    lambda tx: conflicts.record(tx, [("k1", "d1", conflict())], "r1"),
    lambda tx: conflicts.decide(tx, "k1", take="portal", by="Ann", reason="because"),
    lambda tx: runs.start(tx, "r1", "pull", "company"),
    lambda tx: runs.count(tx, "r1", Counts(calls=1, claimed=1, written=1)),
    lambda tx: catalogs.save(tx, Catalog("Account", {})),
    lambda tx: webhooks.came(tx, {"company"}),
    lambda tx: removals.add(tx, "r1", "associations", 3),
    lambda tx: processes.beat(tx, process_at(tx)),
    lambda tx: halts.begin(tx, actor="Ann", reason="why"),
    lambda tx: grants.keep(tx, org="00D1", sealed="sealed", actor="Ann"),
    lambda tx: grants.take_turn(tx, "t1", timedelta(minutes=1)),
    lambda tx: grants.begin_consent(tx, consent_at(tx)),
    lambda tx: strangers.remember(tx, "lead", {"00Q9": tx.now}),
    lambda tx: backfills.order(tx, "lead", "amount", by="Ann", is_queued=True),
    *distributors.FILL,
    *journey_rows.FILL,
    *rules.FILL,
    *doors.FILL,
]

READS: dict[str, Callable[[Tx], object]] = {
    "associations.bound": lambda tx: associations.bound(tx, ["c1"]),
    "associations.bindings": lambda tx: associations.bindings(tx, ["c1"]),
    "associations.holding": lambda tx: associations.holding(tx, "North"),
    "associations.by_person": lambda tx: associations.by_person(tx, ["West"]),
    "associations.pairs": lambda tx: associations.pairs(tx, ["c1", "c2"]),
    "associations.pair_count": associations.pair_count,
    "associations.carriers": lambda tx: associations.carriers(tx, ["c2"]),
    "companies.page": lambda tx: companies.page(tx, after="", limit=9),
    "companies.every": lambda tx: list(companies.every(tx)),
    "links.two_tier": lambda tx: links.two_tier(tx, but=["won"]),
    "interventions.listed": lambda tx: interventions.listed(tx, "replay"),
    "companies.active_count": companies.active_count,
    "associations.involving": lambda tx: associations.involving(tx, "c1"),
    "associations.listed": associations.listed,
    "associations.values": lambda tx: associations.values(tx, ValueFilter(), after="", limit=9),
    "associations.counts_by_value": lambda tx: associations.counts_by_value(tx, "c2"),
    "associations.uses": lambda tx: associations.uses(tx, ["North", "South"]),
    "associations.unbound": lambda tx: associations.unbound(tx, after=("", ""), limit=9),
    "associations.unbound_values": lambda tx: associations.unbound_values(tx, ["South"]),
    "associations.bound_by_name": lambda tx: associations.bound_by_name(tx, "c2"),
    "associations.counts": associations.counts,
    "backfills.get": lambda tx: backfills.get(tx, "lead", "amount"),
    "backfills.unfinished": backfills.unfinished,
    "breakers.standing": breakers.standing,
    "breakers.resting": breakers.resting,
    "catalogs.get": lambda tx: catalogs.get(tx, "Account"),
    "catalogs.last": lambda tx: catalogs.last(tx, "Account"),
    "catalogs.described_at": catalogs.described_at,
    "companies.by_crm_ids": lambda tx: companies.by_crm_ids(tx, ["001"]),
    "companies.crm_ids_after": lambda tx: companies.crm_ids_after(tx, "", 9),
    "companies.live_count": companies.live_count,
    "companies.marks": lambda tx: companies.marks(tx, ["001"]),
    "companies.by_ids": lambda tx: companies.by_ids(tx, ["c1"]),
    "companies.by_names": lambda tx: companies.by_names(tx, ["Acme"]),
    "companies.find": lambda tx: companies.find(tx, "c1"),
    "companies.called": lambda tx: companies.called(tx, "c1"),
    "companies.namesakes": lambda tx: companies.namesakes(tx, "Acme"),
    "companies.listed": companies.listed,
    "companies.ids_by_account_owner": lambda tx: companies.ids_by_account_owner(tx, "owner@example.com"),
    "companies.vendor": companies.vendor,
    "companies.ids_by_crm_id": lambda tx: companies.ids_by_crm_id(tx, ["001"]),
    "companies.crm_ids_by_id": lambda tx: companies.crm_ids_by_id(tx, ["c1"]),
    "patch_backs.is_due": patch_backs.is_due,
    "companies.count_by_type": companies.count_by_type,
    "conflicts.open_fields": lambda tx: conflicts.open_fields(tx, ["d1"]),
    "conflicts.by_ids": lambda tx: conflicts.by_ids(tx, ["k1"]),
    "conflicts.decided": lambda tx: conflicts.decided(tx, ["d1"]),
    "conflicts.of": lambda tx: conflicts.of(tx, "d1"),
    "conflicts.find": lambda tx: conflicts.find(tx, "k1"),
    "conflicts.listed": conflicts.listed,
    "cursors.paused": cursors.paused,
    "cursors.get": lambda tx: cursors.get(tx, "company"),
    "deals.by_ids": lambda tx: deals.by_ids(tx, ["d1"]),
    "deals.get": lambda tx: deals.get(tx, "d1"),
    "deals.listed": deals.listed,
    "pipeline.seen": lambda tx: pipeline.seen(tx, [EVERYTHING]),
    "pipeline.ids_seen": lambda tx: pipeline.ids_seen(tx, [EVERYTHING]),
    "pipeline.seen_of": lambda tx: pipeline.seen_of(tx, [EVERYTHING], ["d1"]),
    "sums.sums_of": lambda tx: sums.sums_of(tx, [EVERYTHING], WHOLE, GroupsWanted(Grouping.OWNER_COMPANY)),
    "deals.of_prospect": lambda tx: deals.of_prospect(tx, {"owner_company": "other", "prospect_name": "Globex"}, but=[]),
    "pipeline.seen_among": lambda tx: pipeline.seen_among(tx, [EVERYTHING], ["d1"]),
    "deals.to_remind_of": lambda tx: deals.to_remind_of(tx, until=date(9999, 1, 1), after="", limit=9),
    "deals.waiting_since": lambda tx: deals.waiting_since(tx, ["d7"]),
    "deals.turning": lambda tx: deals.turning(tx, date(9999, 1, 1), Period(90), limit=9),
    "deals.naming": lambda tx: deals.naming(tx, "c1"),
    "deals.page": lambda tx: deals.page(tx, after="", limit=10),
    "deals.history": lambda tx: deals.history(tx, "d1"),
    "deals.edited_at": lambda tx: deals.edited_at(tx, ["d1"]),
    "deals.count_by_lifecycle": deals.count_by_lifecycle,
    "failures.open_rows": lambda tx: failures.open_rows(tx, "company", ["001"], "ingest"),
    "failures.open_fields": lambda tx: failures.open_fields(tx, ["company"], "001", "ingest", failure().code),
    "failures.waiting_for": lambda tx: failures.waiting_for(tx, ["007"]),
    "failures.get": lambda tx: failures.get(tx, "f1"),
    "failures.by_ids": lambda tx: failures.by_ids(tx, ["f1"]),
    "failures.causes": failures.causes,
    "failures.records_of": lambda tx: failures.records_of(tx, CAUSE),
    "failures.listed": failures.listed,
    "failures.page": lambda tx: failures.page(tx, limit=9),
    "failures.count": failures.count,
    "failures.shown_of": lambda tx: failures.shown_of(tx, [("company", "001"), ("deal", "d1")]),
    "conflicts.waiting": lambda tx: conflicts.waiting(tx, ["d1"]),
    "failures.counts": failures.counts,
    "failures.seen_count": lambda tx: failures.seen_count(tx, "ingest", failure().code),
    "interventions.unfinished": interventions.unfinished,
    "interventions.get": lambda tx: interventions.get(tx, "i1"),
    "interventions.latest": lambda tx: interventions.latest(tx, "replay", limit=5),
    "interventions.counts_by_id": lambda tx: interventions.counts_by_id(tx, ["i1"]),
    "failures.codes": failures.codes,
    "failures.open_kinds": failures.open_kinds,
    "interventions.left": lambda tx: interventions.left(tx, "i1"),
    "interventions.of_outcome": lambda tx: interventions.of_outcome(tx, "i1", ""),
    "interventions.is_unfinished": lambda tx: interventions.is_unfinished(tx, "i1"),
    "interventions.counts": lambda tx: interventions.counts(tx, "i1"),
    "interventions.history": lambda tx: interventions.history(tx, "f1"),
    "links.known": lambda tx: links.known(tx, "lead", ["00Q1"]),
    "links.by_crm_ids": lambda tx: links.by_crm_ids(tx, "lead", ["00Q1"]),
    "links.crm_ids_after": lambda tx: links.crm_ids_after(tx, "lead", "", 9),
    "links.live_count": lambda tx: links.live_count(tx, "lead"),
    "links.crm_ids": lambda tx: links.crm_ids(tx, "lead"),
    "links.of_pairs": lambda tx: links.of_pairs(tx, ["c1", "c2"], but=[]),
    "links.current": lambda tx: links.current(tx, ["d1"]),
    "links.homes": lambda tx: links.homes(tx, ["d1"]),
    "links.merges": lambda tx: links.merges(tx, "company", ["009"]),
    "links.survivors": lambda tx: links.survivors(tx, "company", ["009"]),
    "notices.oldest": lambda tx: notices.oldest(tx, "company", 9),
    "notices.waiting": lambda tx: notices.waiting(tx, "company", ["001"]),
    "notices.counts": notices.counts,
    "own_stamps.of": lambda tx: own_stamps.of(tx, "company", ["001"]),
    "outbox.listed": outbox.listed,
    "outbox.due": lambda tx: outbox.due(tx, 9),
    "outbox.of": lambda tx: outbox.of(tx, "lead", ["d1"]),
    "outbox.sent": lambda tx: outbox.sent(tx, "lead", ["d2"]),
    "outbox.beside": lambda tx: outbox.beside(tx, 9),
    "outbox.is_any_uncertain": outbox.is_any_uncertain,
    "outbox.has_due": outbox.has_due,
    "outbox.counts": outbox.counts,
    "people.get": lambda tx: people.get(tx, "u1"),
    "people.by_ids": lambda tx: people.by_ids(tx, ["u1"]),
    "people.by_emails": lambda tx: people.by_emails(tx, ["OWNER@example.com"]),
    "people.of_companies": lambda tx: people.of_companies(tx, ["c2"]),
    "people.listed": people.listed,
    "people.vendor_admins": people.vendor_admins,
    "portals.get": portals.get,
    "halts.get": halts.get,
    "grants.get": grants.get,
    "grants.consent": lambda tx: grants.consent(tx, "c1", "s1"),
    "processes.listed": processes.listed,
    "removals.listed": removals.listed,
    "strangers.stamps": lambda tx: strangers.stamps(tx, "lead", ["00Q9"]),
    "runs.get": lambda tx: runs.get(tx, "r1"),
    "runs.latest": lambda tx: runs.latest(tx, "pull", since_at=tx.now - timedelta(days=1)),
    "runs.has_written": lambda tx: runs.has_written(tx, since_at=tx.now - timedelta(days=1)),
    "runs.calls": lambda tx: runs.calls(tx, since_at=tx.now - timedelta(days=1)),
    "runs.listed": runs.listed,
    "runs.sums": lambda tx: runs.sums(tx, [tx.now - timedelta(days=1), tx.now, tx.now + timedelta(days=1)]),
    "runs.pulls": lambda tx: runs.pulls(tx, since_at=tx.now - timedelta(days=1)),
    "unlearned.of": lambda tx: unlearned.of(tx, "lead", ["d1"]),
    "unlearned.due": lambda tx: unlearned.due(tx, 9),
    "unlearned.has_due": unlearned.has_due,
    "runs.is_any_left": lambda tx: runs.is_any_left(replace(tx, shared_clock=lambda _: tx.now + timedelta(hours=1))),
    **distributors.READS,
    **journey_rows.READS,
    **rules.READS,
    **doors.READS,
}

WRITES: dict[str, Callable[[Tx], object]] = {
    "associations.bind_everywhere": lambda tx: associations.bind_everywhere(tx, [Binding("South", "c7", "name")], "r2"),
    "associations.add": lambda tx: associations.add(tx, [("c1", "Added")], {"Added": Binding("Added", "c8", "name")}, "r2"),
    "associations.save": lambda tx: associations.save(tx, [contract("c1", "North", "c8")]),
    "companies.add": lambda tx: companies.add(tx, NewCompanies([company("c1", name="Added").company], [tx.now], [7])),
    "companies.learn": lambda tx: companies.learn(tx, {"c1": 7}),
    "associations.rebind": lambda tx: associations.rebind(tx, "c2", "c9"),
    "associations.remove": lambda tx: associations.remove(tx, [("c1", "North"), ("c1", "South")]),
    "backfills.order": lambda tx: backfills.order(tx, "lead", "amount", by="Bo", is_queued=False),
    "backfills.begin": lambda tx: backfills.begin(tx, asked(tx), way="scan", until_at=tx.now, total_count=3, mapping_hash="m"),
    "backfills.move": lambda tx: backfills.move(tx, asked(tx), "p", done_count=2),
    "backfills.finish": lambda tx: backfills.finish(tx, asked(tx), done_count=3),
    "breakers.save": lambda tx: breakers.save(tx, CAUSE, CLOSED),
    "breakers.close": lambda tx: breakers.close(tx, [CAUSE]),
    "webhooks.came": lambda tx: webhooks.came(tx, {"company", "lead"}),
    "catalogs.save": lambda tx: catalogs.save(tx, Catalog("Account", {})),
    "catalogs.forget": catalogs.forget,
    "companies.save": lambda tx: companies.save(tx, [company(name="Other")]),
    "companies.relink": lambda tx: companies.relink(tx, "c1", "0011"),
    "companies.mark_patched": lambda tx: companies.mark_patched(tx, ["c1"]),
    "patch_backs.claim": lambda tx: patch_backs.claim(tx, limit=1, token="q", until_at=tx.now, alone_from=9),
    "patch_backs.renew": lambda tx: patch_backs.renew(tx, ["c1", "c2", "c3"], "p", tx.now),
    "patch_backs.put_off": lambda tx: patch_backs.put_off(tx, dict.fromkeys(["c1", "c2", "c3"], PatchRest(tx.now, 1)), "p"),
    "patch_backs.let_go": lambda tx: patch_backs.let_go(tx, ["c1", "c2", "c3"], "p"),
    "patch_backs.done": lambda tx: patch_backs.done(tx, ["c1", "c2", "c3"], "p"),
    "conflicts.record": lambda tx: conflicts.record(tx, [("k2", "d1", conflict(taken="crm"))], "r2"),
    "conflicts.decide": lambda tx: conflicts.decide(tx, "k1", take="crm", by="Ann", reason="why"),
    "conflicts.settle": lambda tx: conflicts.settle(tx, "d1", ["amount"]),
    "cursors.acquire": lambda tx: cursors.acquire(tx, "company", "t2"),
    "cursors.hold": lambda tx: cursors.hold(tx, cursor_of(tx)),
    "cursors.held": lambda tx: cursors.held(tx, cursor_of(tx)),
    "cursors.open_window": lambda tx: cursors.open_window(tx, cursor_of(tx), from_at=None, until_at=tx.now, kind="full"),
    "cursors.move": lambda tx: cursors.move(tx, cursor_of(tx), "p"),
    "cursors.close_window": lambda tx: cursors.close_window(tx, cursor_of(tx), tx.now),
    "cursors.pause": lambda tx: cursors.pause(tx, "company", tx.now, code="schema_changed", because="hidden"),
    "cursors.unpause": lambda tx: cursors.unpause(tx, "company"),
    "cursors.release": lambda tx: cursors.release(tx, cursor_of(tx)),
    "deals.add": lambda tx: deals.add(tx, NEW_DEALS, "r9"),
    "deals.save": lambda tx: deals.save(tx, [deal(version=5)]),
    "processes.beat": lambda tx: processes.beat(tx, replace(process_at(tx), kind="web")),
    "processes.sweep": lambda tx: processes.sweep(replace(tx, shared_clock=lambda _: tx.now + timedelta(hours=2))),
    "halts.begin": lambda tx: halts.begin(tx, actor="Bo", reason="other"),
    "halts.end": halts.end,
    "grants.keep": lambda tx: grants.keep(tx, org="00D2", sealed="other", actor="Bo"),
    "grants.take_turn": next_turn,
    "grants.end_turn": lambda tx: grants.end_turn(tx, "t1"),
    "grants.replace": lambda tx: grants.replace(tx, "sealed", "other"),
    "grants.begin_consent": lambda tx: grants.begin_consent(tx, consent_at(tx, "c2")),
    "grants.end_consent": lambda tx: grants.end_consent(tx, "c1"),
    "processes.leave": lambda tx: processes.leave(tx, "p1"),
    "deals.record_changes": lambda tx: deals.record_changes(tx, [change(version=9)]),
    "deals.move_company": lambda tx: deals.move_company(tx, "c1", "c9"),
    "failures.forget_payloads": lambda tx: failures.forget_payloads(tx, ["f1"]),
    "failures.record": lambda tx: failures.record(tx, [failure("f9")]),
    "failures.reword": lambda tx: failures.reword(tx, replace(failure(), message="said otherwise")),
    "failures.discard": lambda tx: failures.discard(tx, ["f1"], "why"),
    "failures.close": lambda tx: failures.close(tx, ["f1"], "passed"),
    "failures.close_fields": lambda tx: failures.close_fields(tx, "company", ["name"], ["name_blank"], "gone"),
    "interventions.begin": lambda tx: interventions.begin(tx, Intervention("i2", "discard", "", "Bo"), ["f1"]),
    "interventions.settle": lambda tx: interventions.settle(tx, "i1", {"f1": TryOutcome("passed")}),
    "interventions.finish": lambda tx: interventions.finish(tx, "i1"),
    "links.add": lambda tx: links.add(tx, "lead", NEW_DEALS),
    "links.save": lambda tx: links.save(tx, [link(settled_no=9)]),
    "links.agree": lambda tx: links.agree(tx, [link(settled_no=9)]),
    "links.add_aliases": lambda tx: links.add_aliases(tx, "company", {"009": "003"}),
    "strangers.remember": lambda tx: strangers.remember(tx, "lead", {"00Q9": tx.now + timedelta(days=1)}),
    "links.forget_aliases": lambda tx: links.forget_aliases(tx, "company", ["009"]),
    "notices.add": lambda tx: notices.add(tx, "company", ["001"]),
    "own_stamps.keep": lambda tx: own_stamps.keep(tx, "company", {"001": None, "002": tx.now}),
    "notices.settle": lambda tx: notices.settle(tx, "company", [notices.Notice("001", 1), notices.Notice("001", 2)]),
    "unlearned.keep": lambda tx: unlearned.keep(tx, [replace(unlearned_send(tx), sent={})]),
    "unlearned.look_later": lambda tx: unlearned.look_later(tx, unlearned.due(tx, 9), tx.now + timedelta(days=1)),
    "unlearned.drop": lambda tx: unlearned.drop(tx, [unlearned_send(tx)]),
    "outbox.owe": lambda tx: outbox.owe(tx, "lead", ["d1"], "r2"),
    "outbox.claim": lambda tx: outbox.claim(tx, state="ready", limit=9, token="t", until_at=tx.now),
    "outbox.hold": lambda tx: outbox.hold(tx, [claimed(tx)]),
    "outbox.prepare": lambda tx: outbox.prepare(tx, [claimed(tx)], "t", {claimed(tx).record_id: {}}),
    "outbox.begin": lambda tx: outbox.begin(tx, "lead", ["d1"], "t"),
    "outbox.renew": lambda tx: outbox.renew(tx, "t", tx.now - timedelta(days=1)),
    "outbox.refused": lambda tx: outbox.refused(tx, claimed(tx), "t", tx.now),
    "outbox.not_there": lambda tx: outbox.not_there(tx, claimed(tx), "t", tx.now),
    "outbox.arrived": lambda tx: outbox.arrived(tx, claimed(tx), "t"),
    "outbox.doubt": lambda tx: outbox.doubt(tx, claimed(tx), "t"),
    "outbox.doubt_expired": outbox.doubt_expired,
    "outbox.put_off": lambda tx: outbox.put_off(tx, [claimed(tx)], "t", tx.now),
    "outbox.leave": lambda tx: outbox.leave(tx, [claimed(tx)], "t", tx.now),
    "outbox.hasten_all": lambda tx: outbox.hasten_all(tx, claimed(tx).due_at),
    "outbox.hasten": lambda tx: outbox.hasten(tx, "lead", ["d1"]),
    "outbox.park": lambda tx: outbox.park(tx, claimed(tx), "t"),
    "outbox.unpark": lambda tx: outbox.unpark(tx, "lead", ["d1"]),
    "outbox.done": lambda tx: outbox.done(tx, [claimed(tx)], "t"),
    "people.save": lambda tx: people.save(tx, [ANN, User("u2", "b@example.com", "Bo", Role.SALES, "c2")]),
    "people.move_company": lambda tx: people.move_company(tx, "c2", "c9"),
    "portals.enter": lambda tx: portals.enter(tx, "rules"),
    "portals.plan_mode": lambda tx: portals.plan_mode(tx, "rules"),
    "portals.derive_again": lambda tx: portals.derive_again(tx, "contracts"),
    "portals.derived": lambda tx: portals.derived(tx, "c1"),
    "portals.adopt_mode": portals.adopt_mode,
    "portals.draw_read_no": portals.draw_read_no,
    "portals.pause": lambda tx: portals.pause(tx, tx.now, "why"),
    "portals.unpause": portals.unpause,
    "removals.add": lambda tx: removals.add(tx, "r1", "associations", 4),
    "removals.forget": removals.forget,
    "runs.start": lambda tx: runs.start(tx, "r2", "push", "lead"),
    "runs.count": lambda tx: runs.count(tx, "r1", Counts(read=1, applied=1)),
    "runs.go_on": lambda tx: runs.go_on(tx, "r1"),
    "runs.close_left": lambda tx: runs.close_left(replace(tx, shared_clock=lambda _: tx.now + timedelta(hours=1))),
    "runs.finish": lambda tx: runs.finish(tx, "r1", error="why"),
    **distributors.WRITES,
    **journey_rows.WRITES,
    **rules.WRITES,
    **doors.WRITES,
}


def test_the_tables_above_name_every_function_of_the_store() -> None:
    assert sorted(READS | WRITES) == sorted(name for module in MODULES for name in _functions(module))


def _functions(module: ModuleType) -> list[str]:
    """Those that can read or write: what takes no transaction makes a condition."""
    short = module.__name__.rpartition(".")[2]
    return [
        f"{short}.{name}"
        for name, item in inspect.getmembers(module, inspect.isfunction)
        if item.__module__ == module.__name__ and not name.startswith("_") and "tx" in inspect.signature(item).parameters
    ]


def fill(store: Store, portal: str) -> None:
    with store.transaction(portal) as tx:
        for act in FILL:
            act(tx)


def everything(store: Store, portal: str) -> dict[str, list[Any]]:
    with store.reading(portal) as tx:
        found = {table: tx.connection.execute(select(table).where(table.c.portal == portal)) for table in metadata.sorted_tables}
        return {table.name: sorted(map(tuple, rows), key=repr) for table, rows in found.items()}


def answers(store: Store, portal: str) -> dict[str, Any]:
    with store.reading(portal) as tx:
        return {name: read(tx) for name, read in READS.items()}


def test_a_portal_without_rows_reads_nothing_of_another(store: Store) -> None:
    nothing = answers(store, "globex")
    fill(store, "acme")
    assert answers(store, "globex") == nothing
    seen = answers(store, "acme")
    assert [name for name in READS if seen[name] == nothing[name]] == [], "a read that finds nothing proves nothing"


def test_whatever_is_written_for_a_portal_another_with_the_same_ids_stays_as_it_was(store: Store) -> None:
    fill(store, "acme")
    fill(store, "globex")
    with store.side_transaction("globex") as tx:
        outbox.claim(tx, state="ready", limit=9, token="t", until_at=tx.now - timedelta(days=1))
    before = everything(store, "globex")
    assert all(before.values()), "every table has a row that could be harmed"
    for name, write in WRITES.items():
        with store.transaction("acme") as tx:
            write(tx)
        assert everything(store, "globex") == before, name


def test_claims_notices_and_pages_in_any_order_of_rows_end_without_an_error(open_store: Callable[[], Store]) -> None:
    stores = [open_store(), open_store()]  # two processes' worth
    crm_ids = [f"{number:03}" for number in range(120)]
    for portal in ("acme", "globex"):
        with stores[0].transaction(portal) as tx:
            portals.enter(tx, "contracts")
            runs.start(tx, "r1", "pull", "company")

    def work(number: int) -> None:
        chance = random.Random(number)
        store = stores[number % 2]
        for turn in range(12):
            portal = chance.choice(["acme", "globex"])
            some = chance.sample(crm_ids, 40)
            with store.transaction(portal) as tx:
                companies.save(tx, [company(f"c{id_}", crm_id=id_, name=f"{number}/{turn}") for id_ in some])
                associations.save(tx, [contract(f"c{id_}") for id_ in chance.sample(some, 20)])
                failures.record(tx, [failure(f"{number}/{turn}/{id_}", id_) for id_ in chance.sample(some, 10)])
                outbox.owe(tx, "lead", chance.sample(some, 30), "r1")
                runs.count(tx, "r1", Counts(read=40, applied=40))
                notices.add(tx, "company", chance.sample(some, 5))
                notices.settle(tx, "company", notices.oldest(tx, "company", 30))
            _act_aside(store, portal, chance, token=f"{number}/{turn}", some=some)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    with stores[0].reading("acme") as acme, stores[0].reading("globex") as globex:
        found = [runs.get(tx, "r1") for tx in (acme, globex)]
        assert sum(run.counts.read for run in found if run) == 8 * 12 * 40


def _act_aside(store: Store, portal: str, chance: random.Random, *, token: str, some: list[str]) -> None:
    with store.side_transaction(portal) as tx:
        notices.add(tx, "company", chance.sample(some, 30))
    with store.side_transaction(portal) as tx:
        rows = outbox.claim(tx, state="ready", limit=20, token=token, until_at=tx.now + timedelta(seconds=chance.choice([-1, 30])))
    with store.side_transaction(portal) as tx:
        outbox.renew(tx, token, tx.now + timedelta(seconds=chance.choice([-1, 30])))
    with store.side_transaction(portal) as tx:
        outbox.doubt_expired(tx)
    with store.side_transaction(portal) as tx:
        until_at = tx.now + timedelta(seconds=chance.choice([-1, 30]))
        patches = patch_backs.claim(tx, limit=20, token=token, until_at=until_at, alone_from=9)
    with store.transaction(portal) as tx:
        patch_backs.renew(tx, [one.company_id for one in patches], token, tx.now)
        patch_backs.let_go(tx, [one.company_id for one in patches], token)
    with store.transaction(portal) as tx:
        outbox.hold(tx, rows)
        for row in chance.sample(rows, len(rows)):
            chance.choice([outbox.park, outbox.doubt])(tx, row, token)
        outbox.done(tx, chance.sample(rows, len(rows)), token)
        outbox.unpark(tx, "lead", chance.sample(some, 20))
