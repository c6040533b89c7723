"""Metadata, and field-level security."""

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire


def test_a_fields_keys_and_their_order_are_the_vendors(wire: Wire) -> None:
    fields = wire.ask("GET", "sobjects/Account/describe").json()["fields"]
    keys = list(fields[0])
    assert keys == sorted(keys)
    assert len(keys) == 57
    assert {"restrictedPicklist", "soapType", "externalId", "idLookup", "filterable", "relationshipName"} <= set(keys)
    assert {tuple(field) for field in fields} == {tuple(keys)}


def test_what_provision_creates_is_there(wire: Wire) -> None:
    account, lead, opportunity = (
        {field["name"]: field for field in wire.ask("GET", f"sobjects/{name}/describe").json()["fields"]}
        for name in ("Account", "Lead", "Opportunity")
    )
    assert account["Portal_Status__c"]["restrictedPicklist"] is True
    assert [v["value"] for v in account["Portal_Status__c"]["picklistValues"]] == ["Active", "Inactive", "Pending"]
    assert account["Portal_Account_Type__c"]["restrictedPicklist"] is False
    assert account["Associated_Second_Partner__c"]["type"] == "multipicklist"
    assert account["Portal_Company_Id__c"]["unique"] is True
    assert account["Portal_Company_Id__c"]["externalId"] is True
    assert account["BillingCountryCode"]["type"] == "picklist"
    assert "CurrencyIsoCode" not in account
    for fields in (lead, opportunity):
        assert fields["Portal_Deal_Key__c"]["length"] == 36
        assert fields["Portal_Partner__c"]["referenceTo"] == ["Account"]
        assert fields["Portal_Second_Partner__c"]["relationshipName"] == "Portal_Second_Partner__r"
        assert fields["Portal_Billing__c"]["restrictedPicklist"] is False
        assert fields["Portal_Vendor_Approval__c"]["restrictedPicklist"] is True
        assert fields["Portal_Registered__c"]["type"] == "boolean"
    assert lead["Portal_Amount__c"]["type"] == "currency"
    assert opportunity["StageName"]["nillable"] is False


def test_an_unchanged_description_is_304(wire: Wire, remote: Remote) -> None:
    first = wire.ask("GET", "sobjects/Lead/describe")
    by_tag = wire.ask("GET", "sobjects/Lead/describe", headers={"If-None-Match": first.headers["ETag"]})
    by_date = wire.ask("GET", "sobjects/Lead/describe", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert (by_tag.status_code, by_tag.content) == (304, b"")
    assert by_date.status_code == 304
    remote.hide_field("Lead", "Portal_Amount__c")
    assert wire.ask("GET", "sobjects/Lead/describe", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_global_describe(wire: Wire) -> None:
    found = wire.ask("GET", "sobjects").json()
    names = [sobject["name"] for sobject in found["sobjects"]]
    assert names[:6] == ["Account", "Contact", "Lead", "Opportunity", "Organization", "User"]
    assert names[6:] == ["PermissionSet", "PermissionSetAssignment", "FieldPermissions", "ObjectPermissions"]
    assert wire.ask("GET", "sobjects/Account").json()["objectDescribe"]["keyPrefix"] == "001"


def test_a_hidden_field_does_not_exist(wire: Wire, remote: Remote) -> None:
    # Given a field that field-level security hides
    remote.hide_field("Account", "Portal_Tier__c")
    # Then describe omits it, a query and a retrieve do not know it, and a write is refused
    names = [field["name"] for field in wire.ask("GET", "sobjects/Account/describe").json()["fields"]]
    assert "Portal_Tier__c" not in names
    assert wire.refusal("SELECT Id, Portal_Tier__c FROM Account")["errorCode"] == "INVALID_FIELD"
    assert wire.refusal("SELECT Id FROM Account WHERE Portal_Tier__c = 'Gold'")["errorCode"] == "INVALID_FIELD"
    retrieve = wire.ask("POST", "composite/sobjects/Account", json={"ids": ["001"], "fields": ["Portal_Tier__c"]})
    assert retrieve.status_code == 400
    write = wire.ask("POST", "sobjects/Account", json={"Name": "X", "Portal_Tier__c": "Gold"})
    assert write.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert write.json()[0]["fields"] == ["Portal_Tier__c"]
    # And it is back when shown again
    remote.hide_field("Account", "Portal_Tier__c", hidden=False)
    assert wire.soql("SELECT Id, Portal_Tier__c FROM Account").status_code == 200
