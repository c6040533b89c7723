"""A year of polls, failures, letters, events, requests and replays: what grows with time is swept, and the rest stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crm_sandbox.remote import Remote
from sync_worker.domain.core.user import Role
from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.domain.people.attached import Author, AuthorSide
from sync_worker.domain.tell.event import KINDS, By
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.sweep import SWEEP, sweep
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import failures, feed, runs
from sync_worker.store.core.engine import Store
from sync_worker.store.core.failures import EVERY
from sync_worker.store.deals import attached, deals
from sync_worker.store.deals.attached import DealFile, Note
from sync_worker.store.operate import inquiries, interventions, retention
from sync_worker.store.operate.inquiries import NewInquiry
from sync_worker.store.operate.interventions import Intervention, TryOutcome
from sync_worker.store.operate.schema import metadata
from sync_worker.store.people import answers
from sync_worker.store.people.answers import Answer, Ask
from sync_worker.store.sync import removals
from sync_worker.store.tell import journey_log, mails, notifications
from sync_worker.store.tell.journey_log import JourneyLogRow
from sync_worker.store.tell.mails import OwedMail
from sync_worker.store.tell.notifications import Notification
from tests.contract.store.samples import failure
from tests.integration.steps.world import World

KEPT = {"runs": "30d", "failures": "30d", "mails": "30d", "notifications": "30d", "journey_log": "30d", "interventions": "30d"} | {
    "deal_notes": "30d",
    "deal_files": "30d",
}
ANN = Author("ann", "Ann (ann)", Role.SALES, AuthorSide.OWNER_COMPANY)
STEP_DAYS = 3
STEPS = 120  # a year
KEPT_STEPS = 30 // STEP_DAYS + 2  # what is a month old goes with the next sweep
GROWS_WITH_TIME = {
    "runs": 2 * KEPT_STEPS,  # a poll and a sweep a step
    "failures": KEPT_STEPS,
    "tries": KEPT_STEPS,
    "interventions": KEPT_STEPS,
    "inquiries": 7 // STEP_DAYS + 2,
    "mails": KEPT_STEPS,
    "notifications": KEPT_STEPS,
    "events": 3 * KEPT_STEPS,
    "deliveries": 3 * KEPT_STEPS,
    "journey_log": KEPT_STEPS,
    "deal_notes": KEPT_STEPS,
    "deal_files": KEPT_STEPS,
    "answers": 2,
    "removals": 2,
}
"""Table → how many rows more than after the first load it has at most. A new table belongs here and in `steps/operate/sweep.py`, or in the
set below."""
STANDS_STILL = {
    # as many rows as there are records, people, kinds of work
    "aliases", "backfills", "breakers", "catalogs", "companies", "contract_values", "cursors", "deal_links", "deals", "feeds",
    "group_companies", "halts", "licences", "memberships", "notices", "outbox", "portals", "prices", "processes", "quotes", "strangers",
    "subgroups", "sweeps", "terms", "tokens", "unlearned_sends", "user_groups", "users", "waivers", "webhooks", "agreements",
    "company_links", "rule_names",
    # people in the console: what has been over for a month goes with the next link
    "console_links", "console_sessions",
    # connecting a portal: one grant; a consent that nobody finished goes with the next one a day later
    "grants", "consents",
    "journey_versions", "journeys",
    # history: as many as there were changes
    "company_pasts", "conflicts", "deal_changes", "evaluations", "past_contracts", "rule_members",
}  # fmt: skip


@pytest.fixture
def year(sandbox: str, remote: Remote, tmp_path: Path, database_url: str) -> Iterator[World]:
    """A first load, on either database."""
    with closing(World(sandbox, remote, tmp_path)) as found:
        found.store.close()
        found.store = Store(database_url, clock=found.clock, shared_clock=found.clock, events={"acme": frozenset(KINDS)})
        found.configure(retention=KEPT)
        found.pull()
        found.pull(COMPANY)
        yield found


def counted(world: World) -> dict[str, int]:
    with world.store.reading("acme") as tx:
        return {
            name: tx.connection.execute(select(func.count()).select_from(table).where(table.c.portal == "acme")).scalar_one()
            for name, table in metadata.tables.items()
        }


def resolved(world: World) -> int:
    with world.store.reading("acme") as tx:
        return len([row for row in failures.listed(tx, EVERY, include_resolved=True) if row.resolved_at])


def a_note(id_: str, added_at: datetime, deal_id: str = "d1") -> Note:
    return Note(ANN, id_, deal_id, "a note", added_at)


def a_file(id_: str, added_at: datetime, deal_id: str = "d1") -> DealFile:
    return DealFile(ANN, id_, deal_id, "offer.pdf", "application/pdf", 9, "00", f"acme/deals/{id_}", added_at)


def live_on(world: World, step: int) -> None:
    """Three days: a poll that finds an edit, a failure that a replay resolves, a letter, a request, a removal, and the night's sweep."""
    world.forward(STEP_DAYS * 86_400)
    world.remote.edit("Account", world.company("Birch Systems").crm_id or "", {"Description": f"step {step}"})
    pull(world.tenant, COMPANY)
    ask = Ask("t1", f"key {step}", "hash", "claim")
    with world.store.side_transaction("acme") as tx:
        failures.record(tx, [failure(f"f{step}", f"record {step}")])
        interventions.begin(tx, Intervention(f"i{step}", "replay", "failures replay --all", "Ann"), [f"f{step}"])
        interventions.settle(tx, f"i{step}", {f"f{step}": TryOutcome("passed")})
        interventions.finish(tx, f"i{step}")
        failures.close(tx, [f"f{step}"], "replayed")
        inquiries.ask(tx, NewInquiry(f"q{step}", InquiryKind.CHECK, "Ann"))
        inquiries.claim(tx, InquiryKind.CHECK, "t", tx.shared_now + timedelta(seconds=30))
        inquiries.finish(tx, f"q{step}", "t", result={"is_ok": True})
        mails.write(tx, [OwedMail(f"m{step}", f"event {step}", "ann@example.com", "deal_updated")])
        line = Notification(f"n{step}", "ann", "d1", f"event {step}", "deal_registered", {"deal": "D", "company": "", "actor": "Ann"})
        notifications.write(tx, [line], By("portal", "Ann"))
        mails.claim(tx, limit=1, token="t", until_at=tx.now + timedelta(seconds=30))
        mails.settle(tx, f"m{step}", "t", "sent")
        row = JourneyLogRow(f"j{step}", tx.now, "welcome", 1, f"event {step}", "d1", "ann", "owner_company.sales", "told")
        journey_log.write(tx, [row])
        attached.add(tx, a_note(f"n{step}", tx.now))
        attached.add(tx, a_file(f"f{step}", tx.now))
        answers.begin(tx, ask)
        answers.settle(tx, ask, Answer(200, "{}"))
        removals.add(tx, f"run {step}", "associations", 1)
        feed.tell_loaded(tx, COMPANY)
    sweep(world.tenant)


