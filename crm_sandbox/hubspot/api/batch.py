"""Many records at once: `/objects/{type}/batch/…`. A hundred inputs at most, answered in an order that clients should not count on.

    some row will not do, and every row has an objectWriteTraceId of its own   ─▶  207: the others are written
                          and not every row has                                ─▶  the first bad row's refusal, and nothing is written

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.api.objects import MAX_PAGE_WITH_HISTORY, links_of
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import Record, RecordShelf
from crm_sandbox.hubspot.data.shapes import WantedFields
from crm_sandbox.hubspot.data.writing import CheckedWrite, RecordWrites, properties_of, refuse_clashes
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors, stamps
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import Body, flag, json_object, route

MAX_INPUTS = 100


@dataclass(frozen=True, slots=True)
class BatchInput:
    """One input of a batch of writes: what it comes to, and how the answer names it."""

    check: Callable[[], CheckedWrite]
    trace_id: str | None
    ids: tuple[str, ...] = ()
    tells_new: bool = False

    def told(self, change: CheckedWrite) -> Body:
        """What the answer says besides the record."""
        new = {"new": change.before is None} if self.tells_new else {}
        return new if self.trace_id is None else {**new, "objectWriteTraceId": self.trace_id}

    def context(self) -> errors.Context:
        """How a failure names it."""
        return {"objectWriteTraceId": [str(self.trace_id)]} | ({"ids": list(self.ids)} if self.ids else {})


class Batches:
    """The routes of many records."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def read(self, request: Request) -> Response:
        """POST ids; the records of those that there are, and one error for all others."""
        shelf, body = self._shelf(request), await json_object(request)
        histories = body.get("propertiesWithHistory") or []
        inputs = inputs_of(body, MAX_PAGE_WITH_HISTORY if histories else MAX_INPUTS)
        began, keys = self._portal.now_ms(), list(dict.fromkeys(_id(one) for one in inputs))
        is_archived, id_property = flag(request, "archived"), body.get("idProperty")
        found: dict[str, Record] = {}
        for key in keys:
            record = self._portal.find(shelf, key, id_property)
            if record is not None and (record.archived_ms is not None) is is_archived:
                found[key] = record
        view = WantedFields(body.get("properties") or None, histories)
        told_apart = {record.id: record for record in found.values()}  # two ids of one merged record
        results = [self._state.shapes.record(shelf, record, view) for record in told_apart.values()]
        missing = [key for key in keys if key not in found]
        return self._answer(results, [errors.missing(shelf.type.upper, missing).in_batch({})] if missing else [], began)

    async def create(self, request: Request) -> Response:
        """POST new records."""
        shelf, body, writing = self._shelf(request), await json_object(request), self._state.writing(request)
        rows = [_creation(writing, shelf, one) for one in inputs_of(body, MAX_INPUTS)]
        return self._write(request, shelf, writing, rows, 201)

    async def update(self, request: Request) -> Response:
        """POST changes of records, by id or by a unique property."""
        shelf, body, writing = self._shelf(request), await json_object(request), self._state.writing(request)
        inputs = inputs_of(body, MAX_INPUTS)
        _refuse_twice(inputs)
        return self._write(request, shelf, writing, [_update(self._portal, writing, shelf, one) for one in inputs], 200)

    async def upsert(self, request: Request) -> Response:
        """POST records by a unique property: those that there are change, the others are made."""
        shelf, body, writing = self._shelf(request), await json_object(request), self._state.writing(request)
        inputs = inputs_of(body, MAX_INPUTS)
        for one in inputs:
            if not one.get("idProperty"):
                raise errors.invalid("idProperty is required for every input of an upsert")
            self._portal.find(shelf, _id(one), one["idProperty"])
        _refuse_twice(inputs)
        return self._write(request, shelf, writing, [_upsert(self._portal, writing, shelf, one) for one in inputs], 200)

    async def archive(self, request: Request) -> Response:
        """POST ids; what is not there is gone already."""
        shelf, body, writing = self._shelf(request), await json_object(request), self._state.writing(request)
        for one in inputs_of(body, MAX_INPUTS):
            record = self._portal.find(shelf, _id(one))
            if record is not None:
                writing.archive(shelf, record)
        return empty()

    def _write(self, request: Request, shelf: RecordShelf, writing: RecordWrites, rows: Sequence[BatchInput], status: int) -> Response:
        began, traces = self._portal.now_ms(), Counter(row.trace_id for row in rows)
        is_each_told_apart = None not in traces and max(traces.values()) == 1
        if not is_each_told_apart:
            refuse_clashes([self._checked(request, row) for row in rows])
        habits = self._state.habits
        results: list[Body] = []
        failures: list[Body] = []
        for row in rows:
            try:
                change = self._checked(request, row) if is_each_told_apart else row.check()
            except HubspotRefusal as refusal:
                failures.append(refusal.in_batch(row.context()))
                continue
            change = habits.kept(change)
            record = writing.done(change)
            shape = habits.told(change, self._state.shapes.record(shelf, record, WantedFields(list(record.values))))
            results.append({**shape, **row.told(change)})
            habits.follow(self._portal, shelf, record)
        return self._answer(results, failures, began, status)

    def _checked(self, request: Request, row: BatchInput) -> CheckedWrite:
        if refusal := self._state.refuse_by_order(request):
            raise refusal
        return row.check()

    def _answer(self, results: list[Body], failures: list[Body], began_ms: int, status: int = 200) -> Response:
        self._state.rng.shuffle(results)
        shape: dict[str, Any] = {"status": "COMPLETE", "results": results}
        if failures:
            shape |= {"numErrors": len(failures), "errors": failures}
        shape |= {"startedAt": stamps.write(began_ms), "completedAt": stamps.write(self._portal.now_ms())}
        return answer(shape, 207 if failures else status)

    @property
    def _portal(self) -> HubspotAccount:
        return self._state.portal

    def _shelf(self, request: Request) -> RecordShelf:
        return self._portal.shelf(request.path_params["type"])


