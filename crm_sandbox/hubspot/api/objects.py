"""Records one at a time, and page by page: `/objects/{type}` and below, in every version."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.data.records import Record, RecordShelf
from crm_sandbox.hubspot.data.shapes import WantedFields
from crm_sandbox.hubspot.data.writing import properties_of
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import Body, flag, json_object, listed, number, route

MAX_PAGE, MAX_PAGE_WITH_HISTORY, DEFAULT_PAGE = 100, 50, 10


class Objects:
    """The routes of single records."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def list(self, request: Request) -> Response:
        """GET a page of records, in the order of ids; `after` is the id that the next page begins with."""
        shelf, view = self._shelf(request), view_of(request)
        most = MAX_PAGE_WITH_HISTORY if view.histories else MAX_PAGE
        limit, after = number(request, "limit", DEFAULT_PAGE), number(request, "after", 0)
        if not 0 < limit <= most:
            raise errors.invalid(f"limit must be between 1 and {most}, not {limit}", limit=[str(limit)])
        found = shelf.from_id(after, limit + 1, archived=flag(request, "archived"))
        page: Body = {"results": [self._state.shapes.record(shelf, record, view) for record in found[:limit]]}
        if len(found) > limit:
            page["paging"] = {"next": self._next(request, found[limit].id)}
        return answer(page)

    async def read(self, request: Request) -> Response:
        """GET one record, by id or by a unique property."""
        shelf = self._shelf(request)
        record = self._record(request, shelf)
        if (record.archived_ms is not None) is not flag(request, "archived"):
            raise errors.not_found()
        return answer(self._state.shapes.record(shelf, record, view_of(request)))

    async def create(self, request: Request) -> Response:
        """POST one record, with whom it is associated."""
        shelf, body = self._shelf(request), await json_object(request)
        if refusal := self._state.refuse_by_order(request):
            raise refusal
        return answer(self._written(shelf, self._state.writing(request).create(shelf, properties_of(body), links_of(body))), 201)

    async def update(self, request: Request) -> Response:
        """PATCH one record."""
        shelf, body = self._shelf(request), await json_object(request)
        record = self._record(request, shelf)
        if record.archived_ms is not None:
            raise errors.not_found()
        if refusal := self._state.refuse_by_order(request):
            raise refusal
        return answer(self._written(shelf, self._state.writing(request).update(shelf, record, properties_of(body))))

    async def archive(self, request: Request) -> Response:
        """DELETE one record: it is archived; what is not there is gone already."""
        shelf = self._shelf(request)
        record = self._state.portal.find(shelf, request.path_params["id"])
        if record is not None:
            self._state.writing(request).archive(shelf, record)
        return empty()

    async def merge(self, request: Request) -> Response:
        """POST `{"primaryObjectId", "objectIdToMerge"}`: the survivor."""
        shelf, body = self._shelf(request), await json_object(request)
        ids = [str(body.get(name, "")) for name in ("primaryObjectId", "objectIdToMerge")]
        if not all(text.isdigit() for text in ids):
            raise errors.invalid("primaryObjectId and objectIdToMerge must be ids")
        survivor = self._state.lifecycle(request).merge(shelf, int(ids[0]), int(ids[1]))
        return answer(self._written(shelf, survivor))

    def _shelf(self, request: Request) -> RecordShelf:
        return self._state.portal.shelf(request.path_params["type"])

    def _record(self, request: Request, shelf: RecordShelf) -> Record:
        record = self._state.portal.find(shelf, request.path_params["id"], request.query_params.get("idProperty"))
        if record is None:
            raise errors.not_found()
        return record

    def _written(self, shelf: RecordShelf, record: Record) -> Body:
        return self._state.shapes.record(shelf, record, WantedFields(list(record.values)))

    def _next(self, request: Request, after: int) -> Mapping[str, str]:
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        link = f"{self._state.base_url}{request.scope['hubspot.path']}?{urlencode([*asked, ('after', str(after))])}"
        return {"after": str(after), "link": link}


def view_of(request: Request) -> WantedFields:
    """What the address wants to see of records."""
    names = listed(request, "properties") or None
    return WantedFields(names, listed(request, "propertiesWithHistory"), listed(request, "associations"))


def links_of(body: Body) -> list[Body]:
    """The `associations` of an input.

    Raises: Refusal.
    """
    found: Any = body.get("associations") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) and isinstance(one.get("to"), dict) for one in found):
        raise errors.bad_json("associations must be a list of {to, types}")
    return found


def object_routes(state: HubspotState) -> list[Route]:
    """The routes of single records; the last one catches every id, so it stands behind all others."""
    objects = Objects(state)
    return [
        route("/objects/{type}", GET=objects.list, POST=objects.create),
        route("/objects/{type}/merge", POST=objects.merge),
        route("/objects/{type}/{id}", GET=objects.read, PATCH=objects.update, DELETE=objects.archive),
    ]
