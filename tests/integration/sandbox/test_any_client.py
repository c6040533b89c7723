"""Requests of clients that nobody here wrote: spellings that the vendor takes, and what is said where the sandbox does not follow."""

import asyncio
import csv
import io
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from crm_sandbox import process
from crm_sandbox.clock import Clock
from crm_sandbox.process import HubspotOptions, Options
from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.bulk import extract, jobs
from crm_sandbox.salesforce.bulk.load import ROWS_A_SLICE, IngestJob
from crm_sandbox.salesforce.data.seed import SalesforceSizes
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.xml_text import texts_by_name
from tests.integration.sandbox.conftest import NOW, OPTIONS, Wire

MOMENTS = ["2026-05-20T11:59:59.000000Z", "2026-05-20T05:59:59.299852-06:00", "2026-05-20T11:59:59.123456789123Z"]


@pytest.fixture
def account(remote: Remote) -> str:
    """The one account that was changed a moment ago."""
    found = str(remote.named("Account", "Cedar IT")["Id"])
    remote.edit("Account", found, {"Phone": "1"})
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_moments_of_a_query_have_any_number_of_fraction_digits(wire: Wire, remote: Remote, account: str, moment: str) -> None:
    remote.set_bulk(polls=0)
    text = f"SELECT Id FROM Account WHERE SystemModstamp >= {moment}"

    job = wire.ask("POST", "jobs/query", json={"operation": "query", "query": text}).json()
    assert wire.ask("GET", f"jobs/query/{job['id']}").json()["numberRecordsProcessed"] == 1

    assert wire.ids(text) == [account]
    assert wire.ids(f"SELECT Id FROM Account WHERE SystemModstamp > {NOW:%Y-%m-%dT%H:%M:%S}.000001Z") == []
    changed = wire.ask("GET", "sobjects/Account/updated", params={"start": moment, "end": "2026-05-20T12:01:00.000000Z"})
    assert changed.status_code == 200, changed.text


def test_a_moment_without_a_zone_is_refused_however_long_its_fraction(wire: Wire) -> None:
    refusal = wire.refusal("SELECT Id FROM Account WHERE SystemModstamp >= 2026-05-20T11:59:59.000000 LIMIT 1")
    assert refusal["errorCode"] == "MALFORMED_QUERY"


@pytest.mark.parametrize("tail", ["", "/"])
@pytest.mark.parametrize("name", ["successfulResults", "failedResults", "unprocessedRecords"])
def test_results_of_a_load_are_found_in_both_spellings(wire: Wire, remote: Remote, name: str, tail: str) -> None:
    remote.set_bulk(polls=0)
    path = f"jobs/ingest/{wire.ask('POST', 'jobs/ingest', json={'object': 'Account', 'operation': 'insert'}).json()['id']}"
    wire.ask("PUT", f"{path}/batches{tail}", data=b"Name\nNew\n")
    wire.ask("PATCH", f"{path}{tail}", json={"state": "UploadComplete"})
    assert wire.ask("GET", f"{path}{tail}").json()["state"] == "JobComplete"

    answers = [wire.ask("GET", f"{path}/{spelled}{tail}") for spelled in (name, name.lower())]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    assert "Name" in next(csv.reader(io.StringIO(answers[0].text)))


@pytest.mark.parametrize("options", [OPTIONS, HubspotOptions(companies=0, deals=0, inquiries=0)], ids=["salesforce", "hubspot"])
def test_an_idle_connection_is_kept_for_longer_than_clients_wait_between_two_polls(options: Options) -> None:
    assert process._server(options, "http://127.0.0.1:1").config.timeout_keep_alive >= 75


# -- large jobs


