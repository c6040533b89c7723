"""`/tooling/…`: custom fields one by one, and a query over them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.salesforce.soql.queries import PAGE_SIZE
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.replies import answer, empty
from crm_sandbox.salesforce.wire.routing import DATA, json_object, route


class Tooling:
    """The Tooling API of one org."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def create(self, request: Request) -> Response:
        """POST a custom field: 201 and its id."""
        body = await json_object(request)
        record_id = self._state.custom_fields.create(body.get("FullName"), body.get("Metadata"))
        return answer({"id": record_id, "success": True, "errors": [], "warnings": [], "infos": []}, 201)

    async def one(self, request: Request) -> Response:
        """GET a custom field with its Metadata, or PATCH it."""
        record_id = request.path_params["id"]
        if request.method == "PATCH":
            self._state.custom_fields.update(record_id, (await json_object(request)).get("Metadata"))
            return empty(204)
        return answer(self._state.custom_fields.read(record_id))

    async def query(self, request: Request) -> Response:
        """GET a query over custom fields; all of it in one page."""
        text = request.query_params.get("q")
        if text is None:
            raise SalesforceRefusal("MALFORMED_QUERY", "A query string has to be specified")
        self._state.custom_fields.sync()
        token, version = self._state.session(request).token, request.path_params["version"]
        page = self._state.field_queries.first(text, token=token, version=version, batch_size=PAGE_SIZE, include_deleted=False)
        return answer({"size": len(page["records"]), **page, "queryLocator": None, "entityTypeName": "CustomField"})


def tooling_routes(state: SalesforceState) -> list[Route]:
    """The routes of the Tooling API."""
    tooling = Tooling(state)
    return [
        route(DATA + "/tooling/query", GET=tooling.query),
        route(DATA + "/tooling/sobjects/CustomField", POST=tooling.create),
        route(DATA + "/tooling/sobjects/CustomField/{id}", GET=tooling.one, PATCH=tooling.one),
    ]
