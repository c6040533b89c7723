"""Delete, undelete, merge, hard delete, conversion: what the API shows of them afterwards."""

import pytest

from crm_sandbox.remote import ControlError, Remote
from tests.integration.sandbox.conftest import Wire


def test_delete_and_undelete_move_the_stamp(wire: Wire, remote: Remote) -> None:
    cedar = remote.named("Account", "Cedar IT")["Id"]
    remote.delete("Account", cedar)
    deleted = remote.record("Account", cedar)
    remote.advance_clock(60)
    remote.undelete([cedar])
    restored = remote.record("Account", cedar)
    assert (deleted["IsDeleted"], restored["IsDeleted"]) == (True, False)
    assert deleted["SystemModstamp"] < restored["SystemModstamp"] == "2026-05-20T12:01:00.000+0000"
    assert wire.ids("SELECT Id FROM Account WHERE Name = 'Cedar IT'") == [cedar]


def test_an_edit_is_answered_with_the_record_before_and_after(remote: Remote) -> None:
    cedar = remote.named("Account", "Cedar IT")
    edited = remote.edit("Account", cedar["Id"], {"Name": "Cedar & Sons"})
    assert (edited["before"], edited["after"]) == (cedar, remote.record("Account", cedar["Id"]))
    assert (edited["before"]["Name"], edited["after"]["Name"]) == ("Cedar IT", "Cedar & Sons")


def test_merge_leaves_a_forwarding_address(wire: Wire, remote: Remote) -> None:
    # Given two accounts, and a deal that names the one to be lost
    master, loser = (remote.named("Account", name)["Id"] for name in ("Arrow Electronics", "Bolt Distribution"))
    deal = next(deal for deal in remote.records("Opportunity") if deal["Portal_Second_Partner__c"] == loser)
    # When they are merged
    remote.merge(master, [loser])
    # Then the loser is in the bin with the master's id on it, and the deal names the master, with a new stamp
    query = f"SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true AND MasterRecordId != null AND Id = '{loser}'"
    [found] = wire.ask("GET", "queryAll", params={"q": query}).json()["records"]
    assert found["MasterRecordId"] == master
    after = remote.record("Opportunity", deal["Id"])
    assert after["Portal_Second_Partner__c"] == master
    assert after["SystemModstamp"] == "2026-05-20T12:00:00.000+0000" > deal["SystemModstamp"]


def test_hard_delete_leaves_nothing(wire: Wire, remote: Remote) -> None:
    birch = remote.named("Account", "Birch Systems")["Id"]
    deals = [deal["Id"] for deal in remote.records("Opportunity") if deal["Portal_Partner__c"] == birch]
    remote.hard_delete([birch])
    assert wire.ask("GET", "queryAll", params={"q": f"SELECT Id FROM Account WHERE Id = '{birch}'"}).json()["records"] == []
    assert remote.records("Account", [birch]) == []
    assert [deal["Portal_Partner__c"] for deal in remote.records("Opportunity", deals)] == [None] * len(deals)


def _lead(remote: Remote) -> tuple[str, str, str]:
    partner, second = (remote.named("Account", name)["Id"] for name in ("Birch Systems", "Arrow Electronics"))
    fields = {
        "LastName": "Doe",
        "Company": "Acme",
        "Portal_Deal_Key__c": "deal-1",
        "Portal_Partner__c": partner,
        "Portal_Second_Partner__c": second,
        "Portal_Deal_Name__c": "Acme cloud",
        "Portal_Amount__c": 1200.5,
        "Portal_Close_Date__c": "2026-10-01",
        "Portal_Registered__c": True,
    }
    return remote.create("Lead", fields), partner, second


def test_conversion_with_the_mapping_carries_the_deal_over(wire: Wire, remote: Remote) -> None:
    lead, partner, second = _lead(remote)
    ids = remote.convert_lead(lead)
    deal = remote.record("Opportunity", str(ids["ConvertedOpportunityId"]))
    assert (deal["Portal_Partner__c"], deal["Portal_Second_Partner__c"]) == (partner, second)
    assert (deal["Name"], deal["Amount"], deal["CloseDate"]) == ("Acme cloud", 1200.5, "2026-10-01")
    assert (deal["Portal_Deal_Key__c"], deal["Portal_Registered__c"]) == ("deal-1", True)
    [found] = wire.soql(f"SELECT Status, IsConverted, ConvertedOpportunityId FROM Lead WHERE Id = '{lead}'").json()["records"]
    assert (found["Status"], found["IsConverted"]) == ("Closed - Converted", True)
    assert found["ConvertedOpportunityId"] == deal["Id"]
    # And the lead can no longer be written
    refused = wire.ask("PATCH", f"sobjects/Lead/{lead}", json={"Title": "x"}).json()
    assert refused == [{"message": "cannot reference converted lead", "errorCode": "CANNOT_UPDATE_CONVERTED_LEAD", "fields": []}]


def test_conversion_without_the_mapping_loses_what_was_not_mapped(remote: Remote) -> None:
    lead, partner, _ = _lead(remote)
    partly = remote.convert_lead(lead, omit=["Portal_Second_Partner__c"])
    deal = remote.record("Opportunity", str(partly["ConvertedOpportunityId"]))
    assert (deal["Portal_Partner__c"], deal["Portal_Second_Partner__c"]) == (partner, None)
    bare = remote.convert_lead(remote.create("Lead", {"LastName": "Roe", "Company": "B", "Portal_Partner__c": partner}), copy_mapping=False)
    assert remote.record("Opportunity", str(bare["ConvertedOpportunityId"]))["Portal_Partner__c"] is None
    none = remote.convert_lead(remote.create("Lead", {"LastName": "Poe", "Company": "C"}), create_opportunity=False)
    assert none["ConvertedOpportunityId"] is None


def test_a_control_that_means_nothing_says_why(remote: Remote) -> None:
    with pytest.raises(ControlError, match="no record type"):
        remote.records("Nothing")
    with pytest.raises(ControlError, match="not in the recycle bin"):
        remote.undelete([remote.named("Account", "Cedar IT")["Id"]])
    with pytest.raises(ControlError, match="call must be"):
        remote.fault("querry", status=500)
    with pytest.raises(ControlError, match="not a pattern"):
        remote.fault("/sobjects/(", status=500)
    with pytest.raises(ControlError, match="error"):
        remote.add_validation_rule("Account", "Name", "matches", "(")
    with pytest.raises(ControlError, match="INVALID_OR_NULL"):
        remote.create("Account", {"Name": "A", "Portal_Status__c": "Odd"})