@pytest.fixture
def slow_polls(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of more than a slice outlast the poll that begins them."""
    monkeypatch.setattr(jobs, "SLICES_IN_A_POLL", 1)
    monkeypatch.setattr(extract, "_CHUNK", 7)
    remote.set_bulk(polls=0)


def _until_complete(wire: Wire, path: str) -> list[str]:
    states = [wire.ask("GET", path).json()["state"]]
    while states[-1] == "InProgress":
        assert wire.ask("GET", "limits").status_code == 200
        states.append(wire.ask("GET", path).json()["state"])
    return states


@pytest.mark.usefixtures("slow_polls")
def test_a_large_load_is_not_done_inside_of_one_poll(wire: Wire, remote: Remote) -> None:
    ids = [record["Id"] for record in remote.records("Account")]
    path = f"jobs/ingest/{wire.ask('POST', 'jobs/ingest', json={'object': 'Account', 'operation': 'delete'}).json()['id']}"
    wire.ask("PUT", f"{path}/batches", data="\n".join(["Id", *ids, ""]).encode())
    wire.ask("PATCH", path, json={"state": "UploadComplete"})

    states = _until_complete(wire, path)

    assert (states[0], states[-1]) == ("InProgress", "JobComplete")
    assert wire.ask("GET", path).json()["numberRecordsProcessed"] == len(ids)
    assert all(record["IsDeleted"] for record in remote.records("Account"))


@pytest.mark.usefixtures("slow_polls")
def test_a_large_query_is_not_done_inside_of_one_poll(wire: Wire, remote: Remote) -> None:
    wanted = [record["Id"] for record in remote.records("Account")]
    query = {"operation": "query", "query": "SELECT Id FROM Account ORDER BY Id"}
    path = f"jobs/query/{wire.ask('POST', 'jobs/query', json=query).json()['id']}"

    states = _until_complete(wire, path)

    assert (states[0], states[-1]) == ("InProgress", "JobComplete")
    header, *rows = csv.reader(io.StringIO(wire.ask("GET", f"{path}/results").text))
    assert (header, [row[0] for row in rows]) == (["Id"], wanted)


@dataclass
class Begun:
    """A small org without HTTP, and a load of 25 rows in it whose first slice is done."""

    state: SalesforceState
    job: IngestJob

    @classmethod
    async def at_once(cls) -> "Begun":
        state = SalesforceState(SalesforceSizes(companies=3, leads=0, opportunities=0), Clock(NOW), "http://sandbox")
        state.loads.book.polls = 0
        job = state.loads.create({"object": "Account", "operation": "insert"}, user_id=state.org.people.admin, version="60.0")
        state.loads.upload(job.id, "\n".join(["Name", *(f"Row {number}" for number in range(25)), ""]).encode())
        state.loads.close(job)
        await state.loads.poll(job.id)
        assert (job.state, job.processed) == ("InProgress", ROWS_A_SLICE)
        return cls(state, job)


def test_calls_are_answered_between_two_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICES_IN_A_POLL", 1)

    async def story() -> list[int]:
        begun = await Begun.at_once()
        seen = []
        while begun.job.state == "InProgress":
            seen.append(begun.job.processed)
            await asyncio.sleep(0)
        assert begun.job.state == "JobComplete"
        return seen

    assert asyncio.run(story()) == [10, 20, 25]


def test_a_job_that_is_aborted_between_two_slices_goes_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICES_IN_A_POLL", 1)

    async def story() -> tuple[int, list[str]]:
        begun = await Begun.at_once()
        begun.state.loads.book.abort(begun.job)
        for _ in range(5):
            await asyncio.sleep(0)
        left = begun.state.loads.results(begun.job.id, "unprocessedRecords").decode().splitlines()
        return begun.job.processed, left

    processed, (header, *left) = asyncio.run(story())
    assert (processed, header, left[0], len(left)) == (10, '"Name"', '"Row 10"', 15)


def test_a_reset_ends_the_jobs_of_the_org_that_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICES_IN_A_POLL", 1)

    async def story() -> tuple[str, int]:
        begun = await Begun.at_once()
        begun.state.reset()
        for _ in range(5):
            await asyncio.sleep(0)
        return begun.job.state, begun.job.processed

    assert asyncio.run(story()) == ("Aborted", 10)


# -- Bulk API 1.0


def _bulk_1(wire: Wire, session: str | None, kind: str) -> requests.Response:
    """As simple-salesforce's `bulk` and the data loader's library open a job."""
    headers = {"Authorization": "", "Content-Type": kind} | ({} if session is None else {"X-SFDC-Session": session})
    return wire.ask("POST", "/services/async/60.0/job", json={"operation": "query", "object": "Account"}, headers=headers)


@pytest.mark.parametrize(
    ("session", "code", "words"),
    [
        ("valid", "FeatureNotEnabled", "Async API not enabled"),
        ("00D!dead", "InvalidSessionId", "Invalid session id"),
        (None, "InvalidSessionId", "Unable to find session id"),
    ],
)
def test_bulk_1_is_refused_as_an_org_without_it_refuses(wire: Wire, session: str | None, code: str, words: str) -> None:
    token = wire.log_in() if session == "valid" else session

    as_json, as_xml = _bulk_1(wire, token, "application/json"), _bulk_1(wire, token, "application/xml; charset=UTF-8")

    assert (as_json.status_code, as_json.json()) == (400, {"exceptionCode": code, "exceptionMessage": words})
    assert as_xml.status_code == 400
    assert texts_by_name(as_xml.content).items() >= {"exceptionCode": code, "exceptionMessage": words}.items()


# -- fields that an admin adds with few words


@pytest.mark.parametrize(
    ("kind", "more", "value"),
    [
        ("picklist", {"values": ["Good", "Bad"], "is_restricted": True}, "Good"),
        ("multipicklist", {"values": ["A", "B"]}, "A;B"),
        ("currency", {}, 1234567.89),
        ("percent", {}, 12.5),
        ("double", {}, 40.0),
        ("int", {}, 40),
        ("string", {}, "x" * 255),
        ("textarea", {}, "x" * 255),
        ("email", {}, "a@b.example"),
        ("phone", {}, "+49 30 1"),
        ("url", {}, "https://b.example"),
        ("date", {}, "2026-05-20"),
        ("boolean", {}, True),
    ],
)
def test_a_field_added_without_a_length_takes_the_values_of_its_kind(
    wire: Wire, remote: Remote, account: str, kind: str, more: dict[str, Any], value: object
) -> None:
    remote.add_field("Account", "Added__c", kind, **more)

    answer = wire.ask("PATCH", f"sobjects/Account/{account}", json={"Added__c": value})

    assert answer.status_code == 204, answer.text
    assert remote.record("Account", account)["Added__c"] == value


# -- what is not imitated


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sobjects/Account/describe/layouts", "layouts of Account"),
        ("sobjects/Account/describe/layouts/012000000000000AAA", "layouts of Account"),
        ("sobjects/Account/describe/compactLayouts/", "compact layouts of Account"),
        ("sobjects/Account/listviews", "list views of Account"),
        ("sobjects/Account/quickActions/LogACall", "quick actions of Account"),
        ("sobjects/Account/{account}/Contacts", "relationships in an address: Contacts of Account {account}"),
        ("query?explain=SELECT+Id+FROM+Account", "the plan of a query (explain)"),
        ("queryAll?explain=SELECT+Id+FROM+Account", "the plan of a query (explain)"),
        ("search?q=FIND+%7Bx%7D", "SOSL"),
        ("parameterizedSearch?q=x", "searches"),
        ("composite/graph", "composite/graph"),
        ("composite/tree/Account", "composite/tree"),
    ],
)
def test_what_is_not_imitated_is_said_to_be(wire: Wire, account: str, path: str, words: str) -> None:
    answer = wire.ask("GET", path.format(account=account))
    [refusal] = answer.json()
    assert (answer.status_code, refusal["errorCode"]) == (501, "NOT_IMITATED")
    assert refusal["message"] == f"The sandbox does not imitate {words.format(account=account)}. docs/sandbox.md says what it imitates."


def test_a_key_that_is_none_is_still_refused_as_the_vendor_refuses_it(wire: Wire) -> None:
    [refusal] = wire.ask("GET", "sobjects/Account/Nope__c/1").json()
    assert refusal == {"message": "Provided external ID field does not exist or is not accessible: Nope__c", "errorCode": "NOT_FOUND"}
    assert wire.ask("GET", "sobjects/Nope/describe/layouts").json()[0]["errorCode"] == "NOT_FOUND"
