"""A deal's companies: labelled associations that read and write like fields."""

from __future__ import annotations

from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import HubspotOptions, serve_thread
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.errors import ConnectionDown, SchemaChanged
from tests.integration.hubspot.conftest import KEY, NOW, PARTNER, SECOND, Lab, written

PRIMARY = "association:primary"
OURS, THEIRS = "Portal partner", "Portal second partner"


def read(crm: HubspotCrm, deal: str) -> dict[str, object]:
    [record] = crm.fetch("deals", [deal], fields=(PARTNER, SECOND, PRIMARY))
    return {name: record.fields[name] for name in (PARTNER, SECOND, PRIMARY)}


def test_labels_are_described_as_fields(crm: HubspotCrm) -> None:
    fields = crm.describe("deals").fields
    assert (fields[PARTNER].type, fields[PARTNER].label, fields[PARTNER].refers_to) == ("reference", OURS, ("companies",))
    assert {SECOND, PRIMARY} <= fields.keys()
    assert not any(name.startswith("association:") for name in crm.describe("companies").fields)


def test_each_label_is_a_field_and_none_where_there_is_no_company(lab: Lab, crm: HubspotCrm) -> None:
    bolt, arrow, customer = lab.companies("Bolt", "Arrow", "Customer")
    [deal, bare] = lab.deals(2)
    lab.remote.associate("deals", deal, bolt, OURS)
    lab.remote.associate("deals", deal, arrow, THEIRS)
    lab.remote.associate("deals", deal, customer, "Primary")
    assert read(crm, deal) == {PARTNER: bolt, SECOND: arrow, PRIMARY: customer}
    assert read(crm, bare) == {PARTNER: None, SECOND: None, PRIMARY: None}


def test_two_companies_under_one_label_are_shown_as_both(lab: Lab, crm: HubspotCrm) -> None:
    companies = lab.companies("Bolt", "Arrow")
    [deal] = lab.deals(1)
    for company in companies:
        lab.remote.associate("deals", deal, company, OURS)
    assert read(crm, deal)[PARTNER] == sorted(companies)


def test_a_create_carries_its_companies(lab: Lab, crm: HubspotCrm) -> None:
    bolt, arrow = lab.companies("Bolt", "Arrow")
    [outcome] = written(crm, RecordWrite("a", {"dealname": "New", PARTNER: bolt, SECOND: arrow}, key="a"))
    assert outcome.wrote is Wrote.CREATED
    assert lab.labels(outcome.crm_id or "") == {bolt: {OURS}, arrow: {THEIRS}}
    assert outcome.record
    assert (outcome.record.fields[PARTNER], outcome.record.fields["dealname"]) == (bolt, "New")


def test_a_label_moves_and_leaves_what_people_made(lab: Lab, crm: HubspotCrm) -> None:
    old, new = lab.companies("Old", "New")
    [deal] = lab.deals(1)
    lab.remote.associate("deals", deal, old, OURS, "Primary")
    [outcome] = written(crm, RecordWrite("a", {PARTNER: new}, crm_id=deal))
    assert outcome.wrote is Wrote.WRITTEN
    assert lab.labels(deal) == {old: {"Primary"}, new: {OURS}}
    assert read(crm, deal)[PRIMARY] == old, "the primary is a person's, unless the mapping names it"


