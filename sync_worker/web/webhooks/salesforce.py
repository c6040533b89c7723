"""Salesforce's outbound messages: SOAP, up to a hundred notifications of one record type, from one organization.

The sender does not sign: a secret stands in the address, and the organization's id in the message. It wants `<Ack>true</Ack>`, and
sends everything again on any other answer, for a day.
Source: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_notifications.htm
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sync_worker.boundary.text import decoded
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.web.webhooks.heard import HeardNotices, Records, WebhookRefusal

_OUTBOUND: Final = "{http://soap.sforce.com/2005/09/outbound}"
_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ANSWER: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{_ENVELOPE}">'
    "<soapenv:Body>%s</soapenv:Body></soapenv:Envelope>"
)
_RESPONSE: Final = '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>%s</Ack></notificationsResponse>'
_FAULT: Final = "<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>not an outbound message</faultstring></soapenv:Fault>"
TAKEN: Final = _ANSWER % _RESPONSE % "true"
NOT_NOW: Final = _ANSWER % _RESPONSE % "false"
NOT_UNDERSTOOD: Final = _ANSWER % _FAULT


def read_message(body: bytes, *, organization_id: str, records: Records) -> HeardNotices | WebhookRefusal:
    """The records an outbound message names. **Shapes** `organization_id`: in 18 characters; the message may say it in 15."""
    try:
        message = _parsed(body).find(f"{{{_ENVELOPE}}}Body/{_OUTBOUND}notifications")
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:  # the last two: an unknown encoding
        return WebhookRefusal(400, f"the body is not XML that we can read: {type(error).__name__}")
    if message is None:
        return WebhookRefusal(400, "not an outbound message")
    sender = message.findtext(f"{_OUTBOUND}OrganizationId") or ""
    if canonical(sender) != organization_id:
        return WebhookRefusal(401, f"another organization: {sender[:18]!r}")
    heard = HeardNotices()
    for notification in message.findall(f"{_OUTBOUND}Notification"):
        heard.events += 1
        _hear(heard, notification.find(f"{_OUTBOUND}sObject"), records)
    return heard


def _parsed(body: bytes) -> Element:
    """The message. A field may hold bytes that are not UTF-8, and the records are named all the same."""
    try:
        return fromstring(body, forbid_dtd=True)
    except ParseError:
        return fromstring(decoded(body).encode(), forbid_dtd=True)


def _hear(heard: HeardNotices, named: Element | None, records: Records) -> None:
    native = "" if named is None else named.get(_TYPE, "").rpartition(":")[2]
    written = next((child.text or "" for child in named if child.tag.rpartition("}")[2] == "Id"), "") if named is not None else ""
    if native not in records:
        heard.skip("another record type")
    elif crm_id := canonical(written):
        heard.notice(records[native], [crm_id])
    else:  # a record deleted meanwhile comes without any data; the next poll sees it
        heard.skip("no id")
