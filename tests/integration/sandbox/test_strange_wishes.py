"""What clients do that ours does not: conditions in all their forms, zipped answers, compound addresses, contacts, new fields."""

import gzip
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire
from tests.patience import HANG_S


def test_conditions_on_reads_and_writes(wire: Wire, remote: Remote) -> None:
    account, lead = remote.named("Account", "Cedar IT")["Id"], remote.records("Lead")[0]["Id"]
    tag = wire.ask("GET", f"sobjects/Account/{account}").headers["ETag"]
    old, new = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 GMT"
    for method, path, headers, status in (
        ("GET", f"Account/{account}", {"If-Match": tag}, 200),
        ("GET", f"Account/{account}", {"If-Match": tag.replace("--gzip", "")}, 200),
        ("GET", f"Account/{account}", {"If-Match": '"other"'}, 412),
        ("GET", f"Account/{account}", {"If-None-Match": f'"x", W/{tag}'}, 304),
        ("GET", f"Lead/{lead}", {"If-None-Match": "*"}, 200),
        ("GET", f"Lead/{lead}", {"If-Modified-Since": new}, 304),
        ("GET", f"Lead/{lead}", {"If-Unmodified-Since": old}, 412),
        ("PATCH", f"Lead/{lead}", {"If-Match": '"other"'}, 204),
        ("PATCH", f"Lead/{lead}", {"If-Unmodified-Since": old}, 412),
        ("PATCH", f"Lead/{lead}", {"If-Unmodified-Since": "Fri, 01 Jan 2027 00:00:00 -0000"}, 204),
        ("PATCH", f"Lead/{lead}", {"If-Unmodified-Since": "yesterday"}, 400),
        ("PATCH", f"Account/{account}", {"If-Match": "*"}, 204),
    ):
        body = {"Phone": "1"} if method == "PATCH" else None
        assert wire.ask(method, f"sobjects/{path}", headers=headers, json=body).status_code == status, (method, path, headers)


def test_answers_are_zipped_for_those_who_ask(wire: Wire, remote: Remote) -> None:
    account = remote.named("Account", "Cedar IT")["Id"]
    url = f"{wire.base_url}/services/data/v60.0/sobjects/Account/{account}"
    token = {"Authorization": str(wire.http.headers["Authorization"])}
    with requests.get(url, headers={**token, "Accept-Encoding": "gzip"}, stream=True, timeout=HANG_S) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["ETag"].endswith('--gzip"')
        raw = packed.raw.read(decode_content=False)
    plain = requests.get(url, headers={**token, "Accept-Encoding": "identity"}, timeout=HANG_S)
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] == packed.headers["ETag"].replace("--gzip", "")
    assert gzip.decompress(raw) == plain.content


def test_a_compound_address_is_read_and_never_written(wire: Wire, remote: Remote) -> None:
    account = remote.named("Account", "Cedar IT")["Id"]
    remote.edit("Account", account, {"BillingStreet": "1 Elm", "BillingCity": "Porto", "BillingCountryCode": "DE"})
    [record] = wire.soql(f"SELECT BillingAddress FROM Account WHERE Id = '{account}'").json()["records"]
    address = record["BillingAddress"]
    assert list(address) == sorted(address)
    assert (address["street"], address["city"], address["countryCode"], address["postalCode"]) == ("1 Elm", "Porto", "DE", None)
    assert wire.ask("GET", f"sobjects/Account/{account}").json()["BillingAddress"] == address
    fields = {field["name"]: field for field in wire.ask("GET", "sobjects/Account/describe").json()["fields"]}
    assert (fields["BillingAddress"]["type"], fields["BillingAddress"]["soapType"]) == ("address", "urn:address")
    assert fields["BillingCity"]["compoundFieldName"] == "BillingAddress"
    assert wire.ask("PATCH", f"sobjects/Account/{account}", json={"BillingAddress": {}}).json()[0]["errorCode"] == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    assert wire.refusal("SELECT Id FROM Account WHERE BillingAddress = 'x'")["errorCode"] == "INVALID_FIELD"
    bulk = wire.ask("POST", "jobs/query", json={"operation": "query", "query": "SELECT BillingAddress FROM Account"})
    assert bulk.json()[0]["message"] == "Selecting compound data not supported in Bulk Query"


