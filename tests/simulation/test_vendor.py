"""The vendor in memory tells a sync the same facts as the sandbox behind the real adapter does, of each CRM.

people act at the desk ─▶ a worker asks through the port
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sync_worker.crm.port import Crm, NativeRecord, RecordWrite, Scan, Wrote
from sync_worker.domain.core.values import Value
from tests.simulation.desk import Native
from tests.simulation.fast.desks import FastDesk
from tests.simulation.world import DESKS, FAST, World, built

SEED = 3
ANY_TIME = 60.0


@dataclass
class Place:
    """A world, one connection to its CRM, and the record type that deals live in."""

    world: World
    crm: Crm

    @property
    def record(self) -> str:
        return self.world.desk.deal_records[-1]

    def new(self, name: str) -> Native:
        """A deal that a person made."""
        on_create = self.world.mapping.records[self.record].on_create
        day = {"CloseDate": "2026-09-01"} if self.record == "opportunity" else {}
        values = self.world.typed(self.record, {"name": name, "owner_company": self.companies()[0].id})
        return self.world.desk.record(self.record, self.world.desk.create(self.record, {**on_create, **day, **values}))

    def companies(self) -> list[Native]:
        return self.world.live("company")

    def wait(self) -> None:
        self.world.time.forward(100)
        self.world.time.sync()

    def edit(self, native: Native, name: str) -> None:
        self.world.desk.edit(native, self.world.typed(native.record, {"name": name}))

    def fetched(self, native: Native) -> list[NativeRecord]:
        record = self.world.record_map(native)
        return self.crm.fetch(record.native, [native.id], fields=record.native_fields)

    def scanned(self, record: str, since_s: float) -> list[NativeRecord]:
        fields = self.world.mapping.records[record].native_fields
        now = self.crm.now()
        scan = Scan(self.world.desk.native(record), fields, now - timedelta(seconds=since_s), now)
        return [found for page in self.crm.changed_since(scan) for found in page.records]

    def write(self, record: str, changes: Sequence[RecordWrite]) -> list[tuple[Wrote, str | None]]:
        compiled = self.world.mapping.records[record]
        batches = self.crm.write(compiled.native, compiled.key_field, changes, time_left_s=lambda: ANY_TIME)
        return [(outcome.wrote, outcome.crm_id) for outcomes in batches for outcome in outcomes]

    def create(self, key: str, name: str) -> tuple[Wrote, str | None]:
        compiled = self.world.mapping.records[self.record]
        day = {"CloseDate": "2026-09-01"} if self.record == "opportunity" else {}
        fields = {**compiled.on_create, **day, **self.world.typed(self.record, {"name": name, "owner_company": self.companies()[0].id})}
        [outcome] = self.write(self.record, [RecordWrite("ref", fields, key=key)])
        return outcome

    def name_of(self, found: NativeRecord) -> object:
        return self.world.mapping.records[self.record].normalize(found.fields).values["name"]


@pytest.fixture(params=list(DESKS))
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with built(request.param, SEED) as world:
        world.dice = random.Random(SEED)
        place = Place(world, world.desk.connection())
        place.wait()
        yield place


def test_an_edit_is_read_by_id_and_by_a_scan_of_its_time(place: Place) -> None:
    native = place.new("One")
    place.wait()
    place.edit(native, "Two")
    place.wait()

    assert [place.name_of(found) for found in place.fetched(native)] == ["Two"]
    assert [found.crm_id for found in place.scanned(place.record, 150)] == [native.id]
    assert place.scanned(place.record, 50) == []


def test_a_write_that_changes_something_moves_the_stamp(place: Place) -> None:
    native = place.new("One")
    [before] = place.fetched(native)
    place.wait()
    change = RecordWrite("ref", dict(place.world.typed(native.record, {"name": "Two"})), crm_id=native.id)

    assert place.write(native.record, [change]) == [(Wrote.WRITTEN, native.id)]
    [after] = place.fetched(native)
    assert after.modified_at > before.modified_at


def test_a_deleted_record_is_shown_as_deleted_and_takes_no_write(place: Place) -> None:
    native = place.new("One")
    place.wait()
    place.world.desk.delete(native)
    place.wait()

    [found] = place.fetched(native)
    assert found.is_deleted
    assert found.merged_into is None
    assert [(one.crm_id, one.is_deleted) for one in place.scanned(place.record, 150)] == [(native.id, True)]
    change = RecordWrite("ref", dict(place.world.typed(native.record, {"name": "Two"})), crm_id=native.id)
    assert [wrote for wrote, _ in place.write(native.record, [change])] == [Wrote.REJECTED]


def test_a_merge_leads_to_the_survivor(place: Place) -> None:
    winner, loser = place.companies()[-2:]
    place.wait()
    survivor = place.world.desk.merge(winner, loser)
    place.wait()

    [found] = [one for one in place.fetched(loser) if one.crm_id == loser.id]
    assert (found.is_deleted, found.merged_into) == (True, survivor)
    told = {one.crm_id: one.merged_into for one in place.scanned("company", 150)}
    assert told[survivor] is None
    assert told[loser.id] == survivor


def test_a_merge_leads_to_the_survivor_though_that_was_deleted_meanwhile(place: Place) -> None:
    winner, loser = place.companies()[-2:]
    place.wait()
    survivor = place.world.desk.merge(winner, loser)
    place.world.desk.delete(place.world.desk.record("company", survivor))
    place.wait()

    [found] = [one for one in place.fetched(loser) if one.crm_id == loser.id]
    assert (found.is_deleted, found.merged_into) == (True, survivor)
    told = {one.crm_id: (one.is_deleted, one.merged_into) for one in place.scanned("company", 150)}
    assert told[survivor] == (True, None)
    assert told[loser.id] == (True, survivor)


def test_a_create_by_our_key_that_is_sent_twice_makes_one_record(place: Place) -> None:
    key = "0b0e7cf0-0000-4000-8000-000000000001"

    first, again = place.create(key, "One"), place.create(key, "Two")

    assert first[0] is Wrote.CREATED
    assert again == (Wrote.WRITTEN, first[1])
    compiled = place.world.mapping.records[place.record]
    [found] = place.crm.find_by_key(compiled.native, compiled.key_field, [key], fields=compiled.native_fields)
    assert (found.crm_id, place.name_of(found)) == (first[1], "Two")


def test_a_record_that_is_hidden_is_not_there_and_comes_back_with_its_old_stamp(place: Place) -> None:
    native = place.new("One")
    place.world.desk.hide([native.id])
    place.wait()
    assert place.fetched(native) == []
    assert place.scanned(place.record, 150) == []

    place.world.desk.show([native.id])

    assert place.scanned(place.record, 50) == []
    assert [found.crm_id for found in place.scanned(place.record, 150)] == [native.id]


@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_lead_turns_into_an_opportunity_that_holds_what_the_admin_mapped(place: Place, is_mapped: bool) -> None:
    desk, world = place.world.desk, place.world
    if not desk.converts:
        pytest.skip("this CRM converts no record")
    values: dict[str, Value] = {
        "name": "One",
        "prospect_name": "Shop",
        "contact_last_name": "Poe",
        "licence_count": 7,
        "owner_company": place.companies()[0].id,
    }
    lead = desk.record("lead", desk.create("lead", {**world.mapping.records["lead"].on_create, **world.typed("lead", values)}))
    place.wait()

    opportunity = desk.convert(lead, is_mapped=is_mapped, omit=(), company=place.companies()[0])
    assert opportunity
    place.wait()

    [found] = place.fetched(lead)
    assert (found.is_converted, found.converted_to) == (True, opportunity)
    read = world.read(desk.record("opportunity", opportunity))
    handed_on = (read["name"], read["prospect_name"], read["licence_count"], read["owner_company"])
    assert handed_on == (("One", "Shop", 7, place.companies()[0].id) if is_mapped else ("Shop-", None, None, None))


def test_a_write_that_finds_too_little_time_is_not_begun(place: Place) -> None:
    native = place.new("One")
    compiled = place.world.mapping.records[native.record]
    change = RecordWrite("ref", dict(place.world.typed(native.record, {"name": "Two"})), crm_id=native.id)

    [[outcome]] = place.crm.write(compiled.native, compiled.key_field, [change], time_left_s=lambda: 4.0)

    assert outcome.wrote is Wrote.NOT_BEGUN
    assert [place.name_of(found) for found in place.fetched(native)] == ["One"]


@pytest.mark.parametrize("crm", FAST)
def test_what_the_vendor_commits_late_has_the_stamp_of_that_moment_whoever_looks_when(crm: str) -> None:
    # Given a vendor that edits a record by itself in a minute
    with built(crm, SEED) as world:
        assert isinstance(world.desk, FastDesk)
        vendor = world.desk.vendor
        row = vendor.all(world.desk.native("company"))[0]
        due_at = vendor.now + timedelta(seconds=60)
        vendor.do_later(60, lambda: vendor.edit(row, world.typed("company", {"name": "Later"})))
        # When nobody looks for a day
        world.time.forward(90_000)
        vendor.catch_up()
        # Then the edit is of its own moment
        assert row.stamp == vendor.ways.rounded(due_at)
