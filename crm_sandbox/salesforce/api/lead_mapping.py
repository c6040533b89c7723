"""How leads convert, as the Metadata API tells it: `readMetadata` of LeadConvertSettings, and nothing else of that API.

It is told to whom an admin lets it be told (a control); to others the vendor says that the access is insufficient.
Source: Metadata API Developer Guide, "LeadConvertSettings" and "readMetadata()".
"""

from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.routing import AddressRoute
from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.routing import json_object
from crm_sandbox.salesforce.wire.soap_fault import SoapFault
from crm_sandbox.xml_text import BadXml, texts_by_name

KIND = "LeadConvertSettings"
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_XML = "text/xml;charset=UTF-8"


class LeadMapping:
    """The mapping of one org."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def read(self, request: Request) -> Response:
        """POST `readMetadata`."""
        try:
            return Response(self._answer(await request.body()), media_type=_XML)
        except SoapFault as fault:
            return Response(fault.envelope("metadata"), 500, media_type=_XML)

    async def set(self, request: Request) -> dict[str, Any]:
        """`{"fields": {lead: opportunity}}`: told to the integration user from now on; `{"fields": null}`: not."""
        self._state.org.lead_mapping = (await json_object(request))["fields"]
        return {"fields": self._state.org.lead_mapping}

    def _answer(self, body: bytes) -> bytes:
        try:
            texts = texts_by_name(body)
        except BadXml as error:
            raise SoapFault("UNKNOWN_EXCEPTION", f"the envelope cannot be read: {error}") from None
        if self._state.auth.alive(texts.get("sessionId", "")) is None:
            raise SoapFault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
        if "readMetadata" not in texts or (texts.get("type"), texts.get("fullNames")) != (KIND, KIND):
            raise SoapFault("INVALID_OPERATION", f"the sandbox knows readMetadata of {KIND} alone")
        if self._state.org.lead_mapping is None:
            words = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
            raise SoapFault("INSUFFICIENT_ACCESS", words)
        return _told(self._state.org.lead_mapping)


def _told(mapping: dict[str, str]) -> bytes:
    fields = "".join(
        f"<mappingFields><inputField>{escape(field)}</inputField><outputField>{escape(target)}</outputField></mappingFields>"
        for field, target in mapping.items()
    )
    whole = f"<objectMapping><inputObject>Lead</inputObject>{fields}<outputObject>Opportunity</outputObject></objectMapping>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><readMetadataResponse><result>'
        f'<records xsi:type="{KIND}"><fullName>{KIND}</fullName><allowOwnerChange>false</allowOwnerChange>{whole}'
        "<opportunityCreationOptions>VisibleOptional</opportunityCreationOptions></records></result></readMetadataResponse>"
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def lead_mapping_routes(state: SalesforceState) -> list[Route]:
    """The address of the Metadata API, and the control."""
    mapping = LeadMapping(state)
    return [
        AddressRoute("/services/Soap/m/{api}", mapping.read, methods=["POST"]),
        control_route("/lead_mapping", POST=mapping.set),
    ]
