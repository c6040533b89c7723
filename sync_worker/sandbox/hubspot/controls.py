"""`/__sandbox__/`: what a person, an admin or bad luck does to the portal. JSON, no token; not part of the vendor's API.

Edits by a person pass the same checks as the API's, under another source, and are not counted.
"""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sync_worker.sandbox.hubspot import stamps
from sync_worker.sandbox.hubspot.control_route import control_route
from sync_worker.sandbox.hubspot.records import Author, Record, Shelf, value_of
from sync_worker.sandbox.hubspot.routing import json_object
from sync_worker.sandbox.hubspot.state import State
from sync_worker.sandbox.hubspot.writing import Writing

Body = dict[str, Any]
PERSON = Author("CRM_UI", "userId:76023669", keeps_rules=True)


class Controls:
    """The controls of one sandbox. Every method returns what is answered as JSON."""

    def __init__(self, state: State) -> None:
        self._state = state

    # -- records, as a person edits them

    async def list_records(self, request: Request) -> list[Body]:
        """All records of a type with every property, archived ones too; `?ids=` for some."""
        shelf, wanted = self._shelf(request), request.query_params.get("ids")
        if wanted is None:
            return [_raw(shelf, record) for _, record in sorted(shelf.records.items())]
        ids = sorted({int(text) for text in wanted.split(",") if text.isdigit()})
        return [_raw(shelf, shelf.records[one]) for one in ids if one in shelf.records]

    async def create_record(self, request: Request) -> Body:
        """A record entered by a person."""
        return {"id": str(self._writing().create(self._shelf(request), await json_object(request)).id)}

    async def edit_record(self, request: Request) -> Body:
        """A record changed by a person."""
        shelf = self._shelf(request)
        return {"id": str(self._writing().update(shelf, self._record(shelf, request), await json_object(request)).id)}

    async def delete_record(self, request: Request) -> Body:
        """A record archived by a person."""
        shelf = self._shelf(request)
        record = self._record(shelf, request)
        self._writing().archive(shelf, record)
        return {"id": str(record.id)}

    # -- time

    async def clock(self, request: Request) -> Body:
        """`{"advance_s": n}`, `{"now": iso}`, `{"frozen": true}`, or any of them together; `{}` only asks."""
        clock = self._state.clock
        body = await json_object(request) if request.method == "POST" else {}
        if "now" in body:
            clock.set(stamps.moment(str(body["now"])))
        if "frozen" in body:
            clock.freeze(frozen=bool(body["frozen"]))
        if "advance_s" in body:
            clock.advance(float(body["advance_s"]))
        return {"now": clock.now().isoformat(), "frozen": clock.is_frozen}

    async def lag(self, request: Request) -> Body:
        """`{"seconds": n}`: how much later search sees a write."""
        self._state.portal.lag_s = float((await json_object(request))["seconds"])
        return {"seconds": self._state.portal.lag_s}

    # -- trouble and counts

    async def order_fault(self, request: Request) -> Body:
        """A fault order; see `faults.py` for its keys."""
        return self._state.faults.order(await json_object(request)).to_dict()

    async def list_faults(self, _: Request) -> list[Body]:
        """Every order, with its hits."""
        return self._state.faults.to_list()

    async def clear_faults(self, _: Request) -> list[Body]:
        """No orders any more."""
        self._state.faults.clear()
        return []

    async def calls(self, _: Request) -> Body:
        """How many calls there were, by kind."""
        return {"kinds": self._state.calls.by_kind(), "total": self._state.calls.total()}

    async def reset_calls(self, request: Request) -> Body:
        """Counts by kind begin again."""
        self._state.calls.reset()
        return await self.calls(request)

    async def reset(self, request: Request) -> Body:
        """Everything as it was at the start; the clock stays."""
        self._state.reset()
        return await self.health(request)

    async def health(self, _: Request) -> Body:
        """Alive, and how much there is."""
        counts = {name: shelf.count() for name, shelf in self._state.portal.shelves.items()}
        return {"status": "ok", "crm": "hubspot", "now": self._state.clock.now().isoformat(), "records": counts}

    def _writing(self) -> Writing:
        return Writing(self._state.portal, PERSON)

    def _shelf(self, request: Request) -> Shelf:
        return self._state.portal.shelf(request.path_params["object"])

    @staticmethod
    def _record(shelf: Shelf, request: Request) -> Record:
        found = shelf.find(int(request.path_params["id"]))
        if found is None:
            raise ValueError(f"no {shelf.type.singular} {request.path_params['id']}")
        return found


def _raw(shelf: Shelf, record: Record) -> Body:
    """Every property with a value, the id and whether it is archived."""
    names = dict.fromkeys((*shelf.type.properties, *record.values))
    values = {name: value_of(shelf.type, record, name) for name in names}
    return {"id": str(record.id), "archived": record.archived_ms is not None, **values}


def control_routes(state: State) -> list[Route]:
    """The routes of the controls."""
    controls = Controls(state)
    return [
        control_route("/health", GET=controls.health),
        control_route("/records/{object}", GET=controls.list_records, POST=controls.create_record),
        control_route("/records/{object}/{id}", PATCH=controls.edit_record, DELETE=controls.delete_record),
        control_route("/clock", GET=controls.clock, POST=controls.clock),
        control_route("/lag", POST=controls.lag),
        control_route("/faults", GET=controls.list_faults, POST=controls.order_fault, DELETE=controls.clear_faults),
        control_route("/calls", GET=controls.calls, DELETE=controls.reset_calls),
        control_route("/reset", POST=controls.reset),
    ]
