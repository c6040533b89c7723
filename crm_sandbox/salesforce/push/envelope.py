"""The SOAP message of up to a hundred notifications. Null fields are left out; a session id is never sent."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.push.subscriptions import MessageNotification, MessageSubscription
from crm_sandbox.salesforce.schema.schema import Field, SObject

API_VERSION = "62.0"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
)


def envelope(org: Org, batch: Sequence[MessageNotification], instance_url: str) -> bytes:
    """The message for notifications of one subscription, with the records as they are now."""
    wish = batch[0].subscription
    org15 = wish.organization_id[:15]
    head = (
        f"<OrganizationId>{wish.organization_id}</OrganizationId><ActionId>{wish.action_id}</ActionId>"
        '<SessionId xsi:nil="true"/>'
        f"<EnterpriseUrl>{instance_url}/services/Soap/c/{API_VERSION}/{org15}</EnterpriseUrl>"
        f"<PartnerUrl>{instance_url}/services/Soap/u/{API_VERSION}/{org15}</PartnerUrl>"
    )
    body = "".join(f"<Notification><Id>{one.id}</Id>{_record(org, wish, one.record_id)}</Notification>" for one in batch)
    return f"{_HEAD}{head}{body}</notifications></soapenv:Body></soapenv:Envelope>".encode()


def _record(org: Org, wish: MessageSubscription, record_id: str) -> str:
    sobject = org.sobject(wish.sobject)
    record = org.store.get(sobject, record_id)
    if record is None or record.get("IsDeleted"):
        inside = f"<sf:Id>{record_id}</sf:Id>" if wish.deleted == "id" else ""
    else:
        inside = f"<sf:Id>{record_id}</sf:Id>" + "".join(_fields(sobject, record, wish.fields))
    return f'<sObject xsi:type="sf:{sobject.name}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{inside}</sObject>'


def _fields(sobject: SObject, record: Values, names: Sequence[str]) -> list[str]:
    fields = [sobject.field(name) for name in sorted(names) if name != "Id"]
    return [f"<sf:{one.name}>{_text(one, record[one.name])}</sf:{one.name}>" for one in fields if one and record[one.name] is not None]


def _text(field: Field, value: Any) -> str:
    if field.kind == "boolean":
        return str(value).lower()
    return escape(str(value).replace("+0000", "Z") if field.kind == "datetime" else str(value))
