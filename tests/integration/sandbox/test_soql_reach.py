"""Queries beyond one table's own fields: parents, aliases, stretches of days, counts and groups, FIELDS(), semi-joins, limits of size."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.soql.date_words import span
from tests.integration.sandbox.conftest import Wire

TODAY = date(2026, 5, 20)  # a Wednesday; the folder's clock stands at its noon


def _records(wire: Wire, text: str) -> list[dict[str, Any]]:
    answer = wire.soql(text)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["records"])


def test_parents_are_nested_in_their_children(wire: Wire, remote: Remote) -> None:
    partner = remote.named("Account", "Birch Systems")
    owner = next(user for user in remote.records("User") if user["Id"] == partner["OwnerId"])
    query = (
        "SELECT Portal_Partner__r.Name, Id, Portal_Partner__r.Owner.Name, Portal_Partner__r.IsDeleted, Account.Name FROM Opportunity "
        "WHERE Portal_Partner__r.Name = 'BIRCH systems' AND AccountId = null ORDER BY Portal_Partner__r.Name, Id LIMIT 1"
    )
    remote.create("Opportunity", {"Name": "X", "StageName": "Prospecting", "CloseDate": "2026-06-01", "Portal_Partner__c": partner["Id"]})
    [deal] = _records(wire, query)
    assert list(deal) == ["attributes", "Portal_Partner__r", "Id", "Account"]
    nested = deal["Portal_Partner__r"]
    assert nested["attributes"] == {"type": "Account", "url": f"/services/data/v60.0/sobjects/Account/{partner['Id']}"}
    assert (nested["Name"], nested["IsDeleted"], nested["Owner"]["Name"]) == ("Birch Systems", False, owner["Name"])
    assert nested["Owner"]["attributes"]["type"] == "User"
    assert deal["Account"] is None


def test_an_alias_and_the_types_own_name_in_front(wire: Wire) -> None:
    ids = wire.ids("SELECT Id FROM Account WHERE Name LIKE 'b%'")
    assert wire.ids("SELECT a.Id FROM Account a WHERE a.Name LIKE 'b%'") == ids
    assert wire.ids("SELECT Account.Id FROM Account WHERE Account.Name LIKE 'b%'") == ids


def test_semi_joins(wire: Wire, remote: Remote) -> None:
    partners = {row["Portal_Partner__c"] for row in remote.records("Opportunity")} - {None}
    inside = wire.ids("SELECT Id FROM Account WHERE Id IN (SELECT Portal_Partner__c FROM Opportunity WHERE Amount > 0)")
    outside = wire.ids("SELECT Id FROM Account WHERE Id NOT IN (SELECT Portal_Partner__c FROM Opportunity)")
    assert set(inside) == partners
    assert len(inside) + len(outside) == len(remote.records("Account"))


def test_counts_and_groups(wire: Wire, remote: Remote) -> None:
    accounts = remote.records("Account")
    assert _records(wire, "SELECT COUNT(Id) FROM Account") == [{"attributes": {"type": "AggregateResult"}, "expr0": len(accounts)}]
    groups = _records(wire, "SELECT Portal_Status__c, COUNT(Id) n, MAX(SystemModstamp) FROM Account GROUP BY Portal_Status__c")
    assert sum(group["n"] for group in groups) == len(accounts)
    assert max(group["expr0"] for group in groups) == max(row["SystemModstamp"] for row in accounts)
    assert (
        _records(wire, "SELECT Portal_May_Register__c FROM Account GROUP BY Portal_May_Register__c")[0]["Portal_May_Register__c"] is False
    )
    assert "must be grouped or aggregated: Name" in wire.refusal("SELECT Name, COUNT(Id) FROM Account")["message"]


def test_every_field_at_once(wire: Wire, remote: Remote) -> None:
    names = [field["name"] for field in wire.ask("GET", "sobjects/Lead/describe").json()["fields"]]
    custom = [name for name in names if name.endswith("__c")]
    [every] = _records(wire, "SELECT FIELDS(ALL) FROM Lead LIMIT 1")
    assert list(every) == ["attributes", *names]
    assert list(_records(wire, "SELECT FIELDS(CUSTOM) FROM Lead LIMIT 1")[0]) == ["attributes", *custom]
    assert len(_records(wire, "SELECT FIELDS(STANDARD) FROM Lead")) == len(remote.records("Lead"))
    assert wire.refusal("SELECT FIELDS(ALL) FROM Lead")["message"] == "The SOQL FIELDS function must have a LIMIT of at most 200"
    assert wire.refusal("SELECT FIELDS(ALL), Id FROM Lead LIMIT 5")["errorCode"] == "INVALID_FIELD"
    assert list(_records(wire, "SELECT toLabel(Status), toLabel(LeadSource) src FROM Lead LIMIT 1")[0]) == ["attributes", "Status", "src"]


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("TODAY", "2026-05-20", "2026-05-21"),
        ("yesterday", "2026-05-19", "2026-05-20"),
        ("TOMORROW", "2026-05-21", "2026-05-22"),
        ("THIS_WEEK", "2026-05-17", "2026-05-24"),
        ("LAST_WEEK", "2026-05-10", "2026-05-17"),
        ("NEXT_MONTH", "2026-06-01", "2026-07-01"),
        ("THIS_QUARTER", "2026-04-01", "2026-07-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
        ("LAST_FISCAL_QUARTER", "2026-01-01", "2026-04-01"),
        ("LAST_90_DAYS", "2026-02-19", "2026-05-21"),
        ("NEXT_90_DAYS", "2026-05-21", "2026-08-19"),
        ("LAST_N_DAYS:30", "2026-04-20", "2026-05-21"),
        ("NEXT_N_DAYS:2", "2026-05-21", "2026-05-23"),
        ("N_DAYS_AGO:3", "2026-05-17", "2026-05-18"),
        ("LAST_N_MONTHS:2", "2026-03-01", "2026-05-01"),
        ("N_MONTHS_AGO:5", "2025-12-01", "2026-01-01"),
        ("NEXT_N_QUARTERS:1", "2026-07-01", "2026-10-01"),
        ("LAST_N_YEARS:2", "2024-01-01", "2026-01-01"),
    ],
)
def test_stretches_of_days(word: str, start: str, end: str) -> None:
    assert span(word, TODAY) == (date.fromisoformat(start), date.fromisoformat(end))


@given(day=st.dates(date(1970, 1, 1), date(2100, 1, 1)), unit=st.sampled_from(["WEEK", "MONTH", "QUARTER", "YEAR"]))
def test_last_this_and_next_touch(day: date, unit: str) -> None:
    last, this, following = (span(f"{when}_{unit}", day) for when in ("LAST", "THIS", "NEXT"))
    assert last[1] == this[0] <= day < this[1] == following[0]


def test_stretches_in_conditions(wire: Wire, remote: Remote) -> None:
    # Given accounts of yesterday's last second, of today's first, and of now
    ids = []
    for moment in (datetime(2026, 5, 19, 23, 59, 59, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC), datetime(2026, 5, 20, 12, tzinfo=UTC)):
        remote.set_clock(moment)
        ids.append(remote.create("Account", {"Name": "Timed"}))
    # Then a word means its whole stretch, whatever it is compared by
    for condition, wanted in (
        ("= TODAY", ids[1:]),
        ("!= TODAY", ids[:1]),
        ("< TODAY", ids[:1]),
        ("<= YESTERDAY", ids[:1]),
        ("> YESTERDAY", ids[1:]),
        (">= YESTERDAY", ids),
        ("= LAST_N_DAYS:1", ids),
        ("> TODAY", []),
    ):
        assert wire.ids(f"SELECT Id FROM Account WHERE Name = 'Timed' AND CreatedDate {condition}") == wanted, condition
    soon = (TODAY + timedelta(days=3)).isoformat()
    remote.create("Opportunity", {"Name": "Soon", "StageName": "Prospecting", "CloseDate": soon})
    assert len(wire.ids("SELECT Id FROM Opportunity WHERE CloseDate = NEXT_N_DAYS:3 AND Name = 'Soon'")) == 1
    assert wire.refusal("SELECT Id FROM Account WHERE Name = TODAY")["errorCode"] == "INVALID_FIELD"


def test_what_is_too_much(wire: Wire) -> None:
    many = " OR ".join(f"Name = 'n{number}'" for number in range(600))
    assert wire.ids(f"SELECT Id FROM Account WHERE {many}") == []
    deep = "(NOT " * 400 + "Name = 'x'" + ")" * 400
    assert wire.refusal(f"SELECT Id FROM Account WHERE {deep}")["errorCode"] == "QUERY_TOO_COMPLICATED"
    assert "too long" in wire.refusal(f"SELECT Id FROM Account WHERE Name = '{'x' * 4001}'")["message"]
    headers = {f"X-Filler-{number}": "x" * 4100 for number in range(4)}
    assert wire.soql("SELECT Id FROM Account LIMIT 1", **headers).status_code == 431
