"""Search: `/objects/{type}/search`. What it tells of a record is what the index has, which may be some seconds old."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.data.shapes import WantedFields
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.replies import answer
from crm_sandbox.hubspot.wire.routing import json_object, route


def search_routes(state: HubspotState) -> list[Route]:
    """The route of searches."""

    async def search(request: Request) -> Response:
        """POST filters; a page of the records that the index has."""
        shelf, body = state.portal.shelf(request.path_params["type"]), await json_object(request)
        found, view = state.search.page(shelf, body), WantedFields(body.get("properties") or None)
        results = [state.shapes.record(shelf, record, view) for record in found.records]
        page: dict[str, Any] = {"total": found.total, "results": results}
        if found.after is not None:
            page["paging"] = {"next": {"after": str(found.after)}}
        return answer(page)

    return [route("/objects/{type}/search", POST=search)]
