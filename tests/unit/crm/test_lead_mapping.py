"""How leads convert, read from what the Metadata API answers; anything else tells nothing."""

from __future__ import annotations

import pytest

from sync_worker.crm.salesforce.writing.lead_mapping import mapping_in

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="{}"><e:Body><readMetadataResponse><result>{}</result>'
    "</readMetadataResponse></e:Body></e:Envelope>"
)
RECORD = """<records><fullName>LeadConvertSettings</fullName>
  <objectMapping><inputObject>Lead</inputObject>
    <mappingFields><inputField>A__c</inputField><outputField>B__c</outputField></mappingFields><outputObject>Account</outputObject></objectMapping>
  <objectMapping><inputObject>Lead</inputObject>
    <mappingFields><inputField>A__c</inputField><outputField>C__c</outputField></mappingFields>
    <mappingFields><inputField>D__c</inputField><outputField>D__c</outputField></mappingFields><outputObject>Opportunity</outputObject>
  </objectMapping></records>"""


def told(result: str) -> bytes:
    return ENVELOPE.format(NAMESPACE, result).encode()


def test_each_target_has_its_own_mapping() -> None:
    assert mapping_in(told(RECORD), "Opportunity") == {"A__c": "C__c", "D__c": "D__c"}
    assert mapping_in(told(RECORD), "Account") == {"A__c": "B__c"}
    assert mapping_in(told(RECORD), "Contact") == {}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>We are down for maintenance",
        told(""),
        told("<records/>"),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + told(RECORD),
    ],
)
def test_what_is_no_such_answer_tells_nothing(document: bytes) -> None:
    assert mapping_in(document, "Opportunity") is None
