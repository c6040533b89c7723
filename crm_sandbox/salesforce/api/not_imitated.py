"""What a client may ask for and the sandbox does not have: said in so many words, so that no client looks for a mistake of its own.

Bulk API 1.0 is refused as an org refuses it that has not paid for it: some clients then go on by REST.
Source: Bulk API Developer Guide, "Errors" (FeatureNotEnabled, InvalidSessionId).
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.routing import AddressRoute
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.errors import not_imitated
from crm_sandbox.salesforce.wire.routing import DATA, METHODS, Endpoint, route

_OF_A_TYPE = {  # what stands behind `/sobjects/{object}` → what it is
    "describe/layouts": "layouts",
    "describe/compactLayouts": "compact layouts",
    "describe/approvalLayouts": "approval layouts",
    "describe/namedLayouts": "named layouts",
    "listviews": "list views",
    "quickActions": "quick actions",
}
_OF_THE_ORG = {
    "search": "SOSL",
    "parameterizedSearch": "searches",
    "composite/tree": "composite/tree",
    "composite/graph": "composite/graph",
}
_ERROR = '<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload">{}</error>'


def not_imitated_routes(state: SalesforceState) -> list[Route]:
    """The routes of all that; they stand before those of single records."""

    async def bulk_1(request: Request) -> Response:
        """Any call of Bulk API 1.0."""
        session = request.headers.get("x-sfdc-session")
        if session is None or state.auth.alive(session) is None:
            words = "Unable to find session id" if session is None else "Invalid session id"
            return _bulk_error(request, "InvalidSessionId", words)
        return _bulk_error(request, "FeatureNotEnabled", "Async API not enabled")

    return [AddressRoute("/services/async/{rest:path}", bulk_1, methods=list(METHODS)), *_of_a_type(state), *_of_the_org()]


def _of_a_type(state: SalesforceState) -> Iterator[Route]:
    def endpoint(what: str) -> Endpoint:
        async def refuse(request: Request) -> Response:
            raise not_imitated(f"{what} of {state.org.sobject(request.path_params['object']).name}")

        return refuse

    for path, what in _OF_A_TYPE.items():
        for tail in ("", "/{rest:path}"):
            yield route(f"{DATA}/sobjects/{{object}}/{path}{tail}", GET=endpoint(what), POST=endpoint(what))


def _of_the_org() -> Iterator[Route]:
    def endpoint(what: str) -> Endpoint:
        async def refuse(_: Request) -> Response:
            raise not_imitated(what)

        return refuse

    for path, what in _OF_THE_ORG.items():
        for tail in ("", "/{rest:path}"):
            yield route(f"{DATA}/{path}{tail}", GET=endpoint(what), POST=endpoint(what))


def _bulk_error(request: Request, code: str, words: str) -> Response:
    """In JSON for clients that speak it, else in XML."""
    asked = request.headers.get("accept", "") + request.headers.get("content-type", "")
    if "json" in asked:
        return Response(orjson.dumps({"exceptionCode": code, "exceptionMessage": words}), 400, media_type="application/json;charset=UTF-8")
    inside = f"<exceptionCode>{escape(code)}</exceptionCode><exceptionMessage>{escape(words)}</exceptionMessage>"
    return Response(_ERROR.format(inside), 400, media_type="application/xml")
