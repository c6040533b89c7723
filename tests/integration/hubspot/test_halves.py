"""A deal and its companies are several calls, and so several facts: whichever call fails or dies, the deal ends with both its companies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.port import Half, RecordWrite, Witness, WriteOutcome
from sync_worker.domain.core.deal import Deal
from sync_worker.errors import OF_THE_CALL, StoreDown
from sync_worker.services import Services
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import Moved, MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.sync.ingest.compare import compare, repair
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push import write_claim
from sync_worker.steps.sync.push.halves import settle_halves
from sync_worker.steps.sync.push.push import push
from sync_worker.store.deals import conflicts, links
from sync_worker.store.sync import outbox
from tests.integration.hubspot.test_identity import ANN, Desk
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled
from tests.servers import Clock

OURS, THEIRS = "Portal partner", "Portal second partner"
PENDING = {"status": "PENDING", "results": [], "startedAt": "2026-06-01T12:00:00Z", "completedAt": "2026-06-01T12:00:00Z"}
Fault = Mapping[str, Any]
WORKING = ("batch_upsert", "batch_update", "associations_write")


class Killed(BaseException):
    """kill -9."""


class Office(Desk):
    """The portal's people, a clock that is moved by hand, and one look at both sides."""

    clock: Clock

    def work(self) -> None:
        """Twice, ten minutes later, past every claim and every wait: everything is read and written, and the echo of it."""
        for _ in range(2):
            self.clock.forward(minutes=10)
            self.remote.advance_clock(600)
            settled(self.tenant)

    def held(self, deal_id: str) -> dict[str, Any]:
        """What the portal holds of a deal, but for what the CRM alone says."""
        return {name: value for name, value in self.deal(deal_id).values.items() if value is not None and name != "stage"}

    def dies_pushing(self, monkeypatch: pytest.MonkeyPatch, keeping: Callable[..., Any], error: type[BaseException]) -> None:
        """A push that ends where a half is to be kept."""
        with monkeypatch.context() as patch:
            patch.setattr(write_claim, "settle_halves", keeping)
            with pytest.raises(error):
                push(self.tenant)

    def pushes(self) -> None:
        """One push, which may find the connection down, or a call that is not taken for the moment."""
        with suppress(*OF_THE_CALL):
            push(self.tenant)

    def submitted(self, **written: Any) -> Deal:
        """A deal that the CRM has not heard of yet."""
        made = register(self.tenant, {**TERMS, **written}, actor=ANN)
        assert isinstance(made, Moved), made
        return made.deal

    def companies(self, deal_id: str) -> dict[str, set[str]]:
        """Of the one record that carries the deal's key: label → the companies that have it, by name."""
        (record,) = self.records_of(deal_id)
        names = {row["id"]: row["name"] for row in self.remote.records("companies")}
        found: dict[str, set[str]] = {OURS: set(), THEIRS: set()}
        for row in self.remote.associations("deals"):
            for label in row["labels"] if row["id"] == record else ():
                found.setdefault(label, set()).add(names[row["to_id"]])
        return found

    def is_at_rest(self) -> bool:
        with self.tenant.store.reading("acme") as tx:
            return outbox.listed(tx) == []

    def disputes(self, deal_id: str) -> dict[str, set[str]]:
        with self.tenant.store.reading("acme") as tx:
            return {deal: set(fields) for deal, fields in conflicts.open_fields(tx, [deal_id]).items()}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    clock = Clock(datetime.now(UTC))
    with portal_on(tmp_path, "professional", {}, deal_count=0, database_url=database_url, services=by_the(clock)) as (tenant, remote):
        settled(tenant)
        made = Office(tenant, remote)
        made.clock = clock
        yield made


def by_the(clock: Clock) -> Services:
    """Services whose time passes when this clock is moved, and when they wait."""
    return Services(
        clock=clock,
        shared_clock=clock,
        monotonic=lambda: clock.now.timestamp(),
        sleep=lambda seconds: void(clock.forward(seconds=seconds)),
    )


def void(_: object) -> None:
    """A wait gives nothing back."""


def nothing_was_lost(office: Office, before: Deal, *, partner: str = "Birch Systems", second: str = "Arrow Electronics") -> None:
    """Both companies stand on both sides, what people approved is as it was, nothing is doubled, and another round writes nothing."""
    assert office.companies(before.id) == {OURS: {partner}, THEIRS: {second}}
    after = office.deal(before.id)
    assert (after.owner_company, after.second_partner) == (office.company_id(partner), office.company_id(second))
    approvals = ("vendor_approval", "distributor_approval", "lifecycle", "is_registered")
    assert {name: after.values[name] for name in approvals} == {name: before.values[name] for name in approvals}
    assert office.is_at_rest()
    assert office.disputes(before.id) == {}
    office.remote.reset_calls()
    repair(office.tenant, compare(office.tenant))
    office.work()
    assert not set(office.remote.calls()["kinds"]) & set(WORKING)
    assert office.companies(before.id) == {OURS: {partner}, THEIRS: {second}}
    assert office.deal(before.id) == after


