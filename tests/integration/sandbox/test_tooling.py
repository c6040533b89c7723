"""A clean org, and the Tooling API as simple-salesforce speaks it: fields are made, seen once they are granted, and never lose a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Loopback, table
from tests.patience import HANG_S


@pytest.fixture(scope="module")
def clean_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=2, clean=True)) as url:
        yield url


@pytest.fixture
def sf(clean_url: str) -> Iterator[Salesforce]:
    with Remote(clean_url) as remote:
        remote.reset()
    form = {"grant_type": "client_credentials", "client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET}
    with Loopback(clean_url) as session:
        token = session.post(f"{clean_url}/services/oauth2/token", data=form, timeout=HANG_S).json()["access_token"]
        yield Salesforce(session_id=token, instance_url=clean_url, session=session, version="62.0")


def names(sf: Salesforce, sobject: str) -> dict[str, Any]:
    return {field["name"]: field for field in table(sf, sobject).describe()["fields"]}


def make(sf: Salesforce, full_name: str, **metadata: Any) -> str:
    body = {"FullName": full_name, "Metadata": {"label": full_name.partition(".")[2].removesuffix("__c"), **metadata}}
    made = sf.toolingexecute("sobjects/CustomField", method="POST", data=body)
    assert made["success"]
    return str(made["id"])


def permission_set(sf: Salesforce) -> str:
    created: Any = table(sf, "PermissionSet").create({"Name": "Sync", "Label": "Sync"})
    parent = str(created["id"])
    me = sf.query("SELECT Id FROM User WHERE Username = 'integration@northwind.example.sandbox'")["records"][0]["Id"]
    table(sf, "PermissionSetAssignment").create({"PermissionSetId": parent, "AssigneeId": me})
    return parent


def grant(sf: Salesforce, parent: str, full_name: str, *, edit: bool = True) -> None:
    rights = {"PermissionsRead": True, "PermissionsEdit": edit}
    table(sf, "FieldPermissions").create({"ParentId": parent, "SobjectType": full_name.partition(".")[0], "Field": full_name, **rights})


def values(*names: str) -> dict[str, Any]:
    return {
        "restricted": True,
        "valueSetDefinition": {"sorted": False, "value": [{"label": one, "valueName": one, "default": False} for one in names]},
    }


def refused(error: pytest.ExceptionInfo[SalesforceError]) -> str:
    content: Any = error.value.content
    return str(content[0]["errorCode"])


def test_a_clean_org_has_no_field_of_an_admins(sf: Salesforce) -> None:
    for sobject in ("Account", "Lead", "Opportunity"):
        assert not [name for name in names(sf, sobject) if name.endswith("__c")]
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 20


def test_a_field_is_there_at_once_and_seen_once_it_is_granted(sf: Salesforce) -> None:
    # Given a field that was made by API
    make(sf, "Account.Key__c", type="Text", length=36, unique=True, externalId=True)
    assert "Key__c" not in names(sf, "Account")

    # When a permission set lets the user read it, object first
    parent = permission_set(sf)
    with pytest.raises(SalesforceError) as early:
        grant(sf, parent, "Account.Key__c")
    assert refused(early) == "FIELD_INTEGRITY_EXCEPTION"
    table(sf, "ObjectPermissions").create({"ParentId": parent, "SobjectType": "Account", "PermissionsRead": True, "PermissionsEdit": True})
    grant(sf, parent, "Account.Key__c", edit=False)

    # Then it is seen, but not edited before that is granted too
    key = names(sf, "Account")["Key__c"]
    assert (key["unique"], key["externalId"], key["length"], key["updateable"]) == (True, True, 36, False)
    found: Any = sf.query("SELECT Id FROM FieldPermissions WHERE Field = 'Account.Key__c' AND SobjectType = 'Account'")
    [row] = found["records"]
    table(sf, "FieldPermissions").update(row["Id"], {"PermissionsEdit": True})
    assert names(sf, "Account")["Key__c"]["updateable"]


def test_a_field_that_is_there_is_refused_and_found_by_a_query(sf: Salesforce) -> None:
    made = make(sf, "Lead.Partner__c", type="Lookup", referenceTo="Account", relationshipName="Partner_Leads")
    with pytest.raises(SalesforceError) as again:
        make(sf, "Lead.Partner__c", type="Text", length=10)
    assert refused(again) == "DUPLICATE_DEVELOPER_NAME"
    soql = "SELECT Id, DeveloperName FROM CustomField WHERE TableEnumOrId = 'Lead' AND DeveloperName = 'Partner'"
    assert [row["Id"] for row in sf.toolingexecute("query", params={"q": soql})["records"]] == [made]
    with pytest.raises(SalesforceError) as taken:
        make(sf, "Opportunity.Partner__c", type="Lookup", referenceTo="Account", relationshipName="Partner_Leads")
    assert refused(taken) == "DUPLICATE_DEVELOPER_NAME"


def test_a_value_left_out_of_an_update_is_inactive_and_not_gone(sf: Salesforce) -> None:
    made = make(sf, "Account.Tier__c", type="Picklist", valueSet=values("Gold", "Silver"))
    metadata = sf.toolingexecute(f"sobjects/CustomField/{made}")["Metadata"]
    metadata["valueSet"] = values("Silver", "Bronze")
    sf.toolingexecute(f"sobjects/CustomField/{made}", method="PATCH", data={"Metadata": metadata})
    told = sf.toolingexecute(f"sobjects/CustomField/{made}")["Metadata"]["valueSet"]["valueSetDefinition"]["value"]
    assert {value["valueName"]: value["isActive"] for value in told} == {"Silver": True, "Bronze": True, "Gold": False}


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"type": "Picklist"}, "REQUIRED_FIELD_MISSING"),
        ({"type": "Checkbox"}, "REQUIRED_FIELD_MISSING"),
        ({"type": "Text"}, "REQUIRED_FIELD_MISSING"),
        ({"type": "Text", "length": 256}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"type": "Wish"}, "INVALID_FIELD"),
        ({"type": "Lookup", "referenceTo": "Nobody", "relationshipName": "X"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"type": "Picklist", "valueSet": values("a", "A")}, "DUPLICATE_VALUE"),
        ({"type": "Picklist", "valueSet": values(*map(str, range(1001)))}, "LIMIT_EXCEEDED"),
        ({"type": "MultiselectPicklist", "visibleLines": 4, "valueSet": values(*map(str, range(501)))}, "LIMIT_EXCEEDED"),
    ],
)
def test_what_cannot_be_is_refused(sf: Salesforce, metadata: dict[str, Any], code: str) -> None:
    with pytest.raises(SalesforceError) as error:
        make(sf, "Account.Odd__c", **metadata)
    assert refused(error) == code