def test_a_pair_keeps_the_labels_it_has(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    [deal] = lab.deals(1)
    lab.remote.associate("deals", deal, bolt, "Primary")
    written(crm, RecordWrite("a", {PARTNER: bolt}, crm_id=deal))
    assert lab.labels(deal) == {bolt: {"Primary", OURS}}


def test_a_cleared_reference_ends_its_label(lab: Lab, crm: HubspotCrm) -> None:
    bolt, arrow = lab.companies("Bolt", "Arrow")
    [deal] = lab.deals(1)
    lab.remote.associate("deals", deal, bolt, OURS)
    lab.remote.associate("deals", deal, arrow, THEIRS)
    written(crm, RecordWrite("a", {SECOND: None}, crm_id=deal))
    assert read(crm, deal) == {PARTNER: bolt, SECOND: None, PRIMARY: None}


def test_the_primary_is_written_where_the_mapping_names_it(lab: Lab, crm: HubspotCrm) -> None:
    old, new = lab.companies("Old", "New")
    [deal] = lab.deals(1)
    lab.remote.associate("deals", deal, old, "Primary")
    written(crm, RecordWrite("a", {PRIMARY: new}, crm_id=deal))
    assert read(crm, deal)[PRIMARY] == new


def test_writing_what_stands_there_costs_no_write(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    [deal] = lab.deals(1)
    lab.remote.associate("deals", deal, bolt, OURS)
    written(crm, RecordWrite("a", {PARTNER: bolt}, crm_id=deal))
    assert lab.counted("associations_write") == 0


def test_a_company_that_is_gone_is_that_deals_refusal(lab: Lab, crm: HubspotCrm) -> None:
    bolt, gone = lab.companies("Bolt", "Gone")
    lab.remote.delete("companies", gone)
    outcomes = written(crm, RecordWrite("a", {PARTNER: bolt}, key="a"), RecordWrite("b", {PARTNER: gone}, key="b"))
    assert [outcome.wrote for outcome in outcomes] == [Wrote.CREATED, Wrote.REJECTED]


def test_pairs_refused_as_a_whole_are_halved_until_the_bad_one_stands_alone(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    lab.remote.fault("associations_write", times=2, error_code="VALIDATION_ERROR", message="one company a label")
    outcomes = written(crm, *(RecordWrite(ref, {PARTNER: bolt}, key=ref) for ref in "ab"))
    assert [outcome.wrote for outcome in outcomes] == [Wrote.REJECTED, Wrote.CREATED]
    assert "one company a label" in str(outcomes[0].error)


def test_pairs_that_a_refusal_names_are_refused_at_once(lab: Lab, crm: HubspotCrm) -> None:
    bolt, arrow = lab.companies("Bolt", "Arrow")
    body = {"message": "one company a label", "category": "VALIDATION_ERROR", "context": {"toObjectId": [arrow]}}
    lab.remote.fault("associations_write", status=400, body=body)

    changes = [RecordWrite(ref, {PARTNER: bolt if ref == "b" else arrow if ref == "c" else None}, key=ref) for ref in "abc"]
    changes.append(RecordWrite("d", {PARTNER: bolt}, key="d"))
    outcomes = written(crm, *changes)

    assert [outcome.wrote for outcome in outcomes] == [Wrote.CREATED, Wrote.CREATED, Wrote.REJECTED, Wrote.CREATED]
    assert lab.counted("associations_write") == 2


def test_associations_that_fail_are_tried_again_with_their_record(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    change = RecordWrite("a", {"dealname": "New", PARTNER: bolt}, key="a")
    lab.remote.fault("associations_write", error_code="TEN_SECONDLY_ROLLING")
    [outcome] = written(crm, change)
    assert outcome.wrote is Wrote.LATER
    assert "its associations were not" in str(outcome.error)
    [again] = written(crm, change)
    assert again.wrote is Wrote.WRITTEN
    assert lab.labels(again.crm_id or "") == {bolt: {OURS}}


def test_associations_of_unknown_fate_are_uncertain(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    lab.remote.fault("associations_write", when="after_commit", drop_connection=True)
    [outcome] = written(crm, RecordWrite("a", {PARTNER: bolt}, key="a"))
    assert outcome.wrote is Wrote.UNCERTAIN


def test_a_label_that_is_gone_is_no_company_that_was_taken_away(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    [deal] = lab.deals(1)
    lab.remote.associate("deals", deal, bolt, OURS)
    lab.remote.fault("labels", times=9, status=200, body={"results": [{"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}]})
    with pytest.raises(SchemaChanged, match="no association label portal_partner, portal_second_partner"):
        read(crm, deal)


def test_labels_alone_cost_no_write_of_properties(lab: Lab, crm: HubspotCrm) -> None:
    [bolt] = lab.companies("Bolt")
    [deal] = lab.deals(1)
    [outcome] = written(crm, RecordWrite("a", {PARTNER: bolt}, crm_id=deal))
    assert (outcome.wrote, outcome.crm_id, lab.counted("batch_update")) == (Wrote.WRITTEN, deal, 0)
    assert lab.labels(deal) == {bolt: {OURS}}


def test_a_label_that_the_account_has_not_is_named_before_anything_is_written(lab: Lab, crm: HubspotCrm) -> None:
    with pytest.raises(SchemaChanged, match=r"no association label portal_agent.* create it .* or keep the company in a property"):
        written(crm, RecordWrite("a", {"dealname": "New", "association:portal_agent": "1"}, key="a"))
    assert crm.find_by_key("deals", "portal_deal_key", ["a"], fields=()) == []


def test_an_account_without_labels_shows_none_but_the_primary() -> None:
    """Free and Starter: the second partner is kept in a property, see docs/hubspot.md."""
    with serve_thread(HubspotOptions(companies=5, deals=2, now=NOW, tier="free")) as url, HubspotRemote(url) as remote:
        lab = Lab(url, remote)
        fields = lab.connect().describe("deals").fields
        assert [name for name in fields if name.startswith("association:")] == [PRIMARY]
        assert "portal_second_partner" in fields


def test_a_refusal_of_every_association_is_told_once_the_records_are(lab: Lab, crm: HubspotCrm) -> None:
    # Given a token that may write deals and no associations
    [bolt] = lab.companies("Bolt")
    lab.remote.fault("associations_write", error_code="MISSING_SCOPES", times=99)
    batches = crm.write("deals", KEY, [RecordWrite("a", {"dealname": "New", PARTNER: bolt}, key="a")], time_left_s=lambda: 60.0)
    # when one is written, then it may pass later, and the connection is at fault
    [outcome] = next(batches)
    assert outcome.wrote is Wrote.LATER
    with pytest.raises(ConnectionDown, match="add to the token one of these scopes"):
        next(batches)


@pytest.mark.parametrize("order", [{"status": 400, "body": {"message": "API version 2026-09 is not supported"}}, {"status": 403}])
def test_no_row_is_to_blame_for_the_version_or_a_right(lab: Lab, crm: HubspotCrm, order: dict[str, Any]) -> None:
    lab.remote.fault("batch_upsert", times=99, **order)
    with pytest.raises(ConnectionDown, match=r"update sync-worker|add to the token"):
        written(crm, *(RecordWrite(key, {"dealname": key}, key=key) for key in "ab"))
