"""Many records at once: `/objects/{type}/batch/…` and search."""

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sync_worker.sandbox.hubspot import errors, stamps
from sync_worker.sandbox.hubspot.object_routes import find
from sync_worker.sandbox.hubspot.portal import PORTAL_ID
from sync_worker.sandbox.hubspot.records import Record, shape_of
from sync_worker.sandbox.hubspot.replies import answer
from sync_worker.sandbox.hubspot.routing import Body, flag, json_object, route
from sync_worker.sandbox.hubspot.state import State

MAX_INPUTS = 100


class Batches:
    """The routes of many records."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def read(self, request: Request) -> Response:
        """POST ids; the records of those that there are, in no particular order, and one error for all others."""
        shelf, body = self._state.portal.shelf(request.path_params["type"]), await json_object(request)
        began, keys = self._state.portal.now_ms(), _ids(inputs_of(body, MAX_INPUTS))
        is_archived, id_property = flag(request, "archived"), body.get("idProperty")
        found: dict[str, Record] = {}
        for key in keys:
            record = find(shelf, key, id_property)
            if record is not None and (record.archived_ms is not None) is is_archived:
                found[key] = record
        names = body.get("properties") or None
        results = [shape_of(shelf.type, record, names, portal_id=PORTAL_ID) for record in found.values()]
        missing = [key for key in keys if key not in found]
        return self.answer(results, [errors.missing_in_batch(shelf.type.upper, missing)] if missing else [], began)

    def answer(self, results: list[dict[str, object]], failures: list[dict[str, Any]], began_ms: int, status: int = 200) -> Response:
        """A batch's answer: 207 when some of it failed; results in an order that nobody should count on."""
        self._state.rng.shuffle(results)
        shape: dict[str, Any] = {"status": "COMPLETE", "results": results}
        if failures:
            shape |= {"numErrors": len(failures), "errors": failures}
        shape |= {"startedAt": stamps.write(began_ms), "completedAt": stamps.write(self._state.portal.now_ms())}
        return answer(shape, 207 if failures else status)

    async def search(self, request: Request) -> Response:
        """POST filters; a page of the records that the index has."""
        shelf, body = self._state.portal.shelf(request.path_params["type"]), await json_object(request)
        found = self._state.search.page(shelf, body)
        names = body.get("properties") or None
        page: dict[str, Any] = {
            "total": found.total,
            "results": [shape_of(shelf.type, record, names, portal_id=PORTAL_ID) for record in found.records],
        }
        if found.after is not None:
            page["paging"] = {"next": {"after": str(found.after)}}
        return answer(page)


def inputs_of(body: Body, most: int) -> list[Body]:
    """The inputs of a batch.

    Raises: Refusal.
    """
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise errors.bad_json("inputs must be a list of objects")
    if not inputs:
        raise errors.invalid("inputs must not be empty")
    if len(inputs) > most:
        raise errors.invalid(f"The maximum number of inputs supported in a batch request is {most}")
    return inputs


def _ids(inputs: Iterable[Body]) -> list[str]:
    return list(dict.fromkeys(str(one.get("id", "")).strip() for one in inputs))


def batch_routes(state: State) -> list[Route]:
    """The routes of many records."""
    batches = Batches(state)
    return [
        route("/objects/{type}/batch/read", POST=batches.read),
        route("/objects/{type}/search", POST=batches.search),
    ]
