"""Records one at a time, and page by page: `/objects/{type}` and below, in every version."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sync_worker.sandbox.hubspot import errors
from sync_worker.sandbox.hubspot.portal import PORTAL_ID
from sync_worker.sandbox.hubspot.records import Record, Shelf, shape_of
from sync_worker.sandbox.hubspot.replies import answer, empty
from sync_worker.sandbox.hubspot.routing import flag, json_object, listed, number, route
from sync_worker.sandbox.hubspot.state import State
from sync_worker.sandbox.hubspot.writing import properties_of

MAX_PAGE, MAX_PAGE_WITH_HISTORY, DEFAULT_PAGE = 100, 50, 10


class Objects:
    """The routes of single records."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def list(self, request: Request) -> Response:
        """GET a page of records, in the order of ids; `after` is the id that the next page begins with."""
        shelf, is_archived = self._shelf(request), flag(request, "archived")
        most = MAX_PAGE_WITH_HISTORY if listed(request, "propertiesWithHistory") else MAX_PAGE
        limit, after = number(request, "limit", DEFAULT_PAGE), number(request, "after", 0)
        if not 0 < limit <= most:
            raise errors.invalid(f"limit must be between 1 and {most}, not {limit}", limit=[str(limit)])
        found = shelf.from_id(after, limit + 1, archived=is_archived)
        page: dict[str, object] = {"results": [self._shape(request, shelf, record) for record in found[:limit]]}
        if len(found) > limit:
            page["paging"] = {"next": self._next(request, found[limit].id)}
        return answer(page)

    async def read(self, request: Request) -> Response:
        """GET one record, by id or by a unique property."""
        shelf = self._shelf(request)
        record = self._record(request, shelf)
        if (record.archived_ms is not None) is not flag(request, "archived"):
            raise errors.not_found()
        return answer(self._shape(request, shelf, record))

    async def create(self, request: Request) -> Response:
        """POST one record."""
        shelf, body = self._shelf(request), await json_object(request)
        record = self._state.writing(request).create(shelf, properties_of(body))
        return answer(self._shape(request, shelf, record, body), 201)

    async def update(self, request: Request) -> Response:
        """PATCH one record."""
        shelf, body = self._shelf(request), await json_object(request)
        record = self._record(request, shelf)
        if record.archived_ms is not None:
            raise errors.not_found()
        return answer(self._shape(request, shelf, self._state.writing(request).update(shelf, record, properties_of(body)), body))

    async def archive(self, request: Request) -> Response:
        """DELETE one record: it is archived; what is not there is gone already."""
        shelf = self._shelf(request)
        text = request.path_params["id"]
        record = shelf.find(int(text)) if text.isdigit() else None
        if record is not None:
            self._state.writing(request).archive(shelf, record)
        return empty()

    def _shelf(self, request: Request) -> Shelf:
        return self._state.portal.shelf(request.path_params["type"])

    def _record(self, request: Request, shelf: Shelf) -> Record:
        record = find(shelf, request.path_params["id"], request.query_params.get("idProperty"))
        if record is None:
            raise errors.not_found()
        return record

    def _shape(self, request: Request, shelf: Shelf, record: Record, body: dict[str, object] | None = None) -> dict[str, object]:
        names = listed(request, "properties") or (list(record.values) if body is not None else None)
        return shape_of(shelf.type, record, names, portal_id=PORTAL_ID)

    def _next(self, request: Request, after: int) -> dict[str, str]:
        asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        link = f"{self._state.base_url}{request.scope['hubspot.path']}?{urlencode([*asked, ('after', str(after))])}"
        return {"after": str(after), "link": link}


def find(shelf: Shelf, key: str, id_property: str | None) -> Record | None:
    """A record by its id, or by a unique property that is not archived.

    Raises: Refusal, when the property is not unique.
    """
    if id_property in (None, "", "hs_object_id"):
        return shelf.find(int(key)) if key.isdigit() else None
    assert id_property is not None  # noqa: S101 - told apart above
    prop = shelf.type.properties.get(id_property)
    if prop is None or not prop.is_unique:
        raise errors.non_unique(shelf.type.type_id, id_property, PORTAL_ID)
    return shelf.with_key(id_property, key)


def object_routes(state: State) -> list[Route]:
    """The routes of single records; the last one catches every id, so it stands behind all others."""
    objects = Objects(state)
    return [
        route("/objects/{type}", GET=objects.list, POST=objects.create),
        route("/objects/{type}/{id}", GET=objects.read, PATCH=objects.update, DELETE=objects.archive),
    ]