# ── a new deal ───────────────────────────────────────────────────────────────────────────────────────────────────────

UPSERT, ASSOCIATE = "/deals/batch/upsert", "/deals/companies/batch/create"
NEW: Mapping[str, Sequence[Fault]] = {
    "the upsert's answer is a page of the edge": [{"call": UPSERT, "when": "after_commit", "status": 504, "body": "html"}],
    "the upsert is cut off": [{"call": UPSERT, "when": "after_commit", "drop_connection": True}],
    "the upsert is put off and done": [{"call": UPSERT, "when": "after_commit", "status": 200, "body": PENDING}],
    "the upsert is put off and not done": [{"call": UPSERT, "status": 200, "body": PENDING}],
    "the association is not made": [{"call": ASSOCIATE, "status": 504, "body": "html"}],
    "the association's answer is lost": [{"call": ASSOCIATE, "when": "after_commit", "status": 504, "body": "html"}],
    "the association is put off and done": [{"call": ASSOCIATE, "when": "after_commit", "status": 200, "body": PENDING}],
    "the association is put off and not done": [{"call": ASSOCIATE, "status": 201, "body": PENDING}],
    "the association meets a limit": [{"call": ASSOCIATE, "error_code": "TEN_SECONDLY_ROLLING"}],
    "the association meets a lock": [{"call": ASSOCIATE, "status": 423}],
    "the association is forbidden": [{"call": ASSOCIATE, "status": 403}],
    "one association is locked": [{"call": "associations_write", "record": True, "error_code": "LOCKED"}],
    "both go wrong": [
        {"call": UPSERT, "when": "after_commit", "status": 504, "body": "html"},
        {"call": ASSOCIATE, "times": 2, "status": 503, "body": "html"},
    ],
}


@pytest.mark.parametrize("faults", NEW.values(), ids=NEW)
def test_a_new_deal_never_stays_without_its_companies(office: Office, faults: Sequence[Fault]) -> None:
    # Given a deal that was just submitted, and a HubSpot where one of the calls for it goes wrong
    deal = office.submitted()
    for fault in faults:
        office.remote.fault(**fault)
    # When it is pushed, and everything that follows has been worked off
    office.pushes()
    office.work()
    # Then nothing was lost
    nothing_was_lost(office, deal)


def test_the_record_is_linked_before_its_companies_are_written(office: Office) -> None:
    # Given a deal whose record is made, and whose associations are refused
    deal = office.submitted()
    office.remote.fault(ASSOCIATE, status=423)
    office.pushes()
    # Then the link says what stands there, and that the companies are owed; no second upsert is ever needed
    with office.tenant.store.reading("acme") as tx:
        link = links.current(tx, [deal.id])[deal.id]
        (row,) = outbox.listed(tx)
    assert link.base["name"].portal == TERMS["name"]
    assert {name for name, base in link.base.items() if base.is_half} == {"owner_company", "second_partner"}
    assert row.state == "ready"
    office.remote.reset_calls()
    office.work()
    assert "batch_upsert" not in office.remote.calls()["kinds"]
    nothing_was_lost(office, deal)


def test_a_company_that_hubspot_refuses_parks_the_rest_and_clears_nothing(office: Office) -> None:
    # Given a deal whose associations HubSpot refuses for good
    deal = office.submitted()
    held = office.held(deal.id)
    office.remote.fault(ASSOCIATE, times=99, error_code="VALIDATION_ERROR", message="no")
    office.pushes()
    office.work()
    # Then a person is told, and the portal holds what it held
    assert office.codes(deal.id) == {"VALIDATION_ERROR"}
    assert office.held(deal.id) == held
    # When HubSpot takes them, and the deal is changed
    office.remote.clear_faults()
    assert isinstance(change(office.tenant, deal.id, {"name": "Renamed"}, MoveRequest(ANN)), Moved)
    office.work()
    # Then it is whole
    nothing_was_lost(office, office.deal(deal.id))


# ── a worker that dies between two calls ─────────────────────────────────────────────────────────────────────────────