def test_contacts_hang_on_their_account(wire: Wire, remote: Remote) -> None:
    contact = remote.records("Contact")[0]
    [found] = wire.soql(f"SELECT Name, Account.Name FROM Contact WHERE Id = '{contact['Id']}'").json()["records"]
    assert found["Account"]["Name"] == remote.record("Account", contact["AccountId"])["Name"]
    upserted = wire.ask("PATCH", "sobjects/Contact/Email/new@acme.example", json={"LastName": "New", "AccountId": contact["AccountId"]})
    assert upserted.status_code == 201
    remote.delete("Account", contact["AccountId"])
    assert remote.record("Contact", contact["Id"])["IsDeleted"] is True
    lead = remote.create("Lead", {"LastName": "Doe", "FirstName": "Jo", "Company": "Acme"})
    ids = remote.convert_lead(lead)
    made = remote.record("Contact", str(ids["ConvertedContactId"]))
    assert (made["Name"], made["AccountId"]) == ("Jo Doe", ids["ConvertedAccountId"])


@pytest.mark.parametrize(("long_texts", "page"), [(0, 2000), (1, 1000), (2, 200)])
def test_fields_that_an_admin_adds_and_how_long_texts_shrink_pages(wire: Wire, remote: Remote, long_texts: int, page: int) -> None:
    for number in range(2):
        remote.add_field("Lead", f"Notes_{number}__c", "textarea", length=5000)
    remote.add_field("Lead", "Mood__c", "picklist", length=255, values=["Good", "Bad"], is_restricted=True)
    leads = [{"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "C", "Mood__c": "Good"} for n in range(200)]
    for _ in range(11):
        wire.ask("POST", "composite/sobjects", json={"records": leads})
    names = ", ".join(["Id", "Mood__c", *(f"Notes_{number}__c" for number in range(long_texts))])
    answer = wire.soql(f"SELECT {names} FROM Lead").json()
    assert len(answer["records"]) == min(page, answer["totalSize"])
    assert "Mood__c" in [field["name"] for field in wire.ask("GET", "sobjects/Lead/describe").json()["fields"]]


@pytest.mark.parametrize(("version", "key"), [("54.0", "duplicateResut"), ("60.0", "duplicateResult")])
def test_the_vendors_slip_of_the_pen(wire: Wire, remote: Remote, version: str, key: str) -> None:
    remote.set_duplicate_rule("Lead")
    body: dict[str, Any] = {"LastName": "Doe", "Company": "Acme"}
    path = f"/services/data/v{version}/sobjects/Lead"
    assert wire.ask("POST", path, json=body).status_code == 201
    [refusal] = wire.ask("POST", path, json=body).json()
    assert (refusal["errorCode"], key in refusal) == ("DUPLICATES_DETECTED", True)


def test_every_limit_has_the_vendors_name(wire: Wire) -> None:
    limits = wire.ask("GET", "limits").json()
    assert len(limits) > 60
    assert {"DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkApiBatches", "PermissionSets"} <= set(limits)
    assert all({"Max", "Remaining"} <= set(limit) for limit in limits.values())


def test_an_answer_that_breaks_off_and_one_that_says_when_to_come_again(wire: Wire, remote: Remote) -> None:
    remote.fault("limits", cut_body=True)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        wire.ask("GET", "limits")
    remote.fault("limits", status=429, headers={"Retry-After": "7"})
    busy = wire.ask("GET", "limits")
    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "7")


def test_what_libraries_ask_on_the_side(wire: Wire, salesforce: Salesforce, remote: Remote) -> None:
    assert salesforce.is_sandbox() is True
    lead = remote.records("Lead")[0]["Id"]
    changed = wire.ask("POST", f"sobjects/Lead/{lead}?_HttpMethod=PATCH", json={"Title": "Dr"})
    assert (changed.status_code, remote.record("Lead", lead)["Title"]) == (204, "Dr")
    assert wire.ask("GET", "recent").json() == []
    assert "jobs" in wire.ask("GET", "").json()
    assert wire.ask("GET", "/services/data/v30.0/limits").status_code == 404
