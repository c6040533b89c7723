"""Bulk 2.0: results by pages and locators, loads with their three kinds of results, states, refusals."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceOperationError

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire

FIELDS = "Id, Name, Portal_May_Register__c, NumberOfEmployees, Associated_Second_Partner__c, SystemModstamp, Owner.Name"


@pytest.fixture
def at_once(remote: Remote) -> None:
    remote.set_bulk(polls=0)


def _job(wire: Wire, query: str, operation: str = "query", **more: str) -> dict[str, Any]:
    answer = wire.ask("POST", "jobs/query", json={"operation": operation, "query": query, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _results(wire: Wire, job_id: str, **params: Any) -> requests.Response:
    answer = wire.ask("GET", f"jobs/query/{job_id}/results", params=params)
    assert answer.status_code == 200, answer.text
    return answer


def _rows(text: str, **options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), **options))


def test_a_query_job_through_its_states(wire: Wire, remote: Remote) -> None:
    job = _job(wire, "SELECT Id, Name FROM Account")
    assert list(job) == [
        *("id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode"),
        *("contentType", "apiVersion", "lineEnding", "columnDelimiter"),
    ]
    assert (job["id"][:3], len(job["id"]), job["object"], job["apiVersion"]) == ("750", 18, "Account", 60.0)
    early = wire.ask("GET", f"jobs/query/{job['id']}/results")
    states = [job["state"], *(wire.ask("GET", f"jobs/query/{job['id']}").json()["state"] for _ in range(3))]
    assert states == ["UploadComplete", "InProgress", "JobComplete", "JobComplete"]
    assert (early.status_code, early.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    assert wire.ask("GET", f"jobs/query/{job['id']}").json()["numberRecordsProcessed"] == len(remote.records("Account"))


@pytest.mark.usefixtures("at_once")
def test_pages_by_locator_have_their_header_each(wire: Wire, remote: Remote) -> None:
    job = _job(wire, f"SELECT {FIELDS} FROM Account ORDER BY SystemModstamp, Id")
    wire.ask("GET", f"jobs/query/{job['id']}")
    rows: list[dict[str, str]] = []
    locator, counts = None, []
    while locator != "null":
        page = _results(wire, job["id"], maxRecords=25, **({} if locator is None else {"locator": locator}))
        locator = page.headers["Sforce-Locator"]
        counts.append(int(page.headers["Sforce-NumberOfRecords"]))
        assert page.text.startswith('"Id","Name","Portal_May_Register__c",')
        rows += _rows(page.text)
    records = {record["Id"]: record for record in remote.records("Account")}
    assert counts == [25, 25, 10]
    assert len(rows) == len({row["Id"] for row in rows}) == len(records)
    users = {user["Id"]: user["Name"] for user in remote.records("User")}
    for row in rows:
        record = records[row["Id"]]
        assert row["Portal_May_Register__c"] == str(record["Portal_May_Register__c"]).lower()
        assert row["SystemModstamp"] == record["SystemModstamp"].replace("+0000", "Z")
        assert row["Associated_Second_Partner__c"] == (record["Associated_Second_Partner__c"] or "")
        assert row["Owner.Name"] == users[record["OwnerId"]]
    # And a locator outlives the session that the job was made in, but not the job
    wire.log_in()
    assert _results(wire, job["id"], maxRecords=10, locator="MjU").headers["Sforce-NumberOfRecords"] == "10"
    assert wire.ask("DELETE", f"jobs/query/{job['id']}").status_code == 204
    assert wire.ask("GET", f"jobs/query/{job['id']}/results", params={"locator": "MjU"}).status_code == 404


@pytest.mark.usefixtures("at_once")
def test_a_result_shows_no_edit_that_came_after_the_job(wire: Wire, remote: Remote) -> None:
    edited = remote.create("Account", {"Name": "As it was"})
    job = _job(wire, f"SELECT Name FROM Account WHERE Id = '{edited}'")
    wire.ask("GET", f"jobs/query/{job['id']}")
    remote.edit("Account", edited, {"Name": "As it is"})
    assert _rows(_results(wire, job["id"]).text) == [{"Name": "As it was"}]


@pytest.mark.usefixtures("at_once")
def test_query_all_delimiters_and_quotes(wire: Wire, remote: Remote) -> None:
    gone = remote.create("Account", {"Name": 'Semi;colon "and" quote', "Description": "two\nlines"})
    remote.delete("Account", gone)
    job = _job(
        wire,
        f"SELECT Id, Name, Description, IsDeleted FROM Account WHERE Id = '{gone}'",
        "queryAll",
        columnDelimiter="PIPE",
        lineEnding="CRLF",
    )
    wire.ask("GET", f"jobs/query/{job['id']}")
    page = _results(wire, job["id"])
    assert (
        page.content == (f'"Id"|"Name"|"Description"|"IsDeleted"\r\n"{gone}"|"Semi;colon ""and"" quote"|"two\nlines"|"true"\r\n').encode()
    )
    assert page.headers["Sforce-Locator"] == "null"
    nothing = _job(wire, "SELECT Id FROM Account WHERE Name = 'nobody'")
    wire.ask("GET", f"jobs/query/{nothing['id']}")
    empty = _results(wire, nothing["id"])
    assert (empty.text, empty.headers["Sforce-NumberOfRecords"], empty.headers["Sforce-Locator"]) == ('"Id"\n', "0", "null")


@pytest.mark.usefixtures("at_once")
def test_result_pages_name_where_to_fetch_side_by_side(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_sandbox.salesforce.bulk.extract.RESULT_PAGE_SIZE", 10)
    job = _job(wire, "SELECT Id FROM Account")
    wire.ask("GET", f"jobs/query/{job['id']}")
    first = wire.ask("GET", f"jobs/query/{job['id']}/resultPages").json()
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    last = wire.ask("GET", first["nextRecordUrl"]).json()
    assert (len(last["resultPages"]), last["done"], last["nextRecordUrl"]) == (1, True, None)
    pages = [wire.ask("GET", page["resultUrl"]).text for page in first["resultPages"] + last["resultPages"]]
    assert len({row["Id"] for page in pages for row in _rows(page)}) == 60
    assert wire.ask("GET", f"/services/data/v57.0/jobs/query/{job['id']}/resultPages").status_code == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT COUNT() FROM Account", "Aggregate Relationships not supported in Bulk Query"),
        ("SELECT Name, COUNT(Id) FROM Account GROUP BY Name", "Aggregate Relationships not supported in Bulk Query"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "OFFSET clause not supported in Bulk Query"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 5", "The SOQL FIELDS function is not supported"),
        ("SELECT Nope FROM Account", "No such column 'Nope'"),
        ("SELEC", "unexpected token"),
    ],
)
def test_what_bulk_refuses(wire: Wire, query: str, words: str) -> None:
    answer = wire.ask("POST", "jobs/query", json={"operation": "query", "query": query})
    assert answer.status_code == 400
    assert words.replace("unexpected token", "") in answer.json()[0]["message"]


def test_abort_delete_and_list(wire: Wire) -> None:
    job = _job(wire, "SELECT Id FROM Lead")
    path = f"jobs/query/{job['id']}"
    assert wire.ask("DELETE", path).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert wire.ask("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert wire.ask("PATCH", path, json={"state": "Aborted"}).status_code == 400
    listed = wire.ask("GET", "jobs/query").json()
    assert ([row["id"] for row in listed["records"]], listed["done"]) == ([job["id"]], True)
    assert (wire.ask("DELETE", path).status_code, wire.ask("GET", path).status_code) == (204, 404)


def test_a_job_that_fails_by_order(salesforce: Salesforce, remote: Remote) -> None:
    handler: Any = salesforce.bulk2
    remote.set_bulk(fail="QUERY_TIMEOUT : Your query request was running for too long.")
    with pytest.raises(SalesforceOperationError, match="QUERY_TIMEOUT"):
        list(handler.Account.query("SELECT Id FROM Account", wait=0))


# -- ingest


@pytest.mark.usefixtures("at_once")
def test_simple_salesforce_loads(salesforce: Salesforce, wire: Wire, remote: Remote) -> None:
    handler: Any = salesforce.bulk2  # the library's own annotation is that of its version 1
    bulk = handler.Account
    new = [{"Name": f"Loaded {number}", "Portal_Company_Id__c": f"c-{number}", "NumberOfEmployees": str(number)} for number in range(5)]
    [done] = bulk.insert(records=new, wait=0)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (5, 0)
    loaded = {row["Portal_Company_Id__c"]: row for row in _loaded(remote)}
    assert [loaded[f"c-{number}"]["NumberOfEmployees"] for number in range(5)] == [0, 1, 2, 3, 4]
    # An empty cell says nothing, #N/A says null
    changes = [{"Id": loaded["c-1"]["Id"], "NumberOfEmployees": "", "Phone": "1"}, {"Id": loaded["c-2"]["Id"], "NumberOfEmployees": "#N/A"}]
    bulk.update(records=changes, wait=0)
    after = {row["Portal_Company_Id__c"]: row for row in _loaded(remote)}
    assert [after[key]["NumberOfEmployees"] for key in ("c-1", "c-2")] == [1, None]
    assert after["c-1"]["Phone"] == "1"
    # An upsert creates or updates by its key
    pair = [{"Portal_Company_Id__c": "c-0", "Name": "Loaded again"}, {"Portal_Company_Id__c": "c-9", "Name": "Loaded nine"}]
    [done] = bulk.upsert(records=pair, external_id_field="Portal_Company_Id__c", wait=0)
    results = bulk.get_all_ingest_records(done["job_id"])
    assert [row["sf__Created"] for row in results["successfulRecords"]] == ["false", "true"]
    bulk.delete(records=[{"Id": after["c-3"]["Id"]}], wait=0)
    bulk.hard_delete(records=[{"Id": after["c-4"]["Id"]}], wait=0)
    assert remote.record("Account", after["c-3"]["Id"])["IsDeleted"] is True
    assert remote.records("Account", [after["c-4"]["Id"]]) == []


def _loaded(remote: Remote) -> list[dict[str, Any]]:
    return [row for row in remote.records("Account") if row["Name"].startswith("Loaded")]


def _load(wire: Wire, data: str, **job: str) -> tuple[dict[str, Any], Callable[[str], str]]:
    created = wire.ask("POST", "jobs/ingest", json={"object": "Account", "contentType": "CSV", "operation": "insert", **job}).json()
    assert created["contentUrl"] == f"services/data/v60.0/jobs/ingest/{created['id']}/batches"
    path = f"jobs/ingest/{created['id']}"
    assert wire.ask("PUT", f"{path}/batches", data=data.encode(), headers={"Content-Type": "text/csv"}).status_code == 201
    assert wire.ask("PATCH", path, json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    return wire.ask("GET", path).json(), lambda which: wire.ask("GET", f"{path}/{which}").text


@pytest.mark.usefixtures("at_once")
def test_rows_that_are_refused_stand_with_their_reason(wire: Wire, remote: Remote) -> None:
    remote.fault("bulk_ingest_state", record=True, after=2, error_code="UNABLE_TO_LOCK_ROW")
    data = 'Name;Portal_Status__c\n"A ""b""";Active\n;Active\nLocked;Active\nOdd;Gone\n'
    told, results = _load(wire, data, columnDelimiter="SEMICOLON")
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("JobComplete", 4, 3)
    [good] = _rows(results("successfulResults"), delimiter=";")
    assert (good["Name"], good["sf__Created"], good["sf__Id"][:3]) == ('A "b"', "true", "001")
    reasons = [row["sf__Error"] for row in _rows(results("failedResults"), delimiter=";")]
    assert reasons[0] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert [reason.partition(":")[0] for reason in reasons[1:]] == ["UNABLE_TO_LOCK_ROW", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert results("unprocessedRecords") == '"Name";"Portal_Status__c"\n'


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("Name\r\nA\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"),
        ("Name,Nope\nA,B\n", "InvalidBatch : Field name not found : Nope"),
        ("Name,Phone\nA\n", "InvalidBatch : Failed to parse CSV."),
    ],
)
def test_a_load_that_fails_as_a_whole(wire: Wire, remote: Remote, data: str, error: str) -> None:
    before = remote.records("Account")
    told, _ = _load(wire, data)
    assert told["state"] == "Failed"
    assert told["errorMessage"].startswith(error)
    assert remote.records("Account") == before


