"""Scans: what they cost, what they find, and what may happen meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.reading import reader, search
from sync_worker.crm.port import NativeRecord, Scan
from tests.integration.hubspot.conftest import NOW, PARTNER, SECOND, Lab, ids

LATER = NOW + timedelta(hours=1)


def found(crm: HubspotCrm, scan: Scan) -> list[NativeRecord]:
    return [record for page in crm.changed_since(scan) for record in page.records]


def test_a_thousand_changes_of_one_moment_cost_at_most_eighteen_calls(lab: Lab, crm: HubspotCrm) -> None:
    """A bulk edit leaves one stamp on all of them."""
    lab.deals(1000)
    crm.now()
    records = found(crm, lab.scan("dealname", PARTNER, SECOND))
    assert len({record.crm_id for record in records}) == 1000
    assert crm.calls == lab.counted() == 17
    assert lab.counted("search", "batch_read", "associations_read", "list", "labels") == 18, "even with the labels"


def test_a_full_read_lists_and_does_not_search(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(150)
    assert ids(list(crm.changed_since(Scan("deals", ("dealname",), None, NOW))))[-150:] == created
    assert (lab.counted("search", "batch_read"), lab.counted("list")) == (0, 3)


@pytest.mark.parametrize(("ours", "way"), [(2, "search"), (300, "list")])
def test_a_first_load_goes_the_cheaper_way(lab: Lab, crm: HubspotCrm, ours: int, way: str) -> None:
    marked = lab.deals(ours, portal_prospect="Acme")
    lab.deals(100)
    scan = Scan("deals", ("dealname",), None, NOW, only_with="portal_prospect")
    before = {record["id"] for record in lab.remote.records("deals") if record["portal_prospect"]} - set(marked)
    [*pages] = crm.changed_since(scan)
    assert set(ids(pages)) - before == set(marked)
    assert pages[-1].position.startswith(way)


def test_a_first_load_of_what_has_a_label_looks_at_all(lab: Lab, crm: HubspotCrm) -> None:
    [company] = lab.companies("Bolt")
    with_label, *_ = lab.deals(3)
    lab.remote.associate("deals", with_label, company, "Portal partner")
    scan = Scan("deals", (PARTNER,), None, NOW, only_with=PARTNER)
    assert {record.crm_id: record.fields[PARTNER] for record in found(crm, scan)}[with_label] == company


def test_more_properties_than_an_address_holds_are_read_by_batch(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(2)
    fields = ("dealname", *(f"portal_of_a_rather_long_name_{number:04}" for number in range(400)))
    for name in fields[1:]:
        lab.remote.add_field("deals", name, "string")
    records = found(crm, Scan("deals", fields, None, NOW))
    assert [record.fields["dealname"] for record in records if record.crm_id in created] == ["Deal 0", "Deal 1"]


def test_what_search_sees_late_is_in_a_later_window_that_looks_back(lab: Lab, crm: HubspotCrm) -> None:
    lab.remote.lag_search(5)
    created = lab.deals(1)
    assert found(crm, lab.scan()) == []
    lab.remote.advance_clock(10)
    look_back = replace(lab.scan(), from_at=NOW - timedelta(minutes=15), until_at=NOW + timedelta(seconds=10))
    assert [record.crm_id for record in found(crm, look_back) if record.crm_id in created] == created


def test_what_search_still_finds_and_was_changed_since_is_left_to_its_own_window(lab: Lab, crm: HubspotCrm) -> None:
    [crm_id] = lab.deals(1)
    lab.remote.advance_clock(60)
    lab.remote.lag_search(30)
    lab.remote.edit("deals", crm_id, {"dealname": "Changed"})
    assert found(crm, lab.scan()) == []
    lab.remote.advance_clock(60)
    [record] = found(crm, replace(lab.scan(), from_at=NOW + timedelta(seconds=1), until_at=LATER))
    assert (record.crm_id, record.fields["dealname"]) == (crm_id, "Changed")


def test_only_what_was_archived_within_the_window_comes(lab: Lab, crm: HubspotCrm) -> None:
    early, late = lab.deals(2)
    lab.remote.delete("deals", early)
    lab.remote.advance_clock(600)
    lab.remote.delete("deals", late)
    window = replace(lab.scan(), from_at=NOW + timedelta(minutes=5), until_at=LATER)
    [record] = found(crm, window)
    assert (record.crm_id, record.is_deleted, record.modified_at) == (late, True, NOW + timedelta(minutes=10))


@pytest.mark.parametrize("keeps_id", [True, False])
def test_a_merge_is_told_by_its_survivor_whichever_id_that_has(lab: Lab, crm: HubspotCrm, keeps_id: bool) -> None:
    lab.remote.keep_merged_ids(on=keeps_id)
    winner, loser = lab.companies("Winner", "Loser")
    lab.remote.merge(winner, [loser])

    records = {record.crm_id: record for record in found(crm, lab.scan("name", native="companies"))}

    [survivor] = [record for record in records.values() if not record.is_deleted]
    assert survivor.fields["name"] == "Winner"
    gone = {loser} if keeps_id else {winner, loser}
    assert {record.crm_id: record.merged_into for record in records.values() if record.is_deleted} == dict.fromkeys(gone, survivor.crm_id)
    fetched = {record.crm_id: record.merged_into for record in crm.fetch("companies", [winner, loser], fields=("name",))}
    assert fetched == {**dict.fromkeys(gone, survivor.crm_id), **({winner: None} if keeps_id else {})}


@pytest.mark.parametrize("keeps_id", [True, False])
def test_a_merge_is_told_by_its_survivor_though_that_was_archived_meanwhile(lab: Lab, crm: HubspotCrm, keeps_id: bool) -> None:
    lab.remote.keep_merged_ids(on=keeps_id)
    winner, loser = lab.companies("Winner", "Loser")
    survivor = lab.remote.merge(winner, [loser])
    lab.remote.delete("companies", survivor)

    records = found(crm, lab.scan("name", native="companies"))

    gone = {one: survivor for one in (winner, loser) if one != survivor}
    assert {record.crm_id: record.merged_into for record in records} == {**gone, survivor: None}
    assert all(record.is_deleted for record in records)
    fetched = crm.fetch("companies", [winner, loser], fields=("name",))
    assert {record.crm_id: record.merged_into for record in fetched} == {**gone, **({survivor: None} if keeps_id else {})}
    assert all(record.is_deleted for record in fetched)


def test_an_id_of_a_merge_of_merges_leads_to_the_last_survivor(lab: Lab, crm: HubspotCrm) -> None:
    first, second, third = lab.companies("First", "Second", "Third")
    lab.remote.merge(first, [second])
    middle = next(record["id"] for record in lab.remote.records("companies") if record["name"] == "First")
    lab.remote.merge(third, [middle])
    [record] = crm.fetch("companies", [second], fields=("name",))
    [survivor] = crm.fetch("companies", [record.merged_into or ""], fields=("name",))
    assert (survivor.fields["name"], survivor.is_deleted) == ("Third", False)


def test_a_restored_record_is_a_change(lab: Lab, crm: HubspotCrm) -> None:
    [crm_id] = lab.deals(1)
    lab.remote.delete("deals", crm_id)
    lab.remote.advance_clock(60)
    lab.remote.undelete([crm_id])
    [record] = found(crm, replace(lab.scan(), from_at=NOW + timedelta(seconds=30), until_at=LATER))
    assert (record.crm_id, record.is_deleted) == (crm_id, False)


def test_a_scan_goes_on_where_it_stood_and_passes_no_end_of_ten_thousand(
    lab: Lab, crm: HubspotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = lab.deals(25)
    monkeypatch.setattr(search, "PAGE_COUNT", 4)
    monkeypatch.setattr(reader, "PAGE_COUNT", 8)
    first = next(iter(crm.changed_since(lab.scan())))
    rest = crm.changed_since(replace(lab.scan(), position=first.position))
    assert ids([first, *rest]) == created
    assert not any("after" in call for call in [str(search.changed(lab.scan(), "7"))])