def _creation(writing: RecordWrites, shelf: RecordShelf, one: Body) -> BatchInput:
    properties, links = properties_of(one), links_of(one)
    return BatchInput(lambda: writing.checked(shelf, None, properties, links), _trace(one))


def _update(portal: HubspotAccount, writing: RecordWrites, shelf: RecordShelf, one: Body) -> BatchInput:
    key, properties = _id(one), properties_of(one)

    def check() -> CheckedWrite:
        record = portal.find(shelf, key, one.get("idProperty"))
        if record is None or record.archived_ms is not None:
            raise errors.missing(shelf.type.upper, [key])
        return writing.checked(shelf, record, properties)

    return BatchInput(check, _trace(one), (key,))


def _upsert(portal: HubspotAccount, writing: RecordWrites, shelf: RecordShelf, one: Body) -> BatchInput:
    key, name = _id(one), str(one["idProperty"])
    properties = {**properties_of(one), name: key}
    return BatchInput(lambda: writing.checked(shelf, portal.find(shelf, key, name), properties), _trace(one), (key,), tells_new=True)


def _id(one: Body) -> str:
    found = one.get("id")
    if found is None or str(found).strip() == "":
        raise errors.invalid("Some required fields were not set: [id]")
    return str(found).strip()


def _trace(one: Body) -> str | None:
    found = one.get("objectWriteTraceId")
    return None if found is None or found == "" else str(found)


def _refuse_twice(inputs: Sequence[Body]) -> None:
    counts = Counter(_id(one) for one in inputs)
    if twice := [key for key, count in counts.items() if count > 1]:
        raise errors.duplicate_ids(twice)


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
        raise errors.invalid(f"The maximum number of inputs supported in a batch request is {most}, {len(inputs)} were given")
    return inputs


def batch_routes(state: HubspotState) -> list[Route]:
    """The routes of many records."""
    batches = Batches(state)
    return [
        route("/objects/{type}/batch/read", POST=batches.read),
        route("/objects/{type}/batch/create", POST=batches.create),
        route("/objects/{type}/batch/update", POST=batches.update),
        route("/objects/{type}/batch/upsert", POST=batches.upsert),
        route("/objects/{type}/batch/archive", POST=batches.archive),
    ]