def dying(where: str) -> Callable[..., Any]:
    """Stands in for what keeps a half: dies before it is kept, or after."""

    def die(*args: Any) -> None:
        if where == "after":
            settle_halves(*args)
        raise Killed

    return die


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestOnBothDatabases:
    """What is kept between two calls is kept in both databases."""

    @pytest.fixture
    def database_url(self, request: pytest.FixtureRequest, backend: str) -> str:
        return str(request.getfixturevalue(f"{backend}_url"))

    @pytest.mark.parametrize("where", ["before", "after"])
    def test_a_worker_that_dies_between_upsert_and_association_loses_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        # Given a worker that dies after the upsert, before or after it has kept that
        deal = office.submitted()
        held = office.held(deal.id)
        office.dies_pushing(monkeypatch, dying(where), Killed)
        assert office.companies(deal.id) == {OURS: set(), THEIRS: set()}
        # When a poll sees the record before anybody takes the write over, and then another worker does
        office.remote.advance_clock(60)
        settled(office.tenant)
        assert office.held(deal.id) == held
        office.work()
        # Then nothing was lost
        nothing_was_lost(office, deal)

    @pytest.mark.parametrize("most", [1, None])
    @pytest.mark.parametrize("where", ["before", "after"])
    def test_a_worker_that_dies_while_a_company_changes_loses_nothing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, where: str, most: int | None
    ) -> None:
        # Given a deal whose second partner changes, and a worker that dies between the two halves of that
        deal = changing(office, most)
        held = office.held(deal.id)
        office.dies_pushing(monkeypatch, dying(where), Killed)
        between = office.companies(deal.id)[THEIRS]
        assert between == (set() if most else {"Arrow Electronics", "Bolt Distribution"})
        # When a poll sees the record meanwhile, and then another worker takes the write over
        office.remote.edit("deals", office.record_id(deal.id), {"description": "touched"})
        office.remote.advance_clock(60)
        settled(office.tenant)
        assert office.held(deal.id) == held
        office.work()
        # Then nothing was lost
        nothing_was_lost(office, deal, second="Bolt Distribution")


