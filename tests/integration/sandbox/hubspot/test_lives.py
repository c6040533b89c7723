"""What becomes of records: merged into a new id or a kept one, restored, gone for good, changed in bulk."""

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import ControlError
from tests.integration.sandbox.hubspot.conftest import DATED, Wire

COMPANIES = f"/crm/objects/{DATED}/companies"


def _found(wire: Wire, record_id: str) -> str:
    """The id that a read of an id answers with."""
    answer = wire.get(f"{COMPANIES}/{record_id}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def _searched(wire: Wire) -> list[str]:
    wish = {"filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "HAS_PROPERTY"}]}], "limit": 200}
    return [record["id"] for record in wire.post(f"{COMPANIES}/search", wish).json()["results"]]


def test_an_edit_is_answered_with_the_record_before_and_after(remote: HubspotRemote) -> None:
    record_id = remote.create("companies", {"name": "Cedar IT", "city": "Oslo"})
    before = remote.record("companies", record_id)
    edited = remote.edit("companies", record_id, {"name": "Cedar & Sons"})
    assert (edited["before"], edited["after"]) == (before, remote.record("companies", record_id))
    assert (edited["before"]["name"], edited["after"]["name"]) == ("Cedar IT", "Cedar & Sons")


def test_a_merge_makes_a_new_record(wire: Wire, remote: HubspotRemote) -> None:
    primary = remote.create("companies", {"name": "Primary", "city": "Oslo"})
    other = remote.create("companies", {"name": "Other", "domain": "other.example", "portal_company_id": "k"})
    deal = remote.create("deals", {"dealname": "Theirs"})
    remote.associate("deals", deal, other, "Portal partner")
    remote.advance_clock(60)

    survivor = remote.merge(primary, [other])

    assert survivor not in (primary, other)
    assert [_found(wire, one) for one in (primary, other, survivor)] == [survivor] * 3
    record = remote.record("companies", survivor)
    assert (record["name"], record["city"], record["domain"], record["portal_company_id"]) == ("Primary", "Oslo", "other.example", "k")
    assert (record["hs_merged_object_ids"], record["hs_lastmodifieddate"]) == (f"{primary};{other}", "2026-05-20T12:01:00.000Z")
    read = wire.post(f"{COMPANIES}/batch/read", {"inputs": [{"id": primary}, {"id": other}]})
    assert (read.status_code, [one["id"] for one in read.json()["results"]]) == (200, [survivor])
    assert [one["id"] for one in wire.get(COMPANIES, archived="true").json()["results"]] == []
    assert {primary, other, survivor} & set(_searched(wire)) == {survivor}
    [far] = wire.get(f"/crm/v4/objects/deals/{deal}/associations/companies").json()["results"]
    assert str(far["toObjectId"]) == survivor
    assert wire.get(f"{COMPANIES}/k", idProperty="portal_company_id").json()["id"] == survivor


def test_a_deal_that_was_hidden_while_its_company_was_merged_names_the_survivor(wire: Wire, remote: HubspotRemote) -> None:
    primary, other = (remote.create("companies", {"name": name}) for name in ("Primary", "Other"))
    deal = remote.create("deals", {"dealname": "Theirs"})
    remote.associate("deals", deal, other, "Portal partner")
    remote.hide([deal])
    survivor = remote.merge(primary, [other])

    remote.show([deal])

    [far] = wire.get(f"/crm/v4/objects/deals/{deal}/associations/companies").json()["results"]
    assert str(far["toObjectId"]) == survivor


def test_in_some_portals_the_primary_lives_on(wire: Wire, remote: HubspotRemote) -> None:
    remote.keep_merged_ids()
    primary, first, second = (remote.create("companies", {"name": name}) for name in ("Primary", "First", "Second"))

    assert remote.merge(primary, [first, second]) == primary

    assert [_found(wire, one) for one in (primary, first, second)] == [primary] * 3
    assert remote.record("companies", primary)["hs_merged_object_ids"] == f"{first};{second}"
    assert {primary, first, second} & set(_searched(wire)) == {primary}


@pytest.mark.parametrize("keeps_id", [True, False])
def test_a_merged_deal_has_one_primary_company(wire: Wire, remote: HubspotRemote, keeps_id: bool) -> None:
    remote.keep_merged_ids(on=keeps_id)
    companies = [remote.create("companies", {"name": name}) for name in ("One", "Two")]
    deals = [remote.create("deals", {"dealname": name}) for name in ("One", "Two")]
    for deal, company in zip(deals, companies, strict=True):
        remote.associate("deals", deal, company, "Primary", "Portal partner")

    survivor = remote.merge(deals[0], [deals[1]])

    far = wire.get(f"/crm/v4/objects/deals/{survivor}/associations/companies").json()["results"]
    held = {str(one["toObjectId"]): {kind["label"] for kind in one["associationTypes"]} for one in far}
    assert held == {companies[0]: {None, "Primary", "Portal partner"}, companies[1]: {None, "Portal partner"}}


def test_a_chain_of_merges_leads_to_its_end(wire: Wire, remote: HubspotRemote) -> None:
    one, two, three = (remote.create("companies", {"name": name}) for name in ("One", "Two", "Three"))
    middle = remote.merge(one, [two])
    end = remote.merge(three, [middle])
    assert [_found(wire, record_id) for record_id in (one, two, three, middle)] == [end] * 4


def test_what_cannot_be_merged(wire: Wire, remote: HubspotRemote) -> None:
    one, gone = (remote.create("companies", {"name": name}) for name in ("One", "Gone"))
    remote.delete("companies", gone)
    for loser in (gone, one, "999"):
        refused = wire.post(f"{COMPANIES}/merge", {"primaryObjectId": one, "objectIdToMerge": loser})
        assert refused.status_code in (400, 404)


def test_restored_unless_its_unique_value_is_taken(wire: Wire, remote: HubspotRemote) -> None:
    first = remote.create("companies", {"name": "First", "portal_company_id": "k"})
    remote.delete("companies", first)
    second = remote.create("companies", {"name": "Second", "portal_company_id": "k"})

    with pytest.raises(ControlError, match="409"):
        remote.undelete([first])
    remote.delete("companies", second)
    remote.undelete([first])

    assert wire.get(f"{COMPANIES}/k", idProperty="portal_company_id").json()["id"] == first
    assert first in _searched(wire)


def test_gone_without_a_trace(wire: Wire, remote: HubspotRemote) -> None:
    company = remote.create("companies", {"name": "Shortlived"})
    deal = remote.create("deals", {"dealname": "Theirs"})
    remote.associate("deals", deal, company)

    remote.hard_delete([company])

    assert wire.get(f"{COMPANIES}/{company}").status_code == 404
    assert wire.get(f"{COMPANIES}/{company}", archived="true").status_code == 404
    assert company not in _searched(wire)
    assert wire.get(f"/crm/v4/objects/deals/{deal}/associations/companies").json()["results"] == []


def test_a_bulk_edit_has_one_stamp_although_time_goes_by(wire: Wire, remote: HubspotRemote) -> None:
    chosen = [record["id"] for record in remote.records("companies")[:20]]
    remote.freeze(frozen=False)
    assert remote.edit_many("companies", {"city": "Graz"}, ids=chosen) == chosen
    records = remote.records("companies", chosen)
    assert {record["city"] for record in records} == {"Graz"}
    assert len({record["hs_lastmodifieddate"] for record in records}) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "records/wombats", {}),
        ("PATCH", "records/companies/1", {}),
        ("POST", "records/companies", {"nonsense": "x"}),
        ("POST", "merge", {"master": "1", "losers": []}),
        ("POST", "hard_delete", {"ids": ["1"]}),
        ("POST", "clock", {"now": "soon"}),
        ("POST", "lag", {}),
        ("POST", "associations", {"object": "deals", "id": "1", "to": "companies", "to_id": "1", "labels": ["Nobody's"]}),
    ],
)
def test_a_control_that_means_nothing_says_so(wire: Wire, method: str, path: str, body: dict[str, object]) -> None:
    answer = wire.ask(method, f"/__sandbox__/{path}", json=body)
    assert answer.status_code in (409, 422)
    assert answer.json()["error"]


def test_a_reset_begins_anew(wire: Wire, remote: HubspotRemote) -> None:
    before = remote.records("companies"), remote.records("deals")
    remote.lag_search(9)
    remote.merge(before[0][0]["id"], [before[0][1]["id"]])
    remote.edit_many("deals", {"amount": "1"}, count=5)

    remote.reset()

    assert (remote.records("companies"), remote.records("deals")) == before
    remote.create("companies", {"name": "Seen at once"})
    assert len(_searched(wire)) == 41


def test_people_see_whom_a_record_is_associated_with(remote: HubspotRemote) -> None:
    deal = remote.create("deals", {"dealname": "Harbor Freight Lines"})
    one, other = (remote.create("companies", {"name": name}) for name in ("Birch Systems", "Cedar IT"))
    remote.associate("deals", deal, one, "Portal partner", "Portal second partner")
    remote.associate("deals", deal, other)
    remote.delete("companies", other)

    found = [row for row in remote.associations("deals") if row["id"] == deal]

    assert [(row["to_id"], sorted(row["labels"])) for row in found] == [(one, ["Portal partner", "Portal second partner"])]
