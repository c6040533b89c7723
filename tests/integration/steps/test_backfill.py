"""A backfill brings one field in for all records that are here, by an ordinary reading of that field, and changes nothing else of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sync_worker.actors import STEPS
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.domain.core.company import PortalStatus
from sync_worker.domain.sync.ingest.backfill import Rates
from sync_worker.errors import ConfigError, HeldForReview, StaleRead, Stopped, TransientError
from sync_worker.steps.core import described
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.intervene import release
from sync_worker.steps.operate.plan import plan
from sync_worker.steps.sync.ingest import backfill as backfill_step
from sync_worker.steps.sync.ingest.backfill import ask, backfill, wanted
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, portals, runs
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import backfills
from sync_worker.store.sync.backfills import Backfill
from tests.integration.due import due
from tests.integration.steps.world import World

LINE = {"company.attributes.line": {"native": "Industry"}}
NOTE = {"deal.attributes.note": {"native": "Description", "direction": "both", "conflict": "ask"}}


def fill(world: World, word: str, *records: str) -> list[Done]:
    """What `pull --backfill` does on these record types, or on all; what it woke is worked off."""
    world.forward()
    found = wanted(world.tenant, word, records or world.tenant.readable_records())
    ask(world.tenant, found, by="Ann")
    done = [backfill(world.tenant, name, found.field) for name in found.records]
    world.settle(follow_up for one in done for follow_up in one.follow_ups)
    return done


def standing(world: World, record: str, field: str) -> Backfill:
    with world.store.reading("acme") as tx:
        found = backfills.get(tx, record, field)
    assert found is not None
    return found


def shown_again(world: World, field: str) -> None:
    """The CRM has hidden a field of companies, and shows it again: the commit that notices orders its backfill."""
    record = world.tenant.mapping.records[COMPANY]
    new_id = world.tenant.services.new_id
    with world.store.transaction("acme") as tx:
        described.tell(tx, replace(record, resting=(record.fields[field],)), new_id)
        described.tell(tx, record, new_id)


def in_industry(world: World, **lines: str) -> None:
    """What the CRM has held in a field for long that the portal did not map."""
    for name, line in lines.items():
        world.remote.edit("Account", world.id_of(name.replace("_", " ")), {"Industry": line})
    world.forward()
    world.pull()
    world.forward(4000)
    world.pull()


def asked_fields(world: World, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The fields that each read by id asks for from now on."""
    asked, fetch = list[tuple[str, ...]](), SalesforceCrm.fetch

    def heard(crm: SalesforceCrm, native: str, crm_ids: Any, *, fields: Any) -> Any:
        asked.append(tuple(fields))
        return fetch(crm, native, crm_ids, fields=fields)

    monkeypatch.setattr(SalesforceCrm, "fetch", heard)
    return asked