@pytest.mark.usefixtures("at_once")
def test_parents_by_a_key_of_their_own(wire: Wire, remote: Remote) -> None:
    cedar = remote.named("Account", "Cedar IT")["Id"]
    remote.edit("Account", cedar, {"Portal_Company_Id__c": "cedar"})
    told, results = _load(wire, "LastName,Company,Portal_Partner__r.Portal_Company_Id__c\nDoe,Acme,cedar\nRoe,Acme,nobody\n", object="Lead")
    [lead] = _rows(results("successfulResults"))
    assert remote.record("Lead", lead["sf__Id"])["Portal_Partner__c"] == cedar
    assert "Foreign key external ID: nobody not found" in _rows(results("failedResults"))[0]["sf__Error"]
    assert told["numberRecordsFailed"] == 1
    body = {"LastName": "Poe", "Company": "Acme", "Portal_Partner__r": {"Portal_Company_Id__c": "cedar"}}
    created = wire.ask("POST", "sobjects/Lead", json=body).json()["id"]
    assert remote.record("Lead", created)["Portal_Partner__c"] == cedar


def test_data_is_put_once_into_an_open_job(wire: Wire) -> None:
    created = wire.ask("POST", "jobs/ingest", json={"object": "Account", "operation": "insert"}).json()
    path = f"jobs/ingest/{created['id']}"
    codes = [wire.ask("PUT", f"{path}/batches", data=b"Name\nA\n").status_code for _ in range(2)]
    assert codes == [201, 400]
    assert wire.ask("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert wire.ask("PATCH", path, json={"state": "UploadComplete"}).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    bad = wire.ask("POST", "jobs/ingest", json={"object": "Account", "operation": "upsert", "externalIdFieldName": "Name"})
    assert bad.json()[0]["message"] == "Field name provided, Name is not an External ID or indexed field for Account"
    assert wire.ask("POST", "jobs/ingest", json={"object": "Nope", "operation": "insert"}).json()[0]["errorCode"] == "INVALIDENTITY"


def test_bulk_calls_have_their_kinds(wire: Wire, remote: Remote) -> None:
    job = _job(wire, "SELECT Id FROM Lead")
    remote.fault("bulk_query_state", object_name="Account", status=500)
    remote.fault("bulk_query_results", object_name="Lead", status=503, body="html")
    wire.ask("GET", f"jobs/query/{job['id']}")
    assert wire.ask("GET", f"jobs/query/{job['id']}").json()["state"] == "JobComplete"
    assert wire.ask("GET", f"jobs/query/{job['id']}/results").status_code == 503
    assert _results(wire, job["id"]).headers["Sforce-NumberOfRecords"] == "12"
    assert remote.calls()["kinds"] == {"bulk_query": 1, "bulk_query_results": 2, "bulk_query_state": 2}