def test_a_database_that_is_away_between_two_calls_stops_the_second(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_away(*_: Any) -> None:
        raise StoreDown("the database is away")

    deal = office.submitted()
    office.dies_pushing(monkeypatch, is_away, StoreDown)
    assert office.companies(deal.id) == {OURS: set(), THEIRS: set()}
    office.work()
    nothing_was_lost(office, deal)


# ── a company that changes ───────────────────────────────────────────────────────────────────────────────────────────

ENDING = "/deals/companies/batch/labels/archive"
CHANGED: Mapping[str, Fault] = {
    "a limit": {"error_code": "TEN_SECONDLY_ROLLING"},
    "a lock": {"status": 423},
    "no leave": {"status": 403},
    "no answer, not done": {"status": 504, "body": "html"},
    "no answer, done": {"when": "after_commit", "status": 504, "body": "html"},
    "cut off": {"when": "after_commit", "drop_connection": True},
    "put off": {"status": 200, "body": PENDING},
    "a row that is locked": {"record": True, "error_code": "LOCKED"},
}


def changing(office: Office, most: int | None, second: str = "Bolt Distribution") -> Deal:
    """A deal that stands in HubSpot and is approved, and whose second partner is another one in the portal since. **Shapes** `most`: of
    companies under that label.
    """
    office.remote.limit_label("deals", THEIRS, most)
    deal_id = office.registered()
    other = office.company_id(second)
    done = change(office.tenant, deal_id, {"second_partner": other}, MoveRequest(ANN))
    assert isinstance(done, Moved), done
    return done.deal


@pytest.mark.parametrize("most", [1, None])
@pytest.mark.parametrize("call", [ASSOCIATE, ENDING])
@pytest.mark.parametrize("fault", CHANGED.values(), ids=CHANGED)
def test_a_second_partner_that_changes_is_never_lost_on_the_way(office: Office, fault: Fault, call: str, most: int | None) -> None:
    # Given a second partner that changes, in an account that allows one company under the label, or any number
    deal = changing(office, most)
    # When one half of the change goes wrong, and everything that follows has been worked off
    office.remote.fault(**{"call": call, **fault})
    office.pushes()
    office.work()
    # Then both sides have the new one
    nothing_was_lost(office, deal, second="Bolt Distribution")


@pytest.mark.parametrize(("most", "never"), [(1, {"Arrow Electronics", "Bolt Distribution"}), (None, set())])
def test_the_new_company_is_made_first_where_the_limit_leaves_room(office: Office, most: int | None, never: set[str]) -> None:
    deal = changing(office, most)
    office.remote.fault(ASSOCIATE if most else ENDING, times=1, status=423)
    office.pushes()
    assert office.companies(deal.id)[THEIRS] != never
    office.work()
    nothing_was_lost(office, deal, second="Bolt Distribution")


def test_an_account_that_does_not_tell_its_limits_ends_first(office: Office) -> None:
    # Given an account with one company under the label, which does not say so
    deal = changing(office, 1)
    office.remote.fault("/definitions/configurations/", times=99, status=403)
    office.pushes()
    office.work()
    nothing_was_lost(office, deal, second="Bolt Distribution")


def test_an_account_that_allows_two_companies_in_all_takes_the_new_one_in_place_of_the_old(office: Office) -> None:
    deal = changing(office, None)
    office.remote.limit_label("deals", None, 2)
    office.pushes()
    office.work()
    nothing_was_lost(office, deal, second="Bolt Distribution")


@pytest.mark.parametrize("most", [1, None])
def test_two_companies_that_change_places_are_not_both_left_with_both_labels(office: Office, most: int | None) -> None:
    # Given a deal whose two companies stand under each other's labels in HubSpot, though not in the portal
    deal = office.deal(office.registered())
    for label in (OURS, THEIRS):
        office.remote.limit_label("deals", label, most)
    crm, record = office.tenant.crm, office.record_id(deal.id)
    birch, arrow = office.crm_id("Birch Systems"), office.crm_id("Arrow Electronics")
    # When the writer gives each the other's place
    wish = {"association:portal_partner": arrow, "association:portal_second_partner": birch}
    list(crm.write("deals", "portal_deal_key", [RecordWrite("a", wish, crm_id=record)], time_left_s=lambda: 60.0))
    assert office.companies(deal.id) == {OURS: {"Arrow Electronics"}, THEIRS: {"Birch Systems"}}


@pytest.mark.parametrize("most", [1, None])
def test_what_a_person_does_to_a_change_that_is_half_done_is_their_word(office: Office, most: int | None) -> None:
    # Given a change that is half done
    deal = changing(office, most)
    office.remote.fault(ASSOCIATE if most else ENDING, status=423)
    office.pushes()
    # When a person puts a third company in its place, before the other half is done
    record = office.record_id(deal.id)
    for name in ("Arrow Electronics", "Bolt Distribution"):
        office.remote.part("deals", record, office.crm_id(name))
    office.give(record, "Granite Group", THEIRS)
    office.work()
    # Then both sides hold the same, and the conflict is on record
    held = office.deal(deal.id).second_partner
    assert office.companies(deal.id)[THEIRS] == {"Granite Group"}
    assert held == office.company_id("Granite Group")
    with office.tenant.store.reading("acme") as tx:
        assert "second_partner" in {row["field"] for row in conflicts.listed(tx, include_resolved=True)}


@pytest.mark.parametrize("most", [1, None])
def test_a_second_partner_that_is_taken_away_while_it_changes_is_gone_on_both_sides(office: Office, most: int | None) -> None:
    # Given a change that is half done
    deal = changing(office, most)
    office.remote.fault(ASSOCIATE if most else ENDING, status=423)
    office.pushes()
    # When the portal takes the second partner away altogether
    assert isinstance(change(office.tenant, deal.id, {"second_partner": None}, MoveRequest(ANN)), Moved)
    office.work()
    # Then neither side has one
    assert office.companies(deal.id)[THEIRS] == set()
    assert office.deal(deal.id).second_partner is None
    assert office.is_at_rest()


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("most", [1, None])
def test_a_poll_between_the_two_halves_takes_nothing_away(
    office: Office, monkeypatch: pytest.MonkeyPatch, most: int | None, is_kept: bool
) -> None:
    # Given a change of which another worker's poll sees the half, before or after that half is kept
    deal = changing(office, most)
    held, write, seen = office.held(deal.id), HubspotCrm.write, list[Any]()

    def with_a_poll(*args: Any, witness: Witness, **more: Any) -> Iterator[list[WriteOutcome]]:
        def between(halves: Sequence[Half]) -> None:
            if is_kept:
                witness.on_half(halves)
            seen.append(office.companies(deal.id)[THEIRS])
            office.remote.edit("deals", office.record_id(deal.id), {"description": "touched"})
            office.remote.advance_clock(60)
            pull(office.tenant, "deal")
            assert office.held(deal.id) == held
            if not is_kept:
                witness.on_half(halves)

        return write(*args, witness=replace(witness, on_half=between), **more)

    # When it is pushed
    with monkeypatch.context() as patch:
        patch.setattr(HubspotCrm, "write", with_a_poll)
        push(office.tenant)
    assert seen == [set() if most else {"Arrow Electronics", "Bolt Distribution"}]
    office.work()
    # Then nothing was lost
    nothing_was_lost(office, deal, second="Bolt Distribution")