def test_a_year_of_polls_does_not_grow_the_database_without_end(year: World) -> None:
    assert GROWS_WITH_TIME.keys() | STANDS_STILL == metadata.tables.keys(), "say of each table whether it grows with time"
    # Given half a year
    loaded = counted(year)
    for step in range(STEPS // 2):
        live_on(year, step)
    half = counted(year)
    # When another half passes
    for step in range(STEPS // 2, STEPS):
        live_on(year, step)
    # Then nothing has grown, and what grows with time holds no more than its time
    whole = counted(year)
    assert {name: whole[name] for name in STANDS_STILL} == {name: half[name] for name in STANDS_STILL}
    assert {name: whole[name] for name, most in GROWS_WITH_TIME.items() if whole[name] > loaded[name] + most} == {}
    assert all(whole[name] for name in GROWS_WITH_TIME), "each of them was used"


def test_a_sweep_takes_as_many_batches_as_it_needs_and_goes_on_after_its_turn(year: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more resolved failures than a batch holds, and a turn that is over after the first
    monkeypatch.setattr(retention, "BATCH_COUNT", 5)
    with year.store.side_transaction("acme") as tx:
        found = [failure(f"f{number}", f"record {number}") for number in range(12)]
        failures.record(tx, found)
        failures.close(tx, [one.id for one in found], "mended")
    year.forward(40 * 86_400)
    with year.tenant.turn.lasting(0):
        done = sweep(year.tenant)
    # Then it asks for another turn, and the next sweep ends it
    assert done.follow_ups == {SWEEP}
    assert resolved(year) > 0
    with year.store.reading("acme") as tx:
        assert runs.get(tx, done.run_id).state == "stopped"  # type: ignore[union-attr]
    year.settle({SWEEP})
    assert resolved(year) == 0


def test_runs_that_history_names_stay(year: World) -> None:
    deal = year.registered()
    with year.store.reading("acme") as tx:
        named = {row[0] for row in tx.connection.execute(select(metadata.tables["deal_changes"].c.run_id))}
    year.forward(40 * 86_400)
    pull(year.tenant, COMPANY)
    year.settle({SWEEP})
    year.settle({SWEEP})
    with year.store.reading("acme") as tx:
        left = {run.id for run in runs.listed(tx, limit=None)}
    assert deal.id
    assert named & left
    assert len(left) <= len(named) + 6


def test_notes_and_files_stay_until_their_deal_has_been_over_for_long(year: World) -> None:
    # Given old notes and files on an open deal and on one that is over
    deal = year.registered()
    with year.store.transaction("acme") as tx:
        stored = deals.get(tx, deal.id)
        assert stored
        over = replace(stored, deal=replace(stored.deal.changed({"lifecycle": "lost"}), id="over"))
        deals.save(tx, [over])
        for deal_id in (deal.id, "over"):
            attached.add(tx, a_note(f"n-{deal_id}", tx.now, deal_id))
            attached.add(tx, a_file(f"f-{deal_id}", tx.now, deal_id))
    # When 40 days pass, and the deal that is over has changed on the 20th
    year.forward(20 * 86_400)
    with year.store.transaction("acme") as tx:
        deals.save(tx, [replace(over, version=over.version + 1)])
    year.forward(20 * 86_400)
    year.settle({SWEEP})
    # Then all of them are there
    assert left(year) == {deal.id: 2, "over": 2}
    # When another 20 pass, then those of the deal that is over are gone
    year.forward(20 * 86_400)
    year.settle({SWEEP})
    assert left(year) == {deal.id: 2}


def left(world: World) -> dict[str, int]:
    """deal → how many notes and files it has."""
    with world.store.reading("acme") as tx:
        tables = (metadata.tables["deal_notes"], metadata.tables["deal_files"])
        return dict(Counter(deal_id for table in tables for (deal_id,) in tx.connection.execute(select(table.c.deal_id))))
