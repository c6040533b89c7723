"""How leads convert: told by the Metadata API alone, which speaks SOAP, and to users with a right that no sync needs.

A user without the right to ask gets an empty answer; that is not an error.
Source: Metadata API Developer Guide, "LeadConvertSettings" and "readMetadata()".
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from simple_salesforce.exceptions import SalesforceGeneralError

from sync_worker.crm.salesforce.connection.session import Client, SalesforceConnection

KIND = "LeadConvertSettings"
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
OUT_OF_REACH = frozenset({502, 503, 504})  # 500 is how SOAP says no


def lead_mapping(connection: SalesforceConnection, into: str) -> Mapping[str, str] | None:
    """Lead field → field of the record it becomes; None where this user is not told."""
    answer = connection.read(_ask, doing="asking how leads convert")
    return None if answer is None else mapping_in(answer, into)


def mapping_in(document: bytes, into: str) -> Mapping[str, str] | None:
    """What an answer says of one target; None where it is another answer."""
    try:
        root = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException):
        return None
    records = root.find(f".//{{{NAMESPACE}}}records")
    if records is None or records.findtext(_tag("fullName")) is None:
        return None
    return {
        str(field.findtext(_tag("inputField"))): str(field.findtext(_tag("outputField")))
        for mapping in records.iter(_tag("objectMapping"))
        if mapping.findtext(_tag("outputObject")) == into
        for field in mapping.iter(_tag("mappingFields"))
    }


def _ask(client: Client) -> bytes | None:
    envelope = (
        '<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<env:Header><SessionHeader xmlns="{NAMESPACE}"><sessionId>{escape(client.session_id)}</sessionId></SessionHeader></env:Header>'
        f'<env:Body><readMetadata xmlns="{NAMESPACE}"><type>{KIND}</type><fullNames>{KIND}</fullNames></readMetadata></env:Body>'
        "</env:Envelope>"
    )
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    answer = client.session.post(client.metadata_url, data=envelope.encode(), headers=headers)
    if answer.status_code in OUT_OF_REACH or 300 <= answer.status_code < 400:
        raise SalesforceGeneralError(answer.url, answer.status_code, "metadata", answer.text)  # type: ignore[arg-type]  # it keeps what it is given
    return answer.content if answer.ok else None


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
