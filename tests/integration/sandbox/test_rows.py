"""Single records: what may be written, what is refused, and the conditions of reads and writes."""

from email.utils import format_datetime
from typing import Any

import pytest
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMoreThanOneRecord, SalesforceResourceNotFound
from simple_salesforce.format import format_external_id

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import NOW, Wire, table

STAMP = "2026-01-01T00:00:00Z"
LEAD = {"LastName": "Doe", "Company": "Acme"}
OPPORTUNITY = {"Name": "Deal", "StageName": "Qualification", "CloseDate": "2026-09-30"}


def _refused(wire: Wire, method: str, path: str, body: dict[str, Any], status: int = 400) -> dict[str, Any]:
    answer = wire.ask(method, path, json=body)
    assert answer.status_code == status, answer.text
    [refusal] = answer.json()
    return dict(refusal)


def test_a_record_through_its_life_with_simple_salesforce(salesforce: Salesforce, remote: Remote) -> None:
    created: Any = table(salesforce, "Account").create({"Name": "  Acme  ", "Website": ""})
    record_id = created["id"]
    assert created == {"id": record_id, "success": True, "errors": []}
    assert table(salesforce, "Account").update(record_id[:15], {"Portal_Tier__c": "Gold"}) == 204
    read: Any = table(salesforce, "Account").get(record_id)
    assert (read["Name"], read["Website"], read["Portal_Tier__c"]) == ("Acme", None, "Gold")
    assert read["Portal_May_Register__c"] is False
    assert table(salesforce, "Account").delete(record_id) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        table(salesforce, "Account").get(record_id)
    assert "ENTITY_IS_DELETED" in str(gone.value)
    assert remote.record("Account", record_id)["IsDeleted"] is True


