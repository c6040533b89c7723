"""Queries: what they find, what they refuse and in which words."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simple_salesforce.api import Salesforce
from simple_salesforce.format import format_soql

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire

DATED = "SELECT Id FROM Account WHERE CreatedDate"
ACCOUNTS = "SELECT Id, Name FROM Account WHERE "


def _names(wire: Wire, where: str) -> list[str]:
    answer = wire.soql(f"{ACCOUNTS}{where}")
    assert answer.status_code == 200, answer.text
    return sorted(record["Name"] for record in answer.json()["records"])


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name = 'birch systems'", ["Birch Systems"]),
        ("Name IN ('Birch Systems', 'CEDAR IT', 'Nobody')", ["Birch Systems", "Cedar IT"]),
        ("Name LIKE 'b%system_'", ["Birch Systems"]),
        ("(NOT Name LIKE '%') AND Name != null", []),
        ("Portal_Account_Type__c = 'Reseller Plus' OR Portal_Account_Type__c = 'vendor'", ["Ivy Integrators", "Northwind Software"]),
        ("Name = 'Larch Logistics' AND Portal_Status__c = null", ["Larch Logistics"]),
        ("Name = 'Larch Logistics' AND Portal_Status__c != 'Active'", ["Larch Logistics"]),
        ("Name = 'Larch Logistics' AND (NOT Portal_Status__c = 'Active')", ["Larch Logistics"]),
        ("Name = 'Larch Logistics' AND Portal_Status__c NOT IN ('Active', 'Pending')", ["Larch Logistics"]),
        ("Name = 'Larch Logistics' AND Portal_Status__c IN ('Active', null)", ["Larch Logistics"]),
        ("Name = 'Larch Logistics' AND Portal_Status__c > 'A'", []),
        ("Associated_Second_Partner__c INCLUDES ('Arrow Electronics;Bolt Distribution') AND Name LIKE '% Systems'", ["Birch Systems"]),
        ("Associated_Second_Partner__c INCLUDES ('Granite Distribution', 'Zenith Supply')", ["Elm Consulting", "Fir Technologies"]),
        ("Name = 'Dogwood Networks' AND Associated_Second_Partner__c EXCLUDES ('Arrow Electronics')", ["Dogwood Networks"]),
        ("IsDeleted = TRUE", []),
        ("Name = 'Birch Systems' AND IsDeleted = false AND NumberOfEmployees >= 1 AND NumberOfEmployees < 9.9e9", ["Birch Systems"]),
        ("Name = 'Birch Systems' AND CreatedDate < 2026-05-20T14:00:00+02:00", ["Birch Systems"]),
        ("Name = 'Birch Systems' AND CreatedDate < 2026-05-20T12:00:00.000Z", ["Birch Systems"]),
        ("Name = 'Birch Systems' AND CreatedDate > 2026-05-20T12:00:00.000+0000", []),
    ],
)  # fmt: skip
def test_conditions(wire: Wire, where: str, names: list[str]) -> None:
    assert _names(wire, where) == names


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("SELECT Id, Foo FROM Account", "INVALID_FIELD", "\nERROR at Row:1:Column:12\nNo such column 'Foo' on entity 'Account'."),
        ("SELECT Id FROM Foo", "INVALID_TYPE", "sObject type 'Foo' is not supported."),
        ("SELECT Id Account", "MALFORMED_QUERY", "unexpected token: 'Account'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        (f"{DATED} > 2026-01-01T12:00:00.000 0100", "MALFORMED_QUERY", "no viable alternative at character ' '"),
        (f"{DATED} > '2026-01-01T12:00:00Z'", "INVALID_FIELD", "must be of type dateTime and should not be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "must be of type string and should be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Id > '001'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 001"),
        ("SELECT Id FROM Account WHERE Name INCLUDES ('x')", "INVALID_QUERY_FILTER_OPERATOR", "includes or excludes"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id, Name, id FROM Account", "INVALID_FIELD", "duplicate field selected: id"),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
    ],
)  # fmt: skip
def test_refusals(wire: Wire, query: str, code: str, words: str) -> None:
    refusal = wire.refusal(query)
    assert refusal["errorCode"] == code
    assert words in refusal["message"]


def test_the_caret_stands_under_the_error(wire: Wire) -> None:
    _, shown, caret, *_ = wire.refusal("SELECT Id, Foo FROM Account")["message"].split("\n")
    assert shown[caret.index("^") :].startswith("Foo")


def test_shape_of_a_record_follows_the_query(wire: Wire) -> None:
    answer = wire.soql("select systemmodstamp, NAME, IsDeleted, Id from account where Name = 'Cedar IT'").json()
    [record] = answer["records"]
    assert list(answer) == ["totalSize", "done", "records"]
    assert list(record) == ["attributes", "SystemModstamp", "Name", "IsDeleted", "Id"]
    assert record["attributes"]["url"].endswith(f"/sobjects/Account/{record['Id']}")
    assert record["IsDeleted"] is False
    assert record["SystemModstamp"].endswith(".000+0000")


def test_order_limit_offset_count(wire: Wire) -> None:
    every = wire.ids("SELECT Id FROM Account ORDER BY SystemModstamp, Id")
    assert wire.ids("SELECT Id FROM Account ORDER BY SystemModstamp DESC, Id DESC") == every[::-1]
    assert wire.ids("SELECT Id FROM Account ORDER BY SystemModstamp, Id LIMIT 5 OFFSET 3") == every[3:8]
    assert wire.soql("SELECT COUNT() FROM Account").json() == {"totalSize": 60, "done": True, "records": []}
    by_status = "SELECT Portal_Status__c FROM Account ORDER BY Portal_Status__c"
    nulls = [r["Portal_Status__c"] for r in wire.soql(by_status).json()["records"]]
    assert nulls[0] is None
    last = [r["Portal_Status__c"] for r in wire.soql(f"{by_status} NULLS LAST").json()["records"]]
    assert last[-1] is None


def test_ids_of_15_characters_are_found(wire: Wire) -> None:
    [full] = wire.ids(f"{ACCOUNTS}Name = 'Cedar IT'")
    assert wire.ids(f"{ACCOUNTS}Id = '{full[:15]}'") == [full]
    assert wire.ids(f"{ACCOUNTS}Id IN ('{full[:15]}')") == [full]
    swapped = full[:15].swapcase()
    assert wire.ids(f"{ACCOUNTS}Id = '{swapped}'") == []


def test_query_all_sees_the_recycle_bin(wire: Wire, salesforce: Salesforce, remote: Remote) -> None:
    cedar = remote.named("Account", "Cedar IT")["Id"]
    remote.delete("Account", cedar)
    query = f"SELECT Id, IsDeleted FROM Account WHERE Id = '{cedar}'"
    assert wire.ids(query) == []
    [found] = salesforce.query_all(query, include_deleted=True)["records"]
    assert found["IsDeleted"] is True


def test_every_ordered_row_once_by_keyset_of_stamp_and_id(wire: Wire, remote: Remote) -> None:
    # Given rows with stamps of the same second
    stamps = [record["SystemModstamp"] for record in remote.records("Account")]
    assert len(set(stamps)) < len(stamps)
    # When they are read seven at a time by (stamp, id)
    seen: list[str] = []
    where = ""
    while page := wire.soql(f"SELECT Id, SystemModstamp FROM Account {where} ORDER BY SystemModstamp, Id LIMIT 7").json()["records"]:
        seen += [record["Id"] for record in page]
        at, last = page[-1]["SystemModstamp"], page[-1]["Id"]
        where = f"WHERE SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '{last}')"
    # Then each was read once
    assert sorted(seen) == [record["Id"] for record in remote.records("Account")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(str.strip).filter(bool))
def test_any_name_is_found_by_its_escaped_self(salesforce: Salesforce, remote: Remote, name: str) -> None:
    record_id = remote.create("Account", {"Name": name})
    found = salesforce.query(format_soql("SELECT Id FROM Account WHERE Name = {}", name))
    liked = salesforce.query(format_soql("SELECT Id FROM Account WHERE Name LIKE '{:like}'", name))
    remote.hard_delete([record_id])
    assert record_id in [record["Id"] for record in found["records"]]
    assert record_id in [record["Id"] for record in liked["records"]]