def while_ids_are_read(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """`happens()` once, after the next records came by their ids and before they are ingested."""
    fetch = SalesforceCrm.fetch

    def late(crm: SalesforceCrm, native: str, crm_ids: Any, *, fields: Any) -> Any:
        found = fetch(crm, native, crm_ids, fields=fields)
        monkeypatch.setattr(SalesforceCrm, "fetch", fetch)
        happens()
        return found

    monkeypatch.setattr(SalesforceCrm, "fetch", late)


# ── one field, and nothing else ──────────────────────────────────────────────────────────────────────────────────────


def test_a_field_of_companies_that_was_mapped_later_comes_in_for_all_and_nothing_else_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given companies with an industry, an edit of a name that no poll has seen yet, and a mapping that has the industry now
    in_industry(world, Birch_Systems="Banking", Cedar_IT="Energy")
    world.remote.edit("Account", world.id_of("Cedar IT"), {"Name": "Cedar & Sons"})
    world.configure(overrides=LINE)
    # when the field is read for all
    asked = asked_fields(world, monkeypatch)
    (done,) = fill(world, "attributes.line")
    # then it is there, the name is not, and one call asked for nothing but the field
    assert world.company("Birch Systems").attributes["line"] == "Banking"
    assert world.company("Cedar IT").attributes["line"] == "Energy"
    assert asked == [("Industry",)]
    assert done.counts.applied >= 2
    assert (done.counts.failed, done.counts.skips) == (0, {})
    assert done.counts.read == done.counts.applied + done.counts.unchanged
    # and the next poll brings the name
    world.pull()
    assert world.company("Cedar & Sons").attributes["line"] == "Energy"


def test_a_plain_pull_brings_in_nothing_of_what_was_mapped_later(world: World) -> None:
    in_industry(world, Birch_Systems="Banking")
    world.configure(overrides=LINE)
    world.pull()
    assert "line" not in world.company("Birch Systems").attributes


def test_a_field_of_deals_comes_in_on_every_record_type_that_maps_it_with_what_was_agreed_on(world: World) -> None:
    # Given a deal in a lead and one in an opportunity, with a note in the CRM that the portal did not map
    lead = world.registered()
    (opportunity,) = [deal for deal in world.deals() if world.link(deal.id).object == "opportunity"][:1]
    for deal in (lead, opportunity):
        world.edit(deal.id, Description="call back")
    world.forward()
    world.pull()
    before = {deal.id: world.link(deal.id) for deal in (lead, opportunity)}
    world.configure(overrides=NOTE)
    # when it is read for all
    fill(world, "note")
    # then both deals have it, both sides agree on it, and the whole reading before is where it was
    for deal in (lead, opportunity):
        assert world.deal(deal.id).values["note"] == "call back"
        link = world.link(deal.id)
        assert link.base["note"][:2] == ("call back", "call back")
        assert {name: pair for name, pair in link.base.items() if name != "note"} == before[deal.id].base
        assert (link.crm_modified_at, link.settled_no) == (before[deal.id].crm_modified_at, before[deal.id].settled_no)
    # and once more changes nothing
    rows = world.rows()
    assert [done.counts.applied for done in fill(world, "note")] == [0, 0]
    after = world.rows()
    assert {name: found for name, found in after.items() if name != "backfills"} == {
        name: found for name, found in rows.items() if name != "backfills"
    }


def test_a_record_type_that_is_named_is_the_only_one_that_is_read(world: World) -> None:
    world.configure(overrides=NOTE)
    assert wanted(world.tenant, "note", ["lead"]).records == ("lead",)
    assert wanted(world.tenant, "name", world.tenant.readable_records()).records == ("company", "lead", "opportunity")


def test_a_field_that_both_sides_set_is_judged_by_its_rule(world: World) -> None:
    # Given a note that people have written on both sides
    world.configure(overrides=NOTE)
    deal = world.registered()
    world.pull()
    world.edit(deal.id, Description="theirs")
    world.change(deal.id, note="ours")
    # when the field is read
    fill(world, "note", "lead")
    # then a person is asked, as by any reading
    assert world.open_conflicts(deal.id) == ["note"]
    assert world.deal(deal.id).values["note"] == "ours"
    # and when both say the same, then nobody is
    world.edit(deal.id, Description="ours")
    fill(world, "note", "lead")
    assert world.open_conflicts(deal.id) == []


def test_what_follows_from_a_field_follows(world: World) -> None:
    # Given a deal type that the vendor changed in the CRM after the approval, which no reading has brought in yet
    deal = world.registered()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert world.deal(deal.id).vendor_approval == "approved"
    world.push()
    world.edit(deal.id, Portal_Deal_Type__c="Renewal", Portal_Deal_Name__c="Renamed")
    # when that field alone is read
    ask(world.tenant, wanted(world.tenant, "deal_type", ["lead"]), by="Ann")
    done = backfill(world.tenant, "lead", "deal_type")
    # then the approval starts again, the CRM is owed that, and the name is left alone
    after = world.deal(deal.id)
    assert (after.values["deal_type"], after.vendor_approval, after.values["name"]) == ("renewal", "pending", "Acme expansion")
    assert done.follow_ups == {FollowUp(Work.PUSH)}
    world.push()
    assert world.record_of(deal.id)["Portal_Vendor_Approval__c"] == "Pending"
    with world.store.reading("acme") as tx:
        said = {(change["field"], change["side"]) for change in deals.history(tx, deal.id)}
    assert {("deal_type", "crm"), ("vendor_approval", "worker")} <= said


def test_contract_values_of_a_backfill_make_associations(world: World) -> None:
    # Given a second partner that the CRM has named for long, which the portal has lost
    lost = world.company("Birch Systems")
    with world.store.transaction("acme") as tx:
        stored = companies.stored(tx, lost.id)
        assert stored is not None
        values = stored.company.second_partner_values
        companies.save(tx, [replace(stored, company=replace(stored.company, second_partner_values=()))])
        associations.remove(tx, [(lost.id, value) for value in values])
    assert values
    # when the field is read for all
    fill(world, "second_partners")
    # then the associations are there again
    assert {row.binding.value for row in world.contracts() if row.company_id == lost.id} == set(values)


# ── what is more than the field ──────────────────────────────────────────────────────────────────────────────────────


def test_an_approval_counts_for_the_terms_beside_it_so_such_a_record_is_read_whole(world: World) -> None:
    # Given an approval in the CRM beside another number of licences, which no reading has brought in yet
    deal = world.registered()
    world.pull()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved", Portal_Licences__c=99)
    # when the approval alone is read
    found = wanted(world.tenant, "vendor_approval", ["lead"])
    ask(world.tenant, found, by="Ann")
    world.forward()
    done = backfill(world.tenant, "lead", "vendor_approval")
    # then nothing is taken
    assert done.counts.skips == {"read_whole": 1}
    assert (world.deal(deal.id).vendor_approval, world.notices()) == ("pending", {"lead": 1})
    # and the whole record, read next, brings both: what was approved, and what for
    world.settle(done.follow_ups)
    assert (world.deal(deal.id).vendor_approval, world.deal(deal.id).values["licence_count"]) == ("approved", 99)


def test_a_record_that_is_gone_or_came_back_is_read_whole(world: World) -> None:
    # Given a lead that was deleted and a company that was, and no reading has seen either
    deal = world.registered()
    world.pull()
    world.remote.delete("Lead", world.link(deal.id).crm_id)
    world.remote.delete("Account", world.id_of("Fir Technologies"))
    # when a field of each is read
    counts = [done.counts.skips for done in fill(world, "name")]
    # then both are noticed, and the whole reading says what became of them
    assert counts[:2] == [{"read_whole": 1}, {"read_whole": 1}]
    assert world.link(deal.id).deleted_at is not None
    assert world.company("Fir Technologies").is_deleted


def test_a_record_that_failed_before_is_left_until_it_is_mended(world: World) -> None:
    # Given a lead whose owner company the portal does not know, so that it waits whole, and a note on it
    deal = world.registered()
    world.pull()
    stranger = world.remote.create("Account", {"Name": "Stranger Ltd"})
    world.edit(deal.id, Portal_Partner__c=stranger, Description="call back")
    world.pull()
    assert world.failures("waiting_for_parent")
    world.configure(overrides=NOTE)
    (done,) = fill(world, "note", "lead")
    assert done.counts.skips == {"failed_before": 1}
    assert world.deal(deal.id).values.get("note") is None
    # when the company has come, then all of it has
    world.remote.edit("Account", stranger, {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"})
    world.pull()
    assert (world.deal(deal.id).owner_company, world.deal(deal.id).values["note"]) == (world.company("Stranger Ltd").id, "call back")


def test_a_value_that_cannot_be_read_is_a_failure_of_that_record_and_other_problems_stand(world: World) -> None:
    # Given a note that is to be a number from now on, and a company with a problem of another field
    deal = world.registered()
    world.edit(deal.id, Description="not a number")
    world.pull()
    world.configure(overrides={"deal.attributes.note": {"native": "Description", "transform": "integer"}})
    before = {row.failure.id for row in world.failures()}
    (done,) = fill(world, "note", "lead")
    # then it fails alone, by name
    (failure,) = [row.failure for row in world.failures() if row.failure.id not in before]
    assert (failure.record, failure.field, failure.kind) == (world.link(deal.id).crm_id, "note", "failure")
    assert done.counts.failed == 1
    # and what was open before is open still
    assert before <= {row.failure.id for row in world.failures()}


def test_problems_of_other_fields_are_neither_closed_nor_opened(world: World) -> None:
    # Given a company whose account type is blank, which is a problem, and one whose type was blanked since
    world.remote.edit("Account", world.id_of("Cedar IT"), {"Portal_Account_Type__c": None, "Industry": "Energy"})
    world.pull()
    before = [row.failure.name for row in world.failures("account_type_blank")]
    assert "Cedar IT" in before
    world.remote.edit("Account", world.id_of("Dogwood Networks"), {"Portal_Account_Type__c": None})
    world.configure(overrides=LINE)
    fill(world, "line")
    assert [row.failure.name for row in world.failures("account_type_blank")] == before
    assert world.company("Cedar IT").attributes["line"] == "Energy"


# ── the order of reading ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_is_older_than_our_write_is_not_applied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a page of a backfill with an old amount, and a write of ours that is settled before the page is stored
    deal = world.registered()
    world.pull()
    world.edit(deal.id, Portal_Amount__c=7)

    def written() -> None:
        world.edit(deal.id, Portal_Amount__c=1200.5)
        with world.store.side_transaction("acme") as tx:
            link = links.current(tx, [deal.id])[deal.id]
            links.agree(tx, [replace(link, settled_no=portals.draw_read_no(tx))])

    while_ids_are_read(monkeypatch, written)
    ask(world.tenant, wanted(world.tenant, "amount", ["lead"]), by="Ann")
    done = backfill(world.tenant, "lead", "amount")
    # then it is late for this record: a notice, no change
    assert done.counts.skips == {"late": 1}
    world.settle(done.follow_ups)
    assert world.deal(deal.id).values["amount"] == Decimal("1200.50")


def test_one_reader_at_a_time(world: World) -> None:
    world.configure(overrides=LINE)
    ask(world.tenant, wanted(world.tenant, "line", [COMPANY]), by="Ann")
    with world.reader_elsewhere(COMPANY):
        assert backfill(world.tenant, COMPANY, "line").is_busy
    assert standing(world, COMPANY, "line").position == ""


def test_a_reader_that_lost_its_turn_stores_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_industry(world, Birch_Systems="Banking")
    world.configure(overrides=LINE)
    ask(world.tenant, wanted(world.tenant, "line", [COMPANY]), by="Ann")

    def another_reads() -> None:
        with world.store.side_transaction("acme") as tx:
            tx.connection.exec_driver_sql("UPDATE cursors SET fence = fence + 1 WHERE object = 'company'")

    while_ids_are_read(monkeypatch, another_reads)
    with pytest.raises(StaleRead):
        backfill(world.tenant, COMPANY, "line")
    assert "line" not in world.company("Birch Systems").attributes


# ── long work ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(backfill_step, "PAGE_COUNT", 5)
    return 5


def test_a_stopped_backfill_goes_on_where_it_was(world: World, small_pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a backfill that was asked to stop after its first page
    in_industry(world, Birch_Systems="Banking")
    world.configure(overrides=LINE)
    world.tenant.services = replace(world.services, is_stopping=lambda: True)
    with pytest.raises(Stopped, match=r"after 5 of \d+ company records; the next backfill of line goes on from there"):
        fill(world, "line")
    first = standing(world, COMPANY, "line")
    assert (first.done_count, first.finished_at) == (small_pages, None)
    # when the next process comes, then it reads the others only, and says that it is done
    world.configure(overrides=LINE)
    progress = list[tuple[int, int | None]]()
    ask(world.tenant, wanted(world.tenant, "line", [COMPANY]), by="Ann")
    done = backfill(world.tenant, COMPANY, "line", on_page=lambda so_far, total: progress.append((so_far, total)))
    last = standing(world, COMPANY, "line")
    assert done.counts.read == (last.total_count or 0) - small_pages
    assert progress[0] == (2 * small_pages, last.total_count)
    assert progress[-1] == (last.total_count, last.total_count)
    assert last.finished_at is not None
    assert world.company("Birch Systems").attributes["line"] == "Banking"


def test_a_crash_repeats_a_page_and_leaves_none_out(world: World, small_pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a backfill whose CRM failed on the second page
    in_industry(world, Birch_Systems="Banking", Cedar_IT="Energy", Elm_Consulting="Media")
    world.configure(overrides=LINE)
    fetch, calls = SalesforceCrm.fetch, list[int]()

    def failing(crm: SalesforceCrm, native: str, crm_ids: Any, *, fields: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise TransientError("the connection broke")
        return fetch(crm, native, crm_ids, fields=fields)

    monkeypatch.setattr(SalesforceCrm, "fetch", failing)
    with pytest.raises(TransientError):
        fill(world, "line")
    assert standing(world, COMPANY, "line").done_count == small_pages
    # when it is asked for again, then it goes on there
    fill(world, "line")
    lines = {name: world.company(name).attributes.get("line") for name in ("Birch Systems", "Cedar IT", "Elm Consulting")}
    assert lines == {"Birch Systems": "Banking", "Cedar IT": "Energy", "Elm Consulting": "Media"}


def test_an_edited_mapping_begins_at_the_first_record_again(world: World, small_pages: int) -> None:
    in_industry(world, Birch_Systems="Banking")
    world.configure(overrides=LINE)
    world.tenant.services = replace(world.services, is_stopping=lambda: True)
    with pytest.raises(Stopped):
        fill(world, "line")
    # When the field lies elsewhere now, then what was read so far is read again
    world.remote.edit("Account", world.id_of("Birch Systems"), {"AccountNumber": "B-1"})
    world.configure(overrides={"company.attributes.line": {"native": "AccountNumber"}})
    (done,) = fill(world, "line")
    assert done.counts.read == standing(world, COMPANY, "line").total_count
    assert world.company("Birch Systems").attributes["line"] == "B-1"


def test_a_backfill_that_a_step_orders_in_its_commit_is_done_by_the_workers_turn_by_turn(world: World, small_pages: int) -> None:
    # Given a step that makes a field readable
    in_industry(world, Birch_Systems="Banking")
    world.configure(overrides=LINE)
    shown_again(world, "line")
    # then the schedule finds it
    follow_ups = {FollowUp(Work.BACKFILL, COMPANY, share="backfill")}
    assert follow_ups <= set(due(world.tenant))
    # and each turn leaves the rest to the next one, until nothing is due
    with world.tenant.turn.lasting(0):
        done = STEPS[Work.BACKFILL](world.tenant, COMPANY)
    assert (done.counts.read, follow_ups <= done.follow_ups) == (small_pages, True)
    world.settle(done.follow_ups)
    assert world.company("Birch Systems").attributes["line"] == "Banking"
    assert not follow_ups & set(due(world.tenant))
    # When it is ordered again, then every record is read again
    shown_again(world, "line")
    assert standing(world, COMPANY, "line").order_no == 2
    world.settle(follow_ups)
    assert standing(world, COMPANY, "line").done_count == standing(world, COMPANY, "line").total_count


def test_a_backfill_that_is_ordered_while_it_is_read_begins_anew(world: World, small_pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configure(overrides=LINE)
    ask(world.tenant, wanted(world.tenant, "line", [COMPANY]), by="Ann")

    while_ids_are_read(monkeypatch, lambda: shown_again(world, "line"))
    with pytest.raises(StaleRead, match="was asked for again"):
        backfill(world.tenant, COMPANY, "line")
    assert standing(world, COMPANY, "line").position == ""


def test_a_poll_that_is_due_goes_before_a_turn_of_the_workers(world: World) -> None:
    # Given a backfill that was left to the workers, and a rename that a poll is due to see
    world.configure(overrides=LINE)
    shown_again(world, "line")
    world.remote.edit("Account", world.id_of("Cedar IT"), {"Name": "Cedar & Sons"})
    world.forward(world.tenant.portal.schedule.pull_s + 60)
    STEPS[Work.BACKFILL](world.tenant, COMPANY)
    assert world.knows("Cedar & Sons")


def test_the_brake_holds_a_backfill_until_a_person_lets_it_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    # Given five companies that left in the CRM, unseen so far
    gone = ("Birch Systems", "Cedar IT", "Dogwood Networks", "Elm Consulting", "Fir Technologies")
    for name in gone:
        world.remote.edit("Account", world.id_of(name), {"Portal_Status__c": "Inactive"})
    # when their status is read, then none of it is applied, and it stands where it was
    with pytest.raises(HeldForReview, match="backfill of company"):
        fill(world, "portal_status")
    assert {world.company(name).status for name in gone} == {PortalStatus.ACTIVE}
    assert standing(world, COMPANY, "portal_status").done_count == 0
    # and once a person has looked, it is
    (held,) = world.failures("held_for_review")
    release(world.tenant, held, actor="Ann", reason="meant")
    assert {world.company(name).status for name in gone} == {PortalStatus.INACTIVE}
    assert standing(world, COMPANY, "portal_status").finished_at is not None
    assert not world.failures("held_for_review")


# ── the cheapest way ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_is_scanned_where_that_takes_fewer_calls(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a CRM that gives one record for an id, and a thousand a page
    in_industry(world, Birch_Systems="Banking", Cedar_IT="Energy")
    world.configure(overrides=LINE)
    monkeypatch.setattr(SalesforceCrm, "rates", lambda _crm, _native: Rates(by_id=1, by_page=1000))
    calls = world.tenant.crm.calls
    (done,) = fill(world, "line")
    # then it is read by a scan: one call to count, and one for all; strangers are left alone
    assert standing(world, COMPANY, "line").way == "scan"
    assert world.tenant.crm.calls - calls == 2
    assert done.counts.skips.keys() <= {"not_ours"}
    assert world.company("Birch Systems").attributes["line"] == "Banking"
    assert world.company("Cedar IT").attributes["line"] == "Energy"
    assert standing(world, COMPANY, "line").finished_at is not None


def test_a_run_says_what_it_read(world: World) -> None:
    world.configure(overrides=LINE)
    fill(world, "line")
    with world.store.reading("acme") as tx:
        run = next(run for run in runs.listed(tx) if run.verb == "backfill")
    assert (run.object, run.state, run.counts.calls) == (COMPANY, "done", 1)
    assert run.counts.read == standing(world, COMPANY, "line").total_count


# ── before it is done ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_says_what_a_backfill_then_does_and_does_none_of_it(world: World) -> None:
    in_industry(world, Birch_Systems="Banking", Cedar_IT="Energy")
    world.remote.edit("Account", world.id_of("Elm Consulting"), {"Name": "Elm & Oak"})
    world.configure(overrides=LINE)
    before = world.rows()
    # When it is planned, then nothing has changed
    found = plan(world.tenant, only=wanted(world.tenant, "line", [COMPANY]), limit=None)
    assert world.rows() == before
    planned = {entry["id"]: entry["changes"] for entry in found.listings["companies_changed"].shown}
    # and the field is all that it speaks of
    assert planned[world.company("Birch Systems").id] == [{"field": "line", "before": None, "after": "Banking"}]
    assert {change["field"] for changes in planned.values() for change in changes} == {"line"}
    assert found.cost.used == 1
    # and what is done is what was planned
    fill(world, "line")
    assert {id_: world.company(id_).attributes.get("line") for id_ in planned} == {
        id_: changes[0]["after"] for id_, changes in planned.items()
    }


# ── what cannot be read ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("regoin", "did you mean 'region'"),
        ("attributes.regoin", "did you mean 'attributes.region'"),
        ("ammount", "did you mean 'amount'"),
        ("contact_email", "direction: push"),
        ("quote_state", "direction: push"),
        ("attributes.amount", "no such field"),
        ("currency", "sync-worker provision"),
    ],
)
def test_a_field_that_cannot_be_read_is_refused_with_what_to_do(world: World, word: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        wanted(world.tenant, word, world.tenant.readable_records())
    assert word in str(refused.value)


def test_a_field_that_no_record_type_maps_is_refused_with_where_to_map_it(world: World) -> None:
    world.configure(overrides={"deal.expires_on": None})
    with pytest.raises(ConfigError, match="Map it under `deal:` in"):
        wanted(world.tenant, "expires_on", world.tenant.readable_records())


def test_a_field_that_the_mapping_has_lost_since_ends_its_backfill(world: World) -> None:
    without = world.process()
    world.configure(overrides=LINE)
    shown_again(world, "line")
    assert STEPS[Work.BACKFILL](without, COMPANY).counts.read == 0
    assert standing(world, COMPANY, "line").finished_at is not None