def test_upsert_by_external_id_creates_once(salesforce: Salesforce, wire: Wire, remote: Remote) -> None:
    path = "sobjects/Lead/Portal_Deal_Key__c/key%2F1"
    first = wire.ask("PATCH", path, json=LEAD)
    second = wire.ask("PATCH", path, json={"Company": "Acme 2"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == {"id": second.json()["id"], "success": True, "errors": [], "created": True}
    assert second.json()["created"] is False
    found: Any = table(salesforce, "Lead").get_by_custom_id("Portal_Deal_Key__c", "key/1")
    assert (found["Company"], found["Portal_Deal_Key__c"]) == ("Acme 2", "key/1")
    assert len([lead for lead in remote.records("Lead") if lead["Portal_Deal_Key__c"]]) == 1
    assert table(salesforce, "Lead").upsert(format_external_id("Portal_Deal_Key__c", "a:b//c"), LEAD) == 201


def test_an_ambiguous_key_answers_300_with_the_addresses(salesforce: Salesforce, wire: Wire) -> None:
    email = {"Email": "doe@acme.example"}
    ids = [wire.ask("POST", "sobjects/Lead", json=LEAD | email).json()["id"] for _ in range(2)]
    answer = wire.ask("PATCH", "sobjects/Lead/Email/doe@acme.example", json={"Company": "X"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v60.0/sobjects/Lead/{record_id}" for record_id in ids]
    with pytest.raises(SalesforceMoreThanOneRecord):
        table(salesforce, "Lead").get_by_custom_id("Email", "doe@acme.example")


@pytest.mark.parametrize(
    ("sobject", "body", "code", "fields"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ("Lead", {"FirstName": "Jo"}, "REQUIRED_FIELD_MISSING", ["LastName", "Company"]),
        ("Opportunity", {"Name": " "}, "REQUIRED_FIELD_MISSING", ["Name", "StageName", "CloseDate"]),
        ("Account", {"Name": "A" * 256}, "STRING_TOO_LONG", ["Name"]),
        ("Account", {"Name": "A", "Foo__c": 1}, "INVALID_FIELD", None),
        ("Account", {"Name": "A", "SystemModstamp": STAMP, "Id": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["SystemModstamp", "Id"]),
        ("Account", {"Name": "A", "Portal_Status__c": "Paused"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Portal_Status__c"]),
        ("Account", {"Name": 5}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "A", "Portal_Account_Owner_Email__c": "nobody"}, "INVALID_EMAIL_ADDRESS", ["Portal_Account_Owner_Email__c"]),
        ("Opportunity", {**OPPORTUNITY, "Amount": "much"}, "JSON_PARSER_ERROR", None),
        ("Opportunity", {**OPPORTUNITY, "Amount": 1e17}, "NUMBER_OUTSIDE_VALID_RANGE", ["Amount"]),
        ("Opportunity", {**OPPORTUNITY, "CloseDate": "30.09.2026"}, "JSON_PARSER_ERROR", None),
        ("Opportunity", {**OPPORTUNITY, "Portal_Registered__c": "maybe"}, "JSON_PARSER_ERROR", None),
        ("Opportunity", {**OPPORTUNITY, "Portal_Partner__c": "Birch"}, "MALFORMED_ID", ["Portal_Partner__c"]),
        ("Opportunity", {**OPPORTUNITY, "Portal_Partner__c": "006Sb0000004C93"}, "MALFORMED_ID", ["Portal_Partner__c"]),
        ("Opportunity", {**OPPORTUNITY, "Portal_Partner__c": "001Sb0000000000"}, "INVALID_CROSS_REFERENCE_KEY", []),
    ],
)  # fmt: skip
def test_refused_values(wire: Wire, sobject: str, body: dict[str, Any], code: str, fields: list[str] | None) -> None:
    before = wire.soql(f"SELECT COUNT() FROM {sobject}").json()["totalSize"]
    refusal = _refused(wire, "POST", f"sobjects/{sobject}", body)
    assert refusal["errorCode"] == code
    assert refusal.get("fields") == fields
    assert wire.soql(f"SELECT COUNT() FROM {sobject}").json()["totalSize"] == before


def test_values_are_kept_in_the_vendors_spelling(wire: Wire, remote: Remote) -> None:
    body = {
        **OPPORTUNITY,
        "Amount": "1200.505",
        "Portal_Licences__c": 3,
        "Portal_Billing__c": "Quarterly",
        "portal_registered__c": True,
        "Portal_Expires__c": None,
    }
    record = remote.record("Opportunity", wire.ask("POST", "sobjects/Opportunity", json=body).json()["id"])
    assert (record["Amount"], record["Portal_Licences__c"], record["Portal_Billing__c"]) == (1200.505, 3.0, "Quarterly")
    assert record["Portal_Registered__c"] is True
    assert (record["IsClosed"], record["IsWon"], record["Probability"]) == (False, False, 10.0)
    account = {"Name": "Multi", "Associated_Second_Partner__c": "Someone New; Bolt Distribution;Arrow Electronics;;Bolt Distribution"}
    kept = remote.record("Account", wire.ask("POST", "sobjects/Account", json=account).json()["id"])
    assert kept["Associated_Second_Partner__c"] == "Arrow Electronics;Bolt Distribution;Someone New"


def test_a_unique_key_names_its_holder(wire: Wire) -> None:
    holder = wire.ask("POST", "sobjects/Account", json={"Name": "A", "Portal_Company_Id__c": "K-1"}).json()["id"]
    refusal = _refused(wire, "POST", "sobjects/Account", {"Name": "B", "Portal_Company_Id__c": "k-1"})
    words = f"duplicate value found: Portal_Company_Id__c duplicates value on record with id: {holder}"
    assert refusal == {"message": words, "errorCode": "DUPLICATE_VALUE", "fields": []}


def test_ids_of_nobody(wire: Wire, remote: Remote) -> None:
    nobody = "001Sb0000000000AAA"
    gone = remote.named("Account", "Cedar IT")["Id"]
    remote.delete("Account", gone)
    assert wire.ask("GET", f"sobjects/Account/{nobody}").json()[0]["errorCode"] == "NOT_FOUND"
    assert _refused(wire, "PATCH", f"sobjects/Account/{nobody}", {}, 404)["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert _refused(wire, "PATCH", f"sobjects/Account/{gone}", {}, 404)["errorCode"] == "ENTITY_IS_DELETED"
    assert _refused(wire, "PATCH", "sobjects/Account/006Sb0000004C93", {})["errorCode"] == "MALFORMED_ID"
    body = {**OPPORTUNITY, "Portal_Partner__c": gone}
    assert _refused(wire, "POST", "sobjects/Opportunity", body)["errorCode"] == "ENTITY_IS_DELETED"


def test_reads_and_writes_under_conditions(wire: Wire, remote: Remote) -> None:
    # Given an account and a lead, read
    account = remote.named("Account", "Cedar IT")["Id"]
    lead = remote.records("Lead")[0]["Id"]
    read = wire.ask("GET", f"sobjects/Account/{account}?fields=Name,id")
    assert list(read.json()) == ["attributes", "Name", "Id"]
    assert "ETag" not in wire.ask("GET", f"sobjects/Lead/{lead}").headers
    # When nothing has changed, then a read is 304 and a write passes
    known = {"If-None-Match": read.headers["ETag"]}
    assert wire.ask("GET", f"sobjects/Account/{account}", headers=known).status_code == 304
    since = {"If-Unmodified-Since": wire.ask("GET", f"sobjects/Lead/{lead}").headers["Last-Modified"]}
    assert wire.ask("PATCH", f"sobjects/Lead/{lead}", json={"Title": "CIO"}, headers=since).status_code == 204
    # When a person changed it meanwhile, then a write is refused and nothing happens
    remote.edit("Account", account, {"Portal_Tier__c": "Silver"})
    stale = wire.ask("PATCH", f"sobjects/Account/{account}", json={"Name": "X"}, headers={"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412
    assert wire.ask("PATCH", f"sobjects/Lead/{lead}", json={"Title": "CEO"}, headers=since).status_code == 412
    assert remote.record("Lead", lead)["Title"] == "CIO"
    assert remote.record("Account", account)["Name"] == "Cedar IT"
    bad = {"If-Unmodified-Since": "yesterday"}
    assert wire.ask("PATCH", f"sobjects/Lead/{lead}", json={}, headers=bad).status_code == 400
    fresh = {"If-Unmodified-Since": format_datetime(NOW, usegmt=True)}
    assert wire.ask("PATCH", f"sobjects/Lead/{lead}", json={"Title": "CEO"}, headers=fresh).status_code == 204


def test_every_write_moves_the_stamp(wire: Wire, remote: Remote) -> None:
    record_id = wire.ask("POST", "sobjects/Account", json={"Name": "A"}).json()["id"]
    assert remote.record("Account", record_id)["SystemModstamp"] == "2026-05-20T12:00:00.000+0000"
    remote.advance_clock(61)
    wire.ask("PATCH", f"sobjects/Account/{record_id}", json={"Name": "A"})
    after = remote.record("Account", record_id)
    assert after["SystemModstamp"] == after["LastModifiedDate"] == "2026-05-20T12:01:01.000+0000"
    assert after["CreatedDate"] == "2026-05-20T12:00:00.000+0000"


def test_a_lead_is_re_routed_unless_the_client_says_not_to(wire: Wire, remote: Remote) -> None:
    quiet = {"Sforce-Auto-Assign": "FALSE"}
    loud = wire.ask("POST", "sobjects/Lead", json=LEAD).json()["id"]
    kept = wire.ask("POST", "sobjects/Lead", json=LEAD, headers=quiet).json()["id"]
    queue = next(user["Id"] for user in remote.records("User") if user["LastName"] == "Queue")
    assert remote.record("Lead", loud)["OwnerId"] == queue
    assert remote.record("Lead", kept)["OwnerId"] != queue
    wire.ask("PATCH", f"sobjects/Lead/{kept}", json={"Title": "x"})
    assert remote.record("Lead", kept)["OwnerId"] == queue


def test_a_duplicate_rule_and_its_header(wire: Wire, remote: Remote) -> None:
    first = wire.ask("POST", "sobjects/Lead", json=LEAD).json()["id"]
    remote.set_duplicate_rule("Lead")
    refusal = _refused(wire, "POST", "sobjects/Lead", LEAD)
    assert refusal["errorCode"] == "DUPLICATES_DETECTED"
    assert refusal["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == first
    allowed = wire.ask("POST", "sobjects/Lead", json=LEAD, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    assert allowed.status_code == 201


def test_a_validation_rule_refuses_with_the_admins_words(wire: Wire, remote: Remote) -> None:
    remote.add_validation_rule("Opportunity", "Amount", "gt", 1000, message="Ask your manager")
    refusal = _refused(wire, "POST", "sobjects/Opportunity", {**OPPORTUNITY, "Amount": 1001})
    assert refusal["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (refusal["message"], refusal["fields"]) == ("Ask your manager", ["Amount"])
    remote.clear_validation_rules()
    assert wire.ask("POST", "sobjects/Opportunity", json={**OPPORTUNITY, "Amount": 1001}).status_code == 201


def test_a_body_that_is_no_json(wire: Wire) -> None:
    for body in ("{", "[]", ""):
        answer = wire.ask("POST", "sobjects/Account", data=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
